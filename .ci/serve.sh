#!/usr/bin/env bash
# make run: from a fresh checkout to a running server.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
build_web
say "Building the server"
cargo build --locked
exec "$TARGET/debug/chat" serve
