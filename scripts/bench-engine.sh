#!/usr/bin/env bash
# What a super-step of mock nodes costs, ours and LangGraph's, in one run.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(scripts/oracle-venv.sh)
cargo build --quiet --locked --workspace --example bench_engine
"$python" bench/engine/langgraph_steps.py | target/debug/examples/bench_engine
