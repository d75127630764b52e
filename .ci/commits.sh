#!/usr/bin/env bash
# commits.sh BASE [HEAD] : whether the commits since BASE bear subjects as CONTRIBUTING.md asks.
set -euo pipefail

git log --no-merges --format='%H%x09%s' "${1:?where they begin}..${2:-HEAD}" | "$(dirname "${BASH_SOURCE[0]}")/subject.sh" -
