#!/usr/bin/env bash
# smoke.sh URL [--api URL] [--ws URL] [--metrics URL] [--no-page] : whether a chat that runs does what it is for.
# Two people register, share a room, connect, and each gets what the other writes. URL is where the page is;
# the API is there too, or at --api. The accounts and their room stay behind; where SMOKE_EMAIL and SMOKE_PASSWORD
# name an account it is used for both.
set -euo pipefail

command -v node >/dev/null || {
  echo "smoke.sh: Node is missing: version 20.19 or newer. https://nodejs.org" >&2
  exit 2
}
# Node 20 has its WebSocket behind this word; later ones have it anyway.
exec node --experimental-websocket --no-warnings "$(dirname "${BASH_SOURCE[0]}")/smoke.mjs" "$@"
