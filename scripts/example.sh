#!/usr/bin/env bash
# Runs one of host/examples with the program beside it; what follows the name is handed on.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1
shift
cargo build --quiet --locked --workspace --bins --example "$name"
exec "target/debug/examples/$name" "$@"
