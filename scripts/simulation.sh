#!/usr/bin/env bash
# Runs on simulated time over a store that crashes before and after commits, so many seeds, each
# twice. WFORGE_SEED=n repeats one.
set -euo pipefail
cd "$(dirname "$0")/.."
WFORGE_SEEDS=$1 cargo test --quiet --locked --workspace --test it -- \
  simulation::runs_survive --nocapture | grep -E "seeds from|passed, |panicked|seed "
