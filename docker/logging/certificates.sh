#!/usr/bin/env bash
# certificates.sh FOLDER [NAME...] : an authority, and by it a certificate for each name, or else for each part of the
# logging, in FOLDER: ca.crt, ca.key, NAME.crt, NAME.key. What is there already stays. Needs openssl. DAYS: 825. To
# renew, delete those that end and run it again; the authority lasts ten years.
set -euo pipefail
folder=${1:?a folder}
shift
[[ $# -gt 0 ]] || set -- elasticsearch logstash kibana filebeat
cd "$folder"
umask 077

if [[ ! -e ca.key ]]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 3650 -subj "/CN=chat $(basename "$PWD")" \
    -addext 'keyUsage=critical,keyCertSign,cRLSign' -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' \
    -keyout ca.key -out ca.crt 2>/dev/null
  printf 'made the authority\n' >&2
fi

for name; do
  if [[ -e $name.key && -e $name.crt ]]; then continue; fi
  # Under the name of its Service, near and far, and at this machine.
  cat >"$name.ext" <<END
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=DNS:$name,DNS:$name.logging,DNS:$name.logging.svc,DNS:localhost,IP:127.0.0.1
END
  # PKCS 8, which is what all four read.
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$name.key" 2>/dev/null
  openssl req -new -key "$name.key" -subj "/CN=$name" -out "$name.csr" 2>/dev/null
  openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 16)" -days "${DAYS:-825}" -sha256 \
    -extfile "$name.ext" -out "$name.crt" 2>/dev/null
  rm -f "$name.csr" "$name.ext"
  printf 'made the certificate of %s\n' "$name" >&2
done
