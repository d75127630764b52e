"""Who hears of which alert, and what keeps silent beside what."""

import re
import subprocess
import unittest

import yaml
from promtool import MONITORING, alerts

CONFIG = MONITORING / "alertmanager.yml"
RECEIVERS = {"critical": "pager", "warning": "tickets", "info": "nobody", "none": "watchdog"}


def receiver(labels):
    words = [f"{key}={value}" for key, value in labels.items()]
    done = subprocess.run(["amtool", "config", "routes", "test", f"--config.file={CONFIG}", *words], capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


def matches(matchers, labels):
    for matcher in matchers:
        name, sign, value = re.fullmatch(r'(\w+) (=|!=|=~) "(.*)"', matcher).groups()
        given = labels.get(name, "")
        if not {"=": given == value, "!=": given != value, "=~": re.fullmatch(value, given) is not None}[sign]:
            return False
    return True


def silenced(target, source):
    """Whether an alert is not sent while another one fires, as Alertmanager judges."""
    for rule in yaml.safe_load(CONFIG.read_text())["inhibit_rules"]:
        same = all(target.get(name, "") == source.get(name, "") for name in rule["equal"])
        if same and matches(rule["target_matchers"], target) and matches(rule["source_matchers"], source):
            return True
    return False


def labels(name, window=None, namespace="chat"):
    one = next(a for a in alerts() if a["alert"] == name and a["labels"].get("window") == window)
    return {"alertname": name, "namespace": namespace, **one["labels"]}


class Routes(unittest.TestCase):
    def test_the_file_is_right(self):
        done = subprocess.run(["amtool", "check-config", CONFIG], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_alert_goes_where_its_severity_says(self):
        for one in alerts():
            given = {"alertname": one["alert"], "namespace": "chat", **one["labels"]}
            self.assertEqual(receiver(given), RECEIVERS[one["labels"]["severity"]], one["alert"])
        self.assertEqual(receiver({"alertname": "OfSomebodyElse"}), "tickets")

    def test_a_cause_silences_what_follows(self):
        for source, target in (
            (labels("BackendGone"), labels("TargetDown")),
            (labels("StoreCallsFail"), labels("StorePoolExhausted")),
            (labels("BusDown"), labels("OutboxOld")),
            (labels("HighErrorRatio"), labels("HighErrorRate")),
            (labels("ReconnectStorm"), labels("SocketsTurnedAway")),
            (labels("DeliveryBudgetBurn", "1h"), labels("DeliveryBudgetBurn", "3d")),
        ):
            self.assertTrue(silenced(target, source), (source, target))
            self.assertFalse(silenced(source, target), (source, target))
            self.assertFalse(silenced({**target, "namespace": "other"}, source), "of another installation")

    def test_nothing_silences_what_wakes_somebody(self):
        for target in alerts():
            if target["labels"]["severity"] in ("critical", "none"):
                for source in alerts():
                    pair = [{"alertname": one["alert"], "namespace": "chat", **one["labels"]} for one in (target, source)]
                    self.assertFalse(silenced(*pair), pair)

    def test_what_silences_exists(self):
        known = {one["alert"] for one in alerts()}
        for rule in yaml.safe_load(CONFIG.read_text())["inhibit_rules"]:
            for matcher in rule["source_matchers"] + rule["target_matchers"]:
                name, _, value = matcher.split(" ")
                if name == "alertname" and "+" not in value:
                    self.assertLessEqual(set(value.strip('"').split("|")), known)
