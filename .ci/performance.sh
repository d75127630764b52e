#!/usr/bin/env bash
# performance.sh BASE : the benches of BASE and of the checkout, in turns on the same machine, and whether one of them
# became slower than performance.py allows. Absolute times are the machine's; what counts is the ratio of the two.
#   BENCHES   which (codec fanout append): those of criterion, a minute and a quarter a turn
#   ROUNDS    how many turns each (3)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
read -ra benches <<<"${BENCHES:-codec fanout append}"
out=$TARGET/performance
if ! base=$(git rev-parse --verify --quiet "${1:?against what}^{commit}"); then
  # The first commit of a branch, as GitHub has it: forty zeros.
  [[ $1 =~ ^0+$ ]] || die "$1: no such commit"
  say "NOT COMPARED: there is nothing before."
  exit 0
fi

rm -rf "$out/results"
git worktree remove --force "$out/base" 2>/dev/null || rm -rf "$out/base"
git worktree prune
mkdir -p "$out"
git worktree add --quiet --detach "$out/base" "$base"
trap 'git -C "$ROOT" worktree remove --force "$out/base"' EXIT

words=(--locked)
for bench in "${benches[@]}"; do
  words+=(--bench "$bench")
done
# turn FOLDER NAME ROUND
turn() {
  (cd "$1" && CARGO_TARGET_DIR="$out/target-$2" CRITERION_HOME="$out/results/$2-$3" cargo bench "${words[@]}")
}
# Compiled first, so that no turn runs beside a compiler.
for side in "$out/base before" "$ROOT after"; do
  read -r folder name <<<"$side"
  (cd "$folder" && CARGO_TARGET_DIR="$out/target-$name" cargo bench "${words[@]}" --no-run)
done
for ((round = 1; round <= ${ROUNDS:-3}; round++)); do
  turn "$out/base" before "$round"
  turn "$ROOT" after "$round"
done
python3 .ci/performance.py "$out/results"
