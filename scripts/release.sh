#!/usr/bin/env bash
# Makes a release: an archive of wforge and wforge-build for each target, their SBOMs, install.sh,
# the packages of the SDKs, and SHA256SUMS over all of it.
#
#   scripts/release.sh                     every target that can be built here; says what is missing
#   scripts/release.sh --target TRIPLE     that target (again for more); a missing tool is an error
#   scripts/release.sh --dry-run           says what it would run, and what is missing; runs nothing
#   scripts/release.sh --out DIR           into DIR (target/release-files)
#
# The same commit and tools give the same archives: times are those of the commit, owners are 0.
# What is built links the C library of this machine: build on the oldest that is to be served.
set -euo pipefail
cd "$(dirname "$0")/.."

all_targets=(x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu)
cyclonedx=0.5.9
targets=() out=$PWD/target/release-files dry=false

fail() {
  printf 'release: error: %s\n' "$*" >&2
  exit 2
}
say() { printf 'release: %s\n' "$*"; }

# Runs a command, or says it where nothing is to be run.
run() {
  if $dry; then
    printf '  %s\n' "$(printf '%q ' "$@" | sed 's/ $//')"
  else
    "$@"
  fi
}

while [ $# -gt 0 ]; do
  case $1 in
  --target)
    [[ " ${all_targets[*]} " == *" ${2:-} "* ]] || fail "--target is one of ${all_targets[*]}"
    targets+=("$2") && shift
    ;;
  --out) out=$(realpath -m "${2:?release: error: --out wants a folder}") && shift ;;
  --dry-run) dry=true ;;
  -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0" && exit ;;
  *) fail "unknown argument $1; see --help" ;;
  esac
  shift
done
asked=${#targets[@]}
[ "$asked" -gt 0 ] || targets=("${all_targets[@]}")

# The workspace's one version.
version=$(sed -n '/^\[workspace\.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
[ -n "$version" ] || fail "Cargo.toml has no version under [workspace.package]"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
[ -z "$(git status --porcelain)" ] || $dry || fail "the working tree has changes: commit them first"

host=$(rustc -vV | sed -n 's/^host: //p')

# The compiler that links for a target, and where its C code is compiled with.
linker_of() {
  case $1 in
  "$host") echo cc ;;
  aarch64-unknown-linux-gnu) echo aarch64-linux-gnu-gcc ;;
  x86_64-unknown-linux-gnu) echo x86_64-linux-gnu-gcc ;;
  esac
}

packages_of() {
  case $1 in
  aarch64-unknown-linux-gnu) echo "gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;;
  x86_64-unknown-linux-gnu) echo "gcc-x86-64-linux-gnu libc6-dev-amd64-cross" ;;
  esac
}

# What is missing to build for a target, a line each with the command that mends it.
missing_for() {
  local target=$1 linker
  [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ] ||
    echo "rust-std of $target: rustup target add $target"
  linker=$(linker_of "$target")
  command -v "$linker" >/dev/null ||
    echo "$linker: sudo apt-get install -y $(packages_of "$target")"
}

# Flags with which cargo and the crates that compile C find the target's own compiler.
build_env() {
  local upper=${1//-/_} linker
  linker=$(linker_of "$1")
  upper=${upper^^}
  [ "$1" = "$host" ] || echo "CARGO_TARGET_${upper}_LINKER=$linker CC_${1//-/_}=$linker"
}

build() {
  local target=$1 flags="--remap-path-prefix=$PWD=/src" variables
  flags+=" --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
  read -ra variables <<<"$(build_env "$target")"
  # RUSTFLAGS would put aside what .cargo/config.toml says of a target, so that is said here too.
  [ "$target" != x86_64-unknown-linux-gnu ] || flags+=' --cfg poly1305_backend="soft"'
  run env "${variables[@]}" RUSTFLAGS="$flags" \
    cargo build --locked --release --target "$target" --package wforge
  # A workspace of its own, with other wasmtimes.
  run env "${variables[@]}" RUSTFLAGS="$flags" \
    cargo build --locked --release --target "$target" --manifest-path sdk/compilers/Cargo.toml \
    --target-dir target/compilers
  # They are built here alone, so here they are tested.
  [ "$target" != "$host" ] || run env "${variables[@]}" RUSTFLAGS="$flags" \
    cargo test --locked --release --target "$target" --manifest-path sdk/compilers/Cargo.toml \
    --target-dir target/compilers
}

pack() {
  local target=$1 name=wforge-$version-$1
  run rm -rf "$stage/$name"
  run install -D -m 755 "target/$target/release/wforge" "$stage/$name/wforge"
  run install -m 755 "target/compilers/$target/release/wforge-build" "$stage/$name/wforge-build"
  run install -m 644 LICENSE README.md CHANGELOG.md "$stage/$name/"
  run tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
    --use-compress-program='gzip -9n' -cf "$out/$name.tar.gz" -C "$stage" "$name"
}

# An SBOM for each program and target, in CycloneDX, of what is linked into it. The tool writes
# beside each Cargo.toml, so it gets a copy of the tree.
sbom() {
  local tool=.tools/cargo-cyclonedx-$cyclonedx
  if [ ! -x "$tool/bin/cargo-cyclonedx" ]; then
    say "cargo-cyclonedx $cyclonedx: built from source, which takes minutes"
    run cargo install cargo-cyclonedx --quiet --locked --version "$cyclonedx" --root "$tool"
  fi
  run rm -rf "$stage/source"
  run mkdir -p "$stage/source"
  run git checkout-index --all --force --prefix="$stage/source/"
  local target program
  for target in "$@"; do
    for program in wforge:host wforge-build:sdk/compilers; do
      run env SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" "$tool/bin/cargo-cyclonedx" cyclonedx -q \
        --manifest-path "$stage/source/${program#*:}/Cargo.toml" --format json \
        --spec-version 1.5 --target "$target" --override-filename sbom
      run install -m 644 "$stage/source/${program#*:}/sbom.json" \
        "$out/${program%:*}-$version-$target.cdx.json"
    done
  done
}

sums() {
  if $dry; then
    echo "  (cd $out && sha256sum … > SHA256SUMS)"
    return
  fi
  (cd "$out" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort |
    xargs -d '\n' sha256sum >SHA256SUMS)
}

ready=() left=()
for target in "${targets[@]}"; do
  missing=$(missing_for "$target")
  if [ -z "$missing" ]; then
    ready+=("$target")
  else
    left+=("$target")
    while read -r line; do say "missing for $target: $line"; done <<<"$missing"
  fi
done
[ "$asked" = 0 ] || [ ${#left[@]} = 0 ] || $dry || fail "cannot build ${left[*]}: see above"
[ ${#ready[@]} -gt 0 ] || fail "no target can be built here: see above"

stage=$PWD/target/release-stage
[ ! -e "$out" ] || [ -f "$out/SHA256SUMS" ] || [ -z "$(ls -A "$out")" ] ||
  fail "$out holds something else than a release; name another folder"
run rm -rf "$out"
run mkdir -p "$out" "$stage"
for target in "${ready[@]}"; do
  say "$target"
  build "$target"
  pack "$target"
done
say "SBOM"
sbom "${ready[@]}"
say "packages of the SDKs"
run scripts/packages.sh "$out"
run install -m 755 scripts/install.sh "$out/install.sh"
sums
if $dry; then
  say "nothing was run"
  exit
fi
say "$version for ${ready[*]}${left:+; not for ${left[*]}} in ${out#"$PWD"/}"
