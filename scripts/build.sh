#!/usr/bin/env bash
# Builds the program and our plugins. One profile: demo, tests and benchmarks share it.
set -euo pipefail
cd "$(dirname "$0")/.."
sdk/toolchain.sh build
# The whole workspace, as the tests build it: one crate alone would resolve other features, and
# wasmtime would be built twice.
[ -x target/debug/wforge ] || echo "building the host; the first time takes about 10 minutes on two cores"
cargo build --locked --workspace
