#!/usr/bin/env bash
# checklist-cluster.sh applied|secrets|healthy|revertible OVERLAY : a line of the checklist that the cluster of kubectl answers.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
KUBECTL=${KUBECTL:-kubectl}
# shellcheck source-path=SCRIPTDIR source=cluster.sh
source .ci/cluster.sh

NAMESPACE=$(namespace_of "${2:?which overlay}")
kube() { "$KUBECTL" --namespace "$NAMESPACE" "$@"; }
field() { kube get "$1" "$2" --output "jsonpath=$3"; }
# Fails outside $(...) what fails inside.
shopt -s inherit_errexit

# Everything but the images, which a pipeline names.
applied() {
  local name
  for name in deployment/chat-backend deployment/chat-frontend service/chat-backend service/chat-frontend ingress/chat-ingress; do
    kube get "$name" --output name
  done
}

# The keys that pods read; whether there is something behind each, not what.
secrets() {
  local key found
  for key in database-url redis-url jwt-secret; do
    found=$(kube get secret chat-secrets --output "go-template={{if index .data \"$key\"}}yes{{end}}")
    [[ $found == yes ]] || die "chat-secrets has no $key"
    say "chat-secrets has $key"
  done
}

healthy() {
  local name want have
  for name in chat-backend chat-frontend; do
    want=$(field deployment "$name" '{.spec.replicas}')
    have=$(field deployment "$name" '{.status.availableReplicas}')
    [[ ${have:-0} -ge ${want:?} && $want -gt 0 ]] || die "$name: ${have:-0} of $want pods are available"
    say "$name: $have of $want pods are available"
  done
}

# Each has a version to go back to, and the way there is accepted.
revertible() {
  local name
  for name in chat-backend chat-frontend; do
    kube rollout undo "deployment/$name" --dry-run=server
  done
}

case ${1:-} in
  applied | secrets | healthy | revertible) "$1" ;;
  *) die "checklist-cluster.sh applied | secrets | healthy | revertible OVERLAY" ;;
esac
