#!/usr/bin/env bash
# Builds the agent of examples/c-agent, in C against the contract itself, and runs it in the real
# host: it asks, is answered, and what comes out is compared.
#
#   scripts/c-agent.sh run     what is missing is an error
#   scripts/c-agent.sh test    says what is missing and goes on: nothing else here needs clang
#
# WFORGE names another program than target/debug/wforge.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.63.0
home=.tools/wit-bindgen-cli-$version
wforge=$(realpath -m "${WFORGE:-target/debug/wforge}")
example=$PWD/examples/c-agent

fail() {
  printf 'c-agent: error: %s\n' "$*" >&2
  exit 2
}

not_run() {
  printf 'c-agent: NOT RUN: %s\n' "${*#c-agent: error: }" >&2
  exit 0
}

install() {
  export WIT_BINDGEN=$PWD/$home/bin/wit-bindgen
  [ ! -x "$WIT_BINDGEN" ] || return 0
  echo "wit-bindgen-cli $version: built from source, which takes a minute"
  cargo install wit-bindgen-cli --quiet --locked --version "$version" --no-default-features \
    --features c --root "$home"
}

# The command must end with $1 and say $2.
says() {
  local code=0
  "$wforge" "${@:3}" >"$work/said" 2>"$work/log" || code=$?
  if [ "$code" != "$1" ] || ! grep -qF -- "$2" "$work/said" "$work/log"; then
    cat "$work/said" "$work/log" >&2
    echo "c-agent: wforge ${*:3}: wanted $1 and \"$2\", was $code" >&2
    echo "0 passed, 1 failed"
    exit 1
  fi
}

run() {
  [ -x "$wforge" ] || fail "$wforge is missing. Run: make build"
  "$example/build.sh"
  local component=$PWD/target/c-agent/example-c-echo.wasm run
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # A configuration of its own, so that nothing of this tree's counts.
  : >"$work/wforge.toml"
  cd "$work"
  says 0 "installed  example/c-echo" plugin install "$component"
  says 0 "granted  example/c-echo" grants approve example/c-echo ask
  says 3 '"status": "waiting"' run "$example/workflow.yaml" --input text=hello --output json
  run=$(sed -n 's/.*"run_id": "\([^"]*\)".*/\1/p' said | head -n 1)
  says 0 '"answer": "yes"' runs resume "$run" --answer echo=yes --output json
  grep -qF '"text": "hello"' said || fail "it does not give back its input: $(cat said)"
  echo "1 passed, 0 failed"
}

case ${1:-} in
run)
  install
  run
  ;;
test)
  command -v clang >/dev/null || not_run "clang is missing; examples/c-agent/README.md says more"
  install
  missing=$("$example/build.sh" tools 2>&1) || not_run "$missing"
  run
  ;;
*) sed -n '5,8s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
