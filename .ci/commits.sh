#!/usr/bin/env bash
# commits.sh BASE [HEAD] : whether the commits since BASE bear subjects as CONTRIBUTING.md asks.
set -euo pipefail

base=${1:?where they begin} head=${2:-HEAD} count=0 faults=0
while IFS=$'\t' read -r hash subject; do
  count=$((count + 1))
  fault=
  if [[ ${#subject} -gt 72 ]]; then fault="${#subject} characters, at most 72"; fi
  if [[ $subject =~ ^(fixup|squash|amend)! || $subject =~ ^(WIP|wip) ]]; then fault="not meant to stay"; fi
  if [[ ! $subject =~ ^[[:upper:]] ]]; then fault="begins small"; fi
  if [[ $subject == *. ]]; then fault="ends with a full stop"; fi
  if [[ -n $fault ]]; then
    faults=$((faults + 1))
    printf '%s: %s: %s\n' "${hash:0:10}" "$fault" "$subject" >&2
  fi
done < <(git log --no-merges --format='%H%x09%s' "$base..$head")
printf '%d commits, %d to be renamed\n' "$count" "$faults"
[[ $faults -eq 0 ]]
