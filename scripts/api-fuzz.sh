#!/usr/bin/env bash
# Sends a running server what fits its own description and what does not, by schemathesis: every
# operation of openapi.json, in all phases, on a server with real data.
#
#   scripts/api-fuzz.sh run      EXAMPLES=n for other than 100 an operation, SEED=n repeats one,
#                                ONLY=regex for the paths that fit it
#   scripts/api-fuzz.sh setup    installs what it needs, and says where
#
# What was sent and what came back is in target/api-fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=scripts/api-fuzz.txt
venv=.tools/api-fuzz

setup() {
  cmp -s "$wanted" "$venv/installed.txt" && return
  command -v python3 >/dev/null || {
    echo "python3 is missing. Run: sudo apt-get install -y python3 python3-venv" >&2
    exit 2
  }
  echo "api-fuzz: pip install in $venv" >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes \
    --requirement "$wanted" >&2
  cp "$wanted" "$venv/installed.txt"
}

case ${1:-run} in
run)
  setup
  exec "$venv/bin/python" scripts/api_fuzz.py
  ;;
setup)
  setup
  "$venv/bin/schemathesis" --version
  ;;
*) sed -n 's/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
