#!/usr/bin/env bash
# roll.sh [IMAGE] : replaces the backends of compose.yaml one by one, by IMAGE or by what they are made of now,
# and loses nothing: a new one is there before an old one is told to stop. Ends at the first new one that does
# not become healthy, with the old ones serving. To go back, roll to the image named at the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf '%s\n' "$*" >&2; }
die() {
  say "roll.sh: $*"
  exit 1
}
compose() { docker compose -f compose.yaml "$@"; }

mapfile -t old < <(compose ps --quiet --status running backend)
[[ ${#old[@]} -gt 0 ]] || die "no backend runs: docker compose up"
before=$(docker inspect --format '{{.Image}}' "${old[0]}")
export BACKEND_IMAGE=${1:-${BACKEND_IMAGE:-$(docker inspect --format '{{.Config.Image}}' "${old[0]}")}}
docker image inspect "$BACKEND_IMAGE" >/dev/null 2>&1 || docker pull "$BACKEND_IMAGE"

# The schema first, as at every start: a new version expands it, and the old one goes on beside it.
compose run --rm --no-deps --no-TTY migrate </dev/null

for one in "${old[@]}"; do
  known=$(compose ps --quiet --all backend)
  # One more than now; those that run stay as they are.
  if ! compose up --detach --no-build --no-deps --no-recreate --wait --wait-timeout 60 \
    --scale backend=$((${#old[@]} + 1)) backend; then
    for made in $(compose ps --quiet --all backend); do
      grep -q "$made" <<<"$known" || docker rm --force "$made" >/dev/null
    done
    die "the new backend did not become healthy; the old ones go on"
  fi
  say "stopping ${one:0:12}"
  # Its sockets move to the others meanwhile; compose.yaml says how long that may take.
  docker stop "$one" >/dev/null
  code=$(docker inspect --format '{{.State.ExitCode}}' "$one")
  docker rm "$one" >/dev/null
  [[ $code -eq 0 ]] || die "${one:0:12} ended with exit code $code"
done

say "${#old[@]} backends run $BACKEND_IMAGE. To go back: ${BASH_SOURCE[0]} $before"
