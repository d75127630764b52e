#!/usr/bin/env bash
# make build: the binary that is installed elsewhere.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
build_web
cargo build --locked --release
say "$TARGET/release/chat"
