#!/usr/bin/env bash
# Sends a running server more than it can take, and follows its streams through crashes.
#
#   scripts/load.sh overload [ARGUMENTS]   0.5, 1 and 2 x what it can take, then a greedy tenant
#   scripts/load.sh soak [ARGUMENTS]       an hour at 70 % of what it takes for long
#   scripts/load.sh streams [ARGUMENTS]    200 readers of 50 runs, and two kills; --seed n
#   scripts/load.sh sample                 few readers of few runs, and a kill: no clock judges
#   scripts/load.sh test                   the tests of the program itself
#   scripts/load.sh fmt [--check]          formats its own workspace
#   scripts/load.sh lint                   clippy over it; warnings are errors
#
# Arguments go to the program, such as --set LIMITS__API__REQUESTS_MAX=64; --help names them.
set -euo pipefail
cd "$(dirname "$0")/.."
load=target/load/debug/load

build() {
  cargo build --quiet --manifest-path bench/load/Cargo.toml --locked --target-dir target/load
}

case ${1:-overload} in
overload | soak | streams)
  build
  exec "$load" "$@"
  ;;
sample)
  build
  exec "$load" streams --readers 12 --runs 4 --rounds 60 --kills 1
  ;;
test)
  exec cargo test --quiet --manifest-path bench/load/Cargo.toml --locked --target-dir target/load
  ;;
fmt) exec cargo fmt --manifest-path bench/load/Cargo.toml "${@:2}" ;;
lint)
  exec cargo clippy --quiet --manifest-path bench/load/Cargo.toml --all-targets --locked \
    --target-dir target/load -- -D warnings
  ;;
*) sed -n 's/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
