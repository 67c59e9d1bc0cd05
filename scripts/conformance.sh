#!/usr/bin/env bash
# The graph engine against LangGraph.
#
#   scripts/conformance.sh run               every case against its recorded expectation
#   scripts/conformance.sh random [COUNT]    random graphs in both, each difference shrunk to a file
#   scripts/conformance.sh prove             records every expectation anew; they must not change
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --manifest-path conformance/Cargo.toml --locked --target-dir target/conformance
conformance=target/conformance/debug/conformance
case ${1:-run} in
run) exec "$conformance" run ;;
random)
  scripts/oracle-venv.sh >/dev/null
  exec "$conformance" random --count "${2:-500}"
  ;;
prove)
  scripts/oracle-venv.sh >/dev/null
  "$conformance" record
  git diff --exit-code --stat -- conformance/cases
  exec "$conformance" run
  ;;
*) echo "scripts/conformance.sh run | random [COUNT] | prove" >&2 && exit 2 ;;
esac
