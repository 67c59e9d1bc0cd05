#!/bin/sh
# Builds the agent in C: world, object, component, manifest. See README.md for the tools.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
work=$root/target/c-agent
wforge_build=${WFORGE_BUILD:-$root/target/sdk/debug/wforge-build}
sysroot=$(rustc --print sysroot)/lib/rustlib
libc=$sysroot/wasm32-wasip2/lib/self-contained
builtins=$(clang --print-resource-dir)/lib/wasi/libclang_rt.builtins-wasm32.a

fail() {
    printf 'c-agent: error: %s\n' "$*" >&2
    exit 2
}
for tool in clang rustc; do
    command -v "$tool" >/dev/null || fail "$tool is missing; README.md says how to get it"
done
[ -x "$wforge_build" ] || fail "$wforge_build is missing. Run: make build"
[ -f "$libc/libc.a" ] || fail "there is no libc for WASI. Run: rustup target add wasm32-wasip2"
[ -f "$builtins" ] || fail "$builtins is missing. Run: sudo apt-get install libclang-rt-14-dev-wasm32"
for linker in "$sysroot"/*/bin/wasm-component-ld; do :; done
[ -x "$linker" ] || fail "rustc brings no wasm-component-ld; take Rust 1.82 or newer"

rm -rf "$work"
mkdir -p "$work"
"$wforge_build" world "$here" "$root/wit" "$work/wit"
clang --target=wasm32-wasi -isystem /usr/include/wasm32-wasi -std=c11 -Os -Wall -Wextra \
    -c "$here/agent.c" -o "$work/agent.o"
# The linker that it calls lies beside it.
PATH=$(dirname "$linker"):$(dirname "$linker")/gcc-ld:$PATH "$linker" -o "$work/raw.wasm" \
    --component-type "$work/wit" --gc-sections --entry _initialize \
    "$libc/crt1-reactor.o" "$work/agent.o" "$libc/libc.a" "$builtins"
"$wforge_build" pack "$here" "$work/raw.wasm" "$work/example-c-echo.wasm"
