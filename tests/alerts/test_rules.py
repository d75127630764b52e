"""Every rule is whole, and every alert fires, does not fire and resolves as its case says."""

import pathlib
import re
import unittest

import yaml
from promtool import ROOT, RULES, alerts, burns, called, rules, run

RUNBOOKS = "https://github.com/your-org/chat/blob/main/docs/runbooks/"
DASHBOARDS = "https://grafana.example.com/d/"


def kebab(name):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def cases():
    return {**yaml.safe_load(pathlib.Path(__file__).with_name("cases.yml").read_text()), **burns()}


class Rules(unittest.TestCase):
    maxDiff = None

    def test_the_agreed_alerts_are_word_for_word(self):
        found = {one["alert"]: one for one in alerts()}
        self.assertEqual(found["HighErrorRate"]["expr"], 'rate(http_requests_total{status=~"5.."}[5m]) > 0.05')
        self.assertEqual(found["HighErrorRate"]["annotations"]["summary"], "High error rate detected")
        self.assertEqual(found["PodMemoryUsage"]["expr"], "container_memory_usage_bytes / container_spec_memory_limit_bytes > 0.9")
        self.assertEqual(found["PodMemoryUsage"]["annotations"]["summary"], "Pod memory usage above 90%")

    def test_every_alert_says_what_to_do(self):
        uids = {path.stem for path in (ROOT / "kustomize/monitoring/dashboards").glob("*.json")}
        for one in alerts():
            name, notes = one["alert"], one["annotations"]
            self.assertIn(one["labels"]["severity"], ("critical", "warning", "info", "none"), name)
            self.assertEqual(sorted(notes), ["dashboard_url", "description", "runbook_url", "summary"], name)
            self.assertNotIn("{{", notes["summary"], name)
            if name not in ("Watchdog", "BackendGone"):
                self.assertIn("{{", notes["description"], name)
            self.assertEqual(notes["runbook_url"], f"{RUNBOOKS}{kebab(name)}.md")
            self.assertTrue((ROOT / "docs/runbooks" / f"{kebab(name)}.md").exists(), name)
            self.assertIn(notes["dashboard_url"].removeprefix(DASHBOARDS), uids, name)

    def test_every_runbook_has_its_alert_and_is_whole(self):
        names = {kebab(one["alert"]) for one in alerts()}
        for path in (ROOT / "docs/runbooks").glob("*.md"):
            if path.name == "README.md":
                continue
            self.assertIn(path.stem, names)
            heads = re.findall(r"^## (.+)$", path.read_text(), re.M)
            self.assertEqual(heads, ["Meaning", "Impact", "Look", "Do", "Over"], path.name)

    def test_names_are_unique(self):
        names = [called(one) for one in alerts()] + [one["record"] for one in rules() if "record" in one]
        self.assertEqual(len(names), len(set(names)))

    def test_every_alert_has_a_case(self):
        self.assertEqual(set(cases()), {called(one) for one in alerts()} - {"Watchdog"})
        for name, case in cases().items():
            self.assertTrue("says" in case or "BudgetBurn" in name, name)

    def test_every_alert_fires_and_resolves(self):
        self.assertEqual(run({name: case for name, case in cases().items() if name not in burns()}), "")

    def test_every_budget_burns_in_every_window(self):
        # By themselves: these go on for days, and other rules would be asked about every minute of it.
        self.assertEqual(run(burns(), [path for path in RULES if path.stem in ("objectives", "budgets")]), "")

    def test_a_wrong_expectation_is_found(self):
        case = cases()["BusDown"]
        self.assertIn("BusDown", run({"BusDown": {**case, "fires": "9m"}}))
        self.assertIn("degraded", run({"BusDown": {**case, "says": "something else"}}))
