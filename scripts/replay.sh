#!/usr/bin/env bash
# Records so many runs of all kinds and makes each again without any effect; they must be the same.
set -euo pipefail
cd "$(dirname "$0")/.."
sdk/toolchain.sh build
WFORGE_REPLAYS=$1 cargo test --quiet --locked --workspace --test it -- \
  replays::recorded --nocapture | grep -E "made again|passed, |panicked|run [0-9]"
