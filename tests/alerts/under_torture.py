"""Each fault of the torture test makes the alerts fire that it should and no others, and they end when it is over. A real
Prometheus looks at the real servers, with the rules of production in a thirtieth of their time. It needs what the torture test
needs, and Prometheus: `make prove` runs it.

What is looked at over hours (budgets.yml, by promtool in test_rules.py) and what other exporters tell is left out."""

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

import yaml
from installation import ask, eventually, free_port
from promtool import RULES, SECONDS, seconds

FASTER = 30
# Longer than this is looked back by budgets only.
WINDOW = 5 * 60
# Times that stand in a rule as something else: "everybody is back in 200 s".
TIMES = {"0.005 * sum by (namespace) (websocket_active_connections)": f"{0.005 * FASTER} * sum by (namespace) (websocket_active_connections)"}
# Whom the calm, the faults and the time after them are given to. The servers are small, so that the load is not a fault itself.
SIZE = ["--clients", "60", "--rooms", "30", "--rate", "60", "--after", "25"]

# Before the servers are there, that is what is told; the first fault comes later.
ENTRY = 5

# What each fault is to say. What the servers deal with alone wakes nobody.
FAULTS = {
    "none": ([], {"--seconds": 20}),
    "kill": (["TargetDown"], {"--seconds": 26, "--lasting": 10}),
    "stop": (["TargetDown"], {"--seconds": 26, "--lasting": 10}),
    "redis-kill": (["BusDown", "OutboxOld"], {"--seconds": 70, "--lasting": 42}),
    "database-restart": (["HighErrorRate", "HighErrorRatio", "StoreCallsFail"], {"--seconds": 26, "--lasting": 6}),
    "drain,rollout,blackhole,redis-flush,redis-trim,database-cut,cut-one,cut-many,race": ([], {"--seconds": 70}),
}


def faster(text):
    """An expression or a time with every time in it so many times as short."""
    for was, now in TIMES.items():
        text = text.replace(was, now)
    return re.sub(r"\b(\d+)([smhd])\b", lambda time: f"{int(time[1]) * SECONDS[time[2]] * 1000 // FASTER}ms", text)


def rules():
    """The groups that are looked at here, with everything in them faster."""
    groups = []
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            chosen = []
            for rule in group["rules"]:
                windows = [seconds(window) for window in re.findall(r"\[(\w+)\]", rule["expr"])]
                if "alert" in rule and all(window <= WINDOW for window in windows) and "ratio_rate" not in rule["expr"]:
                    made = {**rule, "expr": faster(rule["expr"])}
                    if "for" in rule:
                        made["for"] = faster(rule["for"])
                    chosen.append(made)
            if chosen:
                groups.append({"name": group["name"], "interval": "500ms", "rules": chosen})
    return {"groups": groups}


