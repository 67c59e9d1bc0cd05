#!/usr/bin/env bash
# Attacks on a running server, each made again where its one defence is down.
#
#   scripts/hostile.sh run [ARGUMENTS]   the list; arguments go to the program, such as --rows 1,7
#   scripts/hostile.sh prove [SECONDS]   the list ten times, then a storm of so long; an hour unless told
#   scripts/hostile.sh sample            some of the list, without controls and without a clock
#   scripts/hostile.sh test              the tests of the program itself
#   scripts/hostile.sh fmt [--check]     formats its own workspace
#   scripts/hostile.sh lint              clippy over it; warnings are errors
set -euo pipefail
cd "$(dirname "$0")/.."
hostile=target/hostile/debug/hostile

build() {
  cargo build --quiet --manifest-path hostile/Cargo.toml --locked --target-dir target/hostile
}

# The same program, but that it can go without a defence. It is built in the place of the other one,
# so that wasmtime is built once, and put aside; then the other one is put back, which only links.
controls() {
  cargo build --quiet --locked --workspace --bin wforge --features wforge/controls
  cp target/debug/wforge target/debug/wforge-controls
  cargo build --quiet --locked --workspace --bins --example crash_smoke
  if grep -q WFORGE_WITHOUT target/debug/wforge; then
    echo "hostile: target/debug/wforge knows how to go without a defence" >&2
    exit 1
  fi
}

case ${1:-run} in
run)
  build
  controls
  exec "$hostile" "${@:2}"
  ;;
prove)
  build
  controls
  exec "$hostile" --times 10 --storm-s "${2:-3600}"
  ;;
sample)
  build
  exec "$hostile" --sample 12 --untimed --uncontrolled
  ;;
test)
  exec cargo test --quiet --manifest-path hostile/Cargo.toml --locked --target-dir target/hostile
  ;;
fmt) exec cargo fmt --manifest-path hostile/Cargo.toml "${@:2}" ;;
lint)
  exec cargo clippy --quiet --manifest-path hostile/Cargo.toml --all-targets --locked \
    --target-dir target/hostile -- -D warnings
  ;;
*) sed -n 's/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
