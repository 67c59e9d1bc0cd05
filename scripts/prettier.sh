#!/usr/bin/env bash
# Formats (or with --check, checks) what rustfmt does not: JavaScript, JSON, YAML, Markdown.
# Installs prettier below .tools where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

version=3.10.1
home=.tools/prettier-$version
if [ ! -x "$home/node_modules/.bin/prettier" ]; then
  command -v npm >/dev/null || {
    echo "prettier needs npm: install Node.js 20 or later" >&2
    exit 2
  }
  npm install --prefix "$home" --no-audit --no-fund --silent "prettier@$version"
fi

mode=${1:---write}
git ls-files -z --cached --others --exclude-standard -- \
  '*.js' '*.mjs' '*.json' '*.yaml' '*.yml' '*.md' .prettierrc |
  xargs -0 --no-run-if-empty "$home/node_modules/.bin/prettier" --log-level warn \
    --no-error-on-unmatched-pattern "$mode"
