"""The workflows keep the rules, and each rule notices when they do not."""

import copy
import json
import os
import re
import subprocess
import unittest

import pipeline
import yaml
from pipeline import ROOT, Workflow

FLOWS = {flow.name: flow for flow in pipeline.load()}


class Kept(unittest.TestCase):
    def test_every_rule_is_kept(self):
        faults = [fault for flow in FLOWS.values() for rule in pipeline.RULES for fault in rule(flow)]
        self.assertEqual(faults, [])
        self.assertEqual(pipeline.one_hash_each(FLOWS.values()), [])

    def test_scripts_and_tables_name_nothing_that_moves(self):
        faults = []
        for folder, pattern in ((".ci", "*.sh"), ("docker", "**/*.sh"), ("kustomize", "*.sh"), (".ci/workflow-tools", "*.json")):
            for file in (ROOT / folder).glob(pattern):
                code = "\n".join(line for line in file.read_text().splitlines() if not line.lstrip().startswith("#"))
                faults += pipeline.mutable_text(file.name, code)
        self.assertEqual(faults, [])
        self.assertEqual(len(pipeline.mutable_text("a script", '"$tools/bin/pip" install -q one==1.2.3 >&2')), 1)

    def test_what_scripts_install_has_hashes(self):
        lib = (ROOT / ".ci/lib.sh").read_text()
        named = set(re.findall(r'pip_install "\$tools" ([\w-]+)', lib))
        self.assertEqual(named, {folder.name for folder in (ROOT / ".ci/python").iterdir()})
        for file in (ROOT / ".ci").rglob("requirements.txt"):
            wanted = re.findall(r"(?m)^([\w-]+)", file.with_suffix(".in").read_text())
            packages = re.split(r"(?m)^(?=\w)", file.read_text())[1:]
            held = {re.match(r"[\w.-]+", one)[0].lower() for one in packages}
            self.assertTrue(wanted and {name.lower() for name in wanted} <= held, file)
            self.assertEqual([one for one in packages if not re.match(r"\S+==[^\n]+\\\n +--hash=sha256:[0-9a-f]{64}", one)], [], file)
        # Of npm packages too, and of no registry by name.
        for file in (ROOT / ".ci").rglob("package-lock.json"):
            packages = json.loads(file.read_text())["packages"]
            self.assertEqual([name for name, one in packages.items() if name and not one.get("link") and "integrity" not in one], [], file)
            self.assertNotIn('"resolved"', file.read_text())

    def test_tools_have_versions_and_sums(self):
        table = re.search(r'TABLE=\$\{TOOLS_TABLE:-"\n(.*?)\n"\}', (ROOT / ".ci/tools.sh").read_text(), re.S)[1]
        rows = [line.split() for line in table.splitlines()]
        self.assertGreaterEqual({row[0] for row in rows}, {"kubectl", "kustomize", "cosign", "syft", "trivy"})
        for name, version, _, sum, url in rows:
            self.assertRegex(version, r"^\d+\.\d+\.\d+$", name)
            self.assertRegex(sum, r"^[0-9a-f]{64}$", name)
            self.assertTrue(url.startswith("https://") and version in url, name)

    def test_every_step_of_each_workflow_is_judged(self):
        self.assertGreater(sum(1 for flow in FLOWS.values() for _ in flow.steps()), 60)
        self.assertEqual(set(FLOWS), {path.name for path in pipeline.FOLDER.iterdir()})


    def test_hooks_call_what_is_there(self):
        hooks = yaml.safe_load((ROOT / ".ci/pre-commit.yaml").read_text())["repos"]
        self.assertEqual([one["repo"] for one in hooks], ["local"])
        for hook in hooks[0]["hooks"]:
            command, *words = hook["entry"].split()
            if command == "npm":
                self.assertIn(words[-1], json.loads((ROOT / "web/package.json").read_text())["scripts"])
            else:
                self.assertTrue(os.access(ROOT / command, os.X_OK), command)
            if command == ".ci/test.sh":
                self.assertLessEqual(set(words), pipeline.suites())

    def test_renovate_watches_everything_that_is_pinned(self):
        told = json.loads((ROOT / ".github/renovate.json").read_text())
        self.assertEqual(told["minimumReleaseAge"], "7 days")
        self.assertNotIn('"automerge": true', json.dumps(told))
        wanted = {"github-actions", "custom.regex"}
        places = {"Cargo.toml": "cargo", "package.json": "npm", "Dockerfile": "dockerfile", "compose.yaml": "docker-compose",
                  "rust-toolchain.toml": "rust-toolchain", "requirements.txt": "pip_requirements",
                  "kustomization.yaml": "kustomize", "stateful-set.yaml": "kubernetes"}
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
        wanted |= {places[path.rpartition("/")[2]] for path in listed if path.rpartition("/")[2] in places}
        self.assertEqual(wanted, set(told["enabledManagers"]))
        # Of the manifests every image is seen, and of those one's own none is asked about.
        seen = re.compile(told["kubernetes"]["managerFilePatterns"][0].strip("/"))
        own = re.compile(next(rule["matchPackageNames"][0].strip("/") for rule in told["packageRules"] if "backend" in str(rule)))
        asked = set()
        for path in listed:
            if path.startswith("kustomize/") and path.endswith((".yaml", ".yml")):
                images = re.findall(r"(?m)^\s+(?:- )?(?:image|newName): ([^\s:@]+)", (ROOT / path).read_text())
                self.assertTrue(not images or seen.search(path), path)
                asked |= {image for image in images if not own.search(image)}
        self.assertLessEqual({"redis", "postgres", "docker.io/prom/prometheus"}, asked)
        self.assertEqual([image for image in asked if "backend" in image or "frontend" in image], [])

    def test_what_renovate_is_told_to_find_is_found(self):
        told = json.loads((ROOT / ".github/renovate.json").read_text())["customManagers"]
        for one, expected in zip(told, (r"moby/buildkit:",), strict=True):
            pattern = re.compile(one["matchStrings"][0].replace("(?<", "(?P<"))
            files = re.compile(one["managerFilePatterns"][0].strip("/"))
            listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
            text = "\n".join((ROOT / path).read_text() for path in listed if files.search(path))
            found = [match.groupdict() for match in pattern.finditer(text)]
            self.assertEqual(len(found), len(re.findall(expected, text)), one["description"])
            self.assertTrue(found and all(all(match.values()) for match in found))

    def test_each_tutorial_is_followed_by_make_prove_in_the_time_it_promises(self):
        self.assertRegex((ROOT / ".ci/prove.sh").read_text(), r"(?m)^prove tutorials \.ci/tutorials\.sh$")
        script = (ROOT / ".ci/tutorials.sh").read_text()
        followed = {page: int(minutes) for minutes, page in re.findall(r"\bfollow (\d+) docs/tutorials/(\S+)", script)}
        # Two people and their browsers, by a program of its own.
        self.assertIn("node e2e/first-chat.mjs", script)
        browsers = (ROOT / "web/e2e/first-chat.mjs").read_text()
        followed[re.search(r'"docs/tutorials/([^"]+)"', browsers)[1]] = int(re.search(r"const MINUTES = (\d+);", browsers)[1])
        self.assertEqual(set(followed), {page.name for page in (ROOT / "docs/tutorials").glob("*.md")})
        agreed = {"first-chat.md": 5, "a-second-process.md": 10, "deploy-an-overlay.md": 30}
        self.assertEqual({page: followed[page] for page in agreed}, agreed)

    def test_owners_and_forms(self):
        for line in (ROOT / ".github/CODEOWNERS").read_text().splitlines():
            if line and not line.startswith("#"):
                path, *owners = line.split()
                self.assertTrue(owners and all(owner.startswith("@") for owner in owners), line)
                self.assertTrue(path == "*" or (ROOT / path.strip("/")).is_dir(), line)
        for file in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"):
            form = yaml.safe_load(file.read_text())
            if file.name != "config.yml":
                self.assertLessEqual({"name", "description", "body"}, set(form))
                self.assertTrue(any(one.get("validations", {}).get("required") for one in form["body"]))


