# Which Rust compiles guests, and how. sdk/toolchain.sh reads this file; it runs nothing itself.
#
# choose_route sets `route` for a target; guest_cargo, compiler_version and explain_route go by it.
# shellcheck shell=sh
# shellcheck disable=SC2154 # root, guests and target are the reader's

debian_packages="rustc-web cargo-web rust-web-src rust-web-llvm lld-22 wasi-libc"
rustup_timeout_s=120

# The rustup way needs the target's std beside the host's compiler.
rustup_ready() {
    have rustc && [ -d "$(cd "$root" && rustc --print sysroot)/lib/rustlib/$1" ]
}

# Debian's way builds std from source, with a newer compiler than the one in PATH.
debian_ready() {
    [ -x /usr/bin/cargo ] && [ -x /usr/bin/rustc ] || return 1
    debian_sysroot=$(/usr/bin/rustc --print sysroot)
    [ -f "$debian_sysroot/lib/rustlib/src/rust/library/std/Cargo.toml" ] || return 1
    [ "$1" != "$target" ] || [ -f /usr/lib/wasm32-wasi/libc.a ]
}

# Tries to make the route $2 ready for the target $1.
install_route() {
    [ "${WFORGE_SETUP:-install}" = install ] || return 1
    case $2 in
    rustup)
        have rustup || return 1
        say "trying: rustup target add $1"
        (cd "$root" && with_timeout rustup target add "$1" >&2) && rustup_ready "$1"
        ;;
    debian)
        have apt-get || return 1
        # shellcheck disable=SC2086 # a list of words on purpose
        apt_install $debian_packages && debian_ready "$1"
        ;;
    esac
}

with_timeout() {
    if have timeout; then timeout "$rustup_timeout_s" "$@"; else "$@"; fi
}

# Sets `route` for the target $1: what is ready first, then what can be installed, rustup first.
choose_route() {
    case ${WFORGE_GUEST_ROUTE:-auto} in
    auto) routes="rustup debian" ;;
    rustup | debian) routes=$WFORGE_GUEST_ROUTE ;;
    *) fail "WFORGE_GUEST_ROUTE is \"$WFORGE_GUEST_ROUTE\"; write auto, rustup or debian" ;;
    esac
    for step in "" install_route; do
        for route in $routes; do
            if ${step:-ready_route} "$1" "$route"; then return 0; fi
        done
    done
    fail "no Rust here compiles for $1 (tried: $routes). Run: rustup target add $1
  or, on Debian: sudo apt-get install -y --no-install-recommends $debian_packages"
}

ready_route() { "${2}_ready" "$1"; }

explain_route() {
    case $route in
    rustup) say "Rust guests: $(cd "$root" && rustc --version), its target $target is installed" ;;
    debian)
        reason="as rustup has no target $target here"
        [ "${WFORGE_GUEST_ROUTE:-auto}" = auto ] || reason="as WFORGE_GUEST_ROUTE says"
        say "Rust guests: Debian's $(/usr/bin/rustc --version) with std from source, $reason"
        ;;
    esac
}

# cargo for guests, by the chosen route. Paths of this machine stay out of the components.
guest_cargo() {
    flags="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$root=/src"
    case $route in
    rustup) CARGO_TARGET_DIR="$guests" RUSTFLAGS="$flags" cargo "$@" ;;
    debian)
        CARGO_TARGET_DIR="$guests" RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
            RUSTFLAGS="$flags -L /usr/lib/wasm32-wasi" \
            /usr/bin/cargo "$@" -Zbuild-std=std,panic_abort
        ;;
    esac
}

compiler_version() {
    case $route in
    rustup) (cd "$root" && rustc -vV) ;;
    debian) /usr/bin/rustc -vV ;;
    esac
}
