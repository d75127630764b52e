#!/usr/bin/env bash
# fuzz.sh [SECONDS] : files, frames and queries from strangers, led by coverage, each for so long. What made one fail
# is kept in target/fuzz/artifacts; the inputs that led furthest in target/fuzz/corpus, for the next time.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

seconds=${1:-60}
need_rust
need_cargo_fuzz
out=$TARGET/fuzz
mkdir -p "$out/corpus/"{file,frame,query} "$out/artifacts"
export CARGO_TARGET_DIR=$out/target

# fuzz COMMAND WORDS... : without a sanitizer, which wants a nightly compiler: what is fuzzed is safe Rust.
fuzz() {
  cargo fuzz "$1" --fuzz-dir tests/fuzz --sanitizer none "${@:2}"
}

fuzz build
cargo run --quiet --locked --manifest-path tests/fuzz/Cargo.toml --no-default-features --example seeds -- "$out/corpus/file"
cp openapi/frames/client/*.json "$out/corpus/frame/"
failed=()
for target in file frame query; do
  say "$target, for $seconds s"
  fuzz run "$target" "$out/corpus/$target" -- "-max_total_time=$seconds" -timeout=10 -rss_limit_mb=2048 \
    -max_len=65536 "-artifact_prefix=$out/artifacts/$target-" -print_final_stats=1 || failed+=("$target")
done
[[ ${#failed[@]} -eq 0 ]] || die "Failed: ${failed[*]}. Again by: cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none NAME $out/artifacts/NAME-…"
