"""The agreed names and figures, word for word, and the sums that hang on them."""

import math
import re

import yaml
from rendering import KUSTOMIZE, ROOT, Case, all_rendered, base, containers, gateway, overlay, template
from test_references import pods, selects


def container(rendered, deployment="chat-backend"):
    return template(rendered.one("Deployment", deployment))["spec"]["containers"][0]


def quantity(text):
    """A Kubernetes quantity as a number."""
    scale = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "": 1}
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(text)).groups()
    return float(number) * scale[unit]


def fits(rendered):
    """A stop ends within the grace, and moves every socket in time."""
    settings = next(one["data"] for one in rendered.of("ConfigMap") if one["metadata"]["name"].startswith("chat-config"))
    wait, drain = float(settings["CHAT_DRAIN_WAIT_SECONDS"]), float(settings["CHAT_DRAIN_SECONDS"])
    for one in rendered.backends():
        pod = template(one)["spec"]
        before = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        # What the server's manual asks for beyond its own two times.
        if before + wait + drain + 10 > pod["terminationGracePeriodSeconds"]:
            yield f"{rendered.name}: {one['metadata']['name']} is killed before it has drained"
        readiness = pod["containers"][0]["readinessProbe"]
        if before + wait < readiness["periodSeconds"]:
            yield f"{rendered.name}: it leaves before anybody asked whether it is ready"
    if int(settings["CHAT_LIMIT_SOCKETS"]) / 500 > 0.6 * drain:
        yield f"{rendered.name}: more sockets than the drain moves"


def has_room(rendered):
    """The quota has room for the most pods that rollouts and colours may want at once."""
    hard = rendered.one("ResourceQuota", "chat")["spec"]["hard"]
    most = {one["spec"]["scaleTargetRef"]["name"]: one["spec"]["maxReplicas"] for one in rendered.of("HorizontalPodAutoscaler")}
    sums, pods = dict.fromkeys(hard, 0.0), 0
    for workload in rendered.workloads():
        name, spec = workload["metadata"]["name"], workload["spec"]
        surge = spec.get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", 0)
        count = most.get(name, spec.get("replicas", 1)) + surge
        if rendered.of("Canary") and name == "chat-backend":
            count *= 2
        pods += count
        for key in hard:
            if key.startswith(("requests.", "limits.")) and key != "requests.storage":
                side, what = key.split(".", 1)
                each = [quantity(one["resources"][side][what]) for one in template(workload)["spec"]["containers"]]
                first = [quantity(one["resources"][side][what]) for one in template(workload)["spec"].get("initContainers", [])]
                sums[key] += count * max([sum(each), *first])
    if pods > int(hard["pods"]):
        yield f"{rendered.name}: {pods} pods, allowed are {hard['pods']}"
    for key, total in sums.items():
        if key.startswith(("requests.", "limits.")) and total > quantity(hard[key]):
            yield f"{rendered.name}: {key} may come to {total}, allowed are {hard[key]}"


