"""Every object against the schema of its kind: Kubernetes' own strictly, as its server of that version
would judge; those of others as far as their projects publish a package."""

import copy
import json
import os
import pathlib
import subprocess
import unittest

import kubernetes_validate
import yaml
from rendering import ROOT, all_rendered, base, gateway, logging, overlay
from test_monitoring import monitoring

VERSION = "1.32"
# Groups without a published package of schemas: what matters of them is in test_figures.py, and a real
# API server judges the rest.
UNPUBLISHED = {"flagger.app", "autoscaling.k8s.io", "gateway.nginx.org"}
PUBLISHED = {"monitoring.coreos.com", "external-secrets.io", "gateway.networking.k8s.io", "bitnami.com"}


def group(thing):
    return thing["apiVersion"].rpartition("/")[0]


def distinct():
    """Each object once, whatever its namespace and labels."""
    seen = {}
    for rendered in [*all_rendered(), base(), gateway(), logging(), monitoring()]:
        for one in rendered.objects:
            bare = copy.deepcopy(one)
            bare["metadata"].pop("namespace", None)
            bare["metadata"].pop("labels", None)
            seen.setdefault(json.dumps(bare, sort_keys=True), one)
    return list(seen.values()) + examples()


def examples():
    """The objects that the manual shows; not the files of an API server, which have no metadata."""
    found = []
    for page in sorted((ROOT / "docs/how-to").glob("*kubernetes*.md")):
        for block in page.read_text().split("```yaml\n")[1:]:
            documents = yaml.safe_load_all(block.split("```")[0])
            found += [one for one in documents if "metadata" in one]
    return found


def own(thing):
    return group(thing) not in UNPUBLISHED | PUBLISHED


def fault(thing):
    try:
        kubernetes_validate.validate(thing, VERSION, strict=True)
        return None
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
        return f"{thing['kind']} {thing['metadata']['name']}: {error.message[:300]}"


def judged(things):
    """What the published schemas say of these."""
    script = pathlib.Path(__file__).with_name("custom.mjs")
    done = subprocess.run(["node", script], input=json.dumps(things), capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.splitlines()


class Schema(unittest.TestCase):
    def test_kubernetes_own(self):
        things = [one for one in distinct() if own(one)]
        self.assertGreater(len(things), 50)
        faults = [said for said in map(fault, things) if said]
        self.assertEqual(faults, [], "\n" + "\n".join(faults))

    def test_a_misspelt_key_is_found(self):
        one = copy.deepcopy(overlay("prod").one("Deployment", "chat-backend"))
        self.assertIsNone(fault(one))
        security = one["spec"]["template"]["spec"]["containers"][0]["securityContext"]
        security["readOnlyRootFileSystem"] = security.pop("readOnlyRootFilesystem")
        self.assertIsNotNone(fault(one))
        self.assertIsNotNone(fault({"apiVersion": "apps/v1", "kind": "Deploiment", "metadata": {"name": "x"}}))

    def test_of_others(self):
        things = [one for one in distinct() if group(one) in PUBLISHED]
        kinds = {one["kind"] for one in things}
        self.assertLessEqual({"ServiceMonitor", "PrometheusRule", "ExternalSecret", "HTTPRoute", "Gateway"}, kinds)
        self.assertEqual(judged(things), [])

    def test_a_wrong_custom_resource_is_found(self):
        one = copy.deepcopy(overlay("prod").one("ServiceMonitor", "chat-backend"))
        one["spec"]["endpoints"][0]["port"] = 3000
        self.assertEqual(len(judged([one, {**one, "kind": "ServiceMonitors"}])), 2)

    def test_every_group_is_known(self):
        groups = {group(one) for one in distinct()}
        foreign = {name for name in groups if "." in name and not name.endswith("k8s.io")}
        self.assertLessEqual(foreign, UNPUBLISHED | PUBLISHED)

    def test_models_are_given(self):
        self.assertTrue(os.environ.get("MODELS"), "MODELS names the folder of the schemas of others")
