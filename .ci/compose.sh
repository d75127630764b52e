#!/usr/bin/env bash
# compose.sh : brings the whole product up by docker/compose.yaml, of the images that images.sh built, and holds it
# to what is said of it: the smoke test, the order of the start, what is open, a backend that is killed and backends
# that are exchanged under open sockets, an end with 0 everywhere. POSTGRES_IMAGE and REDIS_IMAGE as in the file.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_docker
need_node
[[ -d web/node_modules ]] || (cd web && npm ci --no-audit --no-fund) >&2

# Free ports, a project and secrets of its own: what runs here already stays as it is.
free() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });'; }
export COMPOSE_PROJECT_NAME=chat-prove BACKEND_IMAGE=chat-backend:prove FRONTEND_IMAGE=chat-frontend:prove
FRONTEND_PORT=$(free) API_PORT=$(free)
# Five hundred people sign up and come from one address.
export FRONTEND_PORT API_PORT CHAT_RATE_LIMITS=off CHAT_BCRYPT_COST=4
work=$(mktemp -d)
mkdir -p "$work/kustomize"
cp -R docker "$work/"
# What Compose and Kubernetes share.
cp -R kustomize/monitoring "$work/kustomize/"
rm -rf "$work/docker/secrets"
"$work/docker/secrets.sh" 2>/dev/null
compose() { docker compose -f "$work/docker/compose.yaml" "$@"; }
finish() {
  local code=$?
  if [[ $code -ne 0 ]]; then compose logs --no-color --tail 40 >&2 || true; fi
  compose --profile '*' down --volumes --timeout 5 >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT
page=http://127.0.0.1:$FRONTEND_PORT api=http://127.0.0.1:$API_PORT

began=$SECONDS
compose up --detach --no-build --wait --wait-timeout 180
say "up and healthy after $((SECONDS - began)) s"
[[ $(compose ps --quiet --status running backend | wc -l) -eq 2 ]] || die "not two backends"
[[ $(docker inspect --format '{{.State.ExitCode}}' "$(compose ps --all --quiet migrate)") -eq 0 ]] || die "migrate did not end with 0"

# From outside by both listeners, and from inside with the metrics.
docker/smoke.sh "$page"
docker/smoke.sh "$page" --api "$api"
compose --profile test run --rm --no-TTY smoke </dev/null

# Mail, by the profile's own server: who registers has to confirm the address before anything else.
say "addresses are confirmed by mail"
MAIL_PORT=$(free)
export MAIL_PORT
CHAT_MAIL=smtp CHAT_EMAIL_VERIFICATION=required compose --profile mail up --detach --no-build --wait --wait-timeout 180
node --no-warnings .ci/mail.mjs "$api" "http://127.0.0.1:$MAIL_PORT"

# As they run, not as they are written: user, root, capabilities, and no secret for everyone to see.
secrets=$(cat "$work"/docker/secrets/{postgres-password,redis-password,jwt-secret})
for container in $(compose ps --all --quiet); do
  facts=$(docker inspect --format '{{.Name}} {{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}' "$container")
  [[ $facts =~ ^/[a-z0-9-]+\ [1-9][0-9]*:[1-9][0-9]*\ true\ \[ALL\]\ \[no-new-privileges:true\]$ ]] || die "not hardened: $facts"
  if docker inspect "$container" | grep -qF "$secrets"; then die "$facts: a secret can be seen"; fi
done
for place in {"$page","$api"}/metrics{,/}; do
  [[ $(curl -s -o /dev/null -w '%{http_code}' "$place") == 404 ]] || die "$place is open to everyone"
done
# A client's own word on its address counts for nothing: the proxy says whose it is.
curl -sf -o /dev/null -H 'x-forwarded-for: 203.0.113.7' "$api/health"

sdk=$work/sdk.mjs
web/node_modules/.bin/rolldown web/sdk/src/index.ts --format esm --file "$sdk" >/dev/null

compose --profile mail stop mail
compose up --detach --no-build --wait --wait-timeout 180

say "one backend is killed, and comes back"
cat >"$work/kill.sh" <<'K'
set -euo pipefail
docker kill "$1" >/dev/null
sleep 5
docker start "$1" >/dev/null
sleep 3
K
mapfile -t backends < <(compose ps --quiet backend)
node --experimental-websocket --no-warnings .ci/live.mjs "$sdk" "$api" "${KILL_CLIENTS:-100}" bash "$work/kill.sh" "${backends[0]}"

say "both backends are exchanged, one after the other, under ${LIVE_CLIENTS:-500} sockets; the torture test judges"
cargo build --locked --release --features torture --bin chat
# No port of the database is open to this machine; its address is that of the engine's network.
postgres=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$(compose ps --quiet postgres)")
DATABASE_URL=$(sed "s/@postgres[:0-9]*/@$postgres:5432/" "$work/docker/secrets/database-url") \
  "$TARGET/release/chat" torture --seconds 60 --clients "${LIVE_CLIENTS:-500}" --rooms 100 --rate 50 \
  --attach "127.0.0.1:$API_PORT" --command "$work/docker/roll.sh"
[[ $(compose ps --quiet --status running backend | wc -l) -eq 2 ]] || die "not two backends after the roll"

# A version that does not start takes nobody with it.
before=$(compose ps --quiet backend | sort)
cat >"$work/Dockerfile" <<END
FROM $BACKEND_IMAGE
CMD ["no-such-command"]
END
docker build -q -t chat-broken:prove "$work" -f "$work/Dockerfile" >/dev/null
if "$work/docker/roll.sh" chat-broken:prove; then die "a broken version was rolled out"; fi
[[ $(compose ps --quiet --all backend | sort) == "$before" ]] || die "a broken version left something behind"
docker/smoke.sh "$page"

# Everything ends as it should when it is told to, databases included.
mapfile -t all < <(compose ps --quiet)
compose stop
for container in "${all[@]}"; do
  facts=$(docker inspect --format '{{.Name}} {{.State.ExitCode}}' "$container")
  [[ $facts == *" 0" ]] || die "ended badly: $facts"
  say "ended with 0: ${facts% *}"
done
say "compose: all holds"