class Figures(Case):
    def test_deployment(self):
        for rendered in (base(), overlay("staging"), overlay("prod")):
            one = rendered.one("Deployment", "chat-backend")
            self.assertEqual(one["apiVersion"], "apps/v1")
            for labels in (one["metadata"]["labels"], template(one)["metadata"]["labels"]):
                self.assertEqual((labels["app"], labels["version"]), ("chat-backend", "v1"))
            rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
            self.assertEqual(one["spec"]["strategy"], rolling)
            backend = container(rendered)
            self.assertEqual(backend["name"], "backend")
            ports = [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in (("http", 3000), ("metrics", 9464))]
            self.assertEqual(backend["ports"], ports)
            self.assertEqual(backend["env"][0], {"name": "NODE_ENV", "value": "production"})
            secrets = {v["name"]: v["valueFrom"]["secretKeyRef"] for v in backend["env"] if "valueFrom" in v}
            keys = {"DATABASE_URL": "database-url", "REDIS_URL": "redis-url", "JWT_SECRET": "jwt-secret"}
            # Whoever has no project at Sentry has no such Secret, and starts all the same.
            sentry = {"name": "chat-sentry", "key": "dsn", "optional": True}
            self.assertEqual(secrets.pop("SENTRY_DSN", sentry), sentry)
            if rendered.name != "base":
                keys["CHAT_SMTP_URL"] = "smtp-url"
                keys["CHAT_FILES_URL"] = "files-url"
                keys["CHAT_S3_ACCESS_KEY_ID"] = "s3-access-key-id"
                keys["CHAT_S3_SECRET_ACCESS_KEY"] = "s3-secret-access-key"
                self.assertIn({"name": "CHAT_EMAIL_VERIFICATION", "value": "required"}, backend["env"])
            self.assertEqual(secrets, {name: {"name": "chat-secrets", "key": key} for name, key in keys.items()})
            for side, memory, cpu in (("requests", "256Mi", "250m"), ("limits", "512Mi", "500m")):
                given = backend["resources"][side]
                self.assertEqual((given["memory"], given["cpu"]), (memory, cpu))
            live, ready = backend["livenessProbe"], backend["readinessProbe"]
            self.assertEqual(live["httpGet"], {"path": "/health", "port": 3000})
            self.assertEqual((live["initialDelaySeconds"], live["periodSeconds"]), (30, 10))
            self.assertEqual(ready["httpGet"], {"path": "/health/ready", "port": 3000})
            self.assertEqual((ready["initialDelaySeconds"], ready["periodSeconds"]), (5, 5))
            term = {
                "weight": 100,
                "podAffinityTerm": {
                    "labelSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["chat-backend"]}]},
                    "topologyKey": "kubernetes.io/hostname",
                },
            }
            affinity = template(one)["spec"]["affinity"]["podAntiAffinity"]
            self.assertEqual(affinity, {"preferredDuringSchedulingIgnoredDuringExecution": [term]})
        self.assertEqual(base().one("Deployment", "chat-backend")["spec"]["replicas"], 3)
        text = (KUSTOMIZE / "base/workload/deployment.yaml").read_text()
        self.assertEqual(text.count("image: your-registry/chat-backend:latest"), 2)

    def test_services(self):
        rendered = overlay("prod")
        one = rendered.one("Service", "chat-backend")
        self.assertEqual(one["metadata"]["labels"]["app"], "chat-backend")
        port = {"name": "http", "port": 3000, "targetPort": 3000, "protocol": "TCP"}
        self.assertEqual(one["spec"], {"type": "ClusterIP", "selector": {"app": "chat-backend"}, "ports": [port]})
        self.assertEqual(rendered.one("Service", "chat-frontend")["spec"]["ports"][0]["port"], 80)
        self.assertEqual(container(rendered, "chat-frontend")["ports"][0]["containerPort"], 8080)

    def test_ingress(self):
        agreed = {
            "cert-manager.io/cluster-issuer": "letsencrypt-prod",
            "nginx.ingress.kubernetes.io/proxy-body-size": "10m",
            "nginx.ingress.kubernetes.io/proxy-read-timeout": "3600",
            "nginx.ingress.kubernetes.io/proxy-send-timeout": "3600",
            "nginx.ingress.kubernetes.io/websocket-services": "chat-backend",
        }
        old = "kubernetes.io/ingress.class"
        first = base().one("Ingress", "chat-ingress")
        self.assertEqual(first["metadata"]["annotations"], {**agreed, old: "nginx"})
        self.assertNotIn("ingressClassName", first["spec"])
        today = overlay("prod").one("Ingress", "chat-ingress")
        self.assertLessEqual(agreed.items(), today["metadata"]["annotations"].items())
        self.assertNotIn(old, today["metadata"]["annotations"])
        self.assertEqual(today["metadata"]["annotations"]["nginx.org/websocket-services"], "chat-backend")
        self.assertEqual(today["spec"]["ingressClassName"], "nginx")
        for one in (first, today):
            hosts = ["chat.example.com", "api.chat.example.com"]
            self.assertEqual(one["spec"]["tls"], [{"hosts": hosts, "secretName": "chat-tls"}])
            for rule, host, name, port in zip(one["spec"]["rules"], hosts, ("chat-frontend", "chat-backend"), (80, 3000)):
                backend = {"service": {"name": name, "port": {"number": port}}}
                self.assertEqual(rule["host"], host)
                self.assertEqual(rule["http"]["paths"][0], {"path": "/", "pathType": "Prefix", "backend": backend})

    def test_gateway_has_the_same_limits(self):
        listeners = gateway().one("Gateway", "chat-gateway")["spec"]["listeners"]
        hosts = {one["hostname"] for one in listeners if one["protocol"] == "HTTPS"}
        self.assertEqual(hosts, {"chat.example.com", "api.chat.example.com"})
        self.assertEqual(gateway().one("ClientSettingsPolicy", "chat-gateway")["spec"]["body"], {"maxSize": "10m"})
        text = (KUSTOMIZE / "components/gateway-api/routes.yaml").read_text()
        rule = [one for one in yaml.safe_load_all(text)][1]["spec"]["rules"][0]
        self.assertEqual(rule["timeouts"], {"request": "3600s", "backendRequest": "3600s"})

    def test_autoscaler(self):
        resource = lambda name, share: {
            "type": "Resource",
            "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": share}},
        }
        percent = lambda value: [{"type": "Percent", "value": value, "periodSeconds": 60}]
        for rendered in (base(), overlay("staging"), overlay("prod")):
            one = rendered.one("HorizontalPodAutoscaler", "chat-backend-hpa")
            self.assertEqual(one["apiVersion"], "autoscaling/v2")
            self.assertEqual(
                one["spec"],
                {
                    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat-backend"},
                    "minReplicas": 3,
                    "maxReplicas": 10,
                    "metrics": [resource("cpu", 70), resource("memory", 80)],
                    "behavior": {
                        "scaleDown": {"stabilizationWindowSeconds": 300, "policies": percent(10)},
                        "scaleUp": {"stabilizationWindowSeconds": 60, "policies": percent(50)},
                    },
                },
            )

    def test_canary(self):
        one = yaml.safe_load((KUSTOMIZE / "components/canary/canary.yaml").read_text())
        spec, analysis = one["spec"], one["spec"]["analysis"]
        self.assertEqual(one["apiVersion"], "flagger.app/v1beta1")
        self.assertEqual((spec["targetRef"]["kind"], spec["targetRef"]["name"]), ("Deployment", "chat-backend"))
        self.assertEqual((spec["progressDeadlineSeconds"], spec["service"]["port"]), (600, 3000))
        figures = [analysis[key] for key in ("interval", "threshold", "maxWeight", "stepWeight")]
        self.assertEqual(figures, ["1m", 5, 50, 10])

    def test_a_colour_is_chosen_by_one_patch(self):
        """kubectl patch service chat-backend -p '{"spec":{"selector":{"version":"green"}}}'"""
        coloured = [one for one in all_rendered() if one.has("Deployment", "chat-backend-green")]
        self.assertGreater(len(coloured), 0)
        for rendered in coloured:
            self.assertFalse(rendered.has("Deployment", "chat-backend"))
            service = rendered.one("Service", "chat-backend")["spec"]["selector"]
            self.assertNotIn("version", service)
            for colour in ("blue", "green"):
                selector = {"matchLabels": {**service, "version": colour}}
                chosen = [one for one, labels in pods(rendered) if selects(selector, labels)]
                self.assertEqual([one["metadata"]["name"] for one in chosen], [f"chat-backend-{colour}"])

    def test_pipelines_set_images_by_these_names(self):
        for name in ("dev", "staging", "prod"):
            wanted = yaml.safe_load((KUSTOMIZE / "overlays" / name / "kustomization.yaml").read_text())
            self.assertEqual([one["name"] for one in wanted["images"]], ["backend", "frontend"])

    def test_metrics_named_are_served(self):
        """What a canary or an autoscaler goes by is in the manual of metrics."""
        known = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/reference/metrics.md").read_text(), re.M))
        for name in ("canary/metrics.yaml", "autoscaling-connections/kustomization.yaml"):
            text = (KUSTOMIZE / "components" / name).read_text()
            named = set(re.findall(r"\b(\w+_(?:total|bucket|connections))\b", text))
            self.assertTrue(named)
            self.assertLessEqual({metric.removesuffix("_bucket") for metric in named}, known)

    def test_settings_are_known(self):
        known = set(re.findall(r"`([A-Z0-9_]+)`", (ROOT / "docs/reference/settings.md").read_text()))
        for name in ("dev", "staging", "prod"):
            for one in overlay(name).of("ConfigMap"):
                if one["metadata"]["name"].startswith("chat-config"):
                    for key in one["data"]:
                        self.assertTrue(key in known, f"no setting is called {key}")

    def test_the_version_is_the_package_s(self):
        version = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
        for name in ("staging", "prod"):
            wanted = yaml.safe_load((KUSTOMIZE / "overlays" / name / "kustomization.yaml").read_text())
            self.assertEqual(wanted["labels"][0]["pairs"]["app.kubernetes.io/version"], version)

    def test_a_stop_fits(self):
        self.holds(fits)
        spec = lambda r: template(r.one("Deployment", "chat-backend"))["spec"]
        self.finds(fits, overlay("prod"), lambda r: spec(r).update(terminationGracePeriodSeconds=55))
        self.assertEqual(spec(overlay("prod"))["terminationGracePeriodSeconds"], 60)
        self.assertEqual(container(overlay("prod"))["lifecycle"]["preStop"], {"sleep": {"seconds": 5}})

    def test_a_start_is_waited_for(self):
        """Longer than the server waits for its database before it says why it ends."""
        manual = (ROOT / "docs/reference/settings.md").read_text()
        patience = float(re.search(r"`CHAT_STORE_START_SECONDS` \| [^|]+\| `(\d+)`", manual).group(1))
        probe = container(overlay("prod"))["startupProbe"]
        self.assertGreater(probe["periodSeconds"] * probe["failureThreshold"], patience)
        first = containers(overlay("prod").one("Deployment", "chat-backend"))[0]
        self.assertEqual((first["name"], first["command"][1:]), ("migrate", ["migrate"]))
        # Who migrates writes to nobody, reports nothing, and keeps no files.
        files = ("CHAT_FILES_URL", "CHAT_S3_ACCESS_KEY_ID", "CHAT_S3_SECRET_ACCESS_KEY")
        others = ("CHAT_SMTP_URL", "CHAT_EMAIL_VERIFICATION", "SENTRY_DSN", *files)
        own = [one for one in container(overlay("prod"))["env"] if one["name"] not in others]
        self.assertEqual(first["env"], own)

    def test_the_quota_has_room(self):
        self.holds(has_room)
        hard = lambda r: r.one("ResourceQuota", "chat")["spec"]["hard"]
        self.finds(has_room, overlay("prod"), lambda r: hard(r).update(pods="13"))
        self.finds(has_room, overlay("prod"), lambda r: hard(r).update({"limits.memory": "4Gi"}))

    def test_the_database_has_room(self):
        """Every pod of a rollout at once stays below PostgreSQL's default."""
        rendered = overlay("prod")
        settings = next(one["data"] for one in rendered.of("ConfigMap") if one["metadata"]["name"].startswith("chat-config"))
        pods = rendered.one("HorizontalPodAutoscaler", "chat-backend-hpa")["spec"]["maxReplicas"] + 1
        self.assertLess(pods * int(settings["CHAT_STORE_CONNECTIONS"]), 100 - 3)

    def test_sockets_fit_into_the_memory(self):
        """With half of it left: 27 KB a socket is what others publish for their own."""
        settings = next(one["data"] for one in overlay("prod").of("ConfigMap") if one["metadata"]["name"].startswith("chat-config"))
        limit = quantity(container(overlay("prod"))["resources"]["limits"]["memory"])
        self.assertLess(int(settings["CHAT_LIMIT_SOCKETS"]) * 27_000, limit / 2)
        self.assertEqual(math.ceil(int(settings["CHAT_LIMIT_SOCKETS"]) / 2), 4000)
