#!/usr/bin/env bash
# Makes the Python environment of LangGraph, every version pinned, and prints its interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=conformance/oracle/requirements.txt
venv=target/conformance/venv
stamp=$venv/installed.txt
if ! cmp -s "$wanted" "$stamp"; then
  if ! command -v python3 >/dev/null; then
    echo "python3 is missing; install it with its venv" >&2
    exit 1
  fi
  echo "installing LangGraph in $venv" >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted" >&2
  cp "$wanted" "$stamp"
fi
echo "$venv/bin/python"
