# shellcheck shell=bash
# Which cluster the pipeline speaks to, and as whom. Sourced, not run; lib.sh comes first.
#   KUBE_CONFIG     a kubeconfig, base64; without it kubectl takes its own
#   KUBE_AUDIENCE   who a kubeconfig without credentials is for: the job's own token says who we are (oidc-token.sh)

# use_cluster FOLDER : writes the kubeconfig there, for nobody else to read.
use_cluster() {
  [[ -n ${KUBE_CONFIG:-} ]] || return 0
  (umask 077 && base64 --decode <<<"$KUBE_CONFIG" >"$1/kubeconfig") || die "KUBE_CONFIG is not base64"
  export KUBECONFIG=$1/kubeconfig
  unset KUBE_CONFIG
  if [[ -n ${KUBE_AUDIENCE:-} ]]; then
    # Asked for anew by kubectl whenever it has run out: a token lives shorter than a rollout may take.
    "$KUBECTL" config set-credentials pipeline --exec-api-version client.authentication.k8s.io/v1 \
      --exec-interactive-mode Never --exec-command "$ROOT/.ci/oidc-token.sh" --exec-arg "$KUBE_AUDIENCE" >&2
    "$KUBECTL" config set-context --current --user pipeline >&2
  fi
}

# namespace_of OVERLAY
namespace_of() {
  local file=$ROOT/kustomize/overlays/$1/kustomization.yaml name
  [[ $1 =~ ^[a-z0-9-]+$ && -f $file ]] || die "There is no overlay $1"
  name=$(sed -n 's/^namespace: //p' "$file")
  [[ -n $name ]] || die "$file names no namespace"
  printf '%s\n' "$name"
}

# Whose turn it is to change an installation. GitHub's own groups would not do: a job enters one before somebody approves it,
# so one that nobody approves would keep the others out, the way back among them.
TURN=configmap/chat-turn

# take_turn WHO : waits until nobody else changes what is in NAMESPACE (TURN_PATIENCE, 1200 seconds). Who is at it for two hours
# has died: no job takes that long.
take_turn() {
  local end=$((SECONDS + ${TURN_PATIENCE:-1200})) version since by
  # The very first deployment makes it.
  [[ -n $("$KUBECTL" get namespace "$NAMESPACE" --ignore-not-found --output name) ]] || return 0
  TURN_OF=$1
  while :; do
    if read -r version since by < <(whose_turn) && [[ -n $version ]]; then
      since=$(number "$since")
      if [[ -z $by || $(($(date +%s) - since)) -gt 7200 ]]; then
        [[ -z $by ]] || say "$by began two hours ago, and is not waited for"
        ! set_turn "$version" "$(date +%s)" "$TURN_OF" || return 0
      fi
    elif "$KUBECTL" --namespace "$NAMESPACE" create configmap "${TURN#*/}" --from-literal=since=0 --from-literal=by= >&2; then
      continue
    fi
    [[ $SECONDS -lt $end ]] || die "$NAMESPACE: ${by:-nobody known} is at it; nothing was changed"
    say "$NAMESPACE: waiting for ${by:-the turn}"
    sleep "${TURN_PAUSE:-10}"
  done
}

# number TEXT : what stands in the cluster, before it is reckoned with: bash would run commands in it. 0 if it is none.
number() { if [[ $1 =~ ^[0-9]{1,18}$ ]]; then printf '%d' "$((10#$1))"; else printf 0; fi; }

# end_turn : so that the next may begin; nothing, if it is not ours.
end_turn() {
  local version since by
  [[ -n ${TURN_OF:-} ]] || return 0
  read -r version since by < <(whose_turn) || return 0
  [[ $by != "$TURN_OF" ]] || set_turn "$version" "$since" ""
}

# Its version, when it began, and whose it is; nothing, if nobody ever had it.
whose_turn() {
  "$KUBECTL" --namespace "$NAMESPACE" get "$TURN" --ignore-not-found --output 'jsonpath={.metadata.resourceVersion} {.data.since} {.data.by}{"\n"}'
}

# set_turn VERSION SINCE BY : only if nobody did since that version.
set_turn() {
  "$KUBECTL" --namespace "$NAMESPACE" patch "$TURN" --type merge \
    --patch "{\"metadata\":{\"resourceVersion\":\"$1\"},\"data\":{\"since\":\"$2\",\"by\":\"$3\"}}" >&2
}

# not_after_a_later_one NUMBER : whether no run with a higher number brought its version here. Commits are tested, and approved,
# in any order; an older one that comes last would take the newer one away. Without a number, as by hand, anything may come.
not_after_a_later_one() {
  local last
  [[ -n $1 && -n ${TURN_OF:-} ]] || return 0
  last=$("$KUBECTL" --namespace "$NAMESPACE" get "$TURN" --output 'jsonpath={.data.run}') ||
    die "$NAMESPACE: nobody says which version came last; nothing was changed"
  [[ $(number "$last") -le $1 ]]
}

# came NUMBER : writes down for not_after_a_later_one that this run's version serves.
came() {
  [[ -n $1 && -n ${TURN_OF:-} ]] || return 0
  "$KUBECTL" --namespace "$NAMESPACE" patch "$TURN" --type merge --patch "{\"data\":{\"run\":\"$1\"}}" >&2
}

# patiently COMMAND... : so that a signal is heard at once, not when the command has ended.
patiently() {
  "$@" &
  WAITING=$!
  wait "$WAITING"
  WAITING=
}

# stop_waiting : ends what patiently began.
stop_waiting() { [[ -z ${WAITING:-} ]] || kill "$WAITING" 2>/dev/null || true; }

# turn_name : who we are, for those who wait.
turn_name() {
  if [[ -n ${GITHUB_RUN_ID:-} ]]; then
    printf '%s/%s/actions/runs/%s' "${GITHUB_SERVER_URL:-}" "${GITHUB_REPOSITORY:-}" "$GITHUB_RUN_ID"
  else
    printf '%s@%s, process %d' "$(id -un)" "$(uname -n)" "$$"
  fi
}

# need_page : before anything is changed; without it nothing could tell whether the change is good.
need_page() { [[ ${PAGE_URL:-} =~ ^https?:// ]] || die "PAGE_URL: where the page is, as https://host"; }

# smoke_test : the smoke test against PAGE_URL, the API at API_URL if that is another.
smoke_test() {
  "${SMOKE:-docker/smoke.sh}" "$PAGE_URL" ${API_URL:+--api "$API_URL"}
}
