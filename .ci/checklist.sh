#!/usr/bin/env bash
# checklist.sh [before|deploy|after|all] : goes through .ci/checklist.txt. Runs what can be run, and says precisely what a
# human must confirm. He does so by a line `ITEM | NAME | DATE` in the file CONFIRMED, which is kept with the release.
# Ends with 0 when everything is a yes, with 1 when something is a no, with 2 when only confirmations, or variables that
# a line needs, are missing. SKIP=1 runs nothing and lists.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

table=${CHECKLIST:-.ci/checklist.txt} phase=${1:-all}
case $phase in
  before | deploy | after | all) ;;
  *) die "checklist.sh before | deploy | after | all" ;;
esac
[[ -z ${CONFIRMED:-} || -r $CONFIRMED ]] || die "$CONFIRMED: no such file"
yes=0 no=0 open=0 read=0

trim() {
  local text=$1
  text=${text#"${text%%[![:space:]]*}"}
  printf '%s' "${text%"${text##*[![:space:]]}"}"
}
line() { printf '%-5s %-6s %s\n' "$1" "$2" "$3"; }

# confirmed ITEM : who did, and when.
confirmed() {
  [[ -n ${CONFIRMED:-} ]] || return 1
  local item who when
  while IFS='|' read -r item who when; do
    if [[ $(trim "$item") == "$1" && -n $(trim "$who") && $(trim "$when") =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]]; then
      printf '%s, %s' "$(trim "$who")" "$(trim "$when")"
      return 0
    fi
  done <"$CONFIRMED"
  return 1
}

# missing NAME... : those variables that are not set.
missing() {
  local name
  for name in "$@"; do
    [[ -n ${!name:-} ]] || printf '%s ' "$name"
  done
}

# attempt WHEN ITEM COMMAND
attempt() {
  if [[ ${SKIP:-} == 1 ]]; then
    line "?" "$1" "$2: would run $3"
    open=$((open + 1))
  elif bash -euo pipefail -c "$3" </dev/null >&2; then
    line yes "$1" "$2"
    yes=$((yes + 1))
  else
    line NO "$1" "$2: $3"
    no=$((no + 1))
  fi
}

while IFS='|' read -r when item kind what <&3; do
  when=$(trim "$when") item=$(trim "${item:-}") kind=$(trim "${kind:-}") what=$(trim "${what:-}")
  [[ -n $when && $when != \#* ]] || continue
  [[ $when =~ ^(before|deploy|after)$ && -n $item && -n $what ]] || die "$table: not a line: $when | $item | $kind | $what"
  case $kind in
    run | confirm) ;;
    env) [[ $what == *" -- "* ]] || die "$table: $item: no -- after the variables" ;;
    *) die "$table: $item: run, env or confirm, not $kind" ;;
  esac
  [[ $phase == all || $phase == "$when" ]] || continue
  read=$((read + 1))
  case $kind in
    run) attempt "$when" "$item" "$what" ;;
    env)
      # shellcheck disable=SC2086 # Names of variables, one a word.
      lost=$(missing ${what%% -- *})
      if [[ -n $lost ]]; then
        line "?" "$when" "$item: NOT RUN; set $lost"
        open=$((open + 1))
      else
        attempt "$when" "$item" "${what#* -- }"
      fi
      ;;
    confirm)
      if who=$(confirmed "$item"); then
        line yes "$when" "$item: confirmed by $who"
        yes=$((yes + 1))
      else
        line "?" "$when" "$item: CONFIRM: $what"
        open=$((open + 1))
      fi
      ;;
  esac
done 3<"$table"

[[ $read -gt 0 ]] || die "$table: no line of $phase"
printf '%d yes, %d no, %d open\n' "$yes" "$no" "$open"
[[ $no -eq 0 ]] || exit 1
[[ $open -eq 0 ]] || exit 2
