#!/usr/bin/env bash
# Formats (or with --check, checks) what rustfmt does not: JavaScript, TypeScript, JSON, YAML and
# Markdown.
# Installs prettier, of the version that sdk/js pins, where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

prettier=sdk/js/node_modules/.bin/prettier
if [ ! -x "$prettier" ]; then
  command -v npm >/dev/null || {
    echo "prettier needs npm: install Node.js 18 or later" >&2
    exit 2
  }
  (cd sdk/js && npm ci --silent --no-audit --no-fund)
fi

mode=${1:---write}
git ls-files -z --cached --others --exclude-standard -- \
  '*.js' '*.mjs' '*.ts' '*.json' '*.yaml' '*.yml' '*.md' .prettierrc |
  xargs -0 --no-run-if-empty "$prettier" --log-level warn --no-error-on-unmatched-pattern "$mode"
