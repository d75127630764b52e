#!/usr/bin/env bash
# oidc-token.sh AUDIENCE : who this job is, as kubectl wants to be told: a token that GitHub signs for AUDIENCE and
# that runs out by itself. Works where a job has the permission id-token: write.
set -euo pipefail

: "${ACTIONS_ID_TOKEN_REQUEST_URL:?a job without the permission id-token: write has no token}"
: "${ACTIONS_ID_TOKEN_REQUEST_TOKEN:?a job without the permission id-token: write has no token}"
# By a configuration on the standard input: arguments are seen by everybody.
answer=$(printf 'header = "Authorization: Bearer %s"\n' "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" |
  curl --fail --silent --show-error --retry 3 --config - --get --data-urlencode "audience=${1:?for whom}" \
    "$ACTIONS_ID_TOKEN_REQUEST_URL")
python3 -c '
import base64, datetime, json, sys
token = json.load(sys.stdin)["value"]
claims = token.split(".")[1]
expires = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
expires = datetime.datetime.fromtimestamp(expires, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                  "status": {"token": token, "expirationTimestamp": expires}}))' <<<"$answer"
