#!/usr/bin/env bash
# coverage.sh : how much of the server its tests run, and the floor below which it must not fall. Reports go to
# target/coverage: summary.json, and lcov.info for an editor.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
need_llvm_cov
need_redis
need_openssl
need_postgres
out=$TARGET/coverage
mkdir -p "$out"
# What an earlier run wrote would count again.
cargo llvm-cov clean --profraw-only
cargo llvm-cov --locked --all-features --no-report
cargo llvm-cov report --json --summary-only --output-path "$out/summary.json"
cargo llvm-cov report --lcov --output-path "$out/lcov.info"
exec python3 .ci/coverage.py server "$out/summary.json"
