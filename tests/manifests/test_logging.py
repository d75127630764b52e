"""The logging of kustomize/logging: the properties of all pods, what it names, and who reaches whom. What it
is configured with is in test_logging_files.py."""

import re

import yaml
from rendering import KUSTOMIZE, ROOT, Case, Rendered, containers, logging, template, where
from test_network import is_peer
from test_pods import alone, bounded, closed, labelled, mounted, named_images, watched
from test_references import no_secrets, ports, selects, targets

AGENT = "DaemonSet filebeat"
# Every fault that stays, in the words of the rule that finds it, with the reason.
JUSTIFIED = {
    **dict.fromkeys(
        (
            f"logging: {AGENT}: runAsNonRoot",
            f"logging: {AGENT}: runAsUser is no number above 0",
            f"logging: {AGENT}: runAsGroup is no number above 0",
            f"logging: {AGENT}: fsGroup is no number above 0",
            f"logging: {AGENT}, container filebeat: securityContext is "
            "{'allowPrivilegeEscalation': False, 'capabilities': {'drop': ['ALL']}, 'readOnlyRootFilesystem': True}",
        ),
        "the kubelet writes logs for root alone; root here has no capabilities",
    ),
    f"logging: {AGENT}: automountServiceAccountToken": "it asks which pods of its node are ours",
    f"logging: {AGENT}: volume pods is of the node": "the lines, read only",
    f"logging: {AGENT}: volume registry is of the node": "how far each file was read; a new pod goes on there",
}
# The Secrets that ../../kustomize/logging-secrets.sh makes, by namespace.
TLS = {"ca.crt", "tls.crt", "tls.key"}
MADE = {
    "logging": {
        "logging-passwords": {"elastic", "writer", "reader", "kibana", "kibana-key"},
        **{f"logging-tls-{part}": TLS for part in ("elasticsearch", "logstash", "kibana")},
    },
    "logging-agents": {"logging-tls-filebeat": TLS},
}
# Each workload with the keys of Secrets it may see: its own and no other.
SEES = {
    "elasticsearch": TLS | {"elastic"},
    "logstash": TLS | {"writer"},
    "kibana": TLS | {"kibana", "kibana-key"},
    "filebeat": TLS,
    "logging-setup": {"ca.crt", "elastic", "writer", "reader", "kibana"},
    "kibana-setup": {"ca.crt", "elastic"},
}


def pods_rules(rendered):
    for rule in (closed, alone, bounded, watched, mounted, labelled, named_images):
        yield from rule(rendered)


def unexplained(rendered):
    yield from (fault for fault in pods_rules(rendered) if fault not in JUSTIFIED)


def references(rendered):
    """ConfigMaps, Secrets and accounts that a pod names are in its own namespace, with their keys."""
    there = {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in rendered.objects}
    for workload in rendered.workloads():
        name, space, at = workload["metadata"]["name"], workload["metadata"]["namespace"], where(rendered, workload)
        if ("ServiceAccount", space, template(workload)["spec"]["serviceAccountName"]) not in there:
            yield f"{at}: its account is elsewhere"
        seen = set()
        for volume in template(workload)["spec"]["volumes"]:
            if "configMap" in volume and ("ConfigMap", space, volume["configMap"]["name"]) not in there:
                yield f"{at}: there is no ConfigMap {volume['configMap']['name']}"
            sources = [one["secret"] for one in volume.get("projected", {}).get("sources", [])]
            if "secret" in volume:
                sources.append({"name": volume["secret"]["secretName"]})
            for secret in sources:
                made = MADE[space].get(secret["name"], set())
                keys = {item["key"] for item in secret["items"]} if "items" in secret else made
                if not keys or not keys <= made:
                    yield f"{at}: nobody makes {secret}"
                seen |= keys
        if seen != SEES.get(name):
            yield f"{at}: sees {sorted(seen)}"


def selectors(rendered):
    """Workloads and Services select pods of their own namespace, and of one workload."""
    everyone = [(one, one["metadata"]["namespace"], template(one)["metadata"]["labels"]) for one in rendered.workloads()]
    for one in rendered.of("Service", "Deployment", "StatefulSet", "DaemonSet"):
        chosen = one["spec"]["selector"]
        selector = {"matchLabels": chosen} if one["kind"] == "Service" else chosen
        space = one["metadata"]["namespace"]
        found = [w["metadata"]["name"] for w, at, labels in everyone if at == space and selects(selector, labels)]
        if found != [one["metadata"]["name"]]:
            yield f"{where(rendered, one)}: selects {found}"


