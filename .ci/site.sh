#!/usr/bin/env bash
# site.sh : the documents as a site with search, target/book/html, by .ci/book.py.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_manifests_python
if ! has mdbook; then
  tools=$(.ci/tools.sh mdbook)
  PATH=$tools:$PATH
fi
exec "$MANIFESTS_PYTHON" -B .ci/book.py "$@"
