#!/usr/bin/env bash
# api.sh : the two documents of openapi/, looked at by Spectral and by Redocly; a warning is a failure.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_api_node
# Nobody is told that it runs here.
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true SCARF_ANALYTICS=false
for document in openapi/openapi.yaml openapi/asyncapi.yaml; do
  "$API_NODE/.bin/spectral" lint --ruleset .ci/api/spectral.yaml --fail-severity hint "$document"
  { "$API_NODE/.bin/redocly" lint --config .ci/api/redocly.yaml --format json "$document" 2>/dev/null || true; } | node .ci/api/problems.mjs
done
printf 'both documents are clean\n'
