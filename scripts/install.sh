#!/bin/sh
# Installs wforge from a release, without root. Linux on x86-64 and arm64.
#
#   sh install.sh                          the newest release, into ~/.local/bin
#   WFORGE_VERSION=0.1.0 sh install.sh     that release
#   WFORGE_INSTALL_DIR=/opt/bin sh install.sh
#   WFORGE_RELEASES=/media/releases sh install.sh    from a folder, or from another server
#
# A file whose SHA-256 is not the one in SHA256SUMS is not unpacked.
set -eu

releases=${WFORGE_RELEASES:-https://github.com/workflowforge/workflowforge/releases}
to=${WFORGE_INSTALL_DIR:-${HOME:?install.sh: error: HOME is not set; set WFORGE_INSTALL_DIR}/.local/bin}
version=${WFORGE_VERSION:-}
work=

say() { printf 'install.sh: %s\n' "$*"; }
fail() {
    printf 'install.sh: error: %s\n' "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# The name of the release that fits this machine.
target() {
    [ "$(uname -s)" = Linux ] || fail "there are releases for Linux; on $(uname -s) build from source"
    case $(uname -m) in
    x86_64 | amd64) echo x86_64-unknown-linux-gnu ;;
    aarch64 | arm64) echo aarch64-unknown-linux-gnu ;;
    *) fail "there is no release for $(uname -m); build from source" ;;
    esac
}

# Copies the file $1 of the release into $2. Servers have a folder for each version, as GitHub does.
fetch() {
    case $releases in
    http://* | https://*)
        if [ -n "$version" ]; then
            url=$releases/download/v$version/$1
        else
            url=$releases/latest/download/$1
        fi
        if have curl; then
            curl --fail --silent --show-error --location --proto '=https,http' -o "$2" "$url"
        elif have wget; then
            wget -q -O "$2" "$url"
        else
            fail "neither curl nor wget is here. Run: sudo apt-get install -y curl"
        fi || fail "$url cannot be fetched"
        ;;
    *) cp "$releases/$1" "$2" 2>/dev/null || fail "there is no file $releases/$1" ;;
    esac
}

digest() {
    if have sha256sum; then
        sha256sum "$1"
    elif have shasum; then
        shasum -a 256 "$1"
    else
        fail "neither sha256sum nor shasum is here: nothing could be checked"
    fi | cut -d ' ' -f 1
}

# The lines of SHA256SUMS that are for this machine: `<digest>  wforge-<version>-<target>.tar.gz`.
archive_of() {
    sed -n "s/^[0-9a-f]\{64\}  \(wforge-${version:-[0-9][^ ]*}-$1\.tar\.gz\)\$/\1/p" "$work/SHA256SUMS"
}

install_from() {
    [ -f "$1/wforge" ] || fail "the archive has no wforge; nothing was installed"
    mkdir -p "$to" || fail "$to cannot be made; set WFORGE_INSTALL_DIR"
    # What compiles JavaScript and Python goes first: it is only looked for by the other one.
    for program in wforge-build wforge; do
        [ -f "$1/$program" ] || continue
        # Under another name first: whoever runs the old program goes on running it.
        cp "$1/$program" "$to/.$program.new" && chmod 755 "$to/.$program.new" &&
            mv -f "$to/.$program.new" "$to/$program" ||
            fail "$to/$program cannot be written; set WFORGE_INSTALL_DIR"
    done
}

main() {
    machine=$(target)
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    fetch SHA256SUMS "$work/SHA256SUMS"
    archive=$(archive_of "$machine")
    [ -n "$archive" ] || fail "the release${version:+ $version} has no archive for $machine"
    [ "$(printf '%s\n' "$archive" | wc -l)" = 1 ] ||
        fail "there are several releases in $releases; say which: WFORGE_VERSION=…"
    fetch "$archive" "$work/$archive"
    wanted=$(sed -n "s/^\([0-9a-f]\{64\}\)  $archive\$/\1/p" "$work/SHA256SUMS")
    found=$(digest "$work/$archive")
    [ "$wanted" = "$found" ] || fail "$archive has the SHA-256 $found, and SHA256SUMS says $wanted:" \
        "it is broken, or not the release. Nothing was installed"
    mkdir "$work/unpacked"
    tar -xzf "$work/$archive" -C "$work/unpacked" --no-same-owner --strip-components=1 ||
        fail "$archive cannot be unpacked"
    install_from "$work/unpacked"
    say "$("$to/wforge" --version) is in $to"
    case :$PATH: in
    *":$to:"*) ;;
    *) say "add it to your PATH: export PATH=\"$to:\$PATH\"" ;;
    esac
}

# All of it is read before any of it runs: a download that broke off does nothing.
main
