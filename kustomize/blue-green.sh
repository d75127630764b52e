#!/usr/bin/env bash
# blue-green.sh COMMAND : which colour of the backend people are led to. NAMESPACE: chat
#   status          both colours, and the one that the Service leads to
#   start COLOUR    after the first apply: leads to this colour and puts the other to rest
#   release IMAGE   brings IMAGE up in the resting colour, beside the one in use
#   switch          leads new connections to it; those that are open stay until retire
#   return          leads them back: one command, as long as nothing was retired
#   retire          puts the colour that is not in use to rest; its sockets move over
# switch looks first whether every pod that is wanted is ready, and runs CHECK, if set, with the
# colour as its argument. Nothing is switched when that fails.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SERVICE=chat-backend

used() { get service "$SERVICE" '{.spec.selector.version}'; }

other() {
  case $1 in
    blue) printf 'green\n' ;;
    green) printf 'blue\n' ;;
    *) die "The Service $SERVICE leads to no colour yet: blue-green.sh start blue" ;;
  esac
}

is_colour() { [[ $1 == blue || $1 == green ]]; }

wanted() { get deployment "$SERVICE-$1" '{.spec.replicas}'; }

ready() { get deployment "$SERVICE-$1" '{.status.readyReplicas}'; }

image() { get deployment "$SERVICE-$1" '{.spec.template.spec.containers[0].image}'; }

# lead COLOUR : the Service leads to it from now on.
lead() {
  kube patch service "$SERVICE" --patch "{\"spec\":{\"selector\":{\"version\":\"$1\"}}}" >&2
  say "$SERVICE leads to $1"
}

# must_stand COLOUR : all its pods are ready, and there are some.
must_stand() {
  local want have
  want=$(wanted "$1")
  have=$(ready "$1")
  [[ ${want:-0} -gt 0 ]] || die "$1 rests: there is nothing to lead to"
  rolled "$SERVICE-$1"
  [[ ${have:-0} -ge $want ]] || die "$1 has ${have:-0} of $want pods ready"
}

# rest COLOUR : no pods. The autoscaler leaves a Deployment with none alone.
rest() { kube scale "deployment/$SERVICE-$1" --replicas 0 >&2; }

status() {
  local colour mark now
  now=$(used)
  for colour in blue green; do
    mark=' '
    [[ $now == "$colour" ]] && mark='*'
    printf '%s %-5s %s of %s ready  %s\n' "$mark" "$colour" "$(ready "$colour")" "$(wanted "$colour")" "$(image "$colour")"
  done
  [[ -n $now ]] || say "the Service leads to both: blue-green.sh start blue"
}

start() {
  is_colour "${1:-}" || die "start blue, or start green"
  [[ -z $(used) ]] || die "The Service leads to $(used) already: blue-green.sh switch"
  must_stand "$1"
  lead "$1"
  rest "$(other "$1")"
}

release() {
  [[ -n ${1:-} ]] || die "release IMAGE"
  local now next
  now=$(used)
  next=$(other "$now")
  # Both containers: the migration is the new version's.
  kube set image "deployment/$SERVICE-$next" "backend=$1" >&2
  if [[ -n $(get deployment "$SERVICE-$next" '{.spec.template.spec.initContainers[0].name}') ]]; then
    kube set image "deployment/$SERVICE-$next" "migrate=$1" >&2
  fi
  # As many as serve now: they have to stand everyone at once.
  kube scale "deployment/$SERVICE-$next" --replicas "$(wanted "$now")" >&2
  rolled "$SERVICE-$next"
  say "$next stands with $1; nobody is led to it yet: blue-green.sh switch"
}

switch() {
  local now next
  now=$(used)
  next=$(other "$now")
  must_stand "$next"
  if [[ -n ${CHECK:-} ]]; then
    "$CHECK" "$next" >&2 || die "$CHECK found fault with $next: nothing was switched"
  fi
  lead "$next"
  say "$now keeps its sockets. Back: blue-green.sh return. For good: blue-green.sh retire, and write the image into the overlay."
}

# As a switch, without the check: whoever goes back has seen that the other is worse.
back() {
  local now next
  now=$(used)
  next=$(other "$now")
  must_stand "$next"
  lead "$next"
  say "$now keeps the sockets that it got meanwhile; blue-green.sh retire moves them"
}

retire() {
  local now next
  now=$(used)
  next=$(other "$now")
  # The one in use alone has to stand everybody.
  must_stand "$now"
  rest "$next"
  say "$next rests"
}

case ${1:-} in
  status | start | release | switch | retire) "$@" ;;
  return) back ;;
  *)
    usage "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
