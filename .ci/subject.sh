#!/usr/bin/env bash
# subject.sh FILE : whether the first line of a commit's message is as CONTRIBUTING.md asks. With - it judges each line of
# the standard input, as commits.sh hands them on: a hash, a tab, the subject.
set -euo pipefail

# fault SUBJECT : what is wrong with it, if anything.
fault() {
  if [[ ${#1} -gt 72 ]]; then
    printf '%d characters, at most 72' "${#1}"
  elif [[ $1 =~ ^(fixup|squash|amend)! || $1 =~ ^(WIP|wip) ]]; then
    printf 'not meant to stay'
  elif [[ ! $1 =~ ^[[:upper:]] ]]; then
    printf 'begins small'
  elif [[ $1 == *. ]]; then
    printf 'ends with a full stop'
  fi
}

count=0 faults=0
judge() {
  local found
  count=$((count + 1))
  found=$(fault "$2")
  [[ -z $found ]] || {
    faults=$((faults + 1))
    printf '%s: %s: %s\n' "$1" "$found" "$2" >&2
  }
}

if [[ ${1:?a file, or -} == - ]]; then
  while IFS=$'\t' read -r hash subject; do
    judge "${hash:0:10}" "$subject"
  done
  printf '%d commits, %d to be renamed\n' "$count" "$faults"
else
  read -r subject <"$1" || true
  # A commit that is to be folded into another is fine here; what is handed in is judged again.
  [[ $subject =~ ^((fixup|squash|amend)!|Merge\ ) ]] || judge "the subject" "$subject"
fi
[[ $faults -eq 0 ]]
