#!/usr/bin/env bash
# verify.sh IMAGE... : whether each image, by its digest, was signed by our own workflow, and its SBOM attested.
#   SIGNER   the workflow that has to have signed, as https://github.com/OWNER/REPO/.github/workflows/FILE@REF
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

: "${SIGNER:?whose signature an image needs}"
by=(--certificate-identity "$SIGNER" --certificate-oidc-issuer https://token.actions.githubusercontent.com)
[[ $# -gt 0 ]] || die "Which images?"
for image in "$@"; do
  [[ $image =~ ^[a-z0-9][a-z0-9./_-]*(:[0-9]+)?(/[a-z0-9._-]+)*@sha256:[0-9a-f]{64}$ ]] || die "$image: not by digest"
done
for image in "$@"; do
  cosign verify "${by[@]}" "$image" >/dev/null || die "$image: not signed by $SIGNER"
  cosign verify-attestation "${by[@]}" --type spdxjson "$image" >/dev/null || die "$image: no SBOM attested by $SIGNER"
  say "$image: signed by $SIGNER"
done
