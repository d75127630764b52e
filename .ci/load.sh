#!/usr/bin/env bash
# load.sh : the load that this machine can make by itself: the benches that run whole servers, each with its bound. They
# take addresses of this machine alone, and end by themselves. benches/k6/loadtest.js does it from elsewhere, with k6.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
need_postgres
need_redis
cargo bench --locked --bench sockets
exec cargo bench --locked --bench cluster
