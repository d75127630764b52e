#!/usr/bin/env bash
# rollback.sh [REVISION] DEPLOYMENT... : each back to the version before, or to a revision, and waits until
# it stands. Name what the release changed: chat-backend, chat-frontend, or both. NAMESPACE: chat
# The database stays as it is: a migration only adds, so the version before works on it.
# What an overlay says is not changed: write the old image into it before it is applied again.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1:-} in
  -h | --help | '')
    usage "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
revision=()
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  revision=(--to-revision "$1")
  shift
fi
names=("$@")
[[ ${#names[@]} -gt 0 ]] || die "Which Deployment?"
[[ ${#revision[@]} -eq 0 || ${#names[@]} -eq 1 ]] || die "A revision is one Deployment's: name it."

# All or nothing: a name that is wrong is found before anything is undone.
for name in "${names[@]}"; do
  if ! exists deployment "$name"; then
    [[ $name != chat-backend ]] || ! exists deployment chat-backend-blue ||
      die "There are two colours: blue-green.sh return"
    die "There is no Deployment $name in $NAMESPACE"
  fi
  [[ $name != chat-backend ]] || ! exists deployment chat-backend-primary ||
    die "Flagger keeps the old version: canary.sh abort"
  kube rollout undo "deployment/$name" "${revision[@]}" --dry-run=server >/dev/null || die "$name has no version to go back to"
done
for name in "${names[@]}"; do
  # In the history of revisions, so that nobody takes it for the version to go back to the next time.
  image=$(get deployment "$name" '{.spec.template.spec.containers[0].image}')
  kube annotate "deployment/$name" --overwrite "kubernetes.io/change-cause=taken back: $image" >/dev/null
  kube rollout undo "deployment/$name" "${revision[@]}" >&2
done
for name in "${names[@]}"; do
  rolled "$name"
  printf '%s: %s\n' "$name" "$(get deployment "$name" '{.spec.template.spec.containers[0].image}')"
done
