#!/usr/bin/env bash
# fuzz-api.sh [EXAMPLES] [SEED] : puts to a running server what its OpenAPI document allows and what it forbids, as the
# administrator and as an ordinary person. A 500, a status, header or body that the document does not have, something
# taken that it forbids or refused that it allows: each is a failure.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

examples=${1:-10}
seed=${2:-$RANDOM}
need_curl
need_api_python
folder=$(mktemp -d)
SERVER=
cleanup() {
  [[ -z $SERVER ]] || kill "$SERVER" 2>/dev/null || true
  wait
  rm -rf "$folder"
}
trap cleanup EXIT
start_server "$folder"
curl -sf -o "$folder/openapi.json" "$URL/openapi.json"

# Not that of the document's examples, which would then change it, or end the account.
export FUZZ_PASSWORD="stands in no example $RANDOM"
failed=()
# Who comes first is the administrator.
for name in administrator person; do
  export FUZZ_EMAIL=$name@fuzz.example.com
  curl -sf -o /dev/null "$URL/auth/register" -H 'content-type: application/json' \
    -d "{\"username\":\"$name\",\"email\":\"$FUZZ_EMAIL\",\"password\":\"$FUZZ_PASSWORD\"}"
  printf '\n== %s: %s examples of each operation, seed %s\n' "$name" "$examples" "$seed"
  (cd "$folder" && "$API_PYTHON/st" --config-file "$ROOT/.ci/api/schemathesis.toml" run openapi.json --url "$URL" \
    --checks all --max-examples "$examples" --seed "$seed" --continue-on-failure --no-color --warnings off) || failed+=("$name")
done
kill -0 "$SERVER" || die "the server ended: $(tail -n 20 "$folder/log")"
[[ ${#failed[@]} -eq 0 ]] || die "Not what the document says, as: ${failed[*]}. Again by: .ci/fuzz-api.sh $examples $seed"
