#!/bin/sh
# Builds the agent in C: world, bindings, objects, component, manifest. See README.md for the tools.
#
#   build.sh          builds it
#   build.sh tools    says which tool is missing, and builds nothing
#
# WIT_BINDGEN and WFORGE_BUILD name other programs than wit-bindgen in PATH and wforge-build in
# target/sdk/debug.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
work=$root/target/c-agent
wit_bindgen=${WIT_BINDGEN:-wit-bindgen}
wforge_build=${WFORGE_BUILD:-$root/target/sdk/debug/wforge-build}

fail() {
    printf 'c-agent: error: %s\n' "$*" >&2
    exit 2
}
for tool in clang rustc "$wit_bindgen"; do
    command -v "$tool" >/dev/null || fail "$tool is missing; README.md says how to get it"
done
sysroot=$(rustc --print sysroot)/lib/rustlib
libc=$sysroot/wasm32-wasip2/lib/self-contained
builtins=$(clang --print-resource-dir)/lib/wasi/libclang_rt.builtins-wasm32.a
[ -x "$wforge_build" ] || fail "$wforge_build is missing. Run: make build"
[ -f "$libc/libc.a" ] || fail "there is no libc for WASI. Run: rustup target add wasm32-wasip2"
[ -f "$builtins" ] ||
    fail "$builtins is missing. Run: sudo apt-get install libclang-rt-14-dev-wasm32"
for linker in "$sysroot"/*/bin/wasm-component-ld; do :; done
[ -x "$linker" ] || fail "rustc brings no wasm-component-ld; take Rust 1.82 or newer"
[ "${1:-}" != tools ] || exit 0

rm -rf "$work"
mkdir -p "$work"
"$wforge_build" world "$here" "$root/wit" "$work/wit"
"$wit_bindgen" c "$work/wit" --world plugin --out-dir "$work"
for source in "$here/agent.c" "$work/plugin.c"; do
    clang --target=wasm32-wasi -isystem /usr/include/wasm32-wasi -I "$work" -std=c11 -Os -Wall \
        -Wextra -c "$source" -o "$work/$(basename "$source" .c).o"
done
# The linker that it calls lies beside it. The last object of ours has the world.
PATH=$(dirname "$linker"):$(dirname "$linker")/gcc-ld:$PATH "$linker" -o "$work/raw.wasm" \
    --gc-sections --entry _initialize "$libc/crt1-reactor.o" "$work/agent.o" "$work/plugin.o" \
    "$work/plugin_component_type.o" "$libc/libc.a" "$builtins"
"$wforge_build" pack "$here" "$work/raw.wasm" "$work/example-c-echo.wasm"
