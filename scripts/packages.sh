#!/usr/bin/env bash
# Makes the packages of the SDKs: crates, an npm package and a wheel, into the folder that is named
# (target/release-packages). Publishes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

out=$(realpath -m "${1:-target/release-packages}")
work=$PWD/target/release-stage/packages
rm -rf "$work"
mkdir -p "$out" "$work"

# Both crates at once, in a workspace of their own: cargo leaves a path out of what it packages, and
# would look for the SDK's macros in a registry, where they are not yet.
crates() {
  cp -R sdk/rust "$work/rust"
  rm -rf "$work/rust/target"
  printf '[workspace]\nresolver = "3"\nmembers = ["rust", "rust/macros"]\n' >"$work/Cargo.toml"
  [ ! -f sdk/rust/Cargo.lock ] || mv "$work/rust/Cargo.lock" "$work/Cargo.lock"
  (cd "$work" && cargo package --workspace --quiet --no-verify --target-dir "$work/cargo")
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
  [ -x .tools/python/bin/pip ] || sdk/toolchain.sh setup
  cp -R sdk/python "$work/python"
  .tools/python/bin/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$out" \
    "$work/python"
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
