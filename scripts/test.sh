#!/usr/bin/env bash
# Every test of every workspace, then the check that model and graph need no std.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test --locked --workspace
sdk/toolchain.sh test
sdk/toolchain.sh nostd
