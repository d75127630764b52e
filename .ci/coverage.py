"""coverage.py server|page SUMMARY : whether a summary of cargo llvm-cov, or of Vitest, is at its floor or above."""

import json
import pathlib
import sys

# Per cent of lines. A floor only goes up: whoever raises coverage raises it.
FLOORS = {"server": 93.0, "page": 92.0}


def lines(kind, summary):
    """(covered, all) of the lines."""
    if kind == "server":
        totals = summary["data"][0]["totals"]["lines"]
        return totals["covered"], totals["count"]
    totals = summary["total"]["lines"]
    return totals["covered"], totals["total"]


def main(kind, path):
    covered, count = lines(kind, json.loads(pathlib.Path(path).read_text()))
    if count == 0:
        print(f"{kind}: nothing was measured", file=sys.stderr)
        return 1
    share, floor = 100 * covered / count, FLOORS[kind]
    print(f"{kind}: {share:.1f} % of {count} lines are run by tests; the floor is {floor:.1f} %")
    return 0 if share >= floor else 1


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in FLOORS:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
