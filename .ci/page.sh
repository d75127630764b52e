#!/usr/bin/env bash
# page.sh : the frontend image's nginx configuration and start script, under a real nginx of this machine, in a
# folder instead of a container: what it answers, for every way that it may be configured.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_node
need_nginx
need_curl
build_web

dir=$(mktemp -d)
server=
# stop : as `docker stop` does, and as kindly answered: with 0.
stop() {
  [[ -n $server ]] || return 0
  kill -QUIT "$server"
  local code=0
  wait "$server" || code=$?
  server=
  [[ $code -eq 0 ]] || die "nginx ended with $code"
}
trap 'stop; rm -rf "$dir"' EXIT

node docker/frontend/precompress.mjs web/dist/app "$dir/share"
mkdir -p "$dir/etc/conf.d" "$dir/tmp"
cp docker/frontend/rest.conf "$dir/etc/rest.conf"
types=/etc/nginx/mime.types
[[ -e $types ]] || die "nginx is here without $types"
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
  console.log(s.address().port); s.close(); });')

# The folders of the container become folders of $dir; nothing else is changed.
here() {
  # /tmp first: the folder may lie in it.
  sed -e "s#/tmp/#$dir/tmp/#g" -e "s#/etc/nginx/mime.types#$types#" -e "s#/etc/nginx/\(conf.d\|rest\)#$dir/etc/\1#" \
    -e "s#/usr/share/nginx/#$dir/share/#" -e "s#listen 8080;#listen 127.0.0.1:$port;#" "$1"
}
here docker/frontend/nginx.conf >"$dir/etc/nginx.conf"
here docker/frontend/default.conf >"$dir/etc/conf.d/default.conf"
here docker/frontend/start.sh >"$dir/start.sh"

# start [NAME=VALUE...] : nginx, by the start script and in an environment of just these. As whoever runs this: the
# folder is nobody else's.
start() {
  stop
  env -i PATH="$PATH" "$@" sh "$dir/start.sh" nginx -c "$dir/etc/nginx.conf" -g "daemon off; user $(id -un) $(id -gn);" >"$dir/log" 2>&1 &
  server=$!
  for _ in $(seq 50); do
    curl -sf -o /dev/null "http://127.0.0.1:$port/health" && return
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  server=
  die "nginx did not start: $(<"$dir/log")"
}

checked=0
# get PATH [CURL OPTION...] : the answer's headers, without carriage returns, in $head; its body in $dir/body.
get() {
  local path=$1
  shift
  head=$(curl -s -o "$dir/body" -D - "$@" "http://127.0.0.1:$port$path" | tr -d '\r')
}
# has REGEX : a line of the headers. hasnt REGEX : none.
has() {
  checked=$((checked + 1))
  grep -qiE "$1" <<<"$head" || die "no $1 in: $head"
}
hasnt() {
  checked=$((checked + 1))
  if grep -qiE "$1" <<<"$head"; then die "$1 in: $head"; fi
}
# is TEXT : the body.
is() {
  checked=$((checked + 1))
  [[ $(<"$dir/body") == "$1" ]] || die "not $1: $(<"$dir/body")"
}
# same FILE COMMAND... : what the command makes of the body is the built file.
same() {
  checked=$((checked + 1))
  "${@:2}" <"$dir/body" | cmp - "$1" || die "not $1"
}
unbrotli() { node -e 'process.stdout.write(require("zlib").brotliDecompressSync(require("fs").readFileSync(0)))'; }

start
get /health
has '^HTTP/1.1 200'
has '^cache-control: no-store$'
is ok
get /
has '^HTTP/1.1 302'
has '^location: /app/$'

# One page under every path; what looks like a file has to be one.
for path in /app/ /app/rooms /app/rooms/some; do
  get "$path"
  has '^HTTP/1.1 200'
  has '^content-type: text/html; charset=utf-8$'
  has '^cache-control: no-cache$'
  same web/dist/app/index.html cat
done
for path in /app/nope.js /app/assets/nope.js /app/assets/nope /elsewhere /metrics /auth/login /app/../etc/passwd; do
  get "$path" --path-as-is -H 'accept-encoding: br'
  has '^HTTP/1.1 (404|400)'
  hasnt '^cache-control|^content-encoding'
done
get /app/favicon.svg
has '^content-type: image/svg'

