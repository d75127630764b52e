#!/usr/bin/env bash
# deploy.sh OVERLAY : brings two images into an installation, waits until they stand and answer, and takes them back if not.
#   BACKEND, FRONTEND    the images, by digest
#   SIGNER               whose signature they need (verify.sh)
#   KUBE_CONFIG, KUBE_AUDIENCE, PAGE_URL, API_URL   as cluster.sh says; SMOKE_EMAIL, SMOKE_PASSWORD as docker/smoke.sh
#   PATIENCE             how long pods may take (600s)
# Ends with 0 when the new version serves, with 1 when the one before does, with 3 when taking it back failed as well.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
KUBECTL=${KUBECTL:-kubectl} KUSTOMIZE=${KUSTOMIZE:-kustomize}
# shellcheck source-path=SCRIPTDIR source=cluster.sh
source .ci/cluster.sh

overlay=${1:?which overlay}
: "${BACKEND:?an image by digest}" "${FRONTEND:?an image by digest}"
NAMESPACE=$(namespace_of "$overlay")
export NAMESPACE PATIENCE=${PATIENCE:-600s}
DEPLOYMENTS=(chat-backend chat-frontend)

need_page
.ci/verify.sh "$BACKEND" "$FRONTEND"

work=$(mktemp -d)
declare -A before=() images=([chat-backend]=$BACKEND [chat-frontend]=$FRONTEND)
applied=0 cancelled=0
kube() { "$KUBECTL" --namespace "$NAMESPACE" "$@"; }
revision() {
  kube get deployment "$1" --ignore-not-found \
    --output 'jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}'
}

# cause DEPLOYMENT TEXT : what `rollout history` says of the revision it has now.
cause() { kube annotate "deployment/$1" --overwrite "kubernetes.io/change-cause=$2" >/dev/null; }

# Each Deployment that changed, back to the revision it had: the ConfigMaps of that one are still there. All are told before
# one is waited for, because a cancelled job is killed after ten seconds.
undo() {
  local name now failed=0 told=()
  for name in "${DEPLOYMENTS[@]}"; do
    now=$(revision "$name") || failed=1
    if [[ -z ${before[$name]} ]]; then
      say "$name: the first version there; nothing to go back to"
    elif [[ $now == "${before[$name]}" ]]; then
      say "$name: as it was"
    else
      say "$name: back to revision ${before[$name]}"
      # So that nobody takes it for the version to go back to.
      cause "$name" "taken back: ${images[$name]}" || failed=1
      if kube rollout undo "deployment/$name" --to-revision "${before[$name]}"; then told+=("$name"); else failed=1; fi
    fi
  done
  # It may not live to see the end; who comes next would wait for it for two hours.
  [[ $cancelled -eq 0 ]] || end_turn || failed=1
  for name in "${told[@]}"; do
    kube rollout status "deployment/$name" --timeout "$PATIENCE" || failed=1
  done
  return "$failed"
}

finish() {
  local code=$?
  trap - EXIT
  # A second signal follows the first, and must not end the way back.
  trap '' INT TERM
  stop_waiting
  if [[ $code -ne 0 && $applied -eq 1 ]]; then
    say "$overlay: it does not hold; taking it back"
    code=1
    undo || {
      say "$overlay: NOT TAKEN BACK. Look at it at once: docs/how-to/deliver.md"
      code=3
    }
  fi
  end_turn || say "$overlay: others wait in vain for two hours: $TURN says that we are still at it"
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT
# A cancelled job gets ten seconds: enough to tell the cluster the way back.
trap 'cancelled=1; exit 1' INT TERM

use_cluster "$work"
# In a copy: the checkout stays what was reviewed.
cp -R kustomize "$work/kustomize"
(
  cd "$work/kustomize/overlays/$overlay"
  "$KUSTOMIZE" edit set image "backend=$BACKEND" "frontend=$FRONTEND"
)
"$KUSTOMIZE" build "$work/kustomize/overlays/$overlay" >"$work/manifests.yaml"
for image in "$BACKEND" "$FRONTEND"; do
  grep -qF "image: $image" "$work/manifests.yaml" || die "$overlay: no pod of it would run $image"
done

take_turn "$(turn_name)"
not_after_a_later_one "${GITHUB_RUN_NUMBER:-}" || die "$overlay: a later commit was deployed; to go back to this one, roll back"
for name in "${DEPLOYMENTS[@]}"; do
  before[$name]=$(revision "$name")
done
# For whoever reads the log. 1 means: there are differences.
"$KUBECTL" diff --filename "$work/manifests.yaml" || [[ $? -eq 1 ]] ||
  die "$overlay: the API server refuses it; nothing was changed"
if grep -q '^kind: Job$' "$work/manifests.yaml"; then
  # A Job cannot be changed.
  kube delete job chat-migrate --ignore-not-found
fi

applied=1
"$KUBECTL" apply --filename "$work/manifests.yaml"
for name in "${DEPLOYMENTS[@]}"; do
  cause "$name" "${images[$name]}"
done
for name in "${DEPLOYMENTS[@]}"; do
  patiently kube rollout status "deployment/$name" --timeout "$PATIENCE"
done
patiently smoke_test
came "${GITHUB_RUN_NUMBER:-}" || say "$overlay: not written down; an older commit could come after this one"
say "$overlay: serves $BACKEND and $FRONTEND"
