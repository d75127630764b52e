#!/usr/bin/env bash
# scan.sh COMMAND : looks for known weaknesses; what is found and can be repaired by an update fails.
#   source             secrets and misconfigurations in the checkout, dependencies by their lock files
#   manifests          the rendered overlays, by kustomize/.trivyignore
#   kubesec            the workloads of the rendered overlays, by kubesec, which you bring: one without a point fails
#   image NAME WHAT    an image: in a registry, or an archive of one (a file of docker save); its SBOM as well
# Reports go to target/scan: NAME.sarif, and of images NAME.spdx.json and NAME.cyclonedx.json. Needs trivy and syft
# (tools.sh trivy syft). TRIVY_OFFLINE=1 scans without a database of weaknesses, and says so.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The gate: from here on a finding fails.
SEVERITY=HIGH,CRITICAL
out=$TARGET/scan
mkdir -p "$out"
words=(--quiet) scanners=vuln,secret
checks=(--quiet)
if [[ ${TRIVY_OFFLINE:-} == 1 ]]; then
  say "NOT SCANNED FOR WEAKNESSES: there is no database; secrets and configuration alone"
  scanners=secret
  words=(--quiet --skip-db-update --skip-java-db-update --offline-scan)
  checks=(--quiet --skip-check-update)
fi

# scan NAME KIND WORD... : a report of everything, then the gate.
scan() {
  local name=$1 kind=$2
  shift 2
  trivy "$kind" "$@" --format sarif --output "$out/$name.sarif"
  say "$out/$name.sarif"
  trivy "$kind" "$@" --severity "$SEVERITY" --exit-code 1
}

scan_source() {
  # kustomize/ is judged rendered, as it is applied.
  scan source fs "${words[@]}" "${checks[@]:1}" --scanners "$scanners,misconfig" --ignore-unfixed \
    --skip-dirs target --skip-dirs web/node_modules --skip-dirs kustomize --skip-dirs docker/secrets .
}

OVERLAYS=(dev staging prod)
render() {
  local overlay
  need_kustomize
  rm -rf "$out/manifests"
  mkdir -p "$out/manifests"
  for overlay in "${OVERLAYS[@]}"; do
    $KUSTOMIZE "kustomize/overlays/$overlay" >"$out/manifests/$overlay.yaml"
  done
}

scan_kubesec() {
  local overlay failed=0
  has kubesec || die "kubesec is missing: https://github.com/controlplaneio/kubesec. Without it tests/manifests/test_kubesec.py counts its points."
  render
  for overlay in "${OVERLAYS[@]}"; do
    # It gives no points to what makes no pods, and takes that for a failure.
    awk 'BEGIN { RS = "---\n" } /(^|\n)kind: (Deployment|StatefulSet|DaemonSet)\n/ { printf "---\n%s", $0 }' \
      "$out/manifests/$overlay.yaml" >"$out/workloads.yaml"
    kubesec scan --output "$out/kubesec-$overlay.json" "$out/workloads.yaml" || failed=1
    say "$out/kubesec-$overlay.json"
  done
  return "$failed"
}

scan_manifests() {
  render
  scan manifests config "${checks[@]}" --ignorefile kustomize/.trivyignore "$out/manifests"
}

scan_image() {
  local name=${1:?a name} what=${2:?an image or an archive}
  local from=("$what") source="registry:$what"
  if [[ -f $what ]]; then
    from=(--input "$what") source="docker-archive:$what"
  fi
  # The SBOM first: it is owed of an image that fails, too.
  syft scan --quiet "$source" --output "spdx-json=$out/$name.spdx.json" --output "cyclonedx-json=$out/$name.cyclonedx.json"
  scan "$name" image "${words[@]}" --scanners "$scanners" --ignore-unfixed "${from[@]}"
}

case ${1:-} in
  source | manifests | kubesec | image)
    command=$1
    shift
    "scan_$command" "$@"
    ;;
  *) die "scan.sh source | manifests | kubesec | image NAME WHAT" ;;
esac
