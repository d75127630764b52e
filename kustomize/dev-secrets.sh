#!/usr/bin/env bash
# dev-secrets.sh : makes the Secrets of the overlay dev with passwords by chance, and the namespace if
# it is not there. What is there stays as it is. NAMESPACE: chat-dev
set -euo pipefail
NAMESPACE=${NAMESPACE:-chat-dev}
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1:-} in
  -h | --help)
    usage "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
# 48 characters that need no escaping in an address.
chance() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# make NAME KEY=VALUE... : by a manifest on the standard input, since arguments are seen by everybody.
make() {
  local name=$1 pair
  shift
  {
    printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\nstringData:\n' "$name"
    for pair in "$@"; do
      printf '  %s: "%s"\n' "${pair%%=*}" "${pair#*=}"
    done
  } | kube create --filename - >&2
}

"$KUBECTL" get namespace "$NAMESPACE" >/dev/null 2>&1 || "$KUBECTL" create namespace --save-config "$NAMESPACE" >&2
if exists secret chat-secrets; then
  say "chat-secrets is there already"
  exit 0
fi
# Half of them would not fit together: all are made anew, or none.
for name in chat-postgres chat-redis; do
  ! exists secret "$name" || die "There is $name, but no chat-secrets: delete it, and PostgreSQL's volume, first"
done
database=$(chance)
redis=$(chance)
make chat-postgres "password=$database"
make chat-redis "password=$redis"
make chat-secrets "database-url=postgres://chat:$database@postgres:5432/chat?sslmode=disable" \
  "redis-url=redis://:$redis@redis:6379" "jwt-secret=$(chance)"
