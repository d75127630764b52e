#!/usr/bin/env bash
# canary.sh COMMAND : the way of a new version through Flagger's canary. NAMESPACE: chat
#   status          where it stands
#   release IMAGE   begins: the gates are closed, Flagger takes the steps by itself
#   wait            until it has succeeded (0) or failed (1)
#   promote         opens the gate before the last step: the new version becomes everyone's
#   abort           takes it back at once
# FLAGGER names the namespace of Flagger's load tester, which keeps the gates (flagger).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

CANARY=chat-backend
FLAGGER=${FLAGGER:-flagger}

phase() { get canary "$CANARY" '{.status.phase}'; }

# gate NAME VERB : at Flagger's load tester, whose pods alone reach it.
gate() {
  "$KUBECTL" --namespace "$FLAGGER" exec deployment/flagger-loadtester -- \
    curl --silent --show-error --fail --data "{\"name\":\"$CANARY\",\"namespace\":\"$NAMESPACE\"}" \
    "http://localhost:8080/$1/$2" >&2
}

status() {
  printf '%s: %s, weight %s, failed checks %s\n' "$CANARY" "$(phase)" \
    "$(get canary "$CANARY" '{.status.canaryWeight}')" "$(get canary "$CANARY" '{.status.failedChecks}')"
}

release() {
  [[ -n ${1:-} ]] || die "release IMAGE"
  local before left
  case $(phase) in
    Initialized | Succeeded | Failed) ;;
    *) die "A canary is under way or was not made ready: $(phase). Wait for it, or abort it." ;;
  esac
  before=$(phase)
  # A gate that the last release left open would let this one through.
  gate gate close
  gate rollback close
  kube set image "deployment/$CANARY" "backend=$1" >&2
  if [[ -n $(get deployment "$CANARY" '{.spec.template.spec.initContainers[0].name}') ]]; then
    kube set image "deployment/$CANARY" "migrate=$1" >&2
  fi
  # Flagger looks once a minute; until it has, the phase is that of the release before.
  for ((left = ${NOTICE:-180}; left > 0; left -= ${PAUSE:-5})); do
    if [[ $(phase) != "$before" ]]; then
      say "begun; canary.sh status, canary.sh promote"
      return
    fi
    sleep "${PAUSE:-5}"
  done
  die "Flagger has not begun: is it there, and is $1 another image than before?"
}

await() {
  local now last='' deadline=$((SECONDS + ${PATIENCE%s}))
  while [[ $SECONDS -lt $deadline ]]; do
    now=$(phase)
    [[ $now == "$last" ]] || say "$CANARY: $now"
    last=$now
    case $now in
      Succeeded) return 0 ;;
      Failed) return 1 ;;
    esac
    sleep "${PAUSE:-5}"
  done
  die "$CANARY is still $last after ${PATIENCE}"
}

promote() {
  case $(phase) in
    Progressing | WaitingPromotion | Waiting) ;;
    *) die "There is nothing to promote: $(phase)" ;;
  esac
  gate gate open
  say "the gate is open: Flagger promotes once every step held"
}

abort() {
  gate rollback open
  say "Flagger leads everyone to the old version at its next look, within a minute"
}

case ${1:-} in
  status | release | promote | abort) "$@" ;;
  wait) await ;;
  *)
    usage "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