class Broken(unittest.TestCase):
    """Each of these changes is found."""

    def broken(self, rule, name, old, new, count=1):
        text = FLOWS[name].text
        self.assertIn(old, text)
        self.assertEqual(rule(FLOWS[name]), [])
        flow = Workflow(name, text.replace(old, new, count))
        self.assertNotEqual(rule(flow), [], f"{old} -> {new}")

    def test_references(self):
        rule = pipeline.references
        hash = re.search(r"actions/checkout@[0-9a-f]{40} # v\S+", FLOWS["deploy.yml"].text)[0]
        self.broken(rule, "deploy.yml", hash, "actions/checkout@v7")
        self.broken(rule, "deploy.yml", hash, "aquasecurity/trivy-action@master")
        self.broken(rule, "deploy.yml", hash, hash.split(" #")[0])
        self.broken(rule, "deploy.yml", hash, hash.replace("@", "@0"))
        self.broken(rule, "deploy.yml", "runs-on: ubuntu-24.04", "runs-on: ubuntu-latest")
        self.broken(rule, "release.yml", "runner: ubuntu-24.04}", "runner: ubuntu-latest}")
        self.broken(rule, "deploy.yml", "moby/buildkit:v0.29.0@sha256:", "moby/buildkit:v0.29.0 #")
        self.broken(rule, "deploy.yml", "uses: ./.github/workflows/scan.yml #", "uses: a/b/.github/workflows/scan.yml@main #")
        for script in ("curl https://example.com/install.sh | bash", "wget -qO- https://example.com | sudo sh",
                       "pip install zizmor", "npx cowsay", "npm install -g x", "cargo install cargo-deny",
                       "curl -LO https://github.com/a/b/releases/latest/download/c", "npm i a@latest"):
            self.broken(rule, "deploy.yml", "run: .ci/runner.sh", f"run: {script}")

    def test_one_version_of_each_action(self):
        text = re.sub(r"(actions/checkout@)[0-9a-f]{40}", r"\g<1>" + "0" * 40, FLOWS["deploy.yml"].text, count=1)
        self.assertNotEqual(pipeline.one_hash_each([Workflow("deploy.yml", text)]), [])

    def test_rights(self):
        rule = pipeline.rights
        self.broken(rule, "deploy.yml", "permissions: {}", "permissions: {contents: read}")
        self.broken(rule, "deploy.yml", "permissions: {}", "permissions: read-all")
        self.broken(rule, "pull-request.yml", "    permissions:\n      contents: read # to check out\n", "")
        self.broken(rule, "pull-request.yml", "contents: read", "contents: write")
        # Reached by a pull request once its condition is gone.
        self.broken(rule, "deploy.yml", "    if: github.event_name == 'push' && github.ref == 'refs/heads/main'\n", "")

    def test_secrets(self):
        rule = pipeline.secrets
        self.broken(rule, "deploy.yml", "run: .ci/runner.sh", "run: .ci/runner.sh\n        env:\n          A: ${{ secrets.A }}")
        self.broken(rule, "deploy.yml", "  REGISTRY: ghcr.io", "  REGISTRY: ${{ secrets.REGISTRY }}")
        self.broken(rule, "deploy.yml", "    environment: build\n", "")
        self.broken(rule, "deploy.yml", "if: github.event_name == 'push' && github.ref",
                    "if: github.event_name == 'push' || github.ref")

    def test_bounds(self):
        rule = pipeline.bounds
        self.broken(rule, "nightly.yml", "    timeout-minutes: 120\n", "")
        self.broken(rule, "nightly.yml", "timeout-minutes: 120", "timeout-minutes: 600")
        self.broken(rule, "rollback.yml", "cancel-in-progress: false", "cancel-in-progress: true")
        self.broken(rule, "pull-request.yml", "  cancel-in-progress: true\n", "")

    def test_triggers(self):
        self.broken(pipeline.triggers, "pull-request.yml", "  pull_request:", "  pull_request_target:")

    def test_steps(self):
        rule = pipeline.steps
        self.broken(rule, "deploy.yml", "persist-credentials: false", "persist-credentials: true")
        self.broken(rule, "deploy.yml", "        with: {persist-credentials: false}\n", "")
        self.broken(rule, "deploy.yml", 'run: .ci/performance.sh "$BASE"', "run: .ci/performance.sh ${{ github.head_ref }}")
        self.broken(rule, "deploy.yml", "      - name: Check out\n        uses:", "      - uses:")
        self.broken(rule, "deploy.yml", "run: .ci/runner.sh", "continue-on-error: true\n        run: .ci/runner.sh")
        self.broken(rule, "nightly.yml", '.ci/torture.sh 1800 "$SEED"', 'make torture SECONDS=1800 SEED="$SEED"')

    def test_names(self):
        rule = pipeline.named
        self.broken(rule, "deploy.yml", ".ci/coverage.sh", ".ci/covrage.sh")
        self.broken(rule, "deploy.yml", ".ci/coverage.sh", ".ci/lib.sh")
        self.broken(rule, "deploy.yml", ".ci/test.sh web", ".ci/test.sh wobble")
        self.broken(rule, "nightly.yml", "make load", "make lode")
        self.broken(rule, "deploy.yml", "./.github/workflows/scan.yml", "./.github/workflows/scam.yml")

    def test_releases(self):
        rule = pipeline.releases
        self.broken(rule, "release.yml", "no-cache: true", "cache-from: type=gha")
        self.broken(rule, "release.yml", "no-cache: true", "no-cache: false")
        self.broken(rule, "release.yml", "package-manager-cache: false", "cache: npm")

    def test_scans(self):
        rule = pipeline.scans
        job = FLOWS["scan.yml"].text.split("  scan:\n")[1]
        start = job[: job.index("    steps:")]
        self.broken(rule, "scan.yml", start, start + "    environment: build\n")
        self.broken(rule, "scan.yml", start, start.replace("contents: read", "packages: write"))
        self.broken(rule, "scan.yml", start, start + "    env:\n      TOKEN: ${{ secrets.GITHUB_TOKEN }}\n")

    def test_deployments(self):
        rule = pipeline.deployments
        self.broken(rule, "deploy.yml", "${{ needs.build.outputs.backend }}\n          FRONTEND: ${{ needs.build.outputs.frontend }}\n          SIGNER",
                    "ghcr.io/a/backend:latest\n          FRONTEND: ${{ needs.build.outputs.frontend }}\n          SIGNER")
        self.broken(rule, "deploy.yml", "group: environment-staging", "group: environment-dev")
        self.broken(rule, "deploy.yml", "    environment:\n      name: production\n      url: ${{ vars.PAGE_URL }}\n", "")
        production = "    environment:\n      name: production\n"
        self.broken(rule, "deploy.yml", production, "    concurrency: {group: environment-production}\n" + production)
        self.broken(rule, "rollback.yml", "group: roll-back-${{ github.run_id }}", "group: environment-${{ inputs.environment }}")
        self.broken(rule, "deploy.yml", "          SIGNER: https://github.com/${{ github.workflow_ref }}\n", "")
        deploy = FLOWS["deploy.yml"].text.split("  deploy:\n")[1]
        self.broken(rule, "deploy.yml", deploy, deploy.replace("    if: github.ref == 'refs/heads/main'\n", ""))
        self.broken(rule, "rollback.yml", "if: github.ref == 'refs/heads/main'", "if: github.actor != 'x'")
        self.broken(rule, "deploy.yml", "timeout-minutes: 90\n    environment:", "timeout-minutes: 45\n    environment:")
        self.broken(rule, "rollback.yml", "timeout-minutes: 60", "timeout-minutes: 30")
        self.broken(rule, "rollback.yml", "run: exec .ci/rollback.sh", "run: .ci/rollback.sh")


