#!/usr/bin/env bash
# sim.sh SEEDS : that many schedules of failures, simulated. A failure keeps its plan in tests/it/sim/plans.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
SIM_SEEDS=${1:?the number of seeds} exec cargo test --locked --all-features --test it sim:: -- --nocapture
