#!/usr/bin/env bash
# Components that nobody would write.
#
#   scripts/components.sh build     builds the program that makes them
#   scripts/components.sh prove     hands 5,000 mutated and 5,000 generated ones to a real server;
#                                   COUNT=n for another number of each, SEED=n repeats a run
set -euo pipefail
cd "$(dirname "$0")/.."

build() {
  cargo build --quiet --locked --manifest-path hostile/fuzz/Cargo.toml -p wforge-hostile-components \
    --target-dir target/fuzz
}

prove() {
  export WFORGE_SEED=${SEED:-$((RANDOM * 32768 + RANDOM))} WFORGE_COUNT=${COUNT:-5000}
  echo "seed $WFORGE_SEED: SEED=$WFORGE_SEED makes the same ones again; $WFORGE_COUNT of each kind"
  # The last line is what the test says of all of them, not what the harness says of the test.
  cargo test --quiet --locked --workspace --test it -- --ignored --exact --nocapture \
    mutants::whatever_nobody_would_write_is_refused_with_a_reason_or_taken |
    grep -E "^(mutated|generated|seed) |passed, .* failed$|panicked|^assertion|^ *left:"
}

case ${1:-} in
build) build ;;
prove)
  build
  prove
  ;;
*) sed -n '4,6s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
