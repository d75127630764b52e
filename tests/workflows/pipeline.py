"""The workflows as data, and the rules that they keep. Run with a folder, it writes every `run:` block there as a script."""

import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
MUTABLE = (
    (re.compile(r"@(latest|master|main|head)\b"), "a version that moves"),
    (re.compile(r"/latest/download/|/releases/latest\b|/(master|main|HEAD)/"), "an address whose content moves"),
    (re.compile(r"(curl|wget)\b[^\n]*\|\s*(sudo\s+)?(ba|z|da)?sh\b"), "an installer piped into a shell"),
    (re.compile(r"\bbash\s+<\(\s*(curl|wget)"), "an installer piped into a shell"),
    (re.compile(r"\bpip3?\"? install(?![^\n]*--require-hashes)"), "Python packages without their hashes"),
    (re.compile(r"\b(npm (install|i) [^\n]*-g\b|npx (?!--no-install))"), "an npm package of any version"),
    (re.compile(r"\bcargo install (?![^\n]*--locked)"), "a crate of any version"),
    (re.compile(r"\bdocker run [^\n]*:latest\b"), "an image that moves"),
)


class Workflow:
    def __init__(self, name, text):
        self.name, self.text = name, text
        self.body = yaml.safe_load(text)
        # YAML 1.1 takes the word for a truth.
        self.on = self.body.pop(True, None) or self.body.get("on")
        if not isinstance(self.on, dict):
            self.on = {word: None for word in ([self.on] if isinstance(self.on, str) else self.on)}

    @property
    def jobs(self):
        return self.body["jobs"]

    def steps(self):
        for id, job in self.jobs.items():
            for step in job.get("steps", ()):
                yield id, step

    def scripts(self):
        return [(id, step["run"]) for id, step in self.steps() if "run" in step]

    def sees_pull_requests(self, id):
        """Whether a job runs for a pull request: unless its condition, or that of one it waits for, says otherwise."""
        if "pull_request" not in self.on:
            return False
        job = self.jobs[id]
        condition = job.get("if", "")
        if re.search(r"event_name == 'push'|github\.ref == 'refs/heads/main'|event_name != 'pull_request'", condition):
            # An alternative would let it through all the same.
            return "||" in condition
        waits = job.get("needs", [])
        # With one that was left out, a job is left out too, unless it says always() or the like.
        if re.search(r"always\(\)|cancelled\(\)|failure\(\)", condition) and "result == 'success'" not in condition:
            return True
        return all(self.sees_pull_requests(one) for one in ([waits] if isinstance(waits, str) else waits))


def load(folder=FOLDER):
    return [Workflow(file.name, file.read_text()) for file in sorted(folder.glob("*.yml"))]


def mutable_text(name, text):
    return [f"{name}: {why}: {found.group(0).strip()}" for pattern, why in MUTABLE for found in pattern.finditer(text)]


def references(flow):
    """Actions by hash, with the version beside it; images by digest; machines by version."""
    faults = []
    for number, line in enumerate(flow.text.splitlines(), 1):
        used = re.match(r"\s*(?:- )?uses:\s*(\S+)(.*)$", line)
        if used and not used[1].startswith("./"):
            if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", used[1]):
                faults.append(f"{flow.name}:{number}: not by hash: {used[1]}")
            elif not re.fullmatch(r" # v\d+\.\d+\.\d+", used[2]):
                faults.append(f"{flow.name}:{number}: say which version that is")
        for image in re.findall(r"\bimage[=:]\s*([\w./-]+:[\w.@:-]+)", line):
            if not re.search(r"@sha256:[0-9a-f]{64}$", image):
                faults.append(f"{flow.name}:{number}: not by digest: {image}")
    for id, job in flow.jobs.items():
        if "uses" in job:
            if not job["uses"].startswith("./"):
                faults.append(f"{flow.name}: {id}: a workflow of somebody else: {job['uses']}")
            continue
        machine = json.dumps([job.get("runs-on"), job.get("strategy")])
        if "-latest" in machine or not re.search(r"ubuntu-\d\d\.\d\d", machine):
            faults.append(f"{flow.name}: {id}: runs on a machine that moves: {job.get('runs-on')}")
        for image in [job.get("container"), *(job.get("services") or {}).values()]:
            if image and "@sha256:" not in json.dumps(image):
                faults.append(f"{flow.name}: {id}: not by digest: {image}")
    return faults + [fault for _, script in flow.scripts() for fault in mutable_text(flow.name, script)]


