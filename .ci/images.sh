#!/usr/bin/env bash
# images.sh : builds the images, and holds each of them to what is said of it, under a real engine. Where a mirror
# stands in for the public bases: RUST_IMAGE, NODE_IMAGE, RUNTIME_IMAGE, NGINX_IMAGE. DOCKER_BUILD: further words
# for docker build. BUILT=1 takes the images chat-backend:prove and chat-frontend:prove as they are.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_docker
need_node

BACKEND=chat-backend:prove FRONTEND=chat-frontend:prove
read -ra words <<<"${DOCKER_BUILD:-}"
for name in RUST_IMAGE NODE_IMAGE RUNTIME_IMAGE NGINX_IMAGE; do
  [[ -z ${!name:-} ]] || words+=(--build-arg "$name=${!name}")
done
words+=(--build-arg "VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)"
  --build-arg "REVISION=$(git rev-parse HEAD)")

# build NAME TAG CONTEXT [WORD...]
build() { docker build --progress plain -f "docker/$1/Dockerfile" -t "$2" "${words[@]}" "${@:4}" "$3"; }

if [[ ${BUILT:-} != 1 ]]; then
  for name in backend frontend; do
    began=$SECONDS
    build "$name" "chat-$name:prove" .
    say "$name: built in $((SECONDS - began)) s"
  done
fi

work=$(mktemp -d)
names=()
trap '[[ ${#names[@]} -eq 0 ]] || docker rm --force --volumes "${names[@]}" >/dev/null 2>&1; rm -rf "$work"' EXIT

# What is not ours is compiled once: with other sources the layer is the one that is there.
mkdir "$work/context"
git ls-files -z -- Cargo.toml Cargo.lock build.rs benches migrations src web .dockerignore docker |
  tar --null -T - -cf - | tar -C "$work/context" -xf -
echo '// changed' >>"$work/context/src/lib.rs"
build backend chat-dependencies:prove "$work/context" --target dependencies 2>&1 | tee "$work/log" >/dev/null
cached=$(grep -c ' CACHED$' "$work/log" || true)
{ [[ $cached -ge 4 ]] && ! grep -q 'Compiling' "$work/log"; } || die "a change in src compiles the dependencies again: $(<"$work/log")"
say "dependencies: $cached layers as they were"

look() { docker image inspect --format "$2" "$1"; }
# As a registry holds it: each layer compressed.
size() { docker save "$1" | gzip | wc -c; }
# name, image, its base, user, bound of the size in bytes, port, signal
while read -r name image base user most port signal; do
  bytes=$(size "$image")
  say "$name: $((bytes / 1000)) kB compressed, $(($(look "$image" '{{.Size}}') / 1000)) kB"
  if [[ -z ${!base:-} ]]; then
    [[ $bytes -lt $most ]] || die "$name: more than $most bytes"
  else
    # The bound holds for the public base; of another one only what lies on it can be judged.
    over=$((bytes - $(size "${!base}")))
    say "$name: $((over / 1000)) kB over ${!base}; the bound of $((most / 1000)) kB is NOT JUDGED on it"
    [[ $over -lt $((most / 2)) ]] || die "$name: puts $over bytes on its base"
  fi
  [[ $(look "$image" '{{.Config.User}}') == "$user" ]] || die "$name: not user $user"
  look "$image" '{{json .Config.ExposedPorts}}' | grep -qF "\"$port/tcp\"" || die "$name: not port $port"
  [[ $(look "$image" '{{.Config.StopSignal}}') == "$signal" ]] || die "$name: not $signal"
  [[ $(look "$image" '{{with .Config.Healthcheck}}{{.Interval}} {{.Timeout}} {{.StartPeriod}} {{.Retries}}{{end}}') == "30s 3s 5s 3" ]] ||
    die "$name: other figures of the health check"
  for label in title description licenses version revision created source; do
    [[ -n $(look "$image" "{{index .Config.Labels \"org.opencontainers.image.$label\"}}") ]] || die "$name: no label $label"
  done
done <<END
backend $BACKEND RUNTIME_IMAGE 1001:1001 40000000 3000 SIGTERM
frontend $FRONTEND NGINX_IMAGE 101:101 60000000 8080 SIGQUIT
END

