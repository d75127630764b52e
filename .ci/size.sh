#!/usr/bin/env bash
# size.sh [--messages N] [--characters N] : what a message takes on the disk, of PostgreSQL and of SQLite, with what search finds it by.
# CHAT_BIN names another server than that of a debug build.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_postgres
need_manifests_python
binary=${CHAT_BIN:-$TARGET/debug/chat}
[[ -x $binary ]] || die "$binary is missing: cargo build"
"$MANIFESTS_PYTHON" -B tests/drills/size.py "$binary" "$@"
