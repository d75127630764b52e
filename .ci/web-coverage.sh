#!/usr/bin/env bash
# web-coverage.sh : how much of the page and its SDK their tests run, and the floor below which it must not fall. The
# report goes to target/coverage/web. Installs Vitest's measuring into web/node_modules, of the version of Vitest there.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_node
out=$TARGET/coverage/web
cd web
[[ -d node_modules/vitest ]] || npm ci --no-audit --no-fund >&2
version=$(node -p 'require("./node_modules/vitest/package.json").version')
if [[ $(node -p 'require("./node_modules/@vitest/coverage-v8/package.json").version' 2>/dev/null) != "$version" ]]; then
  npm install --no-save --no-audit --no-fund --ignore-scripts "@vitest/coverage-v8@$version" >&2
fi
npx --no-install vitest run --coverage --watch=false --coverage.provider=v8 --coverage.reporter=json-summary \
  --coverage.reporter=text-summary --coverage.reportsDirectory="$out" --coverage.include='sdk/src/**' --coverage.include='app/src/**'
cd "$ROOT"
exec python3 .ci/coverage.py page "$out/coverage-summary.json"
