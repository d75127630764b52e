"""performance.py RESULTS : judges what performance.sh measured.

RESULTS holds criterion's folders before-1, after-1, before-2 ... Of each benchmark the fastest median of all rounds
counts, since what disturbs a run only makes it slower. Ends with 0 when nothing became slower than allowed, with 1
when something did, with 2 when the machine was too unsteady to tell."""

import json
import math
import pathlib
import sys

# A benchmark may take so many times what it took before...
ONE = 1.30
# ...all together so many times (the geometric mean)...
ALL = 1.10
# ...and what both sides share with nobody, the baselines, must not have moved more: else it is the machine.
STEADY = 1.20
BASELINE = "baseline"


def medians(folder):
    """{benchmark: nanoseconds} of one round."""
    found = {}
    for file in folder.glob("**/new/benchmark.json"):
        name = json.loads(file.read_text())["full_id"]
        found[name] = json.loads(file.with_name("estimates.json").read_text())["median"]["point_estimate"]
    return found


def fastest(results, side):
    best = {}
    for folder in sorted(results.glob(f"{side}-*")):
        for name, time in medians(folder).items():
            best[name] = min(time, best.get(name, math.inf))
    return best


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def judge(before, after):
    """(exit code, lines)."""
    common = sorted(before.keys() & after.keys())
    ours = {name: after[name] / before[name] for name in common if BASELINE not in name}
    still = {name: after[name] / before[name] for name in common if BASELINE in name}
    lines = [f"{ratio:6.2f}  {name}" for name, ratio in sorted({**ours, **still}.items(), key=lambda one: -one[1])]
    lines += [f"   new  {name}" for name in sorted(after.keys() - before.keys())]
    lines += [f"  gone  {name}" for name in sorted(before.keys() - after.keys())]
    if not ours:
        return 1, lines + ["no benchmark is on both sides: nothing was compared"]
    if still and not 1 / STEADY <= mean(still.values()) <= STEADY:
        return 2, lines + [f"the baselines moved by {mean(still.values()):.2f}: the machine is too unsteady, run it again"]
    slower = [name for name, ratio in ours.items() if ratio > ONE]
    for name in slower:
        lines.append(f"SLOWER: {name} takes {ours[name]:.2f} times what it took; {ONE} is allowed")
    if mean(ours.values()) > ALL:
        lines.append(f"SLOWER: all together take {mean(ours.values()):.2f} times what they took; {ALL} is allowed")
        return 1, lines
    lines.append(f"{len(ours)} benchmarks, together {mean(ours.values()):.2f} times what they took")
    return (1 if slower else 0), lines


def main(path):
    results = pathlib.Path(path)
    code, lines = judge(fastest(results, "before"), fastest(results, "after"))
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
