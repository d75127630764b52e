#!/usr/bin/env bash
# size.sh [--messages N] [--characters N] : what a message takes on the disk, of PostgreSQL and of SQLite, with what search finds it by.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_postgres
need_manifests_python
[[ -x $TARGET/debug/chat ]] || die "$TARGET/debug/chat is missing: cargo build"
"$MANIFESTS_PYTHON" -B tests/drills/size.py "$TARGET/debug/chat" "$@"
