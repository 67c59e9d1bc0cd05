#!/usr/bin/env bash
# The graph engine against LangGraph.
#
#   scripts/conformance.sh run [COUNT]       every case against its recorded expectation, then
#                                            random graphs in both; 500 unless told
#   scripts/conformance.sh random [COUNT]    random graphs alone, each difference shrunk to a file
#   scripts/conformance.sh prove             records every expectation anew; they must not change;
#                                            then `run` with 5,000 random graphs
#   scripts/conformance.sh fmt [--check]     formats its own workspace
#   scripts/conformance.sh lint              clippy over it; warnings are errors
set -euo pipefail
cd "$(dirname "$0")/.."
conformance=target/conformance/debug/conformance

build() {
  cargo build --quiet --manifest-path conformance/Cargo.toml --locked --target-dir target/conformance
}

case ${1:-run} in
run)
  build
  scripts/oracle-venv.sh >/dev/null
  exec "$conformance" run --random "${2:-500}"
  ;;
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
  exec "$conformance" run --random 5000
  ;;
fmt) exec cargo fmt --manifest-path conformance/Cargo.toml "${@:2}" ;;
lint)
  exec cargo clippy --quiet --manifest-path conformance/Cargo.toml --all-targets --locked \
    --target-dir target/conformance -- -D warnings
  ;;
*) echo "scripts/conformance.sh run | random [COUNT] | prove | fmt [--check] | lint" >&2 && exit 2 ;;
esac
