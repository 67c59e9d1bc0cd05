#!/usr/bin/env bash
# Makes the packages of the SDKs: crates, an npm package and a wheel, into the folder that is named
# (target/release-packages). Publishes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

out=$(realpath -m "${1:-target/release-packages}")
work=$PWD/target/release-stage/packages
rm -rf "$work"
mkdir -p "$out" "$work"

crates() {
  CARGO_TARGET_DIR="$work/cargo" sdk/rust/package.sh --quiet --no-verify --allow-dirty
  cp "$work"/cargo/package/*.crate "$out"
}

npm_package() {
  command -v npm >/dev/null || {
    echo "packages: error: npm is missing. Run: sudo apt-get install -y nodejs npm" >&2
    exit 2
  }
  (cd sdk/js && npm pack --silent --ignore-scripts --pack-destination "$out" >/dev/null)
}

wheel() {
  sdk/toolchain.sh wheel
  cp target/dist/workflowforge_sdk-*.whl "$out"
}

crates
npm_package
wheel
for package in "$out"/*.crate "$out"/*.tgz "$out"/*.whl; do
  case $package in
  *.whl) python3 -m zipfile -l "$package" ;;
  *) tar -tzf "$package" ;;
  esac | grep '/LICENSE' >/dev/null || {
    echo "packages: error: $package has no LICENSE" >&2
    exit 1
  }
  basename "$package"
done
