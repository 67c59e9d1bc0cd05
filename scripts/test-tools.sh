#!/usr/bin/env bash
# Fetches the programs of others that tests speak with: Debian's docker-registry and minisign.
# They are unpacked into .tools/debian: no service starts, and nothing on this machine changes.
# Where they cannot be had it says so and goes on; the tests that need them then say what is
# missing.
set -euo pipefail
cd "$(dirname "$0")/.."

home=.tools/debian
programs="docker-registry minisign"
# minisign's library comes along.
packages="docker-registry minisign libsodium23"

have() { command -v "$1" >/dev/null 2>&1 || [ -x "$home/usr/bin/$1" ]; }

missing() {
  local program
  for program in $programs; do
    have "$program" || echo "$program"
  done
}

fetch() {
  local folder
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' RETURN
  # shellcheck disable=SC2086 # a list of words on purpose
  (cd "$folder" && apt-get download -qq $packages >/dev/null 2>&1) || return 1
  mkdir -p "$home"
  local package
  for package in "$folder"/*.deb; do
    dpkg-deb -x "$package" "$home"
  done
}

update() {
  if [ "$(id -u)" = 0 ]; then
    apt-get update -qq >/dev/null 2>&1
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo apt-get update -qq >/dev/null 2>&1
  else
    return 1
  fi
}

[ -n "$(missing)" ] || exit 0
if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
  fetch || { update && fetch; } || true
fi
if [ -n "$(missing)" ]; then
  echo "test-tools: not found:" $(missing) >&2
  echo "test-tools: install them, on Debian: apt-get install docker-registry minisign" >&2
fi
