"""Dashboards are whole, and the agreed panels word for word."""

import json
import re
import subprocess
import unittest

from promtool import MONITORING
from test_metrics import dashboards

AGREED = {
    "Request Rate": "sum(rate(http_requests_total[5m])) by (method, route)",
    "Response Time": "histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket[5m])) by (le, route))",
    "Active WebSocket Connections": "sum(websocket_active_connections)",
    "Message Delivery Time": "histogram_quantile(0.95, sum(rate(message_delivery_time_ms_bucket[5m])) by (le))",
}
GROUPS = [
    "Request rate and latency",
    "Error rates by endpoint",
    "WebSocket connections",
    "Database query performance",
    "Cache hit rates",
    "Resource utilization",
]
AXES = {"x": 24}


def faults(name, board):
    """What is wrong with one."""
    if board["uid"] != name.removesuffix(".json"):
        yield "its uid is not its file's name, by which alerts link to it"
    variables = {one["name"]: one for one in board["templating"]["list"]}
    if variables.get("datasource", {}).get("type") != "datasource":
        yield "no choice of the data source"
    if not any(link["type"] == "dashboards" for link in board["links"]):
        yield "no way to the others"
    ids = [panel["id"] for panel in board["panels"]]
    if len(ids) != len(set(ids)):
        yield "an id twice"
    taken = {}
    for panel in board["panels"]:
        at, place = panel["title"], panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if x >= AXES["x"] or (x, y) in taken:
                    yield f"{at}: lies outside or on {taken.get((x, y))}"
                taken[x, y] = at
        if panel["type"] == "row":
            continue
        if not panel["description"].endswith("."):
            yield f"{at}: no description"
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"{at}: no unit"
        for target in panel["targets"]:
            if target["datasource"]["uid"] != "${datasource}":
                yield f"{at}: a fixed data source"
            if re.search(r'namespace="', target["expr"]):
                yield f"{at}: a fixed namespace"
            if target["expr"] in AGREED.values():
                continue
            short = re.search(r"(?<!in)rate\([^\[]*\[(?!\$__rate_interval)", target["expr"])
            if short:
                yield f"{at}: a rate over a fixed time"
            if set(re.findall(r"\$(\w+)", target["expr"])) - set(variables) - {"__rate_interval"}:
                yield f"{at}: a variable that is not there"
        if len({target["refId"] for target in panel["targets"]}) != len(panel["targets"]):
            yield f"{at}: a refId twice"


class Dashboards(unittest.TestCase):
    def test_all_are_whole(self):
        self.assertGreaterEqual(len(dashboards()), 7)
        found = [f"{name}: {fault}" for name, board in dashboards().items() for fault in faults(name, board)]
        self.assertEqual(found, [])

    def test_faults_are_found(self):
        name, text = "chat-realtime.json", json.dumps(dashboards()["chat-realtime.json"])
        for old, new in (
            ('"unit": "ops"', '"unit": ""'),
            ("[$__rate_interval]", "[5m]"),
            ('"id": 3', '"id": 2'),
            ('namespace=~\\"$namespace\\"', 'namespace=\\"chat\\"'),
            ('"uid": "chat-realtime"', '"uid": "x"'),
            ("$namespace", "$room"),
        ):
            self.assertIn(old, text)
            self.assertNotEqual(list(faults(name, json.loads(text.replace(old, new, 1)))), [], old)

    def test_the_agreed_panels(self):
        board = dashboards()["chat-application-metrics.json"]
        self.assertEqual(board["title"], "Chat Application Metrics")
        found = {panel["title"]: [target["expr"] for target in panel.get("targets", [])] for panel in board["panels"]}
        for title, expr in AGREED.items():
            self.assertEqual(found[title], [expr])
        rows = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
        self.assertEqual(rows[1:], GROUPS)

    def test_every_expression_can_be_read(self):
        """promtool reads them as rules; it has no other way to be asked."""
        known = {"$__rate_interval": "1m", "$namespace": ".*"}
        lines = []
        for board in dashboards().values():
            for panel in board["panels"]:
                for target in panel.get("targets", []):
                    expr = re.sub(r"\$\w+", lambda found: known[found.group()], target["expr"])
                    lines.append({"record": f"x:{len(lines)}", "expr": expr})
        text = json.dumps({"groups": [{"name": "x", "rules": lines}]})
        done = subprocess.run(["promtool", "check", "rules", "/dev/stdin"], input=text, capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"{len(lines)} rules found", done.stdout)

    def test_people_are_not_told_apart(self):
        self.assertNotRegex(json.dumps(dashboards()), r"user_id|room_id|email")

    def test_each_becomes_a_config_map(self):
        text = (MONITORING / "dashboards/kustomization.yaml").read_text()
        self.assertEqual(sorted(re.findall(r"files: \[(.+)\]", text)), sorted(dashboards()))
