"""What every pod must have: closed, bounded, watched, and by itself."""

from rendering import Case, all_rendered, component, containers, overlay, template, where

# (kind, name) of pods that may be served without a probe, because nobody asks them anything.
UNASKED = {("Job", "chat-migrate"), ("Job", "logging-setup"), ("Job", "kibana-setup")}


def closed(rendered):
    """Pod Security `restricted`, a read-only root and a number for a user."""
    for workload in rendered.workloads():
        pod = template(workload)["spec"]
        security = pod.get("securityContext", {})
        if security.get("runAsNonRoot") is not True:
            yield f"{where(rendered, workload)}: runAsNonRoot"
        for key in ("runAsUser", "runAsGroup", "fsGroup"):
            if not security.get(key, 0) > 0:
                yield f"{where(rendered, workload)}: {key} is no number above 0"
        if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{where(rendered, workload)}: seccompProfile"
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.get(key):
                yield f"{where(rendered, workload)}: {key}"
        for container in containers(workload):
            at = where(rendered, workload, container)
            inner = container.get("securityContext", {})
            wanted = {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "capabilities": {"drop": ["ALL"]},
            }
            if inner != wanted:
                yield f"{at}: securityContext is {inner}"
            if any("hostPort" in port for port in container.get("ports", [])):
                yield f"{at}: hostPort"


def alone(rendered):
    """No token, no names of other Services in its environment, an account of its own."""
    for workload in rendered.workloads():
        pod = template(workload)["spec"]
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{where(rendered, workload)}: automountServiceAccountToken"
        if pod.get("enableServiceLinks") is not False:
            yield f"{where(rendered, workload)}: enableServiceLinks"
        account = pod.get("serviceAccountName", "default")
        if not rendered.has("ServiceAccount", account):
            yield f"{where(rendered, workload)}: there is no ServiceAccount {account}"
        elif rendered.one("ServiceAccount", account).get("automountServiceAccountToken") is not False:
            yield f"{where(rendered, workload)}: the ServiceAccount {account} mounts its token"


def bounded(rendered):
    for workload in rendered.workloads():
        for container in containers(workload):
            for side in ("requests", "limits"):
                given = container.get("resources", {}).get(side, {})
                missing = {"cpu", "memory", "ephemeral-storage"} - set(given)
                if missing:
                    yield f"{where(rendered, workload, container)}: {side} lack {sorted(missing)}"
        for volume in template(workload)["spec"].get("volumes", []):
            if "hostPath" in volume:
                yield f"{where(rendered, workload)}: volume {volume['name']} is of the node"
            if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
                yield f"{where(rendered, workload)}: volume {volume['name']} has no sizeLimit"


def watched(rendered):
    for workload in rendered.workloads():
        if (workload["kind"], workload["metadata"]["name"]) in UNASKED:
            continue
        for container in template(workload)["spec"]["containers"]:
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                if "timeoutSeconds" not in container.get(probe, {}):
                    yield f"{where(rendered, workload, container)}: {probe} with a time-out"


def mounted(rendered):
    """Each mount has its volume and each volume is mounted."""
    for workload in rendered.workloads():
        pod = template(workload)["spec"]
        known = {one["name"] for one in pod.get("volumes", [])}
        known |= {one["metadata"]["name"] for one in workload["spec"].get("volumeClaimTemplates", [])}
        used = {mount["name"] for one in containers(workload) for mount in one.get("volumeMounts", [])}
        if known != used:
            yield f"{where(rendered, workload)}: volumes {sorted(known)}, mounted {sorted(used)}"


def labelled(rendered):
    """The recommended labels, on the workload and its pods alike."""
    wanted = ("name", "component", "part-of", "managed-by", "instance")
    if rendered.name.startswith(("staging", "prod")):
        wanted += ("version",)
    for workload in rendered.workloads():
        for thing in (workload, template(workload)):
            labels = thing["metadata"].get("labels", {})
            missing = [name for name in wanted if f"app.kubernetes.io/{name}" not in labels]
            if missing:
                yield f"{where(rendered, workload)}: labels lack {missing}"
        if component(workload) != component(template(workload)):
            yield f"{where(rendered, workload)}: its pods are another component"


