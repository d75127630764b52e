#!/usr/bin/env bash
# checklist-prometheus.sh scraped|fast|quiet : a line of the checklist that the Prometheus at PROMETHEUS_URL answers.
#   scraped   it knows backends, and all of them answer it
#   fast      deliveries of the last ten minutes: the 99th percentile is below half a second
#   quiet     no alert fires but the one that always does
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_curl
: "${PROMETHEUS_URL:?where Prometheus is}"

# ask QUERY : each series of the answer, a line each: value and labels. Nothing is an answer too.
ask() {
  curl --fail --silent --show-error --max-time 20 --get --data-urlencode "query=$1" "${PROMETHEUS_URL%/}/api/v1/query" |
    python3 -c '
import json, sys
answer = json.load(sys.stdin)
if answer["status"] != "success":
    sys.exit(answer.get("error", "no success"))
for one in answer["data"]["result"]:
    print(one["value"][1], json.dumps(one["metric"], sort_keys=True))'
}

case ${1:-} in
  scraped)
    up=$(ask 'up{app="chat-backend"}')
    [[ -n $up ]] || die "Prometheus knows no backend"
    if grep -v '^1 ' <<<"$up"; then die "these do not answer"; fi
    say "$(wc -l <<<"$up") backends are scraped"
    ;;
  fast)
    slow=$(ask 'histogram_quantile(0.99, sum by (le) (rate(message_delivery_time_seconds_bucket[10m])))')
    value=${slow%% *}
    [[ -n $value && $value != NaN ]] || die "nothing was delivered in ten minutes: nothing to judge"
    awk -v value="$value" 'BEGIN { exit !(value < 0.5) }' || die "the 99th percentile of deliveries is $value s"
    say "the 99th percentile of deliveries is $value s"
    ;;
  quiet)
    # That Prometheus knows rules at all, it shows by the one that always fires.
    [[ -n $(ask 'ALERTS{alertname="Watchdog",alertstate="firing"}') ]] || die "the alert that always fires does not: there are no rules"
    firing=$(ask 'ALERTS{alertname!="Watchdog",alertstate="firing"}')
    [[ -z $firing ]] || die "alerts fire: $firing"
    say "no alert fires"
    ;;
  *) die "checklist-prometheus.sh scraped | fast | quiet" ;;
esac
