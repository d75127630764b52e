#!/usr/bin/env bash
# rollback.sh OVERLAY backend|frontend|both [REVISION] : an installation back to the version before, or one Deployment to a
# revision, and whether it answers then. KUBE_CONFIG, KUBE_AUDIENCE, PAGE_URL, API_URL as cluster.sh says.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
KUBECTL=${KUBECTL:-kubectl}
# shellcheck source-path=SCRIPTDIR source=cluster.sh
source .ci/cluster.sh

overlay=${1:?which overlay} what=${2:?backend, frontend or both} revision=${3:-}
NAMESPACE=$(namespace_of "$overlay")
export NAMESPACE
case $what in
  backend | frontend) names=("chat-$what") ;;
  both) names=(chat-backend chat-frontend) ;;
  *) die "$what: backend, frontend or both" ;;
esac
[[ $revision =~ ^[0-9]*$ ]] || die "$revision: a revision is a number"
need_page
work=$(mktemp -d)
finish() {
  trap '' INT TERM
  stop_waiting
  end_turn || say "$overlay: others wait in vain for two hours: $TURN says that we are still at it"
  rm -rf "$work"
}
trap finish EXIT
# What the cluster was told already it does.
trap 'exit 1' INT TERM
use_cluster "$work"
take_turn "$(turn_name)"
for name in "${names[@]}"; do
  history=$("$KUBECTL" --namespace "$NAMESPACE" rollout history "deployment/$name")
  printf '%s\n' "$history"
  # The last line is the version that serves. The one before may be what was taken back, by deploy.sh or from here.
  earlier=$(awk '/^[0-9]+ / { earlier = last; last = $0 } END { print earlier }' <<<"$history")
  [[ -n $revision || $earlier != *"taken back: "* ]] ||
    die "$name: the version before was taken back; name a revision of the list, and one Deployment"
done
patiently kustomize/rollback.sh ${revision:+"$revision"} "${names[@]}"
patiently smoke_test
