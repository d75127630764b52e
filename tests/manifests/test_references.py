"""What one object says of another is so."""

import yaml
from rendering import (
    KUSTOMIZE,
    Case,
    all_rendered,
    base,
    combinations,
    component,
    containers,
    forbidden,
    gateway,
    overlay,
    template,
    where,
)

# Secrets that are not in the manifests, with their keys: made by dev-secrets.sh, a vault or by hand.
SECRETS = {
    "chat-secrets": {"database-url", "redis-url", "jwt-secret", "smtp-url", "files-url", "s3-access-key-id", "s3-secret-access-key"},
    "chat-migration-secrets": {"database-url"},
    "chat-sentry": {"dsn"},
    "chat-postgres": {"password"},
    "chat-redis": {"password"},
}


def selects(selector, labels):
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for term in selector.get("matchExpressions", []):
        inside = labels.get(term["key"]) in term.get("values", [])
        found = {"In": inside, "NotIn": not inside, "Exists": term["key"] in labels}[term["operator"]]
        if not found:
            return False
    return True


def pods(rendered):
    """(workload, labels) of every pod."""
    return [(one, template(one)["metadata"]["labels"]) for one in rendered.workloads()]


def configuration(rendered):
    """Secrets and ConfigMaps that containers name are there, with their keys."""
    maps = {one["metadata"]["name"]: set(one.get("data", {})) for one in rendered.of("ConfigMap")}
    for workload in rendered.workloads():
        for container in containers(workload):
            at = where(rendered, workload, container)
            for source in container.get("envFrom", []):
                if source["configMapRef"]["name"] not in maps:
                    yield f"{at}: there is no ConfigMap {source['configMapRef']['name']}"
            for variable in container.get("env", []):
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference and reference["key"] not in SECRETS.get(reference["name"], ()):
                    yield f"{at}: nobody makes {reference}"


def secrets_promised(rendered):
    """What the vault is asked for is what the pods read."""
    for one in rendered.of("ExternalSecret"):
        name = one["spec"]["target"]["name"]
        keys = {entry["secretKey"] for entry in one["spec"]["data"]}
        named = [
            variable.get("valueFrom", {}).get("secretKeyRef", {})
            for workload in rendered.workloads()
            for container in containers(workload)
            for variable in container.get("env", [])
        ]
        if keys != {reference["key"] for reference in named if reference.get("name") == name}:
            yield f"{where(rendered, one)}: gives {sorted(keys)}"


def secrets_own(rendered):
    """Each installation asks the vault for its own: under the name of its namespace, whichever component adds an entry."""
    space = rendered.of("Namespace")[0]["metadata"]["name"]
    for one in rendered.of("ExternalSecret"):
        for entry in one["spec"]["data"]:
            if entry["remoteRef"]["key"] != space:
                yield f"{where(rendered, one)}: {entry['secretKey']} is read from {entry['remoteRef']['key']}"


def selectors(rendered):
    """Workloads select their own pods and nobody else's; Services and budgets select some."""
    everyone = pods(rendered)
    for workload in rendered.of("Deployment", "StatefulSet"):
        selector = workload["spec"]["selector"]
        owners = [one["metadata"]["name"] for one, labels in everyone if selects(selector, labels)]
        if owners != [workload["metadata"]["name"]]:
            yield f"{where(rendered, workload)}: selects the pods of {owners}"
    for one in rendered.of("Service"):
        selector = {"matchLabels": one["spec"]["selector"]}
        found = [workload for workload, labels in everyone if selects(selector, labels)]
        if not found or len({component(workload) for workload in found}) != 1:
            yield f"{where(rendered, one)}: selects {[w['metadata']['name'] for w in found]}"
    for one in rendered.of("PodDisruptionBudget"):
        if not any(selects(one["spec"]["selector"], labels) for _, labels in everyone):
            yield f"{where(rendered, one)}: selects nothing"
    for one in rendered.of("ServiceMonitor"):
        services = [s for s in rendered.of("Service") if selects(one["spec"]["selector"], s["metadata"].get("labels", {}))]
        for endpoint in one["spec"]["endpoints"]:
            if not any(port["name"] == endpoint["port"] for s in services for port in s["spec"]["ports"]):
                yield f"{where(rendered, one)}: no Service has the port {endpoint['port']}"


