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

# need_page : before anything is changed; without it nothing could tell whether the change is good.
need_page() { [[ ${PAGE_URL:-} =~ ^https?:// ]] || die "PAGE_URL: where the page is, as https://host"; }

# smoke_test : the smoke test against PAGE_URL, the API at API_URL if that is another.
smoke_test() {
  "${SMOKE:-docker/smoke.sh}" "$PAGE_URL" ${API_URL:+--api "$API_URL"}
}
