#!/usr/bin/env bash
# Every template of every language as an author takes it: made in an empty folder, tested without a
# sandbox, built, tested and checked in the sandbox, installed, and run in its workflow. The first
# in Rust is built a second time in another folder, and must give the same bytes.
#
#   scripts/templates.sh [LANG/TEMPLATE…]     rust/hello js/llm …; all where none is named
#
# The last line is `N passed, M failed`. What a step said is shown where it failed.
# WFORGE names another program to test than target/debug/wforge.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
wforge=${WFORGE:-$root/target/debug/wforge}
work=$(mktemp -d "${TMPDIR:-/tmp}/wforge-templates-XXXXXX")
log=$work/log
server=
# What crates are compiled to is shared, so that each is compiled once.
export CARGO_TARGET_DIR=$root/target/templates
export NO_COLOR=1 PYTHONDONTWRITEBYTECODE=1
# The templates' own configuration counts, not that of whoever starts this.
unset WFORGE_CONFIG WFORGE_CONTEXT WFORGE_SERVER WFORGE_API_KEY WFORGE_MOCK WFORGE_ENV

finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

[ -x "$wforge" ] || {
  echo "templates: $wforge is missing. Run: make build" >&2
  exit 2
}

say() { printf '%s\n' "$*"; }

# Runs a step; what it says goes to the log.
step() {
  printf '\n$ %s\n' "$*" >>"$log"
  "$@" >>"$log" 2>&1 </dev/null
}

# --- what the machine has -----------------------------------------------------------------------

# Node reads types by itself since 22.18; before, with what npm ci in sdk/js installed.
types=
node_reads_types() { node -e 'process.exit(process.features.typescript ? 0 : 1)'; }

# --- the steps ----------------------------------------------------------------------------------

native_tests() {
  case $1 in
  rust) step cargo test --quiet ;;
  js | ts)
    step npm install --offline --no-audit --no-fund --silent &&
      NODE_OPTIONS="$([ "$1" = ts ] && printf '%s' "$types")" step npm test --silent
    ;;
  python) step python3 -m unittest ;;
  esac
}

# Runs a step, and looks for a text in what it says: not in the log, where its arguments stand.
says() {
  local wanted=$1
  shift
  printf '\n$ %s\n' "$*" >>"$log"
  "$@" >"$work/said" 2>>"$log" </dev/null || [ $? = "${exit_code:-0}" ] || {
    cat "$work/said" >>"$log"
    return 1
  }
  cat "$work/said" >>"$log"
  grep -qF -- "$wanted" "$work/said" || {
    say "the output does not have: $wanted" >>"$log"
    return 1
  }
}

runs() {
  local wanted=$1
  shift
  says "$wanted" "$wforge" run workflow.yaml --output json "$@"
}

run_workflow() {
  case $1 in
  hello) runs '"greeting": "Hello, Ada!"' --input name=Ada ;;
  tool) runs '"words": 7' ;;
  llm) runs '"summary": "' ;;
  react) runs '"turns": 2' ;;
  http) run_http ;;
  human) run_human ;;
  esac
}

# A person answers, and the run goes on.
run_human() {
  exit_code=3 runs '"status": "waiting"' || return 1
  local run
  run=$(sed -n 's/.*"run_id": "\([^"]*\)".*/\1/p' "$work/said" | head -n 1)
  says '"note": "fine"' "$wforge" runs resume "$run" --output json \
    --answer 'review={"publish": true, "note": "fine"}'
}

# The server of the template cannot be counted on, so one of this machine stands in its place.
run_http() {
  local origin="http://127.0.0.1:$port"
  sed -i "s#http:GET@example.com#http:GET@$origin#" plugin.toml grants.toml
  step "$wforge" build || return 1
  # What was installed before asks for the other server.
  WFORGE_OUTBOUND__ALLOW=127.0.0.1/32 \
    runs '"title": "Example Domain"' --input "url=$origin/" --plugins target
}

start_server() {
  mkdir -p "$work/www"
  printf '<html><title>Example Domain</title></html>\n' >"$work/www/index.html"
  : >"$work/server"
  python3 -u -m http.server --bind 127.0.0.1 --directory "$work/www" 0 >"$work/server" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$work/server")
    [ -z "$port" ] || return 0
    sleep 0.1
  done
  say "templates: python3 -m http.server did not start" >&2
  exit 1
}

component() { printf '%s/target/%s-%s.wasm' "$1" acme "$2"; }

# The whole road of one template; the step that fails is named.
try() {
  local lang=$1 template=$2 name=my-$1-$2
  project=$work/$name
  failed=new
  (cd "$work" && step "$wforge" new agent "acme/$name" --lang "$lang" --template "$template") ||
    return 1
  cd "$project"
  failed='tests without a sandbox' && native_tests "$lang" || return 1
  failed=build && step "$wforge" build || return 1
  failed='wforge test' && step "$wforge" test || return 1
  failed='wforge check' && step "$wforge" check || return 1
  failed=install && step "$wforge" plugin install "$(component . "$name")" || return 1
  failed=run && run_workflow "$template" || return 1
}

# The same sources in another folder give the same component. Not in JavaScript and Python, where an
# interpreter is frozen that has run.
reproduce() {
  local lang=$1 template=$2 name=my-$1-$2
  failed='a second build' && cd "$work" &&
    step "$wforge" new agent "acme/$name" --lang "$lang" --template "$template" --dir again &&
    step "$wforge" build again &&
    step cmp "$(component again "$name")" "$(component "$project" "$name")"
}

passed=0 lost=0 reproduced=
one() {
  local lang=${1%%/*} template=${1##*/} began=$SECONDS
  : >"$log"
  if try "$lang" "$template" && also "$lang" "$template"; then
    passed=$((passed + 1))
    say "ok      $lang/$template  $((SECONDS - began)) s"
  else
    lost=$((lost + 1))
    say "FAILED  $lang/$template: $failed"
    sed 's/^/    /' "$log"
  fi
  cd "$root"
  rm -rf "$work/my-$lang-$template" "$work/again"
}

# Once for each language, and before the workflow changes the project of `http`.
also() {
  case "$reproduced $1" in
  *" $1 "* | *js | *ts | *python) return 0 ;;
  esac
  [ "$2" != http ] || return 0
  reproduce "$1" "$2" && reproduced="$reproduced $1 "
}

node_reads_types || types="--import=file://$root/sdk/js/tools/import-types.mjs"
start_server
if [ $# = 0 ]; then
  for lang in rust js ts python; do
    for template in hello tool llm react http human; do set -- "$@" "$lang/$template"; done
  done
fi
case "$types $*" in
*import*ts/*)
  [ -d "$root/sdk/js/node_modules/amaro" ] || {
    say "templates: this Node reads no types, and nothing does it for it. Run: npm ci, in sdk/js" >&2
    exit 2
  }
  ;;
esac
for wanted in "$@"; do one "$wanted"; done
say "$passed passed, $lost failed"
[ "$lost" = 0 ]
