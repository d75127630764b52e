#!/usr/bin/env bash
# archive.sh FOLDER IMAGE... : keeps each image, by its digest, as FOLDER/NAME.tar (as docker save makes it); NAME is the
# last part of the image's name. For jobs that have no right to the registry. ARCH takes another than amd64.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

folder=${1:?a folder}
shift
for image in "$@"; do
  [[ $image =~ /([a-z0-9._-]+)@sha256:[0-9a-f]{64}$ ]] || die "$image: not by digest"
  mkdir -p "$folder"
  docker pull --quiet --platform "linux/${ARCH:-amd64}" "$image" >&2
  docker save --output "$folder/${BASH_REMATCH[1]}.tar" "$image"
done
