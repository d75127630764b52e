#!/usr/bin/env bash
# secrets.sh : makes the secrets of compose.yaml in docker/secrets/, each in a file of its own. What is there
# already stays: a second run changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# The folder is its owner's alone. The files in it can be read by whoever gets there: they are bound into
# containers as they are, and the users there are others.
mkdir -p secrets
chmod 0700 secrets

# keep NAME TEXT
keep() {
  local file=secrets/$1
  if [[ -e $file ]]; then
    printf 'kept %s\n' "$file" >&2
    return
  fi
  (umask 0333 && printf '%s\n' "$2" >"$file")
  printf 'made %s\n' "$file" >&2
}

# 256 bits, as letters and digits: good in an address without being encoded.
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

keep postgres-password "$(random)"
keep redis-password "$(random)"
keep jwt-secret "$(random)"
keep grafana-password "$(random)"
keep redis-conf "requirepass $(<secrets/redis-password)"
keep database-url "postgres://chat:$(<secrets/postgres-password)@postgres:5432/chat?sslmode=disable"
keep redis-url "redis://:$(<secrets/redis-password)@redis:6379"

# The mail server's address; that of the profile mail until somebody writes another one into it.
mkdir -p secrets/mail
keep mail/users "chat:$(random)"
keep smtp-url "smtps://$(<secrets/mail/users)@mail:1025"

# Who may use the bucket of CHAT_FILES_URL; nobody reads them while files lie in the volume.
keep s3-access-key-id none
keep s3-secret-access-key none

# Of the profile logging: passwords, and certificates of an authority of its own.
mkdir -p secrets/logging
for name in elastic writer reader kibana kibana-key; do keep "logging/$name" "$(random)"; done
if command -v openssl >/dev/null; then
  logging/certificates.sh secrets/logging
  # All but the authority's own key, which nothing mounts.
  chmod 0444 secrets/logging/*.crt secrets/logging/{elasticsearch,logstash,kibana,filebeat}.key
  logging/certificates.sh secrets/mail mail
  chmod 0444 secrets/mail/*.crt secrets/mail/mail.key
else
  printf 'no openssl: the profiles logging and mail have no certificates\n' >&2
fi
# Every backend has it at hand, whether mail goes there or not.
[[ -e secrets/mail/ca.crt ]] || : >secrets/mail/ca.crt
