#!/usr/bin/env bash
# Every test of every workspace, the agent in C, generated clients, readers through a kill, some of
# the attacks on a running server, then the check that model and graph need no std.
set -euo pipefail
cd "$(dirname "$0")/.."
# What makes the components that no compiler would make; the tests hand them to a server.
scripts/components.sh build
scripts/test-tools.sh
cargo test --locked --workspace
sdk/toolchain.sh test
scripts/c-agent.sh test
scripts/clients.sh test
scripts/load.sh sample
scripts/hostile.sh test
scripts/hostile.sh sample
sdk/toolchain.sh nostd
