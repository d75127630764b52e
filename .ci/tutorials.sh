#!/usr/bin/env bash
# tutorials.sh : does what the tutorials tell their readers, and says how long it took.
#   docs/tutorials/first-chat.md        `make run`, and two browsers; within 5 minutes, the compiler's not counted
#   docs/tutorials/first-conversation-with-curl-and-websocat.md  within 10 minutes; with each change it is run by the suite guides, too
#   docs/tutorials/a-second-process.md  two servers, a PostgreSQL and a Redis; within 10 minutes
#   docs/tutorials/deploy-an-overlay.md within 30 minutes, in the cluster of TUTORIAL_KUBECONFIG, whose nodes have the images;
#                                       its namespace chat-dev is made and deleted
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
need_node
need_chromium
need_guides
need_postgres
need_redis
build_web
say "the compiler's part"
cargo build --locked

# follow MINUTES PAGE : runs its blocks, in so much time.
follow() {
  local began=$SECONDS
  PATH="$(dirname "$GUIDES_PYTHON"):$PATH" GUIDES_PATIENCE=$(($1 * 60)) \
    "$GUIDES_PYTHON" -B tests/guides/run.py "$TARGET/debug/chat" "$2"
  say "$2: followed in $((SECONDS - began)) s"
}

(cd web && node e2e/first-chat.mjs)
follow 10 docs/tutorials/first-conversation-with-curl-and-websocat.md
follow 10 docs/tutorials/a-second-process.md
if [[ -n ${TUTORIAL_KUBECONFIG:-} ]]; then
  KUBECONFIG=$TUTORIAL_KUBECONFIG follow 30 docs/tutorials/deploy-an-overlay.md
else
  say "docs/tutorials/deploy-an-overlay.md: NOT RUN. Set TUTORIAL_KUBECONFIG to the kubeconfig of a cluster to spare."
fi
