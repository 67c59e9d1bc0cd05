#!/usr/bin/env bash
# Builds the program and our plugins. One profile: demo, tests and benchmarks share it.
set -euo pipefail
cd "$(dirname "$0")/.."
sdk/toolchain.sh build
cargo build --quiet --locked --package wforge
