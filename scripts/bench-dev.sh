#!/usr/bin/env bash
# How long `wforge dev` takes from a save to its output: SAVES=n saves (default 5) of a JavaScript
# and of a Rust project, each with another output. Ends with a row for each, and fails where the
# median is above its goal: 2 s and 10 s.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
saves=${SAVES:-5}
work=$(mktemp -d)
pid=
trap 'test -z "$pid" || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT

# A workflow of one node, which calls the agent of plugin $2 in the project $1.
workflow() {
  cat >"$1/workflow.yaml" <<END
apiVersion: workflowforge/v1
name: try
version: 1.0.0
state: { text: { schema: { type: string } }, result: {} }
input: [text]
output: [result]
nodes: { it: { agent: $2, in: { text: state.text, section: "{'text': state.text}" }, out: { result: result } } }
edges: [{ from: START, to: it }]
END
  echo 'input: { text: "A tree grows. A tree falls." }' >"$1/dev.yaml"
}

javascript() {
  cp -R plugins/digest "$work/javascript"
  workflow "$work/javascript" wforge/digest
}
javascript_save() {
  local file="$work/javascript/src/digest.js"
  sed "s/^    summary: .*/    summary: \"$1\",/" "$root/plugins/digest/src/digest.js" >"$file"
}

rust() {
  mkdir -p "$work/rust/src"
  cat >"$work/rust/Cargo.toml" <<END
[package]
name = "try"
version = "0.1.0"
edition = "2024"

[workspace]

[lib]
crate-type = ["cdylib", "rlib"]

[dependencies]
serde_json = "1"
workflowforge-sdk = { path = "$root/sdk/rust" }
END
  cat >"$work/rust/plugin.toml" <<END
name = "me/try"
version = "0.1.0"
agents = [{}]
build.language = "rust"
END
  rust_save save-0
  workflow "$work/rust" me/try
}
rust_save() {
  cat >"$work/rust/src/lib.rs" <<END
//! Says which save it is of.
use serde_json::{Value, json};
use workflowforge_sdk::{Ctx, Failure, agent};

/// Answers.
#[agent]
pub fn main(_ctx: &Ctx, input: Value) -> Result<Value, Failure> {
    Ok(json!({ "summary": "$1", "read": input["text"] }))
}
END
}

# Saves project $1 again and again; prints the times in milliseconds, a line each.
measure() {
  "$1" >&2
  mkfifo "$work/$1.events"
  target/debug/wforge dev "$work/$1" --output json >"$work/$1.events" 2>"$work/$1.log" &
  pid=$!
  exec 3<"$work/$1.events"
  local count=0 line
  while IFS= read -r line <&3; do
    case $line in
    *'"event":"output"'*)
      if [ "$count" -gt 0 ]; then
        case $line in *"save-$count"*) ;; *) echo "not of save $count: $line" >&2 && return 1 ;; esac
        sed 's/.*"since_save_ms":\([0-9]*\).*/\1/' <<<"$line"
      fi
      if [ "$count" = "$saves" ]; then break; fi
      count=$((count + 1))
      "$1_save" "save-$count"
      ;;
    *'"event":"build_failed"'* | *'"event":"failed"'*) echo "$line" >&2 && return 1 ;;
    esac
  done
  if [ "$count" != "$saves" ]; then
    echo "wforge dev ended after $count of $saves saves: $(cat "$work/$1.log")" >&2
    return 1
  fi
  kill -INT "$pid" && wait "$pid"
  pid=
  exec 3<&-
}

failed=0
for language in javascript rust; do
  measure "$language" >"$work/$language.ms"
  sort -n "$work/$language.ms" >"$work/sorted"
  median=$(sed -n "$(((saves + 1) / 2))p" "$work/sorted")
  case $language in javascript) goal=2000 ;; rust) goal=10000 ;; esac
  printf '%-10s  median %5d ms of %d saves, %d to %d ms, goal %d ms\n' "$language" "$median" \
    "$saves" "$(head -n 1 "$work/sorted")" "$(tail -n 1 "$work/sorted")" "$goal"
  [ "$median" -le "$goal" ] || failed=$((failed + 1))
done
echo "$((2 - failed)) passed, $failed failed"
[ "$failed" = 0 ]
