#!/usr/bin/env bash
# Every route with every role and credential, hostile ones too, against a real server; then whether
# the time of a refusal tells which key ids are known. Prints each row and ends with the count.
set -euo pipefail
cd "$(dirname "$0")/.."
WFORGE_AUTHZ_TIMING=1 cargo test --quiet --locked --workspace --test it -- \
  authz::who_may_do_what --exact --nocapture |
  grep -E "^(ok    |FAILED|       )|routes x|passed, |panicked" | grep -v "test result"
