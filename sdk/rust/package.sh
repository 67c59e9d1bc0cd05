#!/bin/sh
# Packs both crates into target/package; what is given is handed to cargo, such as --no-verify.
#
# The SDK asks for its macros by version too. Until that version is on crates.io, cargo has to be
# told where it is.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here/macros" && cargo package --locked "$@"
cd "$here" && cargo package --locked \
    --config "patch.crates-io.workflowforge-sdk-macros.path=\"$here/macros\"" "$@"
