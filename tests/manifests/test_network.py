"""Who reaches whom, computed from the policies that were rendered, as a network that enforces them
would."""

import ipaddress

from rendering import Case, all_rendered, component, containers, overlay, template
from test_references import selects

# Those outside the namespace, with the labels that their policies go by.
CONTROLLER = {"space": "ingress-nginx", "labels": {}}
GATEWAY = {"space": "gateway", "labels": {}}
PROMETHEUS = {"space": "monitoring", "labels": {"app.kubernetes.io/name": "prometheus"}}
STRANGER = {"space": "default", "labels": {}}
DNS = {"space": "kube-system", "labels": {"k8s-app": "kube-dns"}}
DATABASE = {"address": "10.20.30.40"}
METADATA = {"address": "169.254.169.254"}
SOLVER = {"space": "chat", "labels": {"acme.cert-manager.io/http01-solver": "true"}}


def pod(rendered, name):
    workload = next(one for one in rendered.workloads() if component(one) == name)
    space = rendered.of("Namespace")[0]["metadata"]["name"]
    return {"space": space, "labels": template(workload)["metadata"]["labels"]}


def is_peer(peer, end, home):
    """Whether `end` is one of those that a rule of a policy in the namespace `home` names."""
    if "ipBlock" in peer:
        if "address" not in end:
            return False
        address, block = ipaddress.ip_address(end["address"]), peer["ipBlock"]
        inside = lambda net: address.version == ipaddress.ip_network(net).version and address in ipaddress.ip_network(net)
        return inside(block["cidr"]) and not any(inside(net) for net in block.get("except", []))
    if "address" in end:
        return False
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": end["space"]}):
            return False
    elif end["space"] != home:
        return False
    return selects(peer.get("podSelector", {}), end["labels"])


def allows(rendered, direction, own, other, port, protocol):
    """Whether the policies about `own` let this through; where none is about it, all passes."""
    home = rendered.of("Namespace")[0]["metadata"]["name"]
    if own.get("space") != home:
        return True
    about = [
        one["spec"]
        for one in rendered.of("NetworkPolicy")
        if direction in one["spec"]["policyTypes"] and selects(one["spec"]["podSelector"], own["labels"])
    ]
    side = {"Ingress": "from", "Egress": "to"}[direction]
    for spec in about:
        for rule in spec.get(direction.lower(), []):
            fits = any((one["port"], one["protocol"]) == (port, protocol) for one in rule["ports"])
            if fits and any(is_peer(peer, other, home) for peer in rule[side]):
                return True
    return not about


def reaches(rendered, source, target, port, protocol="TCP"):
    out = allows(rendered, "Egress", source, target, port, protocol)
    return out and allows(rendered, "Ingress", target, source, port, protocol)


def expected(rendered):
    """(source, target, port, protocol, whether) for a rendering with policies."""
    backend, page = pod(rendered, "backend"), pod(rendered, "frontend")
    for entry in (CONTROLLER, GATEWAY):
        yield entry, backend, 3000, "TCP", True
        yield entry, page, 8080, "TCP", True
        yield entry, backend, 22, "TCP", False
        yield entry, {**SOLVER, "space": backend["space"]}, 8089, "TCP", True
        yield entry, backend, 9464, "TCP", False
    yield PROMETHEUS, backend, 9464, "TCP", True
    yield PROMETHEUS, backend, 3000, "TCP", False
    yield {**PROMETHEUS, "labels": {}}, backend, 9464, "TCP", False
    yield STRANGER, backend, 3000, "TCP", False
    yield STRANGER, backend, 9464, "TCP", False
    yield STRANGER, page, 8080, "TCP", False
    yield page, backend, 3000, "TCP", False
    yield backend, page, 8080, "TCP", False
    yield backend, DNS, 53, "UDP", True
    yield backend, DNS, 53, "TCP", True
    yield page, DNS, 53, "UDP", False
    yield backend, DATABASE, 5432, "TCP", True
    yield backend, DATABASE, 6379, "TCP", True
    variables = [one["name"] for each in containers(rendered.backends()[0]) for one in each.get("env", [])]
    mails = "CHAT_SMTP_URL" in variables
    reports = "SENTRY_DSN" in variables or "CHAT_FILES_URL" in variables
    yield backend, DATABASE, 465, "TCP", mails
    yield backend, DATABASE, 587, "TCP", mails
    yield backend, DATABASE, 25, "TCP", False
    yield backend, METADATA, 587, "TCP", False
    yield backend, METADATA, 80, "TCP", False
    yield backend, METADATA, 5432, "TCP", False
    yield backend, DATABASE, 443, "TCP", reports
    yield backend, METADATA, 443, "TCP", False
    yield page, DATABASE, 5432, "TCP", False
    for name, port in (("database", 5432), ("bus", 6379)):
        if any(component(one) == name for one in rendered.workloads()):
            yield backend, pod(rendered, name), port, "TCP", True
            yield page, pod(rendered, name), port, "TCP", False
            yield STRANGER, pod(rendered, name), port, "TCP", False
            yield pod(rendered, name), DATABASE, 5432, "TCP", False
    if any(component(one) == "migration" for one in rendered.workloads()):
        yield pod(rendered, "migration"), DATABASE, 5432, "TCP", True
        yield pod(rendered, "migration"), DATABASE, 587, "TCP", False
        yield pod(rendered, "migration"), DNS, 53, "UDP", True
        yield pod(rendered, "migration"), backend, 3000, "TCP", False


def reach(rendered):
    for source, target, port, protocol, whether in expected(rendered):
        if reaches(rendered, source, target, port, protocol) != whether:
            yield f"{rendered.name}: {source} -> {target} {protocol} {port} is {not whether}"


class Network(Case):
    def test_only_who_should_reaches_whom(self):
        guarded = [one for one in all_rendered() if one.has("NetworkPolicy", "default-deny")]
        self.assertGreater(len(guarded), 30)
        self.holds(reach, guarded)

    def test_a_hole_is_found(self):
        prod = overlay("prod")
        everyone = {"spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": []}, "kind": "NetworkPolicy"}
        self.finds(reach, prod, lambda r: r.objects.remove(r.one("NetworkPolicy", "default-deny")))
        self.finds(reach, prod, lambda r: r.objects.remove(r.one("NetworkPolicy", "allow-dns")))
        opened = {"from": [{"namespaceSelector": {}}], "ports": [{"port": 3000, "protocol": "TCP"}]}
        self.finds(reach, prod, lambda r: r.objects.append({**everyone, "metadata": {"name": "x"}, "spec": {**everyone["spec"], "ingress": [opened]}}))
        out = lambda r: r.one("NetworkPolicy", "allow-backend-to-stores")["spec"]["egress"][0]
        self.finds(reach, prod, lambda r: out(r)["to"][0]["ipBlock"].pop("except"))

    def test_every_policy_says_what_it_is_about(self):
        for rendered in all_rendered():
            for one in rendered.of("NetworkPolicy"):
                self.assertTrue(one["spec"]["policyTypes"], one["metadata"]["name"])
                deny = one["metadata"]["name"] == "default-deny"
                self.assertEqual(deny, "ingress" not in one["spec"] and "egress" not in one["spec"])
