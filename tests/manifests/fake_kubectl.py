#!/usr/bin/env python3
"""A stand-in for kubectl with as much of it as the scripts use, on objects in the file FAKE_STATE.
Pods are ready at once, unless their image says "bad". What it is asked for and does not know ends
it with code 64, so that a script cannot pass by asking for something else."""

import json
import os
import re
import sys
import time

STATE = os.environ["FAKE_STATE"]


def dig(thing, path):
    for name, number in re.findall(r"([\w-]+)|\[(\d+)\]", path):
        try:
            thing = thing[name] if name else thing[int(number)]
        except (KeyError, IndexError):
            return ""
    return json.dumps(thing) if isinstance(thing, (dict, list)) else str(thing)


def merge(thing, patch):
    for key, value in patch.items():
        if isinstance(value, dict):
            merge(thing.setdefault(key, {}), value)
        else:
            thing[key] = value


def settle(one):
    """What a controller would make of a Deployment."""
    pod = one["spec"]["template"]["spec"]
    bad = any("bad" in container["image"] for container in pod["containers"])
    one["status"] = {} if bad or not one["spec"]["replicas"] else {"readyReplicas": one["spec"]["replicas"]}


def revise(one, change):
    """Keeps the pods as they were, as a revision, if `change` makes them others."""
    before = json.dumps(one["spec"]["template"])
    change()
    if json.dumps(one["spec"]["template"]) != before:
        one.setdefault("revisions", []).append(json.loads(before))
    settle(one)


def main(words):
    options, plain = {}, []
    words = iter(words)
    for word in words:
        if word == "--":
            plain += ["--", *words]
        elif word in ("--ignore-not-found", "--overwrite", "--save-config"):
            options[word] = True
        elif word.startswith("--"):
            name, told, value = word.partition("=")
            options[name] = value if told else next(words)
        else:
            plain.append(word)
    with open(STATE, encoding="utf-8") as file:
        state = json.load(file)
    state["said"].append(plain)
    answer = run(state, plain, options)
    with open(STATE, "w", encoding="utf-8") as file:
        json.dump(state, file)
    return answer


def run(state, plain, options):
    objects, verb = state["objects"], plain[0]
    if verb == "exec":
        url, data = plain[-1], json.loads(plain[plain.index("--data") + 1] if "--data" in plain else options["--data"])
        state["gates"].append([url, data])
        # Flagger begins once it sees another image; this one at the next look.
        return 0
    if verb == "create" and plain[1:2] == ["namespace"]:
        objects[f"namespace/{plain[2]}"] = {}
        return 0
    if verb == "create":
        # Here alone, since it takes longer than all the rest.
        import yaml

        one = yaml.safe_load(sys.stdin)
        objects[f"{one['kind'].lower()}/{one['metadata']['name']}"] = one
        return 0
    if verb == "rollout":
        name = plain[2]
    elif verb in ("get", "patch"):
        name = f"{plain[1]}/{plain[2]}"
    elif verb == "scale":
        name = plain[1]
    elif verb == "set":
        name = plain[2]
    elif verb == "annotate":
        name = plain[1]
    else:
        return unknown(plain)
    one = objects.get(name)
    if one is None:
        if options.get("--ignore-not-found"):
            return 0
        print(f"Error from server (NotFound): {name}", file=sys.stderr)
        return 1
    return act(state, verb, name, one, plain, options)


def act(state, verb, name, one, plain, options):
    output = options.get("--output", "")
    if verb == "get" and output.startswith("jsonpath={."):
        if name.startswith("canary/") and state["phases"]:
            one["status"]["phase"] = state["phases"].pop(0)
        print(dig(one, output[len("jsonpath={.") : -1]), end="")
    elif verb == "get" and output in ("name", ""):
        print(name)
    elif verb == "patch":
        change = json.loads(options["--patch"])
        revise(one, lambda: merge(one, change)) if "template" in one["spec"] else merge(one, change)
    elif verb == "annotate":
        key, _, value = plain[2].partition("=")
        one.setdefault("metadata", {}).setdefault("annotations", {})[key] = value
    elif verb == "scale":
        one["spec"]["replicas"] = int(options["--replicas"])
        settle(one)
    elif verb == "set":
        container, image = plain[3].split("=", 1)
        pod = one["spec"]["template"]["spec"]
        known = {c["name"]: c for c in pod["containers"] + pod.get("initContainers", [])}
        revise(one, lambda: known[container].update(image=image))
    elif verb == "rollout" and plain[1] == "undo":
        number = int(options.get("--to-revision", 0))
        if not one.get("revisions"):
            print("error: no rollout history found", file=sys.stderr)
            return 1
        if "--dry-run" not in options:
            one["spec"]["template"] = one["revisions"][number - 1]
            settle(one)
    elif verb == "rollout" and plain[1] == "status":
        if one["status"].get("readyReplicas", 0) < one["spec"]["replicas"]:
            time.sleep(0.05)
            print("error: timed out waiting for the condition", file=sys.stderr)
            return 1
    else:
        return unknown(plain)
    return 0


def unknown(plain):
    print(f"fake kubectl: {plain}", file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
