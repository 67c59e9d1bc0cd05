#!/usr/bin/env bash
# Builds the program and our plugins. One profile: demo, tests and benchmarks share it.
set -euo pipefail
cd "$(dirname "$0")/.."
sdk/toolchain.sh build
if [ ! -x target/debug/wforge ]; then
  echo "building the host; the first time takes about ten minutes on two cores"
fi
# With an example among the targets, cargo takes in what tests need, and so chooses the same
# features of every crate as for tests: else wasmtime would be built a second time for them.
cargo build --locked --workspace --bins --example crash_smoke