class Agreed(unittest.TestCase):
    """Names and figures that were agreed upon, where they were kept."""

    def setUp(self):
        self.flow = FLOWS["deploy.yml"]
        self.jobs = copy.deepcopy(self.flow.jobs)

    def step(self, job, action):
        found = [one for one in self.jobs[job]["steps"] if one.get("uses", "").startswith(f"{action}@")]
        self.assertTrue(found, f"{job}: {action}")
        return found

    def ran(self, job):
        return [one["run"] for one in self.jobs[job]["steps"] if "run" in one]

    def test_name_triggers_and_environment(self):
        self.assertEqual(self.flow.body["name"], "Build and Deploy")
        self.assertEqual(self.flow.on, {"push": {"branches": ["main"]}, "pull_request": {"branches": ["main"]}})
        self.assertEqual(self.flow.body["env"], {"REGISTRY": "ghcr.io", "IMAGE_NAME": "${{ github.repository }}"})

    def test_tests(self):
        job = self.jobs["test"]
        self.assertEqual(job["strategy"]["matrix"], {"node-version": ["22.x"]})
        node = self.step("test", "actions/setup-node")[0]["with"]
        self.assertEqual((node["node-version"], node["cache"]), ("${{ matrix.node-version }}", "npm"))
        # The page is built with the same Node as in its image, and needs no older one.
        self.assertRegex((ROOT / "docker/frontend/Dockerfile").read_text(), r"NODE_IMAGE=\S+/node:22-")
        ran = "\n".join(self.ran("test"))
        for part in ("npm ci", "cargo fetch --locked", ".ci/test.sh web", ".ci/test.sh rust", "e2e"):
            self.assertIn(part, ran)
        self.assertIn(".ci/web-coverage.sh", self.ran("coverage"))
        self.assertIn("--coverage --watch=false", (ROOT / ".ci/web-coverage.sh").read_text())
        self.assertIn(".ci/compose.sh", self.ran("images"))

    def test_build(self):
        job = self.jobs["build"]
        self.assertEqual(job["permissions"], {"contents": "read", "packages": "write"})
        self.assertIn("test", job["needs"])
        self.assertEqual(job["if"], "github.event_name == 'push' && github.ref == 'refs/heads/main'")
        login = self.step("build", "docker/login-action")[0]["with"]
        self.assertEqual((login["username"], login["password"]), ("${{ github.actor }}", "${{ secrets.GITHUB_TOKEN }}"))
        self.step("build", "docker/setup-buildx-action")
        for part, told in zip(("backend", "frontend"), self.step("build", "docker/build-push-action")):
            told = told["with"]
            self.assertIs(told["push"], True)
            base = "${{ steps.name.outputs.image }}/" + part
            self.assertEqual(told["tags"].splitlines(), [f"{base}:latest", base + ":${{ github.sha }}"])
            self.assertTrue(told["cache-from"].startswith("type=gha"))
            self.assertTrue(told["cache-to"].startswith("type=gha,mode=max"))
            self.assertTrue((ROOT / told["file"]).is_file())
        for name in ("REACT_APP_API_URL", "REACT_APP_WS_URL"):
            self.assertIn(f"{name}=${{{{ secrets.{name} }}}}", told["build-args"])

    def test_gates(self):
        """Coverage, weaknesses, performance: before anything is deployed. The fourth, approval, is the environments'."""
        self.assertGreaterEqual(set(self.jobs["build"]["needs"]), {"test", "lint", "coverage", "performance", "images"})
        self.assertIn("scan", self.jobs["sign"]["needs"])
        for job, before in (("deploy-dev", "sign"), ("deploy-staging", "deploy-dev"), ("deploy", "deploy-staging")):
            self.assertEqual(set(self.jobs[job]["needs"]), {"build", before})
            self.assertNotIn("always", json.dumps(self.jobs[job]))

    def test_deploy(self):
        job = self.jobs["deploy"]
        self.assertEqual(job["if"], "github.ref == 'refs/heads/main'")
        for id, name, overlay in (("deploy-dev", "dev", "dev"), ("deploy-staging", "staging", "staging"),
                                  ("deploy", "production", "prod")):
            self.assertEqual(self.jobs[id]["environment"]["name"], name)
            self.assertIn(f"exec .ci/deploy.sh {overlay}", self.ran(id))
            self.assertIn(".ci/tools.sh kubectl kustomize cosign", self.ran(id))
            env = self.jobs[id]["steps"][-1]["env"]
            self.assertEqual(env["KUBE_CONFIG"], "${{ secrets.KUBE_CONFIG }}")
        script = (ROOT / ".ci/deploy.sh").read_text()
        for part in ('edit set image "backend=$BACKEND" "frontend=$FRONTEND"', "rollout status", "smoke", "verify.sh",
                     "(chat-backend chat-frontend)"):
            self.assertIn(part, script)
        self.assertIn("base64 --decode", (ROOT / ".ci/cluster.sh").read_text())

    def test_findings_are_shown(self):
        self.jobs = FLOWS["scan.yml"].jobs
        files = [told["with"]["sarif_file"] for told in self.step("report", "github/codeql-action/upload-sarif")]
        self.assertEqual(files, ["reports/backend.sarif", "reports/frontend.sarif"])
        self.assertIn("--format sarif", (ROOT / ".ci/scan.sh").read_text())


if __name__ == "__main__":
    unittest.main()
