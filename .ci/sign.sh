#!/usr/bin/env bash
# sign.sh IMAGE SBOM... : signs an image by its digest, in the name of the workflow that runs, and attests what is in it.
# No key: the certificate is made for this job and lives ten minutes; the signature is in a public log and in the registry.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

image=${1:?an image by digest}
shift
[[ $# -gt 0 ]] || die "Which SBOM? SPDX as JSON; one for each processor"
[[ $image =~ @sha256:[0-9a-f]{64}$ ]] || die "$image: not by digest; what is signed must not change"
for sbom in "$@"; do
  [[ -s $sbom ]] || die "$sbom: no SBOM"
done
cosign sign --yes --annotations "sha=${GITHUB_SHA:?}" --annotations "repo=${GITHUB_REPOSITORY:?}" "$image"
for sbom in "$@"; do
  cosign attest --yes --type spdxjson --predicate "$sbom" "$image"
done
