#!/usr/bin/env bash
# labels.sh : what images of this commit are called, and what stands in their labels, as outputs of a step:
# image=REGISTRY/NAME and args=, the build arguments of both Dockerfiles. Needs REGISTRY and IMAGE_NAME.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Registries know no capitals.
name=${IMAGE_NAME:?OWNER/REPOSITORY}
printf 'image=%s/%s\n' "${REGISTRY:?a registry}" "${name,,}"
printf 'args<<ARGS\n'
printf 'VERSION=%s\n' "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)"
printf 'REVISION=%s\n' "$(git rev-parse HEAD)"
# The commit's, so that the same commit gives the same labels.
printf 'CREATED=%s\n' "$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)"
printf 'SOURCE=https://github.com/%s\n' "$name"
printf 'ARGS\n'
