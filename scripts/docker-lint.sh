#!/usr/bin/env bash
# Lints the Dockerfile with dockerfilelint, and by what we hold beyond it.
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.8.0
home=.tools/dockerfilelint-$version
if [ ! -x "$home/node_modules/.bin/dockerfilelint" ]; then
  npm install --prefix "$home" --no-audit --no-fund --silent "dockerfilelint@$version"
fi
"$home/node_modules/.bin/dockerfilelint" Dockerfile

must() {
  grep -qE "$1" Dockerfile || {
    echo "Dockerfile: $2" >&2
    exit 1
  }
}
must '^USER [1-9][0-9]*:[1-9][0-9]*$' "the last stage must run as a user by number, not root"
must '^HEALTHCHECK .*CMD \["wforge", "health"\]$' "the health check must be the program's own"
must '^VOLUME \["/var/lib/wforge"\]$' "the data directory must be a volume"
if grep -nE '^FROM +[^ :]+( |$)|^FROM .*:latest' Dockerfile; then
  echo "Dockerfile: name the version of every base" >&2
  exit 1
fi
