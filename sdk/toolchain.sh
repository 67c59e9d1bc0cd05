#!/bin/sh
# Finds or installs what plugins need, and builds them. Makefile, CI and Dockerfile call it.
#
#   sdk/toolchain.sh setup              make every tool ready; says which way it took and why
#   sdk/toolchain.sh build [FOLDER…]    build these plugins, or all of plugins/, where they changed
#   sdk/toolchain.sh test               test SDKs and plugins natively
#   sdk/toolchain.sh lint               check format and lints of SDKs and plugins
#   sdk/toolchain.sh fmt                format them
#   sdk/toolchain.sh wheel              pack the Python SDK into target/dist
#   sdk/toolchain.sh nostd              prove that model and graph need no std
#
# Components land in target/plugins/<publisher>-<name>.wasm. A missing tool is an error with the
# command to run, never a plugin left out.
#
# WFORGE_GUEST_ROUTE = auto | rustup | debian   which Rust compiles guests (default: auto)
# WFORGE_SETUP       = install | never          whether a missing tool may be installed (install)
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
out="$root/target/plugins"
work="$root/target/plugins/.build"
guests="$root/target/guests"
native="$root/target/sdk"
venv="$root/.tools/python"
checks="$root/.tools/python-checks"
target=wasm32-wasip2
wforge_build="$native/debug/wforge-build"

say() { printf 'toolchain: %s\n' "$*" >&2; }
fail() {
    printf 'toolchain: error: %s\n' "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

apt_install() {
    say "trying: apt-get install $*"
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif have sudo && sudo -n true 2>/dev/null; then
        as_root=sudo
    else
        say "not root, and sudo would ask for a password"
        return 1
    fi
    $as_root env DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get install -y -qq --no-install-recommends "$@" ||
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; }
    ' sh "$@" >&2
}

. "$root/sdk/guest-rust.sh"

# --- JavaScript -----------------------------------------------------------------------------------

ensure_js() {
    if ! have node || ! have npm; then
        if [ "${WFORGE_SETUP:-install}" = install ] && have apt-get; then
            apt_install nodejs npm || true
        fi
        if ! have node || ! have npm; then
            fail "JavaScript plugins need node and npm. Run: sudo apt-get install -y nodejs npm"
        fi
    fi
    node -e 'process.exit(process.versions.node.split(".")[0] < 18 ? 1 : 0)' ||
        fail "node $(node --version) is too old for componentize-qjs; install node 18 or newer"
    installed="$root/sdk/js/node_modules/.package-lock.json"
    if [ ! -f "$installed" ] || [ "$root/sdk/js/package-lock.json" -nt "$installed" ]; then
        say "JavaScript guests: npm ci in sdk/js"
        (cd "$root/sdk/js" && npm ci --silent --no-audit --no-fund >&2) ||
            fail "npm ci failed. Run: cd sdk/js && npm ci"
        touch "$installed"
    fi
    (cd "$root/sdk/js" && node -e 'require("componentize-qjs")') 2>/dev/null ||
        fail "componentize-qjs has no binary for this machine" \
            "($(node -p 'process.platform + " " + process.arch'))." \
            "It has some for Linux and macOS; on Windows build in WSL"
}

# --- Python ---------------------------------------------------------------------------------------

# The tools of Python plugins in an environment of their own, each version pinned. The interpreter
# inside a component is the tool's, whatever this machine's is.
ensure_python() { ensure_venv "$venv" tools.txt; }

# What checks and packs the SDK itself, which nobody needs who writes a plugin.
ensure_python_checks() { ensure_venv "$checks" checks.txt; }

# Installs what the SDK's file $2 pins into the environment $1.
ensure_venv() {
    wanted="$root/sdk/python/$2"
    if cmp -s "$wanted" "$1/$2"; then return; fi
    say "Python guests: pip install in ${1#"$root"/}"
    rm -rf "$1"
    if ! make_venv "$1" && [ "${WFORGE_SETUP:-install}" = install ] && have apt-get; then
        apt_install python3 python3-venv || true
        make_venv "$1" || true
    fi
    [ -x "$1/bin/pip" ] ||
        fail "Python plugins need python3 with venv." \
            "Run: sudo apt-get install -y python3 python3-venv"
    "$1/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$("$1/bin/python" --version) is too old for the SDK's tests; install 3.11 or newer"
    "$1/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes \
        --requirement "$wanted" >&2 ||
        fail "pip install of sdk/python/$2 failed; see above"
    cp "$wanted" "$1/$2"
}

