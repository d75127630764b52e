#!/bin/sh
# Writes what differs between environments to /tmp/chat, then becomes what is asked for: nginx.
#   REACT_APP_API_URL  where the API is, as scheme://host; empty: the page's own origin
#   REACT_APP_WS_URL   where its WebSocket is; without a path /ws is meant; empty: beside the API
#   FILES_ORIGIN       where the API sends readers of files, as scheme://host; empty: nowhere else
#   TRUSTED_PROXIES    networks of proxies, by comma, whose X-Forwarded-For is believed
set -eu

refuse() {
  printf 'frontend: %s\n' "$1" >&2
  exit 78
}

# Both end up inside quotes, in JSON and in nginx's language: nothing may end those.
plain() {
  case $2 in
    *[!A-Za-z0-9.:/_~%[\]-]*) refuse "$1: holds a character that no address has" ;;
  esac
}

api=${REACT_APP_API_URL:-}
api=${api%/}
plain REACT_APP_API_URL "$api"
case $api in
  '' | http://?* | https://?*) ;;
  *) refuse "REACT_APP_API_URL: must begin with http:// or https://" ;;
esac
case ${api#*://} in
  */*) refuse "REACT_APP_API_URL: must be scheme://host or scheme://host:port, without a path" ;;
esac

socket=${REACT_APP_WS_URL:-}
socket=${socket%/}
plain REACT_APP_WS_URL "$socket"
case $socket in
  '' | ws://?* | wss://?*) ;;
  *) refuse "REACT_APP_WS_URL: must begin with ws:// or wss://" ;;
esac
if [ -z "$socket" ] && [ -n "$api" ]; then
  socket=ws${api#http}
fi
case ${socket#*://} in
  '' | */*) ;;
  *) socket=$socket/ws ;;
esac

files=${FILES_ORIGIN:-}
files=${files%/}
plain FILES_ORIGIN "$files"
case $files in
  '' | http://?* | https://?*) ;;
  *) refuse "FILES_ORIGIN: must begin with http:// or https://" ;;
esac
case ${files#*://} in
  */*) refuse "FILES_ORIGIN: must be scheme://host or scheme://host:port, without a path" ;;
esac

# The origins that the page may reach, and no others. Its own, in both schemes: not every browser
# counts sockets to it as 'self'.
connect="'self' ws://\$chat_own wss://\$chat_own"
if [ -n "$socket" ]; then
  host=${socket#*://}
  connect="'self' ${api:+$api }${socket%%://*}://${host%%/*}"
fi

connect="$connect${files:+ $files}"

umask 022
mkdir -p /tmp/chat
cat >/tmp/chat/connect.conf <<NGINX
map \$http_host \$chat_own {
    default "";
    "~^[A-Za-z0-9.:\[\]-]+$" \$http_host;
}
map \$host \$chat_connect {
    default "$connect";
}
# Pictures of people lie with the API.
map \$host \$chat_images {
    default "${api:+ $api}";
}
NGINX

{
  printf '{'
  [ -z "$api" ] || printf '"apiUrl":"%s",' "$api"
  [ -z "$socket" ] || printf '"wsUrl":"%s"' "$socket"
  printf '}\n'
} >/tmp/chat/config.json

: >/tmp/chat/proxies.conf
if [ -n "${TRUSTED_PROXIES:-}" ]; then
  case $TRUSTED_PROXIES in
    *[!0-9A-Fa-f.:/,]*) refuse "TRUSTED_PROXIES: must be addresses or networks, by comma" ;;
  esac
  printf 'real_ip_header X-Forwarded-For;\nreal_ip_recursive on;\n' >/tmp/chat/proxies.conf
  printf '%s\n' "$TRUSTED_PROXIES" | tr , '\n' | sed '/./s/.*/set_real_ip_from &;/' >>/tmp/chat/proxies.conf
fi

exec "$@"