# What is not in it: a shell, a package manager, the compiler's output.
docker create --name chat-prove-files "$BACKEND" >/dev/null
names+=(chat-prove-files)
docker export chat-prove-files | tar -t >"$work/files"
if grep -E '(^|/)(sh|bash|busybox|apt|dpkg|apk|curl|wget|cargo)$' "$work/files"; then die "backend: holds more than it needs"; fi
grep -qx usr/local/bin/chat "$work/files" || die "backend: no server"

hard=(--read-only --cap-drop ALL --security-opt no-new-privileges --pids-limit 256 --memory 512m)
now() { date +%s%3N; }
# stopped NAME : as it should be, within the grace and with 0.
stopped() {
  local began
  began=$(now)
  docker stop --time 60 "$1" >/dev/null
  local code
  code=$(docker inspect --format '{{.State.ExitCode}}' "$1")
  [[ $code -eq 0 ]] || die "$1 ended with $code: $(docker logs "$1" 2>&1 | tail -n 5)"
  say "$1: stopped with 0 after $(($(now) - began)) ms"
}
# answers NAME PORT PATH : the time until it does, by the engine's clock of the start.
answers() {
  local port began
  began=$(date -d "$(docker inspect --format '{{.State.StartedAt}}' "$1")" +%s%3N)
  port=$(docker port "$1" "$2/tcp" | head -n 1)
  for _ in $(seq 100); do
    curl -sf -o /dev/null "http://$port$3" && break
    sleep 0.05
  done
  curl -sf -o /dev/null "http://$port$3" || die "$1 does not answer: $(docker logs "$1" 2>&1 | tail -n 5)"
  took=$(($(now) - began))
}

names+=(chat-prove-one chat-prove-page)
docker run --detach --name chat-prove-one "${hard[@]}" -v /data -p 127.0.0.1::3000 "$BACKEND" >/dev/null
answers chat-prove-one 3000 /health/ready
say "backend: answers $took ms after its start"
[[ $took -lt 2000 ]] || die "backend: later than 2 s"
# The first process reaps what the checks leave: nothing but it is there afterwards.
for _ in 1 2 3 4 5; do docker exec chat-prove-one /usr/local/bin/chat healthcheck; done
[[ $(docker top chat-prove-one -eo pid,stat,args | tail -n +2 | wc -l) -eq 1 ]] || die "backend: processes stay behind"
docker exec -e PORT=1 chat-prove-one /usr/local/bin/chat healthcheck 2>/dev/null && die "backend: healthy without an answer"
stopped chat-prove-one

docker run --detach --name chat-prove-page "${hard[@]}" --tmpfs /tmp:uid=101,mode=0700 -p 127.0.0.1::8080 "$FRONTEND" >/dev/null
answers chat-prove-page 8080 /app/
say "frontend: answers $took ms after its start"
stopped chat-prove-page

# What cannot work says so in one line, and its exit code says whether to try again.
refuses() { # CODE PATTERN WORD...
  local code=0 text
  text=$(docker run --rm "${hard[@]}" "${@:3}" 2>&1) || code=$?
  { [[ $code -eq $1 ]] && grep -qE "$2" <<<"$(tail -n 1 <<<"$text")"; } || die "expected $1, $2: $code, $text"
  say "refused with $1: $(tail -n 1 <<<"$text")"
}
refuses 78 '^chat: JWT_SECRET: ' -e JWT_SECRET=short "$BACKEND"
refuses 78 '^chat: JWT_SECRET: JWT_SECRET_FILE: /nowhere: ' -e JWT_SECRET_FILE=/nowhere "$BACKEND"
refuses 1 '^chat: .*(database|PostgreSQL)' -e DATABASE_URL=postgres://chat:x@127.0.0.1:1/chat -e CHAT_STORE_START_SECONDS=1 "$BACKEND"
refuses 1 '^chat: .*(read-only|Read-only)' "$BACKEND"
refuses 78 '^frontend: REACT_APP_API_URL: ' --tmpfs /tmp:uid=101,mode=0700 -e REACT_APP_API_URL=nowhere "$FRONTEND"
say "images: all hold"