make_venv() { have python3 && python3 -m venv "$1" >&2; }

# --- the build's own tool -------------------------------------------------------------------------

ensure_wforge_build() {
    have cargo || fail "cargo is needed. Install Rust from https://rustup.rs"
    (cd "$root" && CARGO_TARGET_DIR="$native" \
        cargo build --quiet --locked --manifest-path sdk/build/Cargo.toml >&2) ||
        fail "wforge-build did not build; see above"
}

# --- building -------------------------------------------------------------------------------------

digest() {
    if have sha256sum; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

# The digest of every source file below the given paths.
digest_of() {
    find "$@" -type d \( -name node_modules -o -name target -o -name __pycache__ \) -prune -o \
        -type f -print |
        LC_ALL=C sort | while IFS= read -r file; do
        printf '%s %s\n' "$file" "$(digest <"$file")"
    done | digest
}

# Reads what wforge-build says about the plugin in $1 into name, file, language, entry, world.
describe() {
    description=$("$wforge_build" describe "$1") || fail "$1 is no plugin; see above"
    name=$(field name) file=$(field file) language=$(field language)
    entry=$(field entry) world=$(field world)
}
field() { printf '%s\n' "$description" | sed -n "s/^$1=//p"; }

# What a component is made of. Where none of it changed, neither does the component.
stamp_of() {
    {
        printf '%s\n' "$common"
        case $2 in
        rust) compiler_version && digest_of "$root/sdk/rust" "$1" ;;
        javascript | typescript) node --version && digest_of "$root/sdk/js" "$1" ;;
        # Its compiler is pinned in the SDK's folder.
        python) digest_of "$root/sdk/python" "$1" ;;
        esac
    } | digest
}

build_rust() {
    rust_built=true
    crate=$(sed -n 's/^name *= *"\(.*\)"/\1/p' "$1/Cargo.toml" | head -n 1)
    [ -n "$crate" ] || fail "$1/Cargo.toml has no package name"
    (cd "$1" && guest_cargo build --release --quiet --target "$target" -p "$crate" >&2) ||
        fail "$name did not build; see above"
    raw="$guests/$target/release/$(printf '%s' "$crate" | tr - _).wasm"
    [ -f "$raw" ] || fail "$name made no component: its Cargo.toml needs crate-type = [\"cdylib\"]"
}

# Modules are resolved in a folder with the plugin and the SDK alone, as the plugin's code runs once
# while it is built. Nothing is bundled or minified: a stack names the author's files and lines.
stage_plugin() {
    raw="$work/$file.raw"
    stage="$work/$file.src"
    "$wforge_build" world "$1" "$root/wit" "$work/$file.wit" || fail "$name has no world; see above"
    rm -rf "$stage"
    mkdir -p "$stage"
    cp -R "$1/." "$stage"
}

write_entry() {
    "$wforge_build" entry "$1" >"$2" || fail "$name has no entry; see above"
}

build_javascript() {
    stage_plugin "$1"
    componentize_script "$1"
}

# Types are taken out where they stand, so that a stack names the author's files and lines.
build_typescript() {
    stage_plugin "$1"
    node "$root/sdk/js/tools/strip-types.mjs" "$stage" || fail "$name did not build; see above"
    componentize_script "$1"
}

componentize_script() {
    write_entry "$1" "$stage/wforge_entry.js"
    mkdir -p "$stage/node_modules/@workflowforge/sdk"
    cp -R "$root/sdk/js/package.json" "$root/sdk/js/src" "$stage/node_modules/@workflowforge/sdk"
    (cd "$stage" && "$root/sdk/js/node_modules/.bin/componentize-qjs" --sync \
        --wit "$work/$file.wit" --world "$world" --js wforge_entry.js --module-root . \
        --output "$raw" >"$work/$file.log" 2>&1) || {
        cat "$work/$file.log" >&2
        fail "$name did not build; see above"
    }
}

