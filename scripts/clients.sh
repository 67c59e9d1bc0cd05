#!/usr/bin/env bash
# Generates clients of the API from docs/reference/openapi.json, in target/clients, and runs
# examples/brief with each on a server of its own. Generators and what their code needs are pinned.
#
#   scripts/clients.sh run                   both
#   scripts/clients.sh typescript | python   one of them
#   scripts/clients.sh test                  both, or those whose tools are there; says which
set -euo pipefail
cd "$(dirname "$0")/.."

openapi=docs/reference/openapi.json
out=$PWD/target/clients
wforge=$PWD/target/debug/wforge
workflow=$PWD/examples/brief/workflow.yaml
document=$PWD/examples/brief/input/handover.md
plugins=()
for name in outline digest scan report; do
  plugins+=("$PWD/target/plugins/wforge-$name.wasm")
done

fail() {
  echo "clients: error: $*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# A fresh copy of an example beside the description, so that nothing is generated into the tree.
stage() {
  [ -f "$openapi" ] || fail "there is no $openapi"
  mkdir -p "$out/$1"
  cp examples/clients/"$1"/* "$openapi" "$out/$1"
}

generate_typescript() (
  stage typescript
  cd "$out/typescript"
  if ! cmp -s package-lock.json node_modules/installed.json; then
    echo "clients: npm ci in target/clients/typescript" >&2
    npm ci --silent --no-audit --no-fund >&2
    cp package-lock.json node_modules/installed.json
  fi
  npm run --silent generate >&2
  npm run --silent build >&2
)

generate_python() {
  local venv=$PWD/.tools/clients wanted=examples/clients/python/requirements.txt
  stage python
  if ! cmp -s "$wanted" "$venv/installed.txt"; then
    echo "clients: pip install in .tools/clients" >&2
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes \
      --requirement "$wanted" >&2
    cp "$wanted" "$venv/installed.txt"
  fi
  # Not `--fail-on-warning`: it warns of each answer that is no JSON, such as a stream.
  "$venv/bin/openapi-python-client" generate --path "$out/python/openapi.json" --meta none \
    --config "$out/python/generator.yaml" --output-path "$out/python/wforge_client" \
    --overwrite >"$out/python/generated.log" 2>&1 || {
    cat "$out/python/generated.log" >&2
    fail "openapi-python-client made no client"
  }
}

brief_typescript() { node "$out/typescript/brief.js" "$@"; }

brief_python() {
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$out/python" .tools/clients/bin/python \
    "$out/python/brief.py" "$@"
}

# A server of its own, and the key of whoever runs it.
serve() {
  folder=$(mktemp -d)
  # Not from here: the nearest wforge.toml is the project's, whose plugins are all compiled before
  # anything is served.
  touch "$folder/wforge.toml"
  env -C "$folder" -i PATH="$PATH" WFORGE_DATA_DIR="$folder/data" \
    WFORGE_SERVER__LISTEN=127.0.0.1:0 WFORGE_LOG=error "$wforge" serve >"$folder/log" 2>&1 &
  server=$!
  trap 'kill "$server" 2>/dev/null || true; wait 2>/dev/null; rm -rf "$folder"' EXIT
  until [ -f "$folder/data/server.json" ]; do
    kill -0 "$server" 2>/dev/null || fail "serve ended: $(cat "$folder/log")"
    sleep 0.05
  done
  told() { sed -n "s/^ *\"$1\": *\"\(.*\)\",\{0,1\}$/\1/p" "$folder/data/server.json"; }
  WFORGE_SERVER=http://$(told address)
  WFORGE_API_KEY=$(told token)
  export WFORGE_SERVER WFORGE_API_KEY
}

# Generates the client of that language, runs the brief with it, and compares what it prints.
one() {
  "generate_$1"
  serve
  "brief_$1" "$workflow" "$document" "${plugins[@]}" >"$out/$1/report.md" ||
    fail "$1: examples/brief did not run"
  python3 - "$out/$1/report.md" examples/brief/expected.json <<'END' || fail "$1: another report"
import json, pathlib, sys
printed, expected = map(pathlib.Path, sys.argv[1:])
sys.exit(printed.read_text() != json.loads(expected.read_text())["output"]["report"])
END
  echo "ok     $1: generated from openapi.json, and ran examples/brief"
}

# Each in a process of its own: what is part of a condition does not end at its first error.
all() {
  local language passed=0 failed=0
  for language in "$@"; do
    if scripts/clients.sh one "$language"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}

case ${1:-run} in
run) all typescript python ;;
typescript | python) all "$1" ;;
one) one "$2" ;;
test)
  languages=()
  if have npm && have node; then
    languages+=(typescript)
  else
    echo "clients: npm is missing: no client of TypeScript" >&2
  fi
  if have python3 && python3 -c 'import venv, ensurepip' 2>/dev/null; then
    languages+=(python)
  else
    echo "clients: python3 with venv is missing: no client of Python" >&2
  fi
  [ ${#languages[@]} = 0 ] || all "${languages[@]}"
  ;;
*) sed -n 's/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
