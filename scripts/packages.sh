#!/usr/bin/env bash
# Makes the packages of the SDKs: crates, an npm package and a wheel, into the folder that is named
# (target/release-packages). Publishes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

out=$(realpath -m "${1:-target/release-packages}")
work=$PWD/target/release-stage/packages
rm -rf "$work"
mkdir -p "$out" "$work"

# Both crates at once: the SDK's macros are on no registry yet.
crates() {
  (cd sdk/rust && cargo package --workspace --locked --quiet --no-verify --allow-dirty \
    --target-dir "$work/cargo")
  cp "$work"/cargo/package/*.crate "$out"
}

npm_package() {
  command -v npm >/dev/null || {
    echo "packages: error: npm is missing. Run: sudo apt-get install -y nodejs npm" >&2
    exit 2
  }
  (cd sdk/js && npm pack --silent --ignore-scripts --pack-destination "$out" >/dev/null)
}

# From a copy: setuptools leaves a build folder beside the sources.
wheel() {
  sdk/toolchain.sh setup >/dev/null 2>&1 || sdk/toolchain.sh setup
  cp -R sdk/python "$work/python"
  .tools/python/bin/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$out" \
    "$work/python"
}

crates
npm_package
wheel
find "$out" -maxdepth 1 \( -name '*.crate' -o -name '*.tgz' -o -name '*.whl' \) -printf '%f\n' |
  LC_ALL=C sort