# What VIRTUAL_ENV names is all that can be imported beside the plugin; without it componentize-py
# would take this machine's packages in. What the plugin vendors goes there: packages, and an SDK of
# its own.
build_python() {
    ensure_python
    stage_plugin "$1"
    packages="$stage.venv/lib/site-packages"
    rm -rf "$stage.venv"
    mkdir -p "$packages"
    [ ! -d "$1/vendor" ] || cp -R "$1/vendor/." "$packages"
    [ -d "$packages/workflowforge" ] || cp -R "$root/sdk/python/src/." "$packages"
    write_entry "$1" "$packages/wforge_entry.py"
    RUST_BACKTRACE=0 VIRTUAL_ENV="$stage.venv" "$venv/bin/componentize-py" --quiet \
        --wit-path "$work/$file.wit" --world "$world" componentize wforge_entry \
        --python-path "$stage/$(dirname "$entry")" --output "$raw" >"$work/$file.log" 2>&1 || {
        cat "$work/$file.log" >&2
        fail "$name did not build; see above"
    }
}

# What is slow to compile and not for everybody lies in a folder of its own: a command that is given
# a folder takes all that is in it.
place_of() {
    case $1 in
    "$root"/plugins/effects-* | "$root"/plugins/raw-* | "$root"/plugins/hostile*) echo "$out/proofs" ;;
    "$root"/plugins/probe-*) echo "$out/probes" ;;
    "$root"/plugins/react) echo "$out/research-agent" ;;
    *) echo "$out" ;;
    esac
}

build_plugin() {
    describe "$1"
    to=$(place_of "$1")
    mkdir -p "$to"
    stamp=$(stamp_of "$1" "$language")
    if [ -f "$to/$file" ] && [ "$(cat "$work/$file.stamp" 2>/dev/null)" = "$stamp" ]; then
        unchanged=$((unchanged + 1))
        return
    fi
    "build_$language" "$1"
    "$wforge_build" pack "$1" "$raw" "$to/$file" >&2 || fail "$name was not packed; see above"
    printf '%s\n' "$stamp" >"$work/$file.stamp"
    built=$((built + 1))
}

# Takes away components whose plugin is gone or lies elsewhere now, so that no test meets a ghost.
remove_stale() {
    for component in "$out"/*.wasm "$out"/*/*.wasm; do
        [ -f "$component" ] || continue
        case " $kept " in
        *" $component "*) ;;
        *) rm -f "$component" ;;
        esac
    done
}

build() {
    all=false
    if [ $# = 0 ]; then
        all=true
        set -- "$root"/plugins/*/
    fi
    mkdir -p "$out" "$work"
    ensure_wforge_build
    choose_route "$target"
    ensure_js
    common=$(digest_of "$root/wit" "$root/sdk/toolchain.sh" "$root/sdk/guest-rust.sh" \
        "$root/sdk/build" "$root/host/crates/model/src/manifest.rs")
    built=0 unchanged=0 kept='' rust_built=false
    for folder in "$@"; do
        [ -d "$folder" ] || fail "no folder $folder"
        folder=$(CDPATH='' cd -- "$folder" && pwd)
        if $all && [ ! -f "$folder/plugin.toml" ]; then continue; fi
        build_plugin "$folder"
        kept="$kept $to/$file"
    done
    if $all; then remove_stale; fi
    if $rust_built; then explain_route; fi
    say "$built built, $unchanged unchanged, in ${out#"$root"/}"
}

# --- the other commands ---------------------------------------------------------------------------

setup() {
    choose_route "$target"
    explain_route
    ensure_js
    say "JavaScript guests: node $(node --version), componentize-qjs" \
        "$(cd "$root/sdk/js" && node -p 'require("componentize-qjs/package.json").version')"
    ensure_python
    say "Python guests: $("$venv/bin/componentize-py" --version)"
    ensure_wforge_build
}

# Runs cargo in each workspace of SDKs and plugins.
each_workspace() {
    for workspace in sdk/rust sdk/rust/macros sdk/build plugins; do
        (cd "$root/$workspace" && CARGO_TARGET_DIR="$native" cargo "$@") ||
            fail "cargo $1 failed in $workspace"
    done
}

prettier() {
    ensure_js
    (cd "$root" && sdk/js/node_modules/.bin/prettier --log-level warn "$@" \
        'sdk/**/*.{js,mjs,ts,json,md}' 'plugins/**/*.{js,ts,json,md}')
}

ruff() {
    ensure_python
    (cd "$root" && "$venv/bin/ruff" "$@" --quiet --config sdk/python/pyproject.toml sdk plugins)
}

# The bindings that a build would generate for a plugin with all needs.
python_bindings() {
    rm -rf "$work/bindings"
    "$venv/bin/componentize-py" --quiet --wit-path "$root/wit" --world plugin \
        bindings "$work/bindings" || fail "the contract has no Python bindings; see above"
}

# Runs the tests in the folder $1, which import from the folders $2, and the SDK from $3 or here.
python_tests() {
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$2:${3:-$root/sdk/python/src}" \
        "$venv/bin/python" -m unittest discover --quiet --start-directory "$1" ||
        fail "Python tests failed in ${1#"$root"/}"
}

# The wheel of the Python SDK in target/dist, from a copy: its build leaves files beside the code.
# The same sources give the same bytes.
wheel() {
    ensure_python_checks
    mkdir -p "$work"
    rm -rf "$work/wheel" "$root/target/dist"/workflowforge_sdk-*.whl
    mkdir -p "$work/wheel"
    (cd "$root/sdk/python" && cp -R pyproject.toml README.md LICENSE src "$work/wheel")
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-315532800} "$checks/bin/pip" wheel --quiet --no-deps \
        --no-index --no-build-isolation --no-cache-dir --wheel-dir "$root/target/dist" \
        "$work/wheel" >&2 || fail "the wheel of sdk/python did not build; see above"
    say "the wheel is $(cd "$root" && ls target/dist/workflowforge_sdk-*.whl)"
}