def named_images(rendered):
    """Outside development an image says which one it is, and where it is from."""
    for workload in rendered.workloads():
        for container in containers(workload):
            image, at = container["image"], where(rendered, workload, container)
            name, _, tag = image.rpartition("/")[2].partition(":")
            digest = "@sha256:" in image
            if not digest and (not tag or (tag == "latest" and not rendered.name.startswith("dev"))):
                yield f"{at}: {image} may be another one tomorrow"
            if name in ("backend", "frontend", "backend-blue", "backend-green") and "/" not in image:
                yield f"{at}: {image} was not set"
            if "your-registry" in image:
                yield f"{at}: {image} is nowhere"
            if container.get("imagePullPolicy") != "IfNotPresent":
                yield f"{at}: imagePullPolicy"


def spread(rendered):
    """Where there are several, on several nodes; during a rollout each version by itself."""
    for workload in rendered.of("Deployment"):
        if component(workload) not in ("backend", "frontend"):
            continue
        rules = template(workload)["spec"].get("topologySpreadConstraints", [])
        if "kubernetes.io/hostname" not in [rule["topologyKey"] for rule in rules]:
            yield f"{where(rendered, workload)}: not spread over nodes"
        labels = template(workload)["metadata"]["labels"]
        for rule in rules:
            if rule.get("matchLabelKeys") != ["pod-template-hash"]:
                yield f"{where(rendered, workload)}: spread mixes versions"
            if not rule["labelSelector"]["matchLabels"].items() <= labels.items():
                yield f"{where(rendered, workload)}: spread counts other pods"


def container_of(rendered, name="chat-backend", number=0):
    return template(rendered.one("Deployment", name))["spec"]["containers"][number]


class Pods(Case):
    def test_pods_are_closed(self):
        self.holds(closed)
        prod = overlay("prod")
        self.finds(closed, prod, lambda r: container_of(r)["securityContext"].update(readOnlyRootFilesystem=False))
        self.finds(closed, prod, lambda r: container_of(r).pop("securityContext"))
        self.finds(closed, prod, lambda r: containers(r.one("Deployment", "chat-backend"))[0].pop("securityContext"))
        self.finds(
            closed, prod, lambda r: template(r.one("Deployment", "chat-frontend"))["spec"].update(hostNetwork=True)
        )

    def test_pods_stand_alone(self):
        self.holds(alone)
        prod = overlay("prod")
        pod = lambda r: template(r.one("Deployment", "chat-backend"))["spec"]
        self.finds(alone, prod, lambda r: pod(r).update(enableServiceLinks=True))
        self.finds(alone, prod, lambda r: pod(r).pop("automountServiceAccountToken"))
        self.finds(alone, prod, lambda r: pod(r).update(serviceAccountName="nobody"))

    def test_pods_are_bounded(self):
        self.holds(bounded)
        prod = overlay("prod")
        self.finds(bounded, prod, lambda r: container_of(r)["resources"]["limits"].pop("memory"))
        self.finds(
            bounded,
            prod,
            lambda r: template(r.one("Deployment", "chat-backend"))["spec"]["volumes"][0].update(emptyDir={}),
        )

    def test_pods_are_watched(self):
        self.holds(watched)
        self.finds(watched, overlay("prod"), lambda r: container_of(r).pop("startupProbe"))

    def test_what_is_mounted_is_there(self):
        self.holds(mounted)
        self.finds(mounted, overlay("prod"), lambda r: container_of(r, "chat-frontend").update(volumeMounts=[]))

    def test_pods_are_labelled(self):
        self.holds(labelled)
        key = "app.kubernetes.io/instance"
        self.finds(labelled, overlay("prod"), lambda r: r.one("Deployment", "chat-backend")["metadata"]["labels"].pop(key))

    def test_images_are_named(self):
        self.holds(named_images)
        for image in ("backend", "ghcr.io/a/backend:latest", "ghcr.io/a/backend", "your-registry/chat-backend:1"):
            self.finds(named_images, overlay("prod"), lambda r, image=image: container_of(r).update(image=image))

    def test_pods_are_spread(self):
        self.holds(spread)
        pod = lambda r: template(r.one("Deployment", "chat-backend"))["spec"]
        self.finds(spread, overlay("prod"), lambda r: pod(r).pop("topologySpreadConstraints"))

    def test_every_combination_was_rendered(self):
        names = [one.name for one in all_rendered()]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 40)
