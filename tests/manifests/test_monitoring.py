"""Prometheus and Alertmanager for clusters without the operator, and the operator's copy of the rules."""

import json
import pathlib
import re
import subprocess
import tempfile

import yaml
from rendering import KUSTOMIZE, ROOT, Case, Rendered, containers, overlay, render, template
from test_pods import bounded, closed, mounted, watched
from test_references import selects

FOLDER = KUSTOMIZE / "monitoring"
_rendered = []


def monitoring():
    if not _rendered:
        _rendered.append(Rendered("monitoring", render(FOLDER)))
    return _rendered[0]


def configuration():
    return yaml.safe_load(monitoring().one("ConfigMap", "prometheus-config")["data"]["prometheus.yml"])


def job(name):
    return next(one for one in configuration()["scrape_configs"] if one["job_name"] == name)


def steps(name):
    """What a job does with its targets, by the first thing it looks at."""
    return {one["source_labels"][-1]: one for one in job(name)["relabel_configs"]}


class Monitoring(Case):
    def test_the_configuration_is_as_agreed(self):
        written = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
        self.assertEqual((written["kind"], written["metadata"]["name"]), ("ConfigMap", "prometheus-config"))
        self.assertEqual(list(written["data"]), ["prometheus.yml"])
        whole = configuration()
        self.assertEqual(whole["global"], {"scrape_interval": "15s", "evaluation_interval": "15s"})
        self.assertEqual(whole["alerting"], {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]})
        self.assertEqual(whole["rule_files"], ["/etc/prometheus/rules/*.yml"])

    def test_pods_are_found_by_their_annotations(self):
        self.assertEqual(job("kubernetes-pods")["kubernetes_sd_configs"], [{"role": "pod"}])
        found, mark = steps("kubernetes-pods"), "__meta_kubernetes_pod_annotation_prometheus_io_"
        keep = {"source_labels": [f"{mark}scrape"], "action": "keep", "regex": "true"}
        self.assertEqual(found[f"{mark}scrape"], keep)
        path = {"source_labels": [f"{mark}path"], "action": "replace", "target_label": "__metrics_path__", "regex": "(.+)"}
        self.assertEqual(found[f"{mark}path"], path)
        address = {
            "source_labels": ["__address__", f"{mark}port"],
            "action": "replace",
            "regex": r"([^:]+)(?::\d+)?;(\d+)",
            "replacement": "$1:$2",
            "target_label": "__address__",
        }
        self.assertEqual(found[f"{mark}port"], address)
        self.assertEqual(re.sub(address["regex"], r"\1:\2", "10.1.2.3:3000;9464"), "10.1.2.3:9464")
        # The annotations that our pods carry are the ones that are looked for.
        notes = template(overlay("prod").one("Deployment", "chat-backend"))["metadata"]["annotations"]
        for name in ("scrape", "path", "port"):
            self.assertIn(f"prometheus.io/{name}", notes)
        self.assertEqual(notes["prometheus.io/scrape"], "true")

    def test_nodes_are_found(self):
        self.assertEqual(job("node-exporter")["kubernetes_sd_configs"], [{"role": "node"}])
        first = job("node-exporter")["relabel_configs"][0]
        self.assertEqual((first["regex"], first["replacement"], first["target_label"]), ("(.*):10250", "${1}:9100", "__address__"))

    def test_servers_are_known_alike_by_both(self):
        """Rules go by the label app; the operator's Prometheus gives it too."""
        monitor = overlay("prod").one("ServiceMonitor", "chat-backend")["spec"]["endpoints"][0]["relabelings"]
        source = "__meta_kubernetes_pod_label_app_kubernetes_io_name"
        self.assertEqual(monitor, [{"sourceLabels": [source], "targetLabel": "app", "action": "replace"}])
        self.assertEqual(steps("kubernetes-pods")[source]["target_label"], "app")

    def test_pods_are_hardened(self):
        for rule in (closed, bounded, watched, mounted):
            self.holds(rule, [monitoring()])
        self.assertEqual(len(monitoring().workloads()), 2)
        for one in monitoring().workloads():
            for container in containers(one):
                self.assertRegex(container["image"], r":v\d+\.\d+\.\d+$")
        self.assertFalse(template(monitoring().one("Deployment", "alertmanager"))["spec"]["automountServiceAccountToken"])

    def test_the_network_policy_of_the_servers_lets_it_in(self):
        policy = overlay("prod").one("NetworkPolicy", "allow-prometheus-to-backend")["spec"]["ingress"][0]["from"][0]
        labels = template(monitoring().one("StatefulSet", "prometheus"))["metadata"]["labels"]
        space = monitoring().one("Namespace", "monitoring")["metadata"]["name"]
        self.assertTrue(selects(policy["podSelector"], labels))
        self.assertEqual(policy["namespaceSelector"]["matchLabels"], {"kubernetes.io/metadata.name": space})

    def test_it_only_looks(self):
        for rule in monitoring().one("ClusterRole", "chat-prometheus")["rules"]:
            self.assertLessEqual(set(rule["verbs"]), {"get", "list", "watch"})
            self.assertLessEqual(set(rule["resources"]), {"pods", "nodes", "nodes/metrics"})

    def test_what_is_mounted_is_made(self):
        maps = {one["metadata"]["name"]: set(one["data"]) for one in monitoring().of("ConfigMap")}
        volume = template(monitoring().one("StatefulSet", "prometheus"))["spec"]["volumes"][0]
        for source in volume["projected"]["sources"]:
            self.assertIn(source["configMap"]["name"], maps)
        keys = {item["key"]: item["path"] for item in volume["projected"]["sources"][1]["configMap"]["items"]}
        files = {path.name for path in (FOLDER / "rules").glob("*.yml")}
        self.assertEqual(keys, {name: f"rules/{name}" for name in files})
        self.assertEqual(maps[volume["projected"]["sources"][1]["configMap"]["name"]], files)

    def test_the_operator_s_rules_are_these(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([KUSTOMIZE / "operator-rules.sh", folder], check=True)
            for path in pathlib.Path(folder).iterdir():
                there = KUSTOMIZE / "components/monitoring" / path.name
                self.assertEqual(path.read_text(), there.read_text(), "run kustomize/operator-rules.sh")
        for path in (FOLDER / "rules").glob("*.yml"):
            for name in ("staging", "prod"):
                one = overlay(name).one("PrometheusRule", f"chat-{path.stem}")
                self.assertEqual(one["spec"], yaml.safe_load(path.read_text()))

    def test_dashboards_are_config_maps(self):
        files = {path.name for path in (FOLDER / "dashboards").glob("*.json")}
        for rendered in (monitoring(), overlay("prod")):
            found = [one for one in rendered.of("ConfigMap") if one["metadata"].get("labels", {}).get("grafana_dashboard") == "1"]
            self.assertEqual({name for one in found for name in one["data"]}, files)
            for one in found:
                for name, text in one["data"].items():
                    self.assertEqual(json.loads(text)["uid"], name.removesuffix(".json"))
                    # What kubectl apply remembers of an object has to fit into one annotation.
                    self.assertLess(len(text), 200_000)

    def test_compose_has_the_same_rules(self):
        text = (ROOT / "docker/monitoring/prometheus.yml").read_text()
        self.assertEqual(yaml.safe_load(text)["rule_files"], configuration()["rule_files"])
        self.assertEqual(yaml.safe_load(text)["alerting"], configuration()["alerting"])
