#!/usr/bin/env bash
# alerts-torture.sh [TEST...] : the faults of the torture test, and the alerts that each makes fire and end again.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
need_postgres
need_redis
need_prometheus
need_manifests_python

cargo build --locked --release --features torture --bin chat
export CHAT_BINARY=$TARGET/release/chat
cd tests/alerts && "$MANIFESTS_PYTHON" -B under_torture.py "$@"
