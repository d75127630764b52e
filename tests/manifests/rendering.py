"""Renders the overlays, and every combination of components that is allowed, once for all tests."""

import copy
import functools
import itertools
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
KUSTOMIZE = ROOT / "kustomize"
OVERLAYS = ("dev", "staging", "prod")
# The parts of which an installation takes at most one.
ENTRIES = ("ingress-nginx", "gateway-api")
ROLLOUTS = (None, "blue-green", "canary")
# Parts that change nothing for the others: each is taken out, or put in, by itself.
INDEPENDENT = ("vpa", "priority-classes", "node-placement", "network-policies", "monitoring", "external-secrets", "sentry")
SWITCHES = ("autoscaling-connections", "migration-job")


def builder():
    """The command that renders a folder."""
    if os.environ.get("KUSTOMIZE"):
        return os.environ["KUSTOMIZE"].split()
    return ["kustomize", "build"] if shutil.which("kustomize") else ["kubectl", "kustomize"]


def render(folder):
    """The text that a folder gives; ValueError with what was said when it gives none."""
    done = subprocess.run([*builder(), str(folder)], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise ValueError(done.stderr.strip())
    return done.stdout


# The one in C is ten times as fast; not every PyYAML has it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Rendered:
    """The objects of one rendering."""

    def __init__(self, name, text):
        self.name, self.text = name, text
        self.objects = [one for one in yaml.load_all(text, Loader=LOADER) if one]

    def of(self, *kinds):
        return [one for one in self.objects if one["kind"] in kinds]

    def one(self, kind, name):
        found = [one for one in self.of(kind) if one["metadata"]["name"] == name]
        if len(found) != 1:
            raise LookupError(f"{self.name}: {len(found)} of {kind} {name}")
        return found[0]

    def has(self, kind, name):
        return any(one["metadata"]["name"] == name for one in self.of(kind))

    def changed(self, change):
        """A copy after `change`, which is handed the copy: for showing that a rule can be broken."""
        other = copy.deepcopy(self)
        change(other)
        return other

    def workloads(self):
        return self.of("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")

    def backends(self):
        return [one for one in self.of("Deployment") if component(one) == "backend"]


def component(thing):
    return thing["metadata"].get("labels", {}).get("app.kubernetes.io/component")


def template(workload):
    """The pod that a workload makes."""
    spec = workload["spec"]
    return spec["jobTemplate"]["spec"]["template"] if workload["kind"] == "CronJob" else spec["template"]


def containers(workload):
    spec = template(workload)["spec"]
    return spec.get("initContainers", []) + spec["containers"]


def where(rendered, thing, container=None):
    inside = f", container {container['name']}" if container else ""
    return f"{rendered.name}: {thing['kind']} {thing['metadata']['name']}{inside}"


def components_of(overlay):
    text = (KUSTOMIZE / "overlays" / overlay / "kustomization.yaml").read_text()
    return [line.rsplit("/", 1)[1] for line in yaml.safe_load(text)["components"]]


def forbidden(names):
    """Why these components do not go together, or None."""
    names = set(names)
    if len(names & {"blue-green", "canary"}) == 2:
        return "blue-green and canary both decide which pods the Service has"
    if len(names & set(ENTRIES)) != 1:
        return "traffic comes through one entry: ingress-nginx or gateway-api"
    if "canary" in names and not {"ingress-nginx", "autoscaling", "monitoring"} <= names:
        return "a canary needs ingress-nginx, autoscaling and monitoring"
    if "blue-green" in names and "vpa" in names:
        return "vpa watches the one Deployment that blue-green has two of"
    if "autoscaling-connections" in names and "autoscaling" not in names:
        return "autoscaling-connections measures for autoscaling"
    return None


def combinations():
    """(overlay, components), in the order in which they are to stand; each overlay as it is first."""
    seen = []

    def add(overlay, names):
        if forbidden(names) is None and (overlay, names) not in seen:
            seen.append((overlay, names))

    for overlay in OVERLAYS:
        own = components_of(overlay)
        add(overlay, own)
        for entry, rollout, *switches in itertools.product(ENTRIES, ROLLOUTS, *[(False, True)] * len(SWITCHES)):
            if overlay == "dev" and (rollout or switches[0]):
                continue
            names = [entry if name in ENTRIES else name for name in own]
            if rollout == "blue-green":
                names = [name for name in names if name != "vpa"]
            names = ([rollout] if rollout else []) + names
            add(overlay, names + [name for name, on in zip(SWITCHES, switches) if on])
        for name in INDEPENDENT:
            changed = [one for one in own if one != name] if name in own else [*own, name]
            add(overlay, changed)
    return seen


def prepare(folder, overlay, names, number):
    """A copy of the overlay with these components, beside the original in `folder`."""
    source = folder / "overlays" / overlay / "kustomization.yaml"
    wanted = yaml.safe_load(source.read_text())
    wanted["components"] = [f"../../components/{name}" for name in names]
    if "blue-green" in names:
        image = next(one for one in wanted["images"] if one["name"] == "backend")
        wanted["images"] += [{**image, "name": f"backend-{colour}"} for colour in ("blue", "green")]
    if "gateway-api" in names:
        wanted["patches"] = [one for one in wanted.get("patches", []) if one.get("target", {}).get("kind") != "Ingress"]
    place = folder / "overlays" / f"combination-{number}"
    place.mkdir()
    (place / "kustomization.yaml").write_text(yaml.safe_dump(wanted, sort_keys=False))
    return place


_all = []


def all_rendered():
    """Every combination, rendered once."""
    if not _all:
        found = []
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch) / "kustomize"
            shutil.copytree(KUSTOMIZE, folder)
            for number, (overlay, names) in enumerate(combinations()):
                place = prepare(folder, overlay, names, number)
                found.append(Rendered(f"{overlay} [{' '.join(names)}]", render(place)))
        for overlay in OVERLAYS:
            found.append(Rendered(overlay, render(KUSTOMIZE / "overlays" / overlay)))
        _all.extend(found)
    return _all


def overlay(name):
    return next(one for one in all_rendered() if one.name == name)


def base():
    return Rendered("base", render(KUSTOMIZE / "base"))


def gateway():
    return Rendered("gateway", render(KUSTOMIZE / "gateway"))


@functools.cache
def logging():
    """Not a component, since it has namespaces of its own."""
    return Rendered("logging", render(KUSTOMIZE / "logging"))


class Case(unittest.TestCase):
    """A rule is a function from a rendering to its faults; it is held to every rendering, and shown
    to find what breaks it."""

    maxDiff = None

    def holds(self, rule, rendered=None):
        faults = [fault for one in (rendered or all_rendered()) for fault in rule(one)]
        self.assertEqual(faults, [], "\n" + "\n".join(faults[:40]))

    def finds(self, rule, rendered, change):
        self.assertNotEqual(list(rule(rendered.changed(change))), [], f"{rule.__name__} finds nothing wrong")
