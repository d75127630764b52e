#!/usr/bin/env python3
"""A stand-in for kubectl, kustomize, cosign and the smoke test, by the name it is called by, with as much of each as
the scripts use, on the state in the file FAKE_STATE. Pods with an image whose digest begins with `bad` never get ready.
What it is asked for and does not know ends it with code 64, so that a script cannot pass by asking for something else."""

import json
import os
import pathlib
import subprocess
import sys
import time

FILE = pathlib.Path(os.environ["FAKE_STATE"])


def image_of(one):
    return one["spec"]["template"]["spec"]["containers"][0]["image"]


def kustomize(state, words):
    if words[:3] == ["edit", "set", "image"]:
        # Here alone, and at an apply, since it takes longer than all the rest.
        import yaml

        file = pathlib.Path("kustomization.yaml")
        body = yaml.safe_load(file.read_text())
        for word in words[3:]:
            name, _, image = word.partition("=")
            new, _, digest = image.partition("@")
            body["images"] = [one for one in body["images"] if one["name"] != name]
            body["images"].append({"name": name, "newName": new, "digest": digest})
        file.write_text(yaml.safe_dump(body))
        return 0
    if words[0] == "build":
        return subprocess.run([*os.environ["REAL_KUSTOMIZE"].split(), words[1]], check=False).returncode
    return 64


def cosign(state, words):
    if words[0] in ("verify", "verify-attestation"):
        options = dict(zip(words[1:-1:2], words[2:-1:2]))
        if options["--certificate-oidc-issuer"] != "https://token.actions.githubusercontent.com":
            return 64
        kind = "signed" if words[0] == "verify" else "attested"
        return 0 if state[kind].get(words[-1]) == options["--certificate-identity"] else 1
    if words[:2] in (["sign", "--yes"], ["attest", "--yes"]):
        return 0
    return 64


def smoke(state, words):
    return 0 if state["answers"] else 1


def kubectl(state, words):
    words = list(words)
    if words[:1] == ["--namespace"]:
        state["namespaces"].append(words[1])
        words = words[2:]
    config = os.environ.get("KUBECONFIG")
    if config and words[0] != "config":
        state["config"] = [pathlib.Path(config).read_text(), oct(pathlib.Path(config).stat().st_mode & 0o777)]
    deployments = state["deployments"]
    if words[0] == "config":
        return 0
    if words[0] == "diff":
        return state["diff"]
    if words[0] == "apply":
        import yaml

        for one in yaml.safe_load_all(pathlib.Path(words[words.index("--filename") + 1]).read_text()):
            if one and one["kind"] == "Deployment":
                kept = deployments.setdefault(one["metadata"]["name"], {"history": [], "now": 0})
                if not kept["history"] or kept["history"][kept["now"] - 1] != image_of(one):
                    kept["history"].append(image_of(one))
                    kept["now"] = len(kept["history"])
        return 0
    if words[0] in ("create", "patch") or words[:2] == ["get", "configmap/chat-turn"]:
        return turn(state, words)
    if words[0] == "annotate":
        one = deployments[words[1].partition("/")[2]]
        one.setdefault("causes", {})[str(one["now"])] = words[-1].partition("=")[2]
        return 0
    if words[0] == "get":
        return get(state, words)
    if words[0] == "rollout":
        return rollout(state, words)
    return 64


def turn(state, words):
    """The ConfigMap that says whose turn it is; a change of another version than it has is refused."""
    if words[0] == "create":
        if state["turn"]:
            return 1
        state["turn"] = {"version": 1, "since": "0", "by": ""}
        return 0
    if words[0] == "get" and words[-1] == "jsonpath={.data.run}":
        print(state["turn"].get("run", ""), end="")
        return 0
    if words[0] == "get":
        if state["turn"]:
            print("{version} {since} {by}".format(**state["turn"]))
        elif "--ignore-not-found" not in words:
            return 1
        return 0
    if words[1] != "configmap/chat-turn":
        return 64
    wanted = json.loads(words[words.index("--patch") + 1])
    if "metadata" not in wanted:
        state["turn"].update(wanted["data"], version=state["turn"]["version"] + 1)
        return 0
    if state["overtaken"]:
        state["overtaken"] -= 1
        state["turn"]["version"] += 1
    if wanted["metadata"]["resourceVersion"] != str(state["turn"]["version"]):
        return 1
    state["turn"].update(wanted["data"], version=state["turn"]["version"] + 1)
    return 0


def get(state, words):
    if words[1] == "namespace":
        print("" if not state["deployments"] else f"namespace/{words[2]}", end="")
        return 0
    if words[1] == "secret":
        key = words[-1].split('"')[1]
        print("yes" if state["secrets"].get(key) else "", end="")
        return 0
    name = words[2] if words[1] == "deployment" else words[1].partition("/")[2]
    one = state["deployments"].get(name)
    if one is None:
        return 0 if "--ignore-not-found" in words else 1
    path = words[words.index("--output") + 1]
    answers = {
        "name": f"deployment/{name}",
        "jsonpath={.metadata.annotations.deployment\\.kubernetes\\.io/revision}": one["now"],
        "jsonpath={.spec.template.spec.containers[0].image}": one["history"][one["now"] - 1],
        "jsonpath={.spec.replicas}": 3,
        "jsonpath={.status.availableReplicas}": "" if "sha256:bad" in one["history"][one["now"] - 1] else 3,
    }
    if path not in answers:
        return 64
    print(answers[path], end="")
    return 0


def rollout(state, words):
    one = state["deployments"].get(words[2].partition("/")[2])
    if one is None:
        return 1
    if words[1] == "history":
        print("REVISION  CHANGE-CAUSE")
        for number in range(1, len(one["history"]) + 1):
            print(f"{number}         {one.get('causes', {}).get(str(number), '<none>')}")
        return 0
    if words[1] == "status":
        if "sha256:bad" in one["history"][one["now"] - 1]:
            FILE.write_text(json.dumps(state))
            time.sleep(state["patience"])
            return 1
        return 0
    if words[1] == "undo":
        if state["stuck"] or len(one["history"]) < 2:
            return 1
        if "--dry-run=server" not in words:
            number = int(words[words.index("--to-revision") + 1]) if "--to-revision" in words else one["now"] - 1
            # As Kubernetes does: the old pods under a new number.
            one["history"].append(one["history"][number - 1])
            one["now"] = len(one["history"])
        return 0
    return 64


def main():
    name = pathlib.Path(sys.argv[0]).name
    state = json.loads(FILE.read_text())
    state["said"].append([name, *sys.argv[1:]])
    FILE.write_text(json.dumps(state))
    code = {"kubectl": kubectl, "kustomize": kustomize, "cosign": cosign, "smoke": smoke}[name](state, sys.argv[1:])
    FILE.write_text(json.dumps(state))
    return code


if __name__ == "__main__":
    sys.exit(main())
