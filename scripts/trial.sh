#!/usr/bin/env bash
# Tries what is published as a new author would: an empty home, an empty folder, and of this tree
# nothing but the files of a release. Per language: the tools that are missing are installed, a
# project is made, its SDK is replaced by the package, its tests run with and without the sandbox,
# and the plugin is signed and published to a registry on this machine.
#
#   scripts/trial.sh [FOLDER]     the files that `make release` made (target/release-files)
#
# LANGUAGES = some of "js ts python rust"
# REGISTRY  = a program that serves a registry (docker-registry)
#
# Needs what an author has: rustup's toolchain for Rust, Node.js with npm, Python. The last line is
# `N passed, M failed`, a language each; the rows before it are seconds from the first command.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
release=$(realpath -m "${1:-target/release-files}")
node=22.23.3
read -ra languages <<<"${LANGUAGES:-js ts python rust}"

fail() {
  printf 'trial: error: %s\n' "$*" >&2
  exit 2
}
[ -f "$release/SHA256SUMS" ] || fail "$release is no release. Run: make release"
# The template's own tests import the agent as it is written, which older ones do not read.
if [[ " ${languages[*]} " == *" ts "* ]] &&
  ! node -e 'process.exit(process.features.typescript ? 0 : 1)'; then
  newer=$root/.tools/node-$node
  printf 'trial: Node.js %s reads no TypeScript: takes %s from npm\n' "$(node --version)" "$node" >&2
  npm install --silent --no-audit --no-fund --prefix "$newer" "node@$node" ||
    fail "node@$node cannot be installed; take Node.js 22.18 or newer," \
      'or LANGUAGES="js python rust"'
  PATH=$newer/node_modules/node/bin:$PATH
fi

registry=${REGISTRY:-docker-registry}
command -v "$registry" >/dev/null || registry=$root/.tools/debian/usr/bin/docker-registry
command -v "$registry" >/dev/null ||
  fail "docker-registry is missing. Run: sudo apt-get install -y docker-registry"

work=$(mktemp -d "${TMPDIR:-/tmp}/wforge-trial-XXXXXX")
serves=
leave() {
  [ -z "$serves" ] || kill "$serves" 2>/dev/null || true
  rm -rf "$work"
}
trap leave EXIT
log=$work/log

serve_registry() {
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  cat >"$work/registry.yml" <<END
version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: $work/registry } }
http: { addr: 127.0.0.1:$port }
END
  OTEL_TRACES_EXPORTER=none "$registry" serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
  serves=$!
  for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
    sleep 0.1
  done
  fail "$registry does not answer: $(cat "$work/registry.log")"
}

# Runs a command as the author, in the folder $here; what it says goes to the log.
author() {
  printf '\n$ %s\n' "$*" >>"$log"
  (cd "$here" && env -i HOME="$home" PATH="$home/.local/bin:$PATH" NO_COLOR=1 \
    PYTHONDONTWRITEBYTECODE=1 CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" \
    RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}" ${CARGO_TARGET_DIR:+CARGO_TARGET_DIR="$work/cargo"} \
    "$@") >>"$log" 2>&1 </dev/null
}

# Puts the published package in the place of the SDK that `wforge new` made.
take_package() {
  local vendor=$here/vendor
  case $1 in
  # As npm installs it from its registry: unpacked, so without the tools that the SDK is made with.
  js | ts)
    rm -rf "$vendor"
    author npm install --offline --no-audit --no-fund --silent "$release"/workflowforge-sdk-*.tgz
    ;;
  python)
    rm -rf "$vendor/workflowforge"
    python3 -m zipfile -e "$release"/workflowforge_sdk-*.whl "$vendor"
    ;;
  rust)
    rm -rf "$vendor/workflowforge-sdk"
    mkdir "$vendor/workflowforge-sdk" "$vendor/workflowforge-sdk-macros"
    tar -xzf "$release"/workflowforge-sdk-[0-9]*.crate -C "$vendor/workflowforge-sdk" \
      --strip-components=1
    tar -xzf "$release"/workflowforge-sdk-macros-*.crate -C "$vendor/workflowforge-sdk-macros" \
      --strip-components=1
    # Until the crates are on crates.io, the second one is found here.
    printf '\n[patch.crates-io]\nworkflowforge-sdk-macros = { path = "%s" }\n' \
      vendor/workflowforge-sdk-macros >>"$here/Cargo.toml"
    rm -f "$here/Cargo.lock"
    ;;
  esac
}

unit_tests() {
  case $1 in
  js | ts) author npm test --silent ;;
  python) author python3 -m unittest ;;
  rust) author cargo test --quiet ;;
  esac
}

# The whole road of one language; sets the times.
road() {
  local lang=$1 begun=$SECONDS
  here=$work/$lang
  mkdir "$here"
  author wforge doctor --lang "$lang" --fix || return 1
  tools=$((SECONDS - begun)) begun=$SECONDS
  author wforge new agent "me/greeter-$lang" --lang "$lang" || return 1
  here=$here/greeter-$lang
  take_package "$lang" || return 1
  unit_tests "$lang" || return 1
  author wforge build || return 1
  author wforge test || return 1
  tested=$((SECONDS - begun))
  author wforge keygen --out me.key --no-password || return 1
  author wforge publish "oci://localhost:$port/me/greeter-$lang" --sign me.key --insecure-http ||
    return 1
  published=$((SECONDS - begun))
  author wforge trust add me me.pub || return 1
  author wforge plugin install "oci://localhost:$port/me/greeter-$lang" --insecure-http --yes ||
    return 1
  author wforge run workflow.yaml --input name=Ada || return 1
  tail -n 1 "$log" | grep -q 'Hello, Ada!'
}

serve_registry
home=$work/home here=$work
mkdir "$home"
author WFORGE_RELEASES="$release" sh "$release/install.sh" || {
  cat "$log" >&2
  fail "the release cannot be installed"
}
passed=0 failed=0
printf '%-8s %12s %12s %12s\n' language "tools s" "tested s" "published s"
for lang in "${languages[@]}"; do
  tools=- tested=- published=-
  if road "$lang"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    tail -n 40 "$log"
  fi
  printf '%-8s %12s %12s %12s\n' "$lang" "$tools" "$tested" "$published"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