def rights(flow):
    faults = []
    if flow.body.get("permissions") != {}:
        faults.append(f"{flow.name}: permissions: {{}} at the top")
    for id, job in flow.jobs.items():
        own = job.get("permissions")
        if not isinstance(own, dict) or not own:
            faults.append(f"{flow.name}: {id}: says not what it may")
            continue
        for what, how in own.items():
            # Findings are shown; nothing else of a pull request is written anywhere.
            if flow.sees_pull_requests(id) and how == "write" and what != "security-events":
                faults.append(f"{flow.name}: {id}: {what}: write, for a pull request")
    return faults


def secrets(flow):
    faults = [f"{flow.name}: {id}: a secret, for a pull request"
              for id, job in flow.jobs.items()
              if flow.sees_pull_requests(id) and re.search(r"secrets[.\[]|: inherit", json.dumps(job))]
    if "secrets" in json.dumps(flow.body.get("env", {})):
        faults.append(f"{flow.name}: a secret for every job")
    for id, job in flow.jobs.items():
        named = set(re.findall(r"secrets\.(\w+)", json.dumps(job))) - {"GITHUB_TOKEN"}
        if named and not job.get("environment"):
            faults.append(f"{flow.name}: {id}: {', '.join(sorted(named))} outside an environment")
    return faults


def bounds(flow):
    """Nothing runs for ever, and nothing runs against itself."""
    faults = [f"{flow.name}: {id}: no timeout-minutes, or more than two hours"
              for id, job in flow.jobs.items() if "uses" not in job and not 0 < job.get("timeout-minutes", 0) <= 120]
    whole = flow.body.get("concurrency")
    if not isinstance(whole, dict) or "group" not in whole or "cancel-in-progress" not in whole:
        faults.append(f"{flow.name}: no concurrency")
    elif "pull_request" not in flow.on and whole["cancel-in-progress"] is not False:
        faults.append(f"{flow.name}: cut off by the next one")
    return faults


def triggers(flow):
    risky = {"pull_request_target", "workflow_run", "issue_comment"} & set(flow.on)
    return [f"{flow.name}: {one} runs with our rights on what others wrote" for one in sorted(risky)]


def steps(flow):
    faults = []
    for id, step in flow.steps():
        if "name" not in step:
            faults.append(f"{flow.name}: {id}: a step without a name")
        if "${{" in step.get("run", ""):
            faults.append(f"{flow.name}: {id}: an expression inside run: {step['run'].strip()}")
        if re.search(r"\bmake\b[^\n]*\$", step.get("run", "")):
            faults.append(f"{flow.name}: {id}: make takes what is in a variable for a command: {step['run'].strip()}")
        if step.get("uses", "").startswith("actions/checkout@") and step.get("with", {}).get("persist-credentials") is not False:
            faults.append(f"{flow.name}: {id}: the checkout keeps its token")
        if step.get("continue-on-error"):
            faults.append(f"{flow.name}: {id}: a failure that nobody sees")
    return faults


def make_targets(root=ROOT):
    return set(re.findall(r"^([a-z0-9-]+):", (root / "Makefile").read_text(), re.M))


def suites(root=ROOT):
    return set(re.findall(r"^suite_([a-z0-9-]+)\(\)", (root / ".ci" / "test.sh").read_text(), re.M))


def named(flow, root=ROOT):
    """Every script, target and suite that is named is there."""
    faults, targets, known = [], make_targets(root), suites(root)
    for id, job in flow.jobs.items():
        if "uses" in job and not (root / job["uses"]).is_file():
            faults.append(f"{flow.name}: {id}: there is no {job['uses']}")
    for id, script in flow.scripts():
        for path in re.findall(r"(?<![\w/])\.?[\w-]+(?:/[\w.-]+)*/[\w.-]+\.(?:sh|py|mjs)\b", script):
            file = root / path
            if not file.is_file():
                faults.append(f"{flow.name}: {id}: there is no {path}")
            elif file.suffix == ".sh" and not file.stat().st_mode & 0o100:
                faults.append(f"{flow.name}: {id}: {path} cannot be run")
        for target in re.findall(r"\bmake ([a-z][a-z0-9-]*)", script):
            if target not in targets:
                faults.append(f"{flow.name}: {id}: there is no make {target}")
        for words in re.findall(r"\.ci/test\.sh ([a-z0-9 -]+)", script):
            faults += [f"{flow.name}: {id}: there is no suite {word}" for word in words.split() if word not in known]
    return faults


