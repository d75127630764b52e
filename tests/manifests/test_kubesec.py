"""What kubesec would say of each workload: its rules of June 2026, counted by themselves. `.ci/scan.sh kubesec` asks the program."""

from rendering import Case, containers, overlay, template, where

# Points of what is good and of what is not, by kubesec's names.
GOOD = {
    "ReadOnlyRootFilesystem": 1, "RunAsNonRoot": 1, "RunAsUser": 1, "RunAsGroup": 1, "CapDropAny": 1, "CapDropAll": 1, "RequestsCPU": 1,
    "LimitsCPU": 1, "RequestsMemory": 1, "LimitsMemory": 1, "ServiceAccountName": 3, "SeccompAny": 1, "ApparmorAny": 3,
    "AutomountServiceAccountToken": 1, "HostUsers": 1,
}
BAD = {
    "HostNetwork": -9, "HostPID": -9, "HostIPC": -9, "Privileged": -30, "CapSysAdmin": -30, "DockerSock": -9, "ProcMount": -9,
    "HostAliases": -3, "SeccompUnconfined": -1, "ApparmorUnconfined": -1, "AllowPrivilegeEscalation": -7,
    "SecretsAsEnvironmentVariables": -5,
}
# The backend reads its secrets from the environment, as was agreed; the others have nothing against them.
AGREED = {"SecretsAsEnvironmentVariables"}
LEAST = 8


def found(workload):
    """The names of what kubesec finds, good and bad."""
    spec = template(workload)["spec"]
    outer, inside = spec.get("securityContext", {}), containers(workload)
    contexts = [one.get("securityContext", {}) for one in inside]

    def everywhere(look):
        """In each container, or in the pod where a container says nothing."""
        return all(look({**outer, **context}) for context in contexts)

    drops = [[str(one).upper() for one in context.get("capabilities", {}).get("drop", [])] for context in contexts]
    adds = [one for context in contexts for one in context.get("capabilities", {}).get("add", [])]
    paths = [volume["hostPath"].get("path") for volume in spec.get("volumes", []) if "hostPath" in volume]
    kinds = lambda key: [context.get(key, {}).get("type") for context in [outer, *contexts] if key in context]
    resources = lambda side, what: all(what in one.get("resources", {}).get(side, {}) for one in inside)
    truths = {
        "ReadOnlyRootFilesystem": all(context.get("readOnlyRootFilesystem") is True for context in contexts),
        "RunAsNonRoot": everywhere(lambda context: context.get("runAsNonRoot") is True),
        "RunAsUser": everywhere(lambda context: context.get("runAsUser", 0) > 10000),
        "RunAsGroup": everywhere(lambda context: context.get("runAsGroup", 0) > 10000),
        "CapDropAny": all(drops),
        "CapDropAll": all("ALL" in one for one in drops),
        "RequestsCPU": resources("requests", "cpu"),
        "LimitsCPU": resources("limits", "cpu"),
        "RequestsMemory": resources("requests", "memory"),
        "LimitsMemory": resources("limits", "memory"),
        "ServiceAccountName": bool(spec.get("serviceAccountName")),
        "SeccompAny": bool(kinds("seccompProfile")),
        "ApparmorAny": bool(kinds("appArmorProfile")),
        "AutomountServiceAccountToken": spec.get("automountServiceAccountToken") is False,
        "HostUsers": spec.get("hostUsers") is False,
        "HostNetwork": spec.get("hostNetwork") is True,
        "HostPID": spec.get("hostPID") is True,
        "HostIPC": spec.get("hostIPC") is True,
        "Privileged": any(context.get("privileged") is True for context in contexts),
        "CapSysAdmin": "SYS_ADMIN" in adds,
        "DockerSock": "/var/run/docker.sock" in paths,
        "ProcMount": "/proc" in paths,
        "HostAliases": bool(spec.get("hostAliases")),
        "SeccompUnconfined": "Unconfined" in kinds("seccompProfile"),
        "ApparmorUnconfined": "Unconfined" in kinds("appArmorProfile"),
        "AllowPrivilegeEscalation": any(context.get("allowPrivilegeEscalation") is True for context in contexts),
        "SecretsAsEnvironmentVariables": any("secretKeyRef" in env.get("valueFrom", {}) for one in inside for env in one.get("env", [])),
    }
    return {name for name, true in truths.items() if true}


def score(workload):
    return sum({**GOOD, **BAD}[name] for name in found(workload))


def scored(rendered):
    for workload in rendered.workloads():
        critical = found(workload) & set(BAD) - AGREED
        if critical:
            yield f"{where(rendered, workload)}: {', '.join(sorted(critical))}"
        if score(workload) < LEAST:
            yield f"{where(rendered, workload)}: {score(workload)} points, {LEAST} at least"


class Kubesec(Case):
    def test_every_workload_has_its_points_and_nothing_critical(self):
        self.holds(scored)
        prod = overlay("prod")
        pod = lambda r, name="chat-frontend": template(r.one("Deployment", name))["spec"]
        self.finds(scored, prod, lambda r: pod(r)["containers"][0]["securityContext"].update(privileged=True))
        self.finds(scored, prod, lambda r: pod(r).update(hostAliases=[{"ip": "10.0.0.1", "hostnames": ["a"]}]))
        self.finds(scored, prod, lambda r: pod(r, "chat-backend").pop("serviceAccountName"))
        self.finds(scored, prod, lambda r: pod(r, "chat-backend")["containers"][0]["resources"].pop("limits"))

    def test_the_points_that_the_documents_tell(self):
        prod = overlay("prod")
        points = {name: score(prod.one("Deployment", name)) for name in ("chat-backend", "chat-frontend")}
        self.assertEqual(points, {"chat-backend": 8, "chat-frontend": 13})

