#!/usr/bin/env bash
# The graph engine against LangGraph.
#
#   scripts/conformance.sh run               every case against its recorded expectation
#   scripts/conformance.sh random [COUNT]    random graphs in both, each difference shrunk to a file
#   scripts/conformance.sh prove             records every expectation anew; they must not change
#   scripts/conformance.sh fmt [--check]     formats its own workspace
#   scripts/conformance.sh lint              clippy over it; warnings are errors
set -euo pipefail
cd "$(dirname "$0")/.."
conformance=target/conformance/debug/conformance

build() {
  cargo build --quiet --manifest-path conformance/Cargo.toml --locked --target-dir target/conformance
}

case ${1:-run} in
run) build && exec "$conformance" run ;;
random)
  build
  scripts/oracle-venv.sh >/dev/null
  exec "$conformance" random --count "${2:-500}"
  ;;
prove)
  build
  scripts/oracle-venv.sh >/dev/null
  "$conformance" record
  git diff --exit-code --stat -- conformance/cases
  exec "$conformance" run
  ;;
fmt) exec cargo fmt --manifest-path conformance/Cargo.toml "${@:2}" ;;
lint)
  exec cargo clippy --quiet --manifest-path conformance/Cargo.toml --all-targets --locked \
    --target-dir target/conformance -- -D warnings
  ;;
*) echo "scripts/conformance.sh run | random [COUNT] | prove | fmt [--check] | lint" >&2 && exit 2 ;;
esac
