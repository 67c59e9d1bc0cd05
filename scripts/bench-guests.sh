#!/usr/bin/env bash
# What an agent that says hello weighs and costs in each language: `wforge new`, `wforge build`,
# then the same call of each. The time to build is that of a second build, with the SDK compiled.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --locked --workspace --bins --example call_cost
wforge=$PWD/target/debug/wforge
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
components=()
for language in rust js python; do
  "$wforge" --quiet new agent "bench/$language" --lang "$language" --template hello \
    --dir "$folder/$language" >/dev/null
  "$wforge" --quiet build "$folder/$language" >/dev/null
  source=$(find "$folder/$language/src" -maxdepth 1 -type f | head -n 1)
  echo >>"$source"
  begun=$(date +%s%N)
  "$wforge" --quiet build "$folder/$language" >/dev/null
  printf '%-8s built again in %d ms\n' "$language" $((($(date +%s%N) - begun) / 1000000))
  components+=("$folder/$language/target/bench-$language.wasm")
done
target/debug/examples/call_cost --table '{"name": "Ada"}' "${components[@]}"