def releases(flow):
    """What is given to others comes from the sources alone."""
    if "tags" not in (flow.on.get("push") or {}):
        return []
    faults = []
    for id, step in flow.steps():
        told, action = step.get("with", {}), step.get("uses", "")
        if action.startswith("actions/cache") or {"cache", "cache-from", "cache-to"} & set(told):
            faults.append(f"{flow.name}: {id}: a release from a cache: {step['name']}")
        if action.startswith("docker/build-push-action@") and told.get("no-cache") is not True:
            faults.append(f"{flow.name}: {id}: a release from a cache: {step['name']}")
    return faults


def scans(flow):
    """A scanner reads what nobody has judged: it has nothing that could be stolen."""
    faults = []
    for id, job in flow.jobs.items():
        if any("scan.sh" in step.get("run", "") for step in job.get("steps", ())):
            if job["permissions"] != {"contents": "read"} or "secrets" in json.dumps(job) or job.get("environment"):
                faults.append(f"{flow.name}: {id}: a scanner with more than it needs")
    return faults


def deployments(flow):
    """By digest, verified, in an environment, from main."""
    faults = []
    for id, job in flow.jobs.items():
        for step in job.get("steps", ()):
            if not re.search(r"\.ci/(deploy|rollback)\.sh", step.get("run", "")):
                continue
            name = (job.get("environment") or {}).get("name")
            if not name:
                faults.append(f"{flow.name}: {id}: nobody approves it")
            # That one at a time works the scripts see to. A group that others share would let one that nobody approved keep them out.
            group = (job.get("concurrency") or flow.body["concurrency"])["group"]
            if name not in ("dev", "staging") and not re.search(r"github\.(run_id|sha)\b", group):
                faults.append(f"{flow.name}: {id}: waits for what nobody approved")
            elif name in ("dev", "staging") and group != f"environment-{name}":
                faults.append(f"{flow.name}: {id}: may meet another in {name}")
            # Whose turn it is, both Deployments, the smoke test; and of a deployment both once more, on the way back.
            if job["timeout-minutes"] < (70 if "deploy.sh" in step["run"] else 50):
                faults.append(f"{flow.name}: {id}: is cut off while it goes back")
            if not step["run"].startswith("exec "):
                faults.append(f"{flow.name}: {id}: does not hear that it is cancelled")
            if job.get("if") != "github.ref == 'refs/heads/main'":
                faults.append(f"{flow.name}: {id}: from another branch than main")
            env = step.get("env", {})
            for image in ("BACKEND", "FRONTEND") if "deploy.sh" in step["run"] else ():
                if env.get(image) != f"${{{{ needs.build.outputs.{image.lower()} }}}}":
                    faults.append(f"{flow.name}: {id}: {image} is not what was built and scanned")
            if "deploy.sh" in step["run"] and env.get("SIGNER") != "https://github.com/${{ github.workflow_ref }}":
                faults.append(f"{flow.name}: {id}: anybody's signature would do")
    return faults


RULES = (references, rights, secrets, bounds, triggers, steps, named, releases, scans, deployments)


def one_hash_each(flows):
    """An action is everywhere of the same version."""
    seen, faults = {}, []
    for flow in flows:
        for action, rest in re.findall(r"uses:\s*([\w.-]+/[\w.-]+)(?:/[\w/-]+)?@(.*)$", flow.text, re.M):
            if seen.setdefault(action, rest) != rest:
                faults.append(f"{flow.name}: {action} at {rest}, elsewhere at {seen[action]}")
    return faults


def main(folder):
    count = 0
    for flow in load():
        for number, (id, script) in enumerate(flow.scripts()):
            # As a runner starts it.
            text = "#!/bin/bash\nset -eo pipefail\n" + script.rstrip() + "\n"
            (pathlib.Path(folder) / f"{flow.name}-{id}-{number}.sh").write_text(text)
            count += 1
    if count == 0:
        sys.exit("no run: block was found")
    print(f"{count} run: blocks")


if __name__ == "__main__":
    main(sys.argv[1])
