#!/usr/bin/env bash
# costs.sh : what counting costs a delivery, in instructions of the server: two builds of the same bench under callgrind,
# one that counts and logs as in production, one that does neither. Fails above 3 %.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
has valgrind || apt_install valgrind || die "valgrind is missing."
has callgrind_control || die "callgrind_control of valgrind is missing."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The counting build last, so that what is left in the target folder is the usual one.
for build in without with; do
  if [[ $build == without ]]; then export CHAT_UNMETERED=1; else unset CHAT_UNMETERED; fi
  binary=$(cargo bench --locked --bench sockets --no-run --message-format=json |
    sed -n 's/.*"name":"sockets".*"executable":"\([^"]*\)".*/\1/p')
  [[ -x $binary ]] || die "the bench was not built"
  cp "$binary" "$scratch/$build"
done

for build in without with; do
  if [[ $build == with ]]; then log=info; else log=off; fi
  CHAT_BENCH_LOG=$log "$scratch/$build" instructions | tee "$scratch/$build.txt" | sed "s/^/$build: /"
done

paste "$scratch/without.txt" "$scratch/with.txt" | awk '
  $1 != "readers" || $5 != "readers" || $2 != $6 { bad = 1; next }
  {
    share = 100 * ($8 / $4 - 1)
    printf "%d readers: %d -> %d instructions per delivery: %+.2f %% (bound 3)\n", $2, $4, $8, share
    if (share > 3) bad = 1
    seen++
  }
  END { exit bad || !seen }'
