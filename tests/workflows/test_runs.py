"""The gates' scripts from end to end, with stand-ins for cargo, Trivy and Syft: what they call, and that they fail."""

import json
import subprocess
import sys
import unittest

from pipeline import ROOT
from scripts import Script

# Benches take as long as the file `speed` of the checkout says; coverage is what COVERED says.
CARGO = f"""#!{sys.executable} -B
import json, os, pathlib, sys
words = sys.argv[1:]
with open(os.environ["SAID"], "a") as said:
    said.write(json.dumps([os.getcwd(), *words]) + "\\n")
if words[0] == "bench" and "--no-run" not in words:
    folder = pathlib.Path(os.environ["CRITERION_HOME"]) / "group/a/new"
    folder.mkdir(parents=True)
    (folder / "benchmark.json").write_text('{{"full_id": "a"}}')
    time = float(pathlib.Path("speed").read_text())
    (folder / "estimates.json").write_text(json.dumps({{"median": {{"point_estimate": time}}}}))
if words[:2] == ["llvm-cov", "report"] and "--json" in words:
    lines = {{"covered": int(os.environ["COVERED"]), "count": 100}}
    pathlib.Path(words[words.index("--output-path") + 1]).write_text(json.dumps({{"data": [{{"totals": {{"lines": lines}}}}]}}))
"""
TRIVY = """#!/bin/sh
echo trivy "$@" >>"$SAID"
case "$*" in *--exit-code*) exit "${FOUND:-0}" ;; esac
while [ $# -gt 1 ]; do [ "$1" = --output ] && echo '{}' >"$2"; shift; done
"""
# Counts what it is given, and fails where POINTLESS is among it.
KUBESEC = """#!/bin/sh
grep -c '^kind: ' "$4" >"$3"
grep '^kind: ' "$4" >>"$SAID"
! grep -q "^kind: ${POINTLESS:-nothing}$" "$4"
"""
SYFT = """#!/bin/sh
echo syft "$@" >>"$SAID"
exit "${UNREADABLE:-0}"
"""


class Run(Script):
    def setUp(self):
        super().setUp()
        self.said = self.scratch / "said"
        self.tool("cargo", CARGO)
        self.tool("cargo-llvm-cov", "#!/bin/sh\n")
        self.tool("trivy", TRIVY)
        self.tool("syft", SYFT)
        self.tool("kubesec", KUBESEC)
        for name in ("cc", "redis-server", "redis-cli", "openssl", "initdb", "postgres", "psql", "rustup"):
            self.tool(name, "#!/bin/sh\n")
        self.told = {"SAID": str(self.said), "CARGO_TARGET_DIR": str(self.scratch / "target")}


class Performance(Run):
    def setUp(self):
        super().setUp()
        self.copy = self.scratch / "copy"
        self.copy.mkdir()
        subprocess.run(["cp", "-R", str(ROOT / ".ci"), str(self.copy)], check=True)
        (self.copy / "speed").write_text("100")
        self.git("init", "--quiet", cwd=self.copy)
        self.git("add", ".", cwd=self.copy)
        self.git("commit", "--quiet", "-m", "Begin", cwd=self.copy)

    def measure(self, base="HEAD", code=0, **more):
        return self.run_script(str(self.copy / ".ci/performance.sh"), base, code=code, cwd=self.copy, **self.told, **more)

    def test_both_sides_in_turns(self):
        self.assertIn("1 benchmarks, together 1.00", self.measure())
        calls = [json.loads(line) for line in self.said.read_text().splitlines()]
        folders = ["before" if call[0].endswith("/base") else "after" for call in calls]
        # Compiled on both sides first, then three turns each.
        self.assertEqual(folders, ["before", "after"] * 4)
        self.assertTrue(all("--no-run" in call for call in calls[:2]) and not any("--no-run" in call for call in calls[2:]))
        for bench in ("codec", "fanout", "append"):
            self.assertIn(bench, calls[2])
        # What was checked out for it is gone.
        listed = subprocess.run(["git", "worktree", "list"], cwd=self.copy, capture_output=True, text=True, check=True)
        self.assertEqual(len(listed.stdout.splitlines()), 1)

    def test_a_slower_version_fails(self):
        (self.copy / "speed").write_text("140")
        self.assertIn("SLOWER", self.measure(code=1, ROUNDS="1", BENCHES="codec"))
        (self.copy / "speed").write_text("70")
        self.measure(ROUNDS="1", BENCHES="codec")

    def test_nothing_before_it(self):
        self.assertIn("NOT COMPARED", self.measure("0" * 40))
        self.assertFalse(self.said.exists())
        self.measure("no-such-commit", code=1)


class Coverage(Run):
    def test_the_floor(self):
        self.assertIn("99.0 %", self.run_script("coverage.sh", **self.told, COVERED="99"))
        calls = [json.loads(line)[1:] for line in self.said.read_text().splitlines()]
        # What an earlier run counted is thrown away first.
        self.assertEqual(calls[0], ["llvm-cov", "clean", "--profraw-only"])
        self.assertEqual(calls[1], ["llvm-cov", "--locked", "--all-features", "--no-report"])
        self.run_script("coverage.sh", code=1, **self.told, COVERED="9")


class Scan(Run):
    def scan(self, *words, code=0, **more):
        return self.run_script("scan.sh", *words, code=code, **self.told, **more)

    def calls(self):
        return self.said.read_text().splitlines()

    def test_an_image(self):
        archive = self.write("backend.tar", "")
        self.scan("image", "backend", str(archive))
        sbom, report, gate = self.calls()
        self.assertIn(f"docker-archive:{archive}", sbom)
        self.assertIn("spdx-json=", sbom)
        self.assertIn(f"--format sarif --output {self.scratch}/target/scan/backend.sarif", report)
        self.assertIn("--severity HIGH,CRITICAL --exit-code 1", gate)
        self.assertIn("--ignore-unfixed", gate)
        self.scan("image", "backend", str(archive), code=1, FOUND="1")
        self.scan("image", "backend", str(archive), code=1, UNREADABLE="1")

    def test_sources_and_manifests(self):
        self.scan("source")
        self.assertIn("vuln,secret,misconfig", self.calls()[0])
        self.scan("source", code=1, FOUND="1")
        self.scan("manifests")
        self.assertIn("--ignorefile kustomize/.trivyignore", self.calls()[-1])
        self.assertEqual(sorted(one.name for one in (self.scratch / "target/scan/manifests").iterdir()),
                         ["dev.yaml", "prod.yaml", "staging.yaml"])

    def test_what_makes_pods_is_given_points(self):
        self.scan("kubesec")
        self.assertEqual(set(self.calls()), {"kind: Deployment", "kind: StatefulSet"})
        counts = {name: int((self.scratch / f"target/scan/kubesec-{name}.json").read_text()) for name in ("dev", "prod")}
        self.assertEqual(counts, {"dev": 4, "prod": 2})
        # Only dev has a database of its own; the others are scanned all the same.
        self.scan("kubesec", code=1, POINTLESS="StatefulSet")
        self.assertTrue((self.scratch / "target/scan/kubesec-prod.json").exists())

    def test_without_a_database_it_says_so(self):
        self.assertIn("NOT SCANNED FOR WEAKNESSES", self.scan("source", TRIVY_OFFLINE="1"))
        self.assertNotIn("vuln", self.calls()[0])

    def test_what_makes_no_sense(self):
        self.scan("everything", code=1)
        self.scan("image", code=1)


if __name__ == "__main__":
    unittest.main()
