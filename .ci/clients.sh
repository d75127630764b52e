#!/usr/bin/env bash
# clients.sh : makes clients of a running server's OpenAPI document, in TypeScript and in Python, and has them hold a
# conversation (tests/clients). What they are made into is thrown away.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_curl
need_api_node
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
cd "$folder"
curl -sf -o openapi.json "$URL/openapi.json"

mkdir typescript
ln -s "$API_NODE" typescript/node_modules
printf '{"type":"module"}\n' >typescript/package.json
cp "$ROOT/tests/clients/conversation.ts" typescript/
# What has a default value may be left out of a request all the same.
"$API_NODE/.bin/openapi-typescript" openapi.json --default-non-nullable false -o typescript/schema.d.ts >&2
(cd typescript && "$API_NODE/.bin/tsc" --strict --noUncheckedIndexedAccess --exactOptionalPropertyTypes --skipLibCheck \
  --target es2022 --module nodenext --lib es2022,dom,dom.iterable conversation.ts && node conversation.js "$URL")

"$API_PYTHON/openapi-python-client" generate --path openapi.json --meta none --output-path chat_client \
  --config "$ROOT/.ci/api/python-client.yaml" --fail-on-warning >&2
PYTHONPATH=. "$API_PYTHON/python" -B "$ROOT/tests/clients/conversation.py" "$URL"
