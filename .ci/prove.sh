#!/usr/bin/env bash
# make prove: what takes too long for every change. Each proof says what it ran.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
failed=()

# prove NAME COMMAND...
prove() {
  local name=$1
  shift
  printf '\n== %s: %s\n' "$name" "$*"
  # In a shell of its own, so that a proof that gives up does not end the others.
  ("$@") </dev/null || failed+=("$name")
}

# tests FILTER : the Rust tests of that name; none at all is a failure.
tests() {
  local listed
  listed=$(cargo test --locked --all-features --test it -- --list "$1" | grep -c ': test$' || true)
  [[ $listed -gt 0 ]] || die "There are no tests named $1."
  cargo test --locked --all-features --test it -- --include-ignored --nocapture "$1"
}

prove simulation .ci/sim.sh "${SEEDS:-20000}"
export TORTURE_KILLS=${TORTURE_KILLS:-200}
prove torture tests torture
prove cluster .ci/torture.sh "${TORTURE_SECONDS:-600}" ${TORTURE_SEED:+"$TORTURE_SEED"}
prove alerts .ci/alerts-torture.sh
prove drill .ci/drill.sh
prove tutorials .ci/tutorials.sh
if [[ -n ${AUTOBAHN:-} ]]; then
  prove autobahn .ci/autobahn.sh
else
  printf '\n== autobahn: NOT RUN. Set AUTOBAHN to the command of the Autobahn test suite, wstest.\n'
fi
if has docker && docker version >/dev/null 2>&1; then
  prove images .ci/images.sh
  prove compose .ci/compose.sh
else
  printf '\n== images, compose: NOT RUN. There is no Docker engine that answers.\n'
fi
if [[ -n ${PROVE_KUBECONFIG:-} ]]; then
  prove kubernetes .ci/kubernetes.sh
else
  printf '\n== kubernetes: NOT RUN. Set PROVE_KUBECONFIG to the kubeconfig of a cluster to spare.\n'
fi
prove timing .ci/timing.sh
prove fuzz-api .ci/fuzz-api.sh "${FUZZ_EXAMPLES:-10}"
prove fuzz .ci/fuzz.sh "${FUZZ_SECONDS:-60}"
prove costs .ci/costs.sh
prove benchmarks cargo bench --locked

if [[ ${#failed[@]} -gt 0 ]]; then
  printf '\nfailed: %s\n' "${failed[*]}"
  exit 1
fi
printf '\nall proofs that were run hold\n'
