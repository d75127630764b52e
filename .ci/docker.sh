#!/usr/bin/env bash
# docker.sh : what can be told of the images and of the compose file without an engine, within a minute.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_node
need_docker_lints
# For the certificates that secrets.sh makes.
need_openssl

for file in docker/backend/Dockerfile docker/frontend/Dockerfile; do
  "$HADOLINT" --failure-threshold info "$file"
  # Such a line fetches another builder, and with it a right to everything.
  if grep -n '^# *syntax *=' "$file"; then die "$file: no syntax line"; fi
  # Each base by its content, and of the registry by name.
  while read -r base; do
    [[ $base =~ ^ARG\ [A-Z]+_IMAGE=[a-z0-9.-]+\.[a-z]+/.+:.+@sha256:[0-9a-f]{64}$ ]] || die "$file: not pinned: $base"
  done < <(grep '_IMAGE=' "$file")
  if grep -E '^FROM' "$file" | grep -vE '^FROM (\$\{[A-Z]+_IMAGE\}|dependencies)( AS [a-z]+)?$'; then
    die "$file: a base that is no argument"
  fi
done

# Both images are made with the same tools, and the server with the compiler of the tests.
channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
grep -q "^ARG RUST_IMAGE=.*/rust:$channel-" docker/backend/Dockerfile ||
  die "docker/backend/Dockerfile: not Rust $channel, as rust-toolchain.toml says"
[[ $(grep -h '^ARG NODE_IMAGE=' docker/*/Dockerfile | sort -u | wc -l) -eq 1 ]] ||
  die "docker/: images of two versions of Node"

# The secrets are made for it, elsewhere: the file must be whole without those of anybody.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R docker "$copy/"
rm -rf "$copy/docker/secrets"
"$copy/docker/secrets.sh"
sums_of() { (cd "$copy/docker/secrets" && find . -type f -print0 | sort -z | xargs -0 sha256sum); }
sums=$(sums_of)
"$copy/docker/secrets.sh"
[[ $(sums_of) == "$sums" ]] || die "secrets.sh: a second run changed a secret"
while read -r secret; do
  [[ -s $copy/docker/$secret ]] || die "secrets.sh does not make $secret"
done < <(sed -n 's#.*{file: \(secrets/.*\)}#\1#p' docker/compose*.yaml)

# As somebody has it who has set nothing.
config() { env -i PATH="$PATH" HOME="$copy" "$COMPOSE" -f "$copy/docker/compose.yaml" "$@"; }
for profile in core monitoring logging mail test; do
  config --profile "$profile" config -q
done
config --profile '*' config --format json | node .ci/compose-rules.mjs

.ci/page.sh
