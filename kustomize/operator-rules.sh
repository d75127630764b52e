#!/usr/bin/env bash
# operator-rules.sh [FOLDER] : writes the rules of monitoring/rules as PrometheusRule objects for the operator, into
# components/monitoring or FOLDER. The plain files are where rules are changed; a test says when this was forgotten.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

folder=${1:-components/monitoring}
for file in monitoring/rules/*.yml; do
  name=$(basename "$file" .yml)
  {
    cat <<END
# Written by operator-rules.sh from monitoring/rules/$name.yml: change that, and run it.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: chat-$name
  labels:
    app.kubernetes.io/name: chat-$name
    app.kubernetes.io/component: rules
spec:
END
    sed -e '/./s/^/  /' "$file"
  } >"$folder/rules-$name.yaml"
done
