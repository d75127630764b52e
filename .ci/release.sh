#!/usr/bin/env bash
# release.sh COMMAND : the parts of a release, in their order.
#   check TAG                      whether tag, version and changelog agree, and main holds the commit
#   notes TAG                      the changelog's section of it
#   keep FOLDER BACKEND FRONTEND   both images of one processor (ARCH) by digest, as archives, and the binary
#   join TAG PARTS                 one name for the images of all processors; prints names and digests, as subjects.sh
#   files TAG PARTS FOLDER         what is downloaded: binaries, SBOMs, their sums, the sums signed
#   publish TAG FOLDER             the release at GitHub
# PARTS holds release-ARCH/ as keep made it, and reports-ARCH/ of scan.sh.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

command=${1:-}
shift || true

version_of() {
  [[ ${1:-} =~ ^v([0-9]+\.[0-9]+\.[0-9]+)$ ]] || die "${1:-}: a tag is v and a version"
  printf '%s\n' "${BASH_REMATCH[1]}"
}

# The section of a version: from its heading to the next, without empty lines at both ends.
notes() {
  local version text
  version=$(version_of "$1")
  text=$(awk -v head="## [$version]" '
    /^## / { inside = (index($0, head) == 1) ; next }
    /^\[[^]]*\]: / { next }
    inside' "${CHANGELOG:-CHANGELOG.md}" | sed -e '/./,$!d')
  [[ -n ${text//[[:space:]]/} ]] || die "CHANGELOG.md has no section ## [$version], or nothing in it"
  printf '%s\n' "$text"
}

check() {
  local version
  version=$(version_of "$1")
  [[ $(sed -n 's/^version = "\(.*\)"/\1/p' "${MANIFEST:-Cargo.toml}" | head -n 1) == "$version" ]] ||
    die "Cargo.toml is not of version $version"
  notes "$1" >/dev/null
  [[ $(git cat-file -t "$1") == tag ]] || die "$1 is a light tag: git tag --annotate $1"
  git merge-base --is-ancestor "$1^{commit}" "${MAIN:-origin/main}" || die "main does not hold $1"
  say "$1: version, changelog and main agree"
}

keep() {
  local folder=$1 image
  shift
  .ci/archive.sh "$folder" "$@"
  for image in "$@"; do
    # The last part of the name.
    printf '%s\n' "$image" >"$folder/$(basename "${image%@*}").digest"
  done
  # The very binary of the image: linked against the libc of its base, not of the runner.
  docker create --name chat-release "$1" >/dev/null
  docker cp chat-release:/usr/local/bin/chat "$folder/chat"
  docker rm chat-release >/dev/null
}

join() {
  local version name image digest part
  version=$(version_of "$1")
  for name in backend frontend; do
    local parts=()
    for part in "$2"/release-*/"$name.digest"; do
      parts+=("$(<"$part")")
    done
    [[ ${#parts[@]} -eq 2 ]] || die "$name: images of ${#parts[@]} processors, not of 2"
    image=${parts[0]%@*}
    docker buildx imagetools create --tag "$image:$version" "${parts[@]}" >&2
    digest=$(.ci/digest.sh "$image:$version")
    .ci/subjects.sh "$digest"
  done
}

files() {
  local version arch part folder=$3
  version=$(version_of "$1")
  mkdir -p "$folder"
  for part in "$2"/release-*; do
    arch=${part##*/release-}
    # The same bytes from the same commit.
    install -m 0755 "$part/chat" "$folder/chat"
    tar --sort=name --mtime="@$(git log -1 --format=%ct)" --owner=0 --group=0 --numeric-owner -cf - \
      -C "$folder" chat -C "$ROOT" LICENSE README.md CHANGELOG.md |
      gzip --no-name >"$folder/chat-$version-linux-$arch.tar.gz"
    rm "$folder/chat"
    cp "$2/reports-$arch/backend-$arch.spdx.json" "$folder/chat-$version-linux-$arch.spdx.json"
  done
  (cd "$folder" && sha256sum -- *.tar.gz *.json >SHA256SUMS)
  cosign sign-blob --yes --bundle "$folder/SHA256SUMS.bundle" "$folder/SHA256SUMS" >/dev/null
}

publish() {
  notes "$1" >"$2/.notes"
  gh release create "$1" --verify-tag --title "$1" --notes-file "$2/.notes" "$2"/*
}

case $command in
  check | notes | keep | join | files | publish) "$command" "$@" ;;
  *) die "release.sh check | notes | keep | join | files | publish" ;;
esac
