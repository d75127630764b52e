#!/usr/bin/env bash
# timing.sh [SAMPLES] : whether the time of an answer tells who has an account (timing.py says how it is judged).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
has python3 || apt_install python3 || die "Python 3 is missing."
cargo build --locked --all-features
python3 .ci/timing.py "$TARGET/debug/chat" "${1:-400}"
