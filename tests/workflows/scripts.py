"""Runs a script of .ci/ among stand-ins for the tools it calls."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from pipeline import ROOT

FAKE = pathlib.Path(__file__).with_name("fake_tool.py")


class Script(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.bin = self.scratch / "bin"
        self.bin.mkdir()

    def tool(self, name, text):
        """A command of the scripts' path."""
        file = self.bin / name
        file.write_text(text)
        file.chmod(0o755)

    def fakes(self, *names):
        for name in names:
            self.tool(name, f"#!{sys.executable} -B\n" + FAKE.read_text())

    def environment(self, **more):
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("GITHUB_", "KUBE", "PAGE_", "API_", "ACTIONS_")) and not name.lower().endswith("_proxy")}
        return {**kept, "PATH": f"{self.bin}:{os.environ['PATH']}", **more}

    def run_script(self, script, *words, code=0, cwd=ROOT, **environment):
        """What it said, standard output first."""
        path = script if pathlib.Path(script).is_absolute() else ROOT / ".ci" / script
        done = subprocess.run([path, *words], env=self.environment(**environment), cwd=cwd, capture_output=True,
                              text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def git(self, *words, cwd=None):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"]
        subprocess.run(["git", *who, *words], cwd=cwd or self.scratch, check=True, capture_output=True)

    def write(self, name, text):
        file = self.scratch / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text if isinstance(text, str) else json.dumps(text))
        return file