def homes(rendered):
    """Two namespaces: one closed, the other for what reads nodes and nothing else."""
    levels = {
        one["metadata"]["name"]: one["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for one in rendered.of("Namespace")
    }
    if levels != {"logging": "restricted", "logging-agents": "privileged"}:
        yield f"{rendered.name}: namespaces {levels}"
    for one in rendered.objects:
        space = one["metadata"].get("namespace")
        if one["kind"] in ("Role", "RoleBinding"):
            allowed = {"chat"}
        elif one["kind"] in ("DaemonSet",):
            allowed = {"logging-agents"}
        else:
            allowed = {"logging", "logging-agents"}
        if one["kind"] != "Namespace" and space not in allowed:
            yield f"{where(rendered, one)}: is in {space}"
    agents = [w["metadata"]["name"] for w in rendered.workloads() if w["metadata"]["namespace"] == "logging-agents"]
    if agents != ["filebeat"]:
        yield f"{rendered.name}: beside Filebeat is {agents}"


def least(rendered):
    """The one right there is: to see the pods of the installation's namespace."""
    if rendered.of("ClusterRole", "ClusterRoleBinding"):
        yield f"{rendered.name}: a right over the cluster"
    rules = [rule for one in rendered.of("Role") for rule in one["rules"]]
    if rules != [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]:
        yield f"{rendered.name}: rights {rules}"
    who = [who for one in rendered.of("RoleBinding") for who in one["subjects"]]
    if who != [{"kind": "ServiceAccount", "name": "filebeat", "namespace": "logging-agents"}]:
        yield f"{rendered.name}: rights of {who}"


def read_only(rendered):
    """Of the node only the registry is written."""
    for workload in rendered.workloads():
        volumes = {one["name"]: one["hostPath"]["path"] for one in template(workload)["spec"]["volumes"] if "hostPath" in one}
        for container in containers(workload):
            for mount in container["volumeMounts"]:
                path = volumes.get(mount["name"])
                if path and path != "/var/lib/chat-filebeat" and mount.get("readOnly") is not True:
                    yield f"{where(rendered, workload)}: writes to {path}"


def end(rendered, name):
    workload = next(one for one in rendered.workloads() if one["metadata"]["name"] == name)
    return {"space": workload["metadata"]["namespace"], "labels": template(workload)["metadata"]["labels"]}


OUTSIDE = {
    "controller": {"space": "ingress-nginx", "labels": {"app.kubernetes.io/name": "ingress-nginx"}},
    "chat-backend": {"space": "chat", "labels": {"app.kubernetes.io/name": "chat-backend"}},
    "stranger": {"space": "logging-agents", "labels": {}},
    "dns": {"space": "kube-system", "labels": {"k8s-app": "kube-dns"}},
    "api-server": {"address": "10.0.0.1"},
    "metadata": {"address": "169.254.169.254"},
}
# All that is let through; every other pair at every port is not.
LET = {
    ("filebeat", "logstash", 5044),
    ("filebeat", "api-server", 443),
    ("filebeat", "api-server", 6443),
    ("logstash", "elasticsearch", 9200),
    ("kibana", "elasticsearch", 9200),
    ("logging-setup", "elasticsearch", 9200),
    ("kibana-setup", "kibana", 5601),
    *((name, "dns", 53) for name in ("filebeat", "logstash", "kibana", "logging-setup", "kibana-setup")),
}


def allows(rendered, direction, own, other, port):
    """Whether the policies of its namespace let this through; outside ours nothing is asked."""
    if own.get("space") not in ("logging", "logging-agents"):
        return True
    side = {"Ingress": "from", "Egress": "to"}[direction]
    about = [
        one["spec"]
        for one in rendered.of("NetworkPolicy")
        if one["metadata"]["namespace"] == own["space"]
        and direction in one["spec"]["policyTypes"]
        and selects(one["spec"]["podSelector"], own["labels"])
    ]
    rules = [rule for spec in about for rule in spec.get(direction.lower(), [])]
    fits = [rule for rule in rules if any((one["port"], one["protocol"]) == (port, "TCP") for one in rule["ports"])]
    return not about or any(is_peer(peer, other, own["space"]) for rule in fits for peer in rule[side])


def reach(rendered):
    ends = {name: end(rendered, name) for name in SEES} | OUTSIDE
    for source in ends:
        for target in ends:
            for port in (22, 53, 80, 443, 3000, 5044, 5601, 6443, 9200, 9300, 9399, 9600):
                if source == target or (source in OUTSIDE and target in OUTSIDE):
                    continue
                let = allows(rendered, "Egress", ends[source], ends[target], port)
                let = let and allows(rendered, "Ingress", ends[target], ends[source], port)
                if let != ((source, target, port) in LET):
                    yield f"{rendered.name}: {source} -> {target} {port} is {let}"


class Logging(Case):
    def check(self, rule, *changes):
        self.holds(rule, [logging()])
        for change in changes:
            self.finds(rule, logging(), change)

    def pod(self, rendered, kind="StatefulSet", name="elasticsearch"):
        return template(rendered.one(kind, name))["spec"]

    def test_pods_are_as_all_pods(self):
        self.check(
            unexplained,
            lambda r: self.pod(r)["containers"][0]["securityContext"].update(readOnlyRootFilesystem=False),
            lambda r: self.pod(r, "Deployment", "kibana")["containers"][0].pop("startupProbe"),
            lambda r: self.pod(r, "DaemonSet", "filebeat").update(hostNetwork=True),
            lambda r: self.pod(r, "Job", "logging-setup").pop("automountServiceAccountToken"),
        )

    def test_every_reason_is_still_needed(self):
        self.assertLessEqual(set(JUSTIFIED), set(pods_rules(logging())))

    def test_what_is_named_is_there(self):
        self.check(
            references,
            lambda r: r.objects.remove(r.of("ConfigMap")[0]),
            lambda r: self.pod(r, "DaemonSet", "filebeat")["volumes"][1]["secret"].update(secretName="chat-secrets"),
        )
        for rule in (selectors, ports, targets, no_secrets):
            self.check(rule)
        self.finds(selectors, logging(), lambda r: r.one("Service", "kibana")["spec"].update(selector={"app": "no"}))

    def test_each_has_its_place(self):
        self.check(
            homes,
            lambda r: r.one("Namespace", "logging")["metadata"]["labels"].update({"pod-security.kubernetes.io/enforce": "baseline"}),
            lambda r: r.one("StatefulSet", "logstash")["metadata"].update(namespace="logging-agents"),
        )

    def test_rights_are_least(self):
        self.check(least, lambda r: r.of("Role")[0]["rules"][0]["verbs"].append("delete"))
        binding = lambda r: r.one("RoleBinding", "logging-filebeat")
        self.check(least, lambda r: binding(r)["subjects"].append({"kind": "Group", "name": "system:authenticated"}))

    def test_nodes_are_only_read(self):
        mounts = lambda r: self.pod(r, "DaemonSet", "filebeat")["containers"][0]["volumeMounts"]
        self.check(read_only, lambda r: [mount.pop("readOnly", None) for mount in mounts(r)])

    def test_only_who_should_reaches_whom(self):
        everyone = {"from": [{"namespaceSelector": {}}], "ports": [{"port": 5601, "protocol": "TCP"}]}
        self.check(
            reach,
            lambda r: r.one("NetworkPolicy", "allow-kibana-from-setup")["spec"].update(ingress=[everyone]),
            lambda r: r.one("NetworkPolicy", "allow-filebeat-to-api-server")["spec"]["egress"][0]["to"][0]["ipBlock"].pop("except"),
            lambda r: r.objects.remove(r.one("NetworkPolicy", "allow-elasticsearch-from-clients")),
        )

    def test_one_version_everywhere(self):
        """Of the four programs, on Kubernetes and with Compose."""
        images = {one["image"] for w in logging().workloads() for one in containers(w)}
        compose = (ROOT / "docker/compose.logging.yaml").read_text()
        self.assertEqual(images, set(re.findall(r"docker\.elastic\.co/[a-z/]+:[0-9.]+", compose)))
        self.assertEqual(len({image.split(":")[1] for image in images}), 1)

    def test_compose_gives_the_same_secrets(self):
        services = yaml.safe_load((ROOT / "docker/compose.logging.yaml").read_text())["services"]
        seen = {n: {one["target"].rpartition("/")[2] for one in s["secrets"]} for n, s in services.items()}
        self.assertEqual(seen, SEES)

    def test_filebeat_watches_where_it_may(self):
        filebeat = self.pod(logging(), "DaemonSet", "filebeat")["containers"][0]
        variables = {one["name"]: one.get("value") for one in filebeat["env"]}
        self.assertEqual({one["metadata"]["namespace"] for one in logging().of("Role")}, {variables["INSTALLATION"]})
        base = yaml.safe_load((KUSTOMIZE / "overlays/prod/kustomization.yaml").read_text())
        self.assertEqual(variables["INSTALLATION"], base["namespace"])

    def test_names_are_unique(self):
        names = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in logging().objects]
        self.assertEqual(len(names), len(set(names)))
        self.assertIsInstance(logging(), Rendered)
