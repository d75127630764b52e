#!/usr/bin/env bash
# kubernetes.sh : the manifests and their scripts against a real API server.
#   PROVE_KUBECONFIG      names a cluster to spare: namespaces are made and deleted in it    (needed)
#   PROVE_FILTER          a command that manifests pass on their way, for an old API server  (cat)
#   PROVE_BACKEND_IMAGE, PROVE_FRONTEND_IMAGE   images that its nodes can run                (the overlay's)
# Kinds that the cluster does not know are left out, and named.
set -Eeuo pipefail
# What fails inside $(...) fails outside too.
shopt -s inherit_errexit
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

: "${PROVE_KUBECONFIG:?names the kubeconfig of a cluster to spare}"
# What anything else here would take for its cluster is not to be touched.
export KUBECONFIG=$PROVE_KUBECONFIG NAMESPACE=chat PATIENCE=120s
FILTER=${PROVE_FILTER:-cat}
SPACES=(chat chat-staging chat-dev)
DEPLOYER=(--as somebody --as-group chat-deployers --as-group system:authenticated)
need_manifest_tools
has kubectl || die "kubectl is missing. https://kubernetes.io/docs/tasks/tools/"

scratch=$(mktemp -d)
ours=0
clean() {
  if [[ $ours -eq 1 ]]; then
    kubectl delete namespace "${SPACES[@]}" --ignore-not-found --wait=false >/dev/null || true
    kubectl delete priorityclass chat-backend chat-frontend --ignore-not-found >/dev/null || true
    kubectl delete clusterrole,clusterrolebinding chat-priority-classes --ignore-not-found >/dev/null || true
  fi
  rm -rf "$scratch"
}
trap clean EXIT
trap 'say "does not hold, line $LINENO: $BASH_COMMAND"' ERR

for space in "${SPACES[@]}"; do
  [[ -z $(kubectl get namespace "$space" --ignore-not-found --output name) ]] ||
    die "The cluster has a namespace $space: it is not one to spare."
done
ours=1

checked=0
holds() {
  checked=$((checked + 1))
  say "ok: $*"
}

# refused TEXT COMMAND... : the command fails, and says this.
refused() {
  local text=$1 said
  shift
  if said=$("$@" 2>&1); then
    die "not refused: $*"
  fi
  [[ $said == *"$text"* ]] || die "refused for another reason: $said"
  holds "refused: $text"
}

kubectl api-resources --no-headers --output wide >"$scratch/kinds"
# All versions: the list of kinds names of each only the version that the server prefers.
kubectl api-versions >"$scratch/versions"
# known : of the manifests on the standard input those of kinds that the server has.
known() {
  "$MANIFESTS_PYTHON" -c '
import sys, yaml
group = lambda version: version.rpartition("/")[0]
fields = [line.split() for line in open(sys.argv[1])]
kinds = {(group(f[i]), f[i + 2]) for f in fields for i in range(len(f) - 2) if f[i + 1] in ("true", "false")}
versions = set(open(sys.argv[2]).read().split())
out = []
for one in filter(None, yaml.safe_load_all(sys.stdin)):
    if one["apiVersion"] in versions and (group(one["apiVersion"]), one["kind"]) in kinds:
        out.append(one)
    else:
        print("NOT APPLIED, no such kind:", one["apiVersion"], one["kind"], file=sys.stderr)
yaml.safe_dump_all(out, sys.stdout)' "$scratch/kinds" "$scratch/versions"
}

# manifest OVERLAY [COMPONENT...] : a file with what is applied; with the overlay's own components, or these.
manifest() {
  local overlay=$1 out
  shift
  out=$scratch/$overlay${1:+-$1}.yaml
  (
    cd tests/manifests
    "$MANIFESTS_PYTHON" -B - "$scratch" "$overlay" "$@" <<'PY'
import pathlib, shutil, sys, yaml, os
import rendering
folder = pathlib.Path(sys.argv[1]) / "kustomize"
shutil.rmtree(folder, ignore_errors=True)
shutil.copytree(rendering.KUSTOMIZE, folder)
overlay, names = sys.argv[2], sys.argv[3:] or rendering.components_of(sys.argv[2])
assert rendering.forbidden(names) is None, rendering.forbidden(names)
place = rendering.prepare(folder, overlay, names, 0)
for one in yaml.safe_load_all(rendering.render(place)):
    for workload in [one] if one["kind"] in ("Deployment", "Job") else []:
        for container in rendering.containers(workload):
            own = "FRONTEND" if container["name"] == "frontend" else "BACKEND"
            if container["name"] in ("backend", "frontend", "migrate"):
                container["image"] = os.environ.get(f"PROVE_{own}_IMAGE") or container["image"]
    print("---")
    print(yaml.safe_dump(one))
PY
  ) | $FILTER | known >"$out"
  printf '%s\n' "$out"
}

