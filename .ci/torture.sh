#!/usr/bin/env bash
# torture.sh SECONDS [SEED] : three servers, a database and a Redis under every fault for so long. A
# failure prints its seed.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
need_postgres
need_redis
seconds=${1:?the number of seconds}
seed=${2:-}
# Optimised: hundreds of clients share the machine with the servers.
cargo build --locked --release --features torture --bin chat
exec "$TARGET/release/chat" torture --seconds "$seconds" ${seed:+--seed "$seed"}