def ports(rendered):
    """Ports of Services and probes are those of containers."""
    for one in rendered.of("Service"):
        for workload, labels in pods(rendered):
            if selects({"matchLabels": one["spec"]["selector"]}, labels):
                for port in one["spec"]["ports"]:
                    if port["targetPort"] not in open_ports(workload):
                        yield f"{where(rendered, one)}: {workload['metadata']['name']} has no {port['targetPort']}"
    for workload in rendered.workloads():
        scraped = template(workload)["metadata"].get("annotations", {}).get("prometheus.io/port")
        if scraped and int(scraped) not in open_ports(workload):
            yield f"{where(rendered, workload)}: prometheus.io/port {scraped} is not open"
        for container in containers(workload):
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                asked = container.get(probe, {}).get("httpGet")
                if asked and asked["port"] not in open_ports(workload):
                    yield f"{where(rendered, workload, container)}: {probe} asks at {asked['port']}"


def open_ports(workload):
    given = [port for container in containers(workload) for port in container.get("ports", [])]
    return {port["containerPort"] for port in given} | {port["name"] for port in given}


def backends(rendered):
    """Where an Ingress or a route leads there is a Service; a canary's is made by Flagger."""
    known = {(s["metadata"]["name"], port["port"]) for s in rendered.of("Service") for port in s["spec"]["ports"]}
    known |= {(one["metadata"]["name"], one["spec"]["service"]["port"]) for one in rendered.of("Canary")}
    for one, _, _, service in routes(rendered):
        if service not in known:
            yield f"{where(rendered, one)}: there is no Service {service}"


