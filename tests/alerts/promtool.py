"""Writes tests for promtool from a short table, and runs them.

A case says how its series go, as [duration, figure] one after the other, and three moments: before the alert
fires, while it does, and after it has ended. At each the set of firing alerts must be exactly what the case says,
so that each case also shows of all other alerts that they stay silent."""

import pathlib
import re
import subprocess
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
MONITORING = ROOT / "kustomize/monitoring"
RULES = sorted((MONITORING / "rules").glob("*.yml"))
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def rules():
    """Every rule, of whichever file."""
    return [rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def alerts():
    return [rule for rule in rules() if "alert" in rule]


def called(alert):
    """The name of an alert, with its window where there are several of that name."""
    window = alert["labels"].get("window")
    return f"{alert['alert']} {window}" if window else alert["alert"]


def seconds(text):
    return sum(int(number) * SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhd])", str(text)))


def tidy(number):
    return f"{number:.9f}".rstrip("0").rstrip(".") or "0"


def gauge(steps, interval):
    return " ".join(f"{tidy(value)}x{seconds(span) // interval - 1}" for span, value in steps)


def counter(steps, interval):
    """Figures are by the second."""
    at, parts = 0.0, []
    for span, rate in steps:
        count = seconds(span) // interval
        parts.append(f"{tidy(at)}+{tidy(rate * interval)}x{count - 1}")
        at += rate * interval * count
    return " ".join(parts)


def named(series):
    """With a namespace, as everything that is scraped in a cluster has."""
    name, _, labels = series.partition("{")
    inside = labels.rstrip("}")
    if "namespace=" not in inside:
        inside = ",".join(filter(None, [inside, 'namespace="chat"']))
    return f"{name}{{{inside}}}"


def firing(at, names):
    samples = []
    for name in names:
        alert, _, window = name.partition(" ")
        samples.append({"labels": f'{{alertname="{alert}"' + (f', window="{window}"' if window else "") + "}", "value": 1})
    expr = 'group by (alertname, window) (ALERTS{alertstate="firing", alertname!="Watchdog"})'
    return {"expr": expr, "eval_time": at, "exp_samples": samples}


def test(name, case):
    """One test of promtool."""
    interval = seconds(case.get("interval", "1m"))
    given = [(named(key), gauge(steps, interval)) for key, steps in case.get("gauges", {}).items()]
    given += [(named(key), counter(steps, interval)) for key, steps in case.get("counters", {}).items()]
    if not any(key.startswith("up{") for key, _ in given):
        length = max(sum(seconds(span) for span, _ in steps) for kind in ("gauges", "counters") for steps in case.get(kind, {}).values())
        given.append((named('up{app="chat-backend",instance="quiet"}'), gauge([[f"{length}s", 1]], interval)))
    made = {
        "name": name,
        "interval": f"{interval}s",
        "input_series": [{"series": key, "values": values} for key, values in given],
        "promql_expr_test": [
            firing(case["quiet"], case.get("before", [])),
            firing(case["fires"], [name, *case.get("also", [])]),
            firing(case["clear"], case.get("after", [])),
        ],
    }
    if "says" in case:
        rule = next(one for one in alerts() if called(one) == name)
        expected = {
            "exp_labels": {**rule["labels"], "namespace": "chat", **case.get("labels", {})},
            "exp_annotations": {**rule["annotations"], "description": case["says"]},
        }
        expected["exp_labels"] = {key: value for key, value in expected["exp_labels"].items() if value}
        made["alert_rule_test"] = [{"alertname": rule["alert"], "eval_time": case["fires"], "exp_alerts": [expected]}]
    return made


def run(cases, files=RULES):
    """What promtool says of these cases: nothing, when all is as they say."""
    faults = []
    # What is recorded before what looks at it: at wide intervals the last round is too old. All have to be named.
    order = [group["name"] for path in sorted(files, key=lambda path: path.stem != "objectives") for group in yaml.safe_load(path.read_text())["groups"]]
    with tempfile.TemporaryDirectory() as folder:
        for interval in sorted({case.get("interval", "1m") for case in cases.values()}):
            path = pathlib.Path(folder) / f"{interval}.yml"
            chosen = {name: case for name, case in cases.items() if case.get("interval", "1m") == interval}
            whole = {
                "rule_files": [str(file) for file in files],
                "evaluation_interval": interval,
                "group_eval_order": order,
                "tests": [test(name, case) for name, case in chosen.items()],
            }
            path.write_text(yaml.safe_dump(whole, sort_keys=False, width=10_000))
            done = subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True, timeout=300)
            if done.returncode != 0:
                faults.append(done.stdout + done.stderr)
    return "\n".join(faults)


OBJECTIVES = {
    # What is bad and what is good of each, and the share of bad that the objective leaves.
    "AvailabilityBudgetBurn": (0.001, lambda bad: {'http_requests_total{status="500"}': bad, 'http_requests_total{status="200"}': [[s, 1 - r] for s, r in bad]}),
    "DeliveryBudgetBurn": (
        0.01,
        lambda bad: {
            'message_delivery_time_seconds_bucket{le="0.5"}': [[s, 1 - r] for s, r in bad],
            "message_delivery_time_seconds_count": [[s, 1] for s, _ in bad],
        },
    ),
    "ConnectBudgetBurn": (0.005, lambda bad: {'websocket_connects_total{outcome="failed"}': bad, 'websocket_connects_total{outcome="ready"}': [[s, 1 - r] for s, r in bad]}),
}
# window: (scraped every, quiet for, so many times what the objective leaves, for so long, then good for so long; and
# when it is looked at). What must not be firing yet, or any more, in the other windows is part of the case.
BURNS = {
    "1h": ("1m", "7h", 40, "30m", "30m", "7h", "7h30m", "7h45m", []),
    "6h": ("10m", "3d", 8, "5h30m", "2h", "3d3h", "3d5h", "3d6h30m", []),
    "1d": ("30m", "3d", 5, "16h30m", "4h", "3d12h", "3d16h", "3d19h30m", ["3d"]),
    "3d": ("30m", "3d", 1.5, "56h", "9h", "3d48h", "3d54h", "3d64h", []),
}


def burns():
    """Each objective in each of its windows."""
    made = {}
    for name, (budget, series) in OBJECTIVES.items():
        for window, (every, before, times, bad, good, quiet, fires, clear, after) in BURNS.items():
            made[f"{name} {window}"] = {
                "interval": every,
                "counters": series([[before, 0], [bad, times * budget], [good, 0]]),
                "quiet": quiet,
                "fires": fires,
                "clear": clear,
                "after": [f"{name} {other}" for other in after],
            }
    return made
