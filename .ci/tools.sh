#!/usr/bin/env bash
# tools.sh NAME... : puts the tools that the pipeline needs into target/tools/delivery, each of the version and with
# the checksum below, for Linux on x86-64; prints the folder. What is there and still has its checksum stays.
# Another version is another line here, with the sum that its project published.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# name, version, what of the archive (- is the download itself), sha256 of the download, where from
TABLE=${TOOLS_TABLE:-"
kubectl   1.35.1 -         36e2f4ac66259232341dd7866952d64a958846470f6a9a6a813b9117bd965207 https://dl.k8s.io/release/v1.35.1/bin/linux/amd64/kubectl
kustomize 5.8.1  kustomize 029a7f0f4e1932c52a0476cf02a0fd855c0bb85694b82c338fc648dcb53a819d https://github.com/kubernetes-sigs/kustomize/releases/download/kustomize%2Fv5.8.1/kustomize_v5.8.1_linux_amd64.tar.gz
cosign    3.0.6  -         c956e5dfcac53d52bcf058360d579472f0c1d2d9b69f55209e256fe7783f4c74 https://github.com/sigstore/cosign/releases/download/v3.0.6/cosign-linux-amd64
syft      1.42.3 syft      0d6be741479eddd2c8644a288990c04f3df0d609bbc1599a005532a9dff63509 https://github.com/anchore/syft/releases/download/v1.42.3/syft_1.42.3_linux_amd64.tar.gz
trivy     0.70.0 trivy     8b4376d5d6befe5c24d503f10ff136d9e0c49f9127a4279fd110b727929a5aa9 https://github.com/aquasecurity/trivy/releases/download/v0.70.0/trivy_0.70.0_Linux-64bit.tar.gz
mdbook    0.4.52 mdbook    c96bdabf3754d9e016fb803c1565a41050434479b2dc1e02a87c8d0da7524c6c https://github.com/rust-lang/mdBook/releases/download/v0.4.52/mdbook-v0.4.52-x86_64-unknown-linux-musl.tar.gz
"}
folder=$TARGET/tools/delivery

fits() { printf '%s  %s\n' "$1" "$2" | sha256sum --check --status 2>/dev/null; }

# install_tool NAME : from the table, or not at all.
install_tool() {
  local name version member sum url kept
  read -r name version member sum url < <(grep -E "^$1 " <<<"$TABLE") || die "tools.sh knows no $1"
  kept=$folder/archives/$name-$version
  mkdir -p "$folder/archives" "$folder/bin"
  if ! fits "$sum" "$kept"; then
    need_curl
    say "fetching $name $version"
    curl --fail --silent --show-error --location --proto '=https,file' --retry 3 --output "$kept" "$url"
    fits "$sum" "$kept" || {
      rm -f "$kept"
      die "$name $version: what came from $url has another checksum"
    }
  fi
  if [[ $member == - ]]; then
    install -m 0755 "$kept" "$folder/bin/$name"
  else
    tar -xzf "$kept" -C "$folder/bin" "$member"
  fi
}

[[ $# -gt 0 ]] || die "Which tools? There are: $(awk 'NF { printf "%s ", $1 }' <<<"$TABLE")"
[[ -n ${TOOLS_TABLE:-} || "$(uname -s) $(uname -m)" == "Linux x86_64" ]] || die "The tools are those for Linux on x86-64."
for tool in "$@"; do
  install_tool "$tool"
done
# For the steps that follow, on a hosted runner.
[[ -z ${GITHUB_PATH:-} ]] || printf '%s\n' "$folder/bin" >>"$GITHUB_PATH"
printf '%s\n' "$folder/bin"
