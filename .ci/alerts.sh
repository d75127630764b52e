#!/usr/bin/env bash
# alerts.sh : rules, routes and dashboards, by promtool and amtool. Each alert fires, does not fire and resolves.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_prometheus
need_manifests_python

folder=kustomize/monitoring
promtool check rules --lint=all --lint-fatal "$folder"/rules/*.yml
# The configuration stands in the ConfigMap, and the files that it names are in the pod. Debian builds promtool without
# Kubernetes, so what finds targets is exchanged; tests/manifests judges that part.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$MANIFESTS_PYTHON" -c 'import sys, yaml
whole = yaml.safe_load(yaml.safe_load(open(sys.argv[1]))["data"]["prometheus.yml"])
for job in whole["scrape_configs"]:
    assert job.pop("kubernetes_sd_configs")
    job["static_configs"] = [{"targets": ["x:1"]}]
print(yaml.safe_dump(whole))' "$folder/prometheus.yaml" >"$scratch/prometheus.yml"
promtool check config --syntax-only "$scratch/prometheus.yml"
promtool check config --syntax-only docker/monitoring/prometheus.yml
cd tests/alerts && "$MANIFESTS_PYTHON" -B -m unittest -b
