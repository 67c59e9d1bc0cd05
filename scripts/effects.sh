#!/usr/bin/env bash
# The rules of durable effects, then the host killed at every kill point in three languages.
set -euo pipefail
cd "$(dirname "$0")/.."
sdk/toolchain.sh build
cargo test --quiet --locked --workspace --test it -- rule_
cargo build --quiet --locked --workspace --bins --example effects_smoke
exec target/debug/examples/effects_smoke "$@"
