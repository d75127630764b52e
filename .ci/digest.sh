#!/usr/bin/env bash
# digest.sh IMAGE:TAG : what the tag names now, by digest.
set -euo pipefail

image=${1:?an image with its tag}
digest=$(docker buildx imagetools inspect "$image" --format '{{.Manifest.Digest}}')
[[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || {
  printf '%s: no digest\n' "$image" >&2
  exit 1
}
printf '%s@%s\n' "${image%:*}" "$digest"
