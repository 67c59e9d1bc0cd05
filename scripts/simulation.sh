#!/usr/bin/env bash
# Lives on simulated time over a store that crashes before and after commits, so many seeds, each
# twice. WFORGE_SEED=n repeats one. Builds the engine and its store, no sandbox.
set -euo pipefail
cd "$(dirname "$0")/.."
WFORGE_SEEDS=$1 cargo test --quiet --locked -p wforge-engine --test it -- \
  simulation::runs_survive --nocapture | grep -E "seeds from|runs started|runs completed|passed, |panicked|seed "
