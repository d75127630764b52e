#!/usr/bin/env bash
# logging-secrets.sh : makes what kustomize/logging reads and git does not hold: passwords, an authority and by it a
# certificate for each part; and the two namespaces if they are not there. What is there stays as it is. To renew the
# certificates, delete the Secrets logging-tls-* in both namespaces and run it again, then restart the pods. The
# authority's key is kept nowhere. Needs openssl.
set -euo pipefail
NAMESPACE=logging
AGENTS=logging-agents
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
CERTIFICATES=$(dirname "${BASH_SOURCE[0]}")/../docker/logging/certificates.sh

case ${1:-} in
  -h | --help)
    usage "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
chance() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

# make NAME KEY=FILE... : by a manifest on the standard input, since arguments are seen by everybody.
make() {
  local name=$1 pair
  shift
  {
    printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\ndata:\n' "$name"
    for pair in "$@"; do
      printf '  %s: %s\n' "${pair%%=*}" "$(base64 -w 0 "${pair#*=}")"
    done
  } | kube create --filename - >&2
}

# home PART : the namespace it runs in.
home() { if [[ $1 == filebeat ]]; then echo "$AGENTS"; else echo logging; fi; }

for space in logging "$AGENTS"; do
  "$KUBECTL" get namespace "$space" >/dev/null 2>&1 || "$KUBECTL" create namespace --save-config "$space" >&2
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 077

if exists secret logging-passwords; then
  say "logging-passwords is there already"
else
  words=()
  for name in elastic writer reader kibana kibana-key; do
    chance >"$work/$name"
    words+=("$name=$work/$name")
  done
  make logging-passwords "${words[@]}"
fi

# One authority for all: some of them would not fit the others.
there=()
for part in elasticsearch logstash kibana filebeat; do
  NAMESPACE=$(home "$part")
  ! exists secret "logging-tls-$part" || there+=("$part")
done
if [[ ${#there[@]} -eq 4 ]]; then
  say "the certificates are there already"
  exit 0
fi
[[ ${#there[@]} -eq 0 ]] || die "There are certificates of ${there[*]} alone: delete those Secrets logging-tls-* first"
mkdir "$work/tls"
"$CERTIFICATES" "$work/tls"
for part in elasticsearch logstash kibana filebeat; do
  NAMESPACE=$(home "$part")
  make "logging-tls-$part" "ca.crt=$work/tls/ca.crt" "tls.crt=$work/tls/$part.crt" "tls.key=$work/tls/$part.key"
done
