"""What rules and dashboards ask for is served: by the server, as its manual says, or by an exporter named here."""

import json
import re
import unittest

from promtool import MONITORING, ROOT, rules

OTHERS = {
    "Prometheus": ("up", "ALERTS"),
    "kubelet": ("container_memory_usage_bytes", "container_memory_working_set_bytes", "container_spec_memory_limit_bytes"),
    "kube-state-metrics": ("kube_deployment_status_replicas_available", "kube_deployment_spec_replicas"),
    "node_exporter": ("node_filesystem_avail_bytes", "node_filesystem_size_bytes"),
    "blackbox_exporter": ("probe_ssl_earliest_cert_expiry",),
    "postgres_exporter": ("pg_replication_lag_seconds",),
    "who makes backups": ("chat_backup_last_success_timestamp_seconds",),
}
WORDS = set("by without on ignoring and or unless group_left group_right bool offset".split())


def served():
    manual = (ROOT / "docs/reference/metrics.md").read_text()
    return set(re.findall(r"^\| `(\w+)` \|", manual, re.M))


def asked(expr):
    """The metrics that an expression names."""
    plain = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expr)
    plain = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", plain)
    plain = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", plain)
    names = set(re.findall(r"(?<![\w.$])([a-zA-Z_:][\w:]*)\b(?!\s*\()", plain))
    return {name for name in names if name not in WORDS and not re.fullmatch(r"\d+[smhd]", name)}


def unknown(expr):
    given = {one["record"] for one in rules() if "record" in one} | served() | {name for names in OTHERS.values() for name in names}
    return {name for name in asked(expr) if name not in given and re.sub(r"_(bucket|sum|count)$", "", name) not in given}


def dashboards():
    return {path.name: json.loads(path.read_text()) for path in sorted((MONITORING / "dashboards").glob("*.json"))}


class Metrics(unittest.TestCase):
    def test_rules_ask_for_what_is_served(self):
        missing = sorted({name for rule in rules() for name in unknown(rule["expr"])})
        self.assertEqual(missing, [], "not in docs/reference/metrics.md")

    def test_dashboards_ask_for_what_is_served(self):
        exprs = [target["expr"] for one in dashboards().values() for panel in one["panels"] for target in panel.get("targets", [])]
        missing = sorted({name for expr in exprs for name in unknown(expr)})
        self.assertEqual(missing, [], "not in docs/reference/metrics.md")

    def test_no_exporter_is_named_in_vain(self):
        text = " ".join(rule["expr"] for rule in rules()) + json.dumps(dashboards())
        for names in OTHERS.values():
            for name in names:
                self.assertIn(name, text)

    def test_names_are_found_in_expressions(self):
        self.assertEqual(asked('sum by (le) (rate(a_bucket{x="b"}[5m])) / on (c) group_left (d) e:f > 0.5 and vector(1)'), {"a_bucket", "e:f"})
        self.assertEqual(unknown("sum(rate(websocket_nothing_total[5m]))"), {"websocket_nothing_total"})