# What the types say, by the SDK's own checker: the SDK, and an agent that uses all of it.
python_types() {
    ensure_python_checks
    (cd "$root/sdk/python" && MYPYPATH="src:$work/bindings" "$checks/bin/mypy" \
        --cache-dir "$work/mypy" --no-error-summary src/workflowforge tests/typed_agent.py) ||
        fail "Python types do not fit; see above"
}

# The SDK's own tests run against what is in the wheel, so that nothing can be missing there.
run_python_tests() {
    ensure_python
    python_bindings
    wheel
    rm -rf "$work/installed"
    "$checks/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-index \
        --target "$work/installed" "$root/target/dist"/workflowforge_sdk-*.whl >&2 ||
        fail "the wheel of sdk/python cannot be installed; see above"
    [ -f "$work/installed/workflowforge/py.typed" ] || fail "the wheel has no types: py.typed"
    python_tests "$root/sdk/python/tests" "$work/bindings" "$work/installed"
    for folder in "$root"/plugins/*/test; do
        set -- "$folder"/test_*.py
        if [ -f "$1" ]; then python_tests "$folder" "${folder%/test}/src:${folder%/test}/vendor"; fi
    done
}

run_tests() {
    each_workspace test --quiet --locked --workspace
    ensure_js
    (cd "$root" && find sdk/js plugins -name node_modules -prune -o -name '*.test.js' \
        -exec node --test {} +) || fail "JavaScript tests failed"
    run_python_tests
}

lint() {
    each_workspace fmt --all --check
    each_workspace clippy --quiet --locked --workspace --all-targets -- -D warnings
    prettier --check || fail "not formatted. Run: sdk/toolchain.sh fmt"
    ruff format --check || fail "not formatted. Run: sdk/toolchain.sh fmt"
    ruff check || fail "Python lints failed; see above"
    python_bindings
    python_types
}

fmt() {
    each_workspace fmt --all
    prettier --write
    ruff format
}

nostd() {
    bare=x86_64-unknown-none
    choose_route "$bare"
    for crate in wforge-model wforge-graph; do
        case $route in
        rustup) (cd "$root" && CARGO_TARGET_DIR="$root/target/nostd" \
            cargo check --quiet --locked -p "$crate" --target "$bare") ;;
        debian) (cd "$root" && CARGO_TARGET_DIR="$root/target/nostd" RUSTC=/usr/bin/rustc \
            RUSTC_BOOTSTRAP=1 /usr/bin/cargo check --quiet --locked -p "$crate" \
            -Zbuild-std=core,alloc --target "$bare") ;;
        esac || fail "$crate needs std, or does not compile for $bare"
    done
    say "wforge-model and wforge-graph compile for $bare (by $route)"
}

case ${1:-} in
setup | build | lint | fmt | wheel | nostd)
    command=$1
    shift
    "$command" "$@"
    ;;
test) run_tests ;;
*)
    sed -n '2,18s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
