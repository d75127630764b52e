#!/usr/bin/env bash
# subjects.sh IMAGE... : name and digest of images NAME@sha256:…, as outputs of a step: LAST-name= and LAST-digest=,
# where LAST is the last part of the name.
set -euo pipefail

for image in "$@"; do
  if [[ ! $image =~ ^([^@]+/([a-z0-9._-]+))@(sha256:[0-9a-f]{64})$ ]]; then
    printf '%s: not by digest\n' "$image" >&2
    exit 1
  fi
  printf '%s-name=%s\n%s-digest=%s\n' "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}"
done
