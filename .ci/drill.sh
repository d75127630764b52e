#!/usr/bin/env bash
# drill.sh [--seconds N] [--rate N] : a PostgreSQL and the files are lost under load and brought back, and what that cost is said.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
need_postgres
need_manifests_python
cargo build --locked --release --features torture --bin chat
"$MANIFESTS_PYTHON" -B tests/drills/restore.py "$TARGET/release/chat" "$@"
