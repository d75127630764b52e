#!/usr/bin/env bash
# test.sh [SUITE...] : runs the suites named, or all of them, and ends with a table and a count.
# A suite that cannot start has failed: what was not run was not tested.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The page is built before the tests, because it is inside the binary that the browser meets; one
# set of features throughout, so that nothing is compiled twice.
ALL=(fmt clippy rustdoc web rust deny benches shellcheck workflows api docker manifests alerts dashboards guides clients e2e)

suite_fmt() { cargo fmt --all -- --check && cargo fmt --manifest-path tests/fuzz/Cargo.toml -- --check; }

suite_clippy() { cargo clippy --locked --all-targets --all-features -- -D warnings; }

# With private items, because modules point their readers to private neighbours; so those links
# lead somewhere.
suite_rustdoc() {
  RUSTDOCFLAGS='-Dwarnings -Arustdoc::private_intra_doc_links' \
    cargo doc --locked --no-deps --all-features --document-private-items
}

suite_web() {
  need_node
  rm -f "$STAMP"
  local sum
  sum=$(web_sum)
  (
    cd web
    npm ci --no-audit --no-fund
    # Types first, then the page.
    npm run build
    npm test
  )
  printf '%s\n' "$sum" >"$STAMP"
}

suite_rust() {
  need_redis
  need_openssl
  need_postgres
  cargo test --locked --all-features
}

# Of these the integration tests alone; not in ALL, which runs them with the rest.
suite_integration() {
  need_redis
  need_openssl
  need_postgres
  cargo test --locked --all-features --test it
}

# What the browser meets, where the tests themselves are not wanted.
suite_rust-build() { cargo test --locked --all-features --no-run; }

suite_deny() {
  need_cargo_deny
  "$CARGO_DENY" --locked --all-features check --hide-inclusion-graph bans licenses sources
  # The fuzzers have a lock file of their own, which follows what ours depends on.
  cargo metadata --locked --format-version 1 --manifest-path tests/fuzz/Cargo.toml >/dev/null
}

suite_benches() { cargo check --locked --benches --all-features; }

suite_shellcheck() {
  need_shellcheck
  shellcheck -x .ci/run .ci/*.sh docker/*.sh docker/*/*.sh kustomize/*.sh
}

# The pipeline: its workflows, the scripts they run, and what a maintainer confirms.
suite_workflows() { .ci/workflows.sh; }

# The documents of both interfaces.
suite_api() { .ci/api.sh; }

# Every allowed combination of overlays and components, and the scripts beside them.
suite_manifests() {
  need_manifest_tools
  (cd tests/manifests && "$MANIFESTS_PYTHON" -B -m unittest -b)
}

# Alerts, their routes and the dashboards.
suite_alerts() { .ci/alerts.sh; }

# Every query of the dashboards, put to a Prometheus that looks at two real servers in use.
suite_dashboards() {
  need_prometheus
  need_manifests_python
  need_postgres
  need_redis
  [[ -x $TARGET/debug/chat ]] || die "$TARGET/debug/chat is missing: the suite rust builds it."
  (cd tests/alerts && CARGO_TARGET_DIR=$TARGET "$MANIFESTS_PYTHON" -B live_dashboards.py)
}

suite_docker() { .ci/docker.sh; }

# What guides and tutorials show, run as their readers would.
suite_guides() {
  need_guides
  need_postgres
  need_redis
  [[ -x $TARGET/debug/chat ]] || die "$TARGET/debug/chat is missing: the suite rust builds it."
  local pages
  mapfile -t pages < <(grep -lE '^URL=' docs/how-to/*.md docs/tutorials/*.md)
  PATH="$(dirname "$GUIDES_PYTHON"):$PATH" "$GUIDES_PYTHON" -B tests/guides/run.py "$TARGET/debug/chat" "${pages[@]}"
}

# Clients that are made of the OpenAPI document, in conversation.
suite_clients() { .ci/clients.sh; }

suite_e2e() {
  need_node
  need_chromium
  [[ -x $TARGET/debug/chat ]] || die "$TARGET/debug/chat is missing: the suite rust builds it."
  [[ -d web/node_modules ]] || die "web/node_modules is missing: the suite web installs it."
  (cd web && CHAT_BIN="$TARGET/debug/chat" npm run e2e)
}

# The pictures of the user guide, made anew; no test, so not in ALL. Whoever does looks at each.
suite_screenshots() {
  need_node
  need_chromium
  [[ -x $TARGET/debug/chat ]] || die "$TARGET/debug/chat is missing: the suite rust builds it."
  [[ -d web/node_modules ]] || die "web/node_modules is missing: the suite web installs it."
  (cd web && CHAT_BIN="$TARGET/debug/chat" npm run screenshots)
}

main() {
  local suites=("$@") suite began passed=0 failed=0 table=()
  [[ ${#suites[@]} -gt 0 ]] || suites=("${ALL[@]}")
  need_rust
  for suite in "${suites[@]}"; do
    [[ $(type -t "suite_$suite") == function ]] || die "There is no suite $suite. There are: ${ALL[*]}"
  done
  for suite in "${suites[@]}"; do
    printf '\n== %s\n' "$suite"
    began=$SECONDS
    # A shell of its own: errexit holds inside, and its end ends the suite alone.
    if bash -euo pipefail -c "source .ci/test.sh; suite_$suite" </dev/null; then
      passed=$((passed + 1))
      table+=("$(printf '%-12s %8d  pass' "$suite" $((SECONDS - began)))")
    else
      failed=$((failed + 1))
      table+=("$(printf '%-12s %8d  FAIL' "$suite" $((SECONDS - began)))")
    fi
  done
  printf '\n%-12s %8s  result\n' suite seconds
  printf '%s\n' "${table[@]}"
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  [[ $failed -eq 0 ]]
}

# Sourced, this is only the suites.
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  main "$@"
fi