# namespace_of FILE : it comes first, since a dry run makes none that the rest could be in.
namespace_of() { "$MANIFESTS_PYTHON" -c 'import sys, yaml
print(*[o["metadata"]["name"] for o in yaml.safe_load_all(open(sys.argv[1])) if o["kind"] == "Namespace"])' "$1"; }

applied() {
  local name=$1 file=$2 space again
  space=$(namespace_of "$file")
  kubectl get namespace "$space" >/dev/null 2>&1 || kubectl create namespace "$space" >/dev/null
  kubectl apply --server-side --dry-run=server --field-manager proof --filename "$file" >/dev/null
  holds "$name: accepted in a server-side dry run, server-side apply"
  kubectl apply --dry-run=server --filename "$file" >/dev/null 2>&1
  kubectl apply --filename "$file" >/dev/null 2>&1
  # What a StatefulSet claims is a list that the server completes, so kubectl always finds it another one.
  again=$(kubectl apply --filename "$file" | grep -v '^statefulset')
  [[ $again != *created* && $again != *configured* ]] || die "$name: applied again, it changes: $again"
  holds "$name: applied; applied again it changes nothing"
}

stands() { kubectl --namespace chat rollout status "deployment/$1" --timeout "$PATIENCE" >/dev/null; }

# pod NAME JSON : a closed pod with a container of these resources, as kubectl create takes it.
pod() {
  printf '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"%s"},"spec":{"securityContext":{"runAsNonRoot":true,"runAsUser":1001,"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"a","image":"a","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}},"resources":%s}]}}' "$1" "$2" >"$scratch/pod.json"
}
try_pod() { kubectl --namespace chat create --dry-run=server --output json --filename "$scratch/pod.json"; }

prove_overlays() {
  local space file
  for space in chat chat-staging; do
    kubectl create namespace "$space" >/dev/null
    kubectl --namespace "$space" create secret generic chat-secrets --from-literal=database-url=postgres://a \
      --from-literal=redis-url=redis://a --from-literal=jwt-secret="$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >/dev/null
  done
  NAMESPACE=chat-dev kustomize/dev-secrets.sh >/dev/null 2>&1
  [[ -n $(kubectl --namespace chat-dev get secret chat-secrets chat-postgres chat-redis --output name) ]]
  holds "dev-secrets.sh made the Secrets of development"
  file=$(manifest dev)
  applied dev "$file"
  file=$(manifest staging)
  applied staging "$file"
  file=$(manifest prod)
  applied prod "$file"
  kubectl delete namespace chat-dev chat-staging --wait=false >/dev/null
}

prove_rollout() {
  local file name before
  file=$(manifest prod)
  for name in chat-backend chat-frontend; do stands "$name"; done
  holds "prod stands"
  kubectl --namespace chat scale deployment/chat-backend --replicas 5 >/dev/null
  kubectl apply --filename "$file" >/dev/null
  [[ $(kubectl --namespace chat get deployment chat-backend --output 'jsonpath={.spec.replicas}') -eq 5 ]]
  holds "an apply leaves the number of pods to the autoscaler"
  stands chat-backend
  before=$(kubectl --namespace chat get deployment chat-backend --output 'jsonpath={.spec.template.spec.containers[0].image}')
  kubectl --namespace chat set image deployment/chat-backend backend=never-ready/chat:1 migrate=never-ready/chat:1 >/dev/null
  refused "timed out" kubectl --namespace chat rollout status deployment/chat-backend --timeout 20s
  [[ $(kubectl --namespace chat get deployment chat-backend --output 'jsonpath={.status.availableReplicas}') -eq 5 ]]
  holds "a version that does not get ready takes no pod from the one before"
  [[ $(kustomize/rollback.sh chat-backend 2>/dev/null) == "chat-backend: $before" ]]
  holds "rollback.sh brings the image before back"
  kustomize/roll-on-secret.sh >/dev/null 2>&1
  name=$(kubectl --namespace chat get deployment chat-backend --output 'jsonpath={.metadata.generation}')
  kustomize/roll-on-secret.sh >/dev/null 2>&1
  [[ $(kubectl --namespace chat get deployment chat-backend --output 'jsonpath={.metadata.generation}') -eq $name ]]
  kubectl --namespace chat patch secret chat-secrets --patch '{"stringData":{"redis-url":"redis://b"}}' >/dev/null
  kustomize/roll-on-secret.sh >/dev/null 2>&1
  [[ $(kubectl --namespace chat get deployment chat-backend --output 'jsonpath={.metadata.generation}') -gt $name ]]
  holds "roll-on-secret.sh rolls on a changed Secret, and only then"
}

prove_limits() {
  pod big '{"requests":{"ephemeral-storage":"5Gi"},"limits":{"ephemeral-storage":"5Gi"}}'
  refused "exceeded quota" try_pod
  pod wide '{"requests":{"cpu":"3"},"limits":{"cpu":"3"}}'
  refused "maximum cpu usage" try_pod
  pod plain '{}'
  [[ $(try_pod) == *'"memory": "128Mi"'* ]]
  holds "a pod that says nothing gets limits"
  kubectl --namespace chat get ingress chat-ingress --output json |
    "$MANIFESTS_PYTHON" -c 'import json, sys
one = json.load(sys.stdin)
one["metadata"] = {"name": "both", "annotations": {"kubernetes.io/ingress.class": "nginx"}}
one.pop("status", None)
json.dump(one, sys.stdout)' >"$scratch/both.json"
  refused "class" kubectl --namespace chat create --dry-run=server --filename "$scratch/both.json"
}

# may WORD VERB RESOURCE [OPTION] : what a deployer is answered.
may() {
  local answer
  answer=$(kubectl --namespace chat auth can-i "${@:2}" "${DEPLOYER[@]}" 2>/dev/null || true)
  [[ $answer == "$1" ]] || die "deployer: ${*:2} is $answer, not $1"
}

prove_rights() {
  local what file
  for what in deployments services configmaps ingresses.networking.k8s.io horizontalpodautoscalers; do may yes patch "$what"; done
  may yes patch deployments --subresource=scale
  may yes get pods
  for what in secrets roles.rbac.authorization.k8s.io rolebindings.rbac.authorization.k8s.io resourcequotas networkpolicies.networking.k8s.io serviceaccounts pods; do
    may no create "$what"
  done
  may no get secrets
  may no delete deployments
  holds "a deployer may deploy, and nothing else"
  file=$(manifest prod)
  kubectl apply "${DEPLOYER[@]}" --filename "$file" >/dev/null
  holds "a deployer can apply prod again"
  for what in chat-backend chat-frontend; do
    [[ $(kubectl --namespace chat auth can-i get secrets --as "system:serviceaccount:chat:$what" 2>/dev/null || true) == no ]]
  done
  holds "the pods' accounts may not read Secrets"
}

prove_budget() {
  local names version
  mapfile -t names < <(kubectl --namespace chat get pods --selector app=chat-backend --output name)
  stands chat-backend
  version=policy/v1
  grep -qx policy/v1 "$scratch/versions" || version=policy/v1beta1
  evict() {
    printf '{"apiVersion":"%s","kind":"Eviction","metadata":{"name":"%s","namespace":"chat"}}' "$version" "${1#pod/}" |
      kubectl create --raw "/api/v1/namespaces/chat/pods/${1#pod/}/eviction" --filename -
  }
  evict "${names[0]}" >/dev/null
  refused "disruption budget" evict "${names[1]}"
}

prove_colours() {
  local file names
  names=$(cd tests/manifests && "$MANIFESTS_PYTHON" -B -c 'import rendering
print(*["blue-green", *[n for n in rendering.components_of("prod") if n != "vpa"]])')
  kubectl --namespace chat delete deployment/chat-backend hpa/chat-backend-hpa >/dev/null
  # shellcheck disable=SC2086 # Names of components, one a word.
  file=$(manifest prod $names)
  kubectl apply --filename "$file" >/dev/null
  stands chat-backend-blue && stands chat-backend-green
  kustomize/blue-green.sh start blue >/dev/null 2>&1
  kustomize/blue-green.sh release "${PROVE_BACKEND_IMAGE:-released/chat:2}" >/dev/null 2>&1
  kustomize/blue-green.sh switch >/dev/null 2>&1
  kubectl --namespace chat wait --for=condition=Ready pods --selector app=chat-backend,version=green --timeout "$PATIENCE" >/dev/null
  leads green
  kubectl apply --filename "$file" >/dev/null
  leads green
  holds "blue-green.sh switches, and an apply leaves it so"
  kustomize/blue-green.sh return >/dev/null 2>&1
  leads blue
  holds "blue-green.sh returns"
  kubectl --namespace chat set image deployment/chat-backend-green backend=never-ready/chat:1 >/dev/null
  PATIENCE=20s refused "timed out" kustomize/blue-green.sh switch
  leads blue
  kustomize/blue-green.sh retire >/dev/null 2>&1
  [[ $(kubectl --namespace chat get deployment chat-backend-green --output 'jsonpath={.spec.replicas}') -eq 0 ]]
  holds "blue-green.sh retires the other colour"
}

# leads COLOUR : the Service has pods of this colour behind it, and no others. Endpoints follow a moment later.
leads() {
  local want have=''
  for _ in $(seq 30); do
    want=$(kubectl --namespace chat get pods --selector "app=chat-backend,version=$1" --output 'jsonpath={.items[*].status.podIP}' | tr ' ' '\n' | sort)
    have=$(kubectl --namespace chat get endpoints chat-backend --output 'jsonpath={.subsets[*].addresses[*].ip}' 2>/dev/null | tr ' ' '\n' | sort)
    [[ -n $want && $want == "$have" ]] && return
    sleep 1
  done
  die "behind the Service: $have; $1 has: $want"
}

prove_overlays
prove_rollout
prove_limits
prove_rights
prove_budget
prove_colours
printf '%d checks held\n' "$checked"
