#!/usr/bin/env bash
# Runs the quickstarts of docs/guides as a new author would: each in an empty folder, command by
# command, with `wforge` in PATH, and compares what comes out. `PAGES=…` for some of them.
#
# PROGRAMS = a folder with wforge. Unset: target/debug, which takes the pinned tools of this tree
# REGISTRY = a program that serves a registry, for the last step (docker-registry)
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  printf 'quickstarts: error: %s\n' "$*" >&2
  exit 2
}
command -v python3 >/dev/null || fail "python3 is missing. Run: sudo apt-get install -y python3"
if [ -n "${PROGRAMS:-}" ]; then
  PATH=$(realpath "$PROGRAMS"):$PATH
else
  PATH=$PWD/target/debug:$PATH
fi
export PATH
command -v wforge >/dev/null || fail "there is no wforge. Run: make build"

registry=${REGISTRY:-docker-registry}
# What the tests unpacked serves as well.
command -v "$registry" >/dev/null || registry=$PWD/.tools/debian/usr/bin/docker-registry
work=$(mktemp -d)
serves=
leave() {
  [ -z "$serves" ] || kill "$serves" 2>/dev/null || true
  rm -rf "$work"
}
trap leave EXIT

if grep -q 'oci://localhost:5000' docs/guides/quickstart-*.md; then
  command -v "$registry" >/dev/null ||
    fail "$registry is missing. Run: sudo apt-get install -y docker-registry"
  cat >"$work/registry.yml" <<END
version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: $work/registry } }
http: { addr: 127.0.0.1:5000 }
END
  "$registry" serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
  serves=$!
  for _ in $(seq 100); do
    kill -0 "$serves" 2>/dev/null || fail "$registry ended: $(cat "$work/registry.log")"
    if (exec 3<>/dev/tcp/127.0.0.1/5000) 2>/dev/null; then break; fi
    sleep 0.1
  done
fi

read -ra pages <<<"${PAGES:-$(echo docs/guides/quickstart-*.md docs/guides/client-quickstart.md)}"
python3 scripts/quickstarts.py "${pages[@]}"