def routes(rendered):
    """(object, kind of match, path, (Service, port)) of all that comes from outside."""
    for one in rendered.of("Ingress"):
        for rule in one["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                yield one, path["pathType"], path["path"], (service["name"], service["port"]["number"])
    for one in rendered.of("HTTPRoute"):
        for rule in one["spec"]["rules"]:
            for match in rule.get("matches", []):
                for backend in rule.get("backendRefs", []):
                    path = match["path"]
                    yield one, path["type"], path["value"], (backend["name"], backend["port"])


def metrics_inside(rendered):
    """Nobody outside reads /metrics: it has a port of its own, which no entrance leads to."""
    scraped = {
        int(template(one)["metadata"]["annotations"]["prometheus.io/port"])
        for one in rendered.workloads()
        if "prometheus.io/port" in template(one)["metadata"].get("annotations", {})
    }
    if not scraped:
        yield f"{rendered.name}: nothing is scraped"
    set_to = {one["data"].get("CHAT_METRICS_PORT") for one in rendered.of("ConfigMap") if "PORT" in one["data"]}
    if set_to != {str(port) for port in scraped}:
        yield f"{rendered.name}: CHAT_METRICS_PORT is {set_to}, scraped is {scraped}"
    leading = {
        (one["metadata"]["name"], port["port"])
        for one in rendered.of("Service")
        for port in one["spec"]["ports"]
        if port["targetPort"] in scraped
    }
    for entrance, _, path, service in routes(rendered):
        if service in leading or service[1] in scraped:
            yield f"{where(rendered, entrance)}: {path} leads to /metrics"
    for service in rendered.of("Service"):
        public = service["spec"].get("type", "ClusterIP") != "ClusterIP"
        if public and any(port["targetPort"] in scraped for port in service["spec"]["ports"]):
            yield f"{where(rendered, service)}: is open to the outside"


def targets(rendered):
    """Autoscalers, recommenders and canaries name what is there; the autoscaler owns the number."""
    there = {(one["kind"], one["metadata"]["name"]) for one in rendered.objects}
    for one in rendered.of("HorizontalPodAutoscaler", "VerticalPodAutoscaler", "Canary"):
        spec = one["spec"]
        for key in ("scaleTargetRef", "targetRef", "ingressRef", "autoscalerRef"):
            if key in spec and (spec[key]["kind"], spec[key]["name"]) not in there:
                yield f"{where(rendered, one)}: there is no {spec[key]['kind']} {spec[key]['name']}"
        if one["kind"] == "VerticalPodAutoscaler" and spec["updatePolicy"]["updateMode"] != "Off":
            yield f"{where(rendered, one)}: works against the autoscaler"
        for metric in spec.get("analysis", {}).get("metrics", []):
            if ("MetricTemplate", metric["templateRef"]["name"]) not in there:
                yield f"{where(rendered, one)}: there is no MetricTemplate {metric['templateRef']['name']}"
    for one in rendered.of("HorizontalPodAutoscaler"):
        for workload in rendered.of("Deployment"):
            if workload["metadata"]["name"] == one["spec"]["scaleTargetRef"]["name"] and "replicas" in workload["spec"]:
                yield f"{where(rendered, workload)}: names replicas beside its autoscaler"
    for workload in rendered.workloads():
        wanted = template(workload)["spec"].get("priorityClassName")
        if wanted and ("PriorityClass", wanted) not in there:
            yield f"{where(rendered, workload)}: there is no PriorityClass {wanted}"
    for one in rendered.of("RoleBinding", "ClusterRoleBinding"):
        if (one["roleRef"]["kind"], one["roleRef"]["name"]) not in there:
            yield f"{where(rendered, one)}: there is no {one['roleRef']['name']}"


def home(rendered):
    """All in one namespace, which is closed to what is not restricted."""
    spaces = rendered.of("Namespace")
    if len(spaces) != 1:
        yield f"{rendered.name}: {len(spaces)} namespaces"
        return
    labels, name = spaces[0]["metadata"]["labels"], spaces[0]["metadata"]["name"]
    for mode in ("enforce", "audit", "warn"):
        if labels.get(f"pod-security.kubernetes.io/{mode}") != "restricted":
            yield f"{rendered.name}: pod-security {mode}"
    free = ("Namespace", "PriorityClass", "ClusterRole", "ClusterRoleBinding")
    for one in rendered.objects:
        if one["kind"] not in free and one["metadata"].get("namespace") != name:
            yield f"{where(rendered, one)}: is in {one['metadata'].get('namespace')}"


def no_secrets(rendered):
    """No Secret with a value, and no password in a setting."""
    for one in rendered.of("Secret"):
        yield f"{where(rendered, one)}: a Secret in the manifests"
    marks = ("://user:", "password=", "BEGIN PRIVATE", "BEGIN RSA")
    for one in rendered.of("ConfigMap"):
        for key, value in one.get("data", {}).items():
            if any(mark in value for mark in marks) or key in ("DATABASE_URL", "REDIS_URL", "JWT_SECRET"):
                yield f"{where(rendered, one)}: {key}"
    for workload in rendered.workloads():
        for container in containers(workload):
            for variable in container.get("env", []):
                hidden = any(word in variable["name"] for word in ("PASSWORD", "SECRET", "TOKEN", "_URL", "AUTH"))
                if hidden and "value" in variable:
                    yield f"{where(rendered, workload, container)}: {variable['name']} in clear"


def dig(thing, *path):
    for part in path:
        thing = thing[part]
    return thing


class References(Case):
    def test_configuration_is_there(self):
        self.holds(configuration)
        self.holds(secrets_promised)
        self.finds(configuration, overlay("prod"), lambda r: r.objects.remove(r.of("ConfigMap")[0]))
        self.finds(secrets_promised, overlay("prod"), lambda r: r.one("ExternalSecret", "chat-secrets")["spec"]["data"].pop())

    def test_no_installation_reads_the_secrets_of_another(self):
        self.holds(secrets_own)
        last = lambda r: r.one("ExternalSecret", "chat-secrets")["spec"]["data"][-1]["remoteRef"]
        self.finds(secrets_own, overlay("staging"), lambda r: last(r).update(key="chat"))

    def test_selectors_match(self):
        self.holds(selectors)
        prod = overlay("prod")
        self.finds(selectors, prod, lambda r: r.one("Service", "chat-backend")["spec"].update(selector={"app": "no"}))
        self.finds(selectors, prod, lambda r: r.one("ServiceMonitor", "chat-backend")["spec"]["endpoints"][0].update(port="no"))
        self.finds(selectors, prod, lambda r: r.one("Deployment", "chat-backend")["spec"].update(selector={"matchLabels": {}}))

    def test_ports_are_open(self):
        self.holds(ports)
        port = lambda r, n: r.one("Service", n)["spec"]["ports"][0]
        self.finds(ports, overlay("prod"), lambda r: port(r, "chat-backend").update(targetPort=3001))
        self.finds(ports, overlay("prod"), lambda r: port(r, "chat-frontend").update(targetPort="web"))

    def test_entrances_lead_somewhere(self):
        self.holds(backends)
        self.finds(backends, overlay("prod"), lambda r: r.objects.remove(r.one("Service", "chat-backend")))

    def test_metrics_stay_inside(self):
        self.holds(metrics_inside)
        self.holds(metrics_inside, [base()])
        prod = overlay("prod")
        api = lambda r: dig(r.one("Ingress", "chat-ingress"), "spec", "rules", 1, "http", "paths", 0, "backend", "service")
        self.finds(metrics_inside, prod, lambda r: api(r).update(name="chat-backend-metrics", port={"number": 9464}))
        metrics = lambda r: r.one("Service", "chat-backend-metrics")["spec"]
        self.finds(metrics_inside, prod, lambda r: metrics(r).update(type="LoadBalancer"))
        port = lambda r: r.one("Service", "chat-backend")["spec"]["ports"][0]
        self.finds(metrics_inside, prod, lambda r: port(r).update(targetPort=9464))
        settings = lambda r: next(one["data"] for one in r.of("ConfigMap") if "PORT" in one["data"])
        self.finds(metrics_inside, prod, lambda r: settings(r).pop("CHAT_METRICS_PORT"))

    def test_targets_are_there(self):
        self.holds(targets)
        prod = overlay("prod")
        self.finds(targets, prod, lambda r: r.one("Deployment", "chat-backend")["spec"].update(replicas=3))
        mode = lambda r: r.one("VerticalPodAutoscaler", "chat-backend")["spec"]["updatePolicy"]
        self.finds(targets, prod, lambda r: mode(r).update(updateMode="Auto"))
        self.finds(targets, prod, lambda r: r.objects.remove(r.one("PriorityClass", "chat-backend")))

    def test_all_is_in_one_restricted_namespace(self):
        self.holds(home)
        labels = lambda r: r.of("Namespace")[0]["metadata"]["labels"]
        self.finds(home, overlay("prod"), lambda r: labels(r).pop("pod-security.kubernetes.io/enforce"))

    def test_there_are_no_secrets(self):
        self.holds(no_secrets)
        prod = overlay("prod")
        self.finds(no_secrets, prod, lambda r: r.objects.append({"kind": "Secret", "metadata": {"name": "x"}}))
        add = {"name": "DATABASE_URL", "value": "postgres://a:b@c/d"}
        env = lambda r: containers(r.one("Deployment", "chat-backend"))[1]["env"]
        self.finds(no_secrets, prod, lambda r: env(r).append(add))

    def test_names_are_unique(self):
        for rendered in [*all_rendered(), base(), gateway()]:
            names = [(one["apiVersion"], one["kind"], one["metadata"]["name"]) for one in rendered.objects]
            self.assertEqual(len(names), len(set(names)), rendered.name)

    def test_what_does_not_go_together_is_known(self):
        self.assertIsNotNone(forbidden(["blue-green", "canary", "ingress-nginx", "autoscaling", "monitoring"]))
        self.assertIsNotNone(forbidden(["ingress-nginx", "gateway-api"]))
        self.assertIsNotNone(forbidden(["canary", "ingress-nginx", "autoscaling"]))
        self.assertIsNotNone(forbidden(["gateway-api", "blue-green", "vpa"]))
        self.assertIsNone(forbidden(["gateway-api", "blue-green", "autoscaling"]))

    def test_every_component_is_rendered(self):
        used = {name for _, names in combinations() for name in names}
        there = {path.name for path in (KUSTOMIZE / "components").iterdir()}
        self.assertEqual(there, used)

    def test_every_file_is_used(self):
        """A manifest that no kustomization names is forgotten."""
        for path in KUSTOMIZE.rglob("*.yaml"):
            if path.name == "kustomization.yaml" or "examples" in path.parts:
                continue
            near = yaml.safe_load((path.parent / "kustomization.yaml").read_text())
            named = near.get("resources", []) + [one.get("path") for one in near.get("patches", [])]
            self.assertIn(path.name, named, path)
