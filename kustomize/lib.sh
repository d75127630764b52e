# shellcheck shell=bash
# What the scripts share. Sourced, not run. KUBECTL names another client; NAMESPACE the installation.

KUBECTL=${KUBECTL:-kubectl}
NAMESPACE=${NAMESPACE:-chat}
# How long pods may take to come or go.
PATIENCE=${PATIENCE:-600s}

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$@"
  exit 1
}

kube() { "$KUBECTL" --namespace "$NAMESPACE" "$@"; }

# get KIND NAME JSONPATH
get() { kube get "$1" "$2" --output "jsonpath=$3"; }

exists() { [[ -n $(kube get "$1" "$2" --ignore-not-found --output name) ]]; }

# rolled DEPLOYMENT : waits until all its pods are new and ready.
rolled() { kube rollout status "deployment/$1" --timeout "$PATIENCE" >&2; }

# usage FILE : the comment at its head.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$1" >&2; }
