#!/usr/bin/env bash
# Formatting, lints, dependency policy, then exactly `make test`; prints what each took.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never

stage() {
  local name=$1 begun=$SECONDS
  shift
  echo "== $name: $*"
  "$@" || {
    echo "== $name: FAILED after $((SECONDS - begun)) s"
    exit 1
  }
  taken+=("$(printf '%6d s  %s' $((SECONDS - begun)) "$name")")
}

taken=()
stage format cargo fmt --all --check
stage format-conformance scripts/conformance.sh fmt --check
stage format-hostile scripts/hostile.sh fmt --check
stage format-load scripts/load.sh fmt --check
stage format-fuzz scripts/fuzz.sh fmt --check
stage prettier scripts/prettier.sh --check
stage dockerfile scripts/docker-lint.sh
stage policy scripts/deny.sh
stage clippy make --no-print-directory lint
stage test make --no-print-directory test
printf '%s\n' "== all stages passed" "${taken[@]}" "$(printf '%6d s  all' "$SECONDS")"