class Prometheus(contextlib.ExitStack):
    """Looks at whoever stands in a file of targets."""

    def __init__(self, folder, targets):
        super().__init__()
        (folder / "rules.yml").write_text(yaml.safe_dump(rules()))
        pace = f"{15_000 // FASTER}ms"
        jobs = [{"job_name": "kubernetes-pods", "file_sd_configs": [{"files": [str(targets)], "refresh_interval": "1s"}]}]
        config = {
            "global": {"scrape_interval": pace, "scrape_timeout": pace, "evaluation_interval": pace},
            "rule_files": [str(folder / "rules.yml")],
            "scrape_configs": jobs,
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address=127.0.0.1:{port}"]
        with open(folder / "prometheus.log", "wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        self.callback(process.wait)
        self.callback(process.terminate)

        def ready():
            with contextlib.suppress(OSError):
                return ask(f"{self.url}/-/ready")[0] == 200

        try:
            eventually("Prometheus", ready)
        except BaseException:
            self.close()
            raise

    def firing(self, start, end):
        """The moments at which each alert fired between two others."""
        chosen = {"query": 'ALERTS{alertstate="firing",alertname!="Watchdog"}', "start": start, "end": end, "step": "0.5"}
        status, answer = ask(f"{self.url}/api/v1/query_range?{urllib.parse.urlencode(chosen)}")
        assert status == 200, answer
        found = {}
        for series in answer["data"]["result"]:
            found.setdefault(series["metric"]["alertname"], []).extend(float(at) for at, _ in series["values"])
        return found

    def samples(self, start, end):
        """How often anything was looked at."""
        chosen = {"query": "sum(up)", "start": start, "end": end, "step": "0.5"}
        _, answer = ask(f"{self.url}/api/v1/query_range?{urllib.parse.urlencode(chosen)}")
        return sum(len(series["values"]) for series in answer["data"]["result"])


def torture(kinds, options, folder):
    """When everything stood, when all was healed, and when the time after that was over."""
    moments, said = {}, []
    command = [os.environ["CHAT_BINARY"], "torture", "--faults", kinds, "--targets", str(folder / "targets.json"), *SIZE]
    command += [str(part) for option in options.items() for part in option]
    marks = {"clients in": "began", "all is healed": "healed", "nobody writes any more": "over"}
    with Prometheus(folder, folder / "targets.json") as prometheus:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        # Whatever happens, it does not go on alone.
        watchdog = threading.Timer(300, process.kill)
        watchdog.start()
        try:
            for line in process.stderr:
                said.append(line)
                for words, mark in marks.items():
                    if words in line:
                        moments.setdefault(mark, time.time())
            code = process.wait()
        finally:
            watchdog.cancel()
            process.stderr.close()
            if process.poll() is None:
                process.terminate()
                process.wait()
        said = "".join(said[-30:])
        if set(moments) != set(marks.values()) or code != 0:
            raise AssertionError(f"the torture test ended with {code}:\n{said}")
        moments["began"] += ENTRY
        looked = prometheus.samples(moments["began"], moments["over"])
        return moments, prometheus.firing(moments["began"], moments["over"]), looked, said


class UnderTorture(unittest.TestCase):
    maxDiff = None


def case(kinds, expected, options):
    def test(self):
        with tempfile.TemporaryDirectory() as folder:
            moments, found, looked, said = torture(kinds, options, pathlib.Path(folder))
        length = moments["over"] - moments["began"]
        self.assertGreater(looked, length, "Prometheus did not look")
        told = {name: (min(at) - moments["began"], max(at) - moments["began"]) for name, at in found.items()}
        spans = ", ".join(f"{name} from {first:.1f} s to {last:.1f} s" for name, (first, last) in sorted(told.items())) or "no alert"
        healed = moments["healed"] - moments["began"]
        print(f"{kinds}: healed at {healed:.1f} s, looked at until {length:.1f} s: {spans}", file=sys.stderr)
        self.assertEqual(sorted(found), sorted(expected), f"{spans}\n{said}")
        late = {name: last for name, (_, last) in told.items() if last > length - 3}
        self.assertEqual(late, {}, "does not end")

    return test


for kinds, (expected, options) in FAULTS.items():
    setattr(UnderTorture, f"test_{kinds.replace(',', '_and_').replace('-', '_')}", case(kinds, expected, options))


class Rules(unittest.TestCase):
    def test_every_kind_of_fault_is_looked_at(self):
        page = (pathlib.Path(__file__).resolve().parents[2] / "docs/reference/torture.md").read_text()
        kinds = re.findall(r"^\| `([a-z-]+)` \|", page.split("## Faults")[1].split("## ")[0], re.M)
        self.assertEqual(sorted(kinds), sorted(kind for group in FAULTS for kind in group.split(",") if kind != "none"))

    def test_what_is_expected_are_rules(self):
        made = {rule["alert"] for group in rules()["groups"] for rule in group["rules"]}
        self.assertLessEqual({name for expected, _ in FAULTS.values() for name in expected}, made)

    def test_times_become_shorter_and_nothing_else(self):
        self.assertEqual(faster("min_over_time(x[1m]) > 30"), "min_over_time(x[2000ms]) > 30")
        text = " ".join(rule["expr"] for group in rules()["groups"] for rule in group["rules"])
        for now in TIMES.values():
            self.assertIn(now, text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
