#!/usr/bin/env bash
# manifests-diff.sh BASE : what changes in each overlay, rendered, since BASE; as Markdown.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

base=$(git rev-parse --verify --quiet "${1:?since when}^{commit}") || die "$1: no such commit"
need_kustomize
fence=$(printf '\140\140\140')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/before"
git archive "$base" kustomize | tar -x -C "$work/before"
for overlay in dev staging prod; do
  $KUSTOMIZE "$work/before/kustomize/overlays/$overlay" >"$work/before.yaml"
  $KUSTOMIZE "kustomize/overlays/$overlay" >"$work/after.yaml"
  code=0
  diff -u --label before --label after "$work/before.yaml" "$work/after.yaml" >"$work/diff" || code=$?
  [[ $code -le 1 ]] || die "$overlay: could not be compared"
  if [[ $code -eq 0 ]]; then
    printf '### %s: nothing changes\n\n' "$overlay"
  else
    # A summary holds a megabyte in all.
    printf '### %s\n\n%sdiff\n%s\n%s\n\n' "$overlay" "$fence" "$(head -c 200000 "$work/diff")" "$fence"
  fi
done