# Each asset as small as the client takes it, and for ever.
for file in web/dist/app/assets/*.{js,css}; do
  path=/app/assets/${file##*/}
  get "$path"
  hasnt '^content-encoding'
  same "$file" cat
  get "$path" -H 'accept-encoding: gzip'
  has '^content-encoding: gzip$'
  same "$file" gzip -dc
  for accept in br 'gzip, deflate, br' 'br;q=0.5,gzip'; do
    get "$path" -H "accept-encoding: $accept"
    has '^content-encoding: br$'
    has '^content-type: (application|text)/(javascript|css)'
    has '^cache-control: public, max-age=31536000, immutable$'
    has '^vary: accept-encoding$'
    same "$file" unbrotli
  done
  get "$path" -H 'accept-encoding: br;q=0, gzip'
  has '^content-encoding: gzip$'
  get "$path" -H 'accept-encoding: brotli'
  hasnt '^content-encoding'
done

# Headers of every answer, errors too.
for path in /app/ /app/config.json /app/nope.js /health; do
  get "$path" -H 'x-forwarded-proto: https'
  for name in content-security-policy x-content-type-options x-frame-options referrer-policy permissions-policy \
    cross-origin-opener-policy cross-origin-resource-policy strict-transport-security; do
    has "^$name: ."
  done
  hasnt '^server: .*[0-9]'
  [[ $(grep -ci '^content-security-policy' <<<"$head") -eq 1 ]] || die "$path: not one policy"
done
get /app/
hasnt '^strict-transport-security'

# One origin, a host for the API, one for the socket, both.
policy() { has "connect-src $1; frame-ancestors 'none'"; }
get /app/config.json
has '^content-type: application/json'
has '^cache-control: no-store$'
is '{}'
get /app/ -H 'host: chat.example.com'
policy "'self' ws://chat\.example\.com wss://chat\.example\.com"
get /app/ -H "host: a;script-src"
hasnt 'ws://a;'
start REACT_APP_API_URL=https://api.chat.example.com/ TRUSTED_PROXIES=10.0.0.0/8,192.168.7.1
get /app/config.json
is '{"apiUrl":"https://api.chat.example.com","wsUrl":"wss://api.chat.example.com/ws"}'
get /app/
policy "'self' https://api\.chat\.example\.com wss://api\.chat\.example\.com"
start 'REACT_APP_API_URL=http://[::1]:3000'
get /app/config.json
is '{"apiUrl":"http://[::1]:3000","wsUrl":"ws://[::1]:3000/ws"}'
start REACT_APP_WS_URL=wss://ws.example.com:8443/socket
get /app/config.json
is '{"wsUrl":"wss://ws.example.com:8443/socket"}'
get /app/
policy "'self' wss://ws\.example\.com:8443"
start REACT_APP_API_URL=https://api.example.com FILES_ORIGIN=https://s3.example.com/
get /app/
policy "'self' https://api\.example\.com wss://api\.example\.com https://s3\.example\.com"
has "img-src 'self' data: blob: https://api\.example\.com; "
start REACT_APP_API_URL=http://localhost:3000 REACT_APP_WS_URL=ws://localhost:3000
get /app/config.json
is '{"apiUrl":"http://localhost:3000","wsUrl":"ws://localhost:3000/ws"}'
stop

# What cannot be used is refused in one line that names it, before nginx begins.
refused() {
  local code=0
  env -i PATH="$PATH" "$@" sh "$dir/start.sh" true 2>"$dir/log" || code=$?
  { [[ $code -eq 78 && $(wc -l <"$dir/log") -eq 1 ]] && grep -q "^frontend: ${1%%=*}: " "$dir/log"; } ||
    die "$1 was not refused: $code $(<"$dir/log")"
  checked=$((checked + 1))
}
refused REACT_APP_API_URL=api.example.com
refused REACT_APP_API_URL=https://api.example.com/v1
refused REACT_APP_API_URL='https://a";default "*'
refused REACT_APP_WS_URL=https://api.example.com
refused REACT_APP_WS_URL="wss://a'; script-src *"
refused FILES_ORIGIN=s3.example.com
refused FILES_ORIGIN=https://s3.example.com/bucket
refused TRUSTED_PROXIES='10.0.0.0/8;evil'

say "the page's nginx: $checked checks"
