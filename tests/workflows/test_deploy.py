"""A deployment: verified before anything, whole or not at all."""

import base64
import json
import os
import signal
import subprocess
import time
import unittest

from pipeline import ROOT
from scripts import Script

SIGNER = "https://github.com/o/r/.github/workflows/deploy.yml@refs/heads/main"
OLD_BACK, OLD_FRONT = (f"ghcr.io/o/r/{name}@sha256:{'0' * 64}" for name in ("backend", "frontend"))
BACK, FRONT = (f"ghcr.io/o/r/{name}@sha256:{'1' * 64}" for name in ("backend", "frontend"))
BAD = "ghcr.io/o/r/backend@sha256:bad" + "0" * 61


class Cluster(Script):
    def setUp(self):
        super().setUp()
        self.fakes("kubectl", "kustomize", "cosign", "smoke")
        self.given()

    def given(self, **more):
        deployments = {"chat-backend": {"history": ["x", OLD_BACK], "now": 2},
                       "chat-frontend": {"history": ["y", "z", OLD_FRONT], "now": 3}}
        signed = {image: SIGNER for image in (OLD_BACK, OLD_FRONT, BACK, FRONT, BAD)}
        self.file = self.write("state.json", {
            "deployments": deployments, "signed": signed, "attested": dict(signed), "answers": True, "diff": 1,
            "stuck": False, "patience": 0, "turn": None, "overtaken": 0, "said": [], "namespaces": [], "secrets": {}, **more})

    @property
    def state(self):
        return json.loads(self.file.read_text())

    def variables(self, backend=BACK, frontend=FRONT, **more):
        real = os.environ.get("KUSTOMIZE", "kubectl kustomize").split()
        real[0] = subprocess.run(["which", real[0]], capture_output=True, text=True, check=True).stdout.strip()
        return {"FAKE_STATE": str(self.file), "REAL_KUSTOMIZE": " ".join(real), "KUSTOMIZE": "kustomize",
                "BACKEND": backend, "FRONTEND": frontend, "SIGNER": SIGNER, "PAGE_URL": "https://chat.example.com",
                "SMOKE": "smoke", "TURN_PAUSE": "0.1", **more}

    def deploy(self, overlay="prod", code=0, **more):
        return self.run_script("deploy.sh", overlay, code=code, **self.variables(**more))

    def begin(self, script, *words, **variables):
        """Goes on by itself, and can be interrupted, also where whoever runs these tests cannot be: bash leaves out
        a trap for a signal that was ignored when it began."""
        return subprocess.Popen([ROOT / ".ci" / script, *words], env=self.environment(**variables), cwd=ROOT,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def serving(self):
        return tuple(one["history"][one["now"] - 1] for one in map(self.state["deployments"].get, ("chat-backend", "chat-frontend")))

    def asked(self, *words):
        return [one for one in self.state["said"] if one[: len(words)] == list(words)]

    def waits(self):
        try:
            return [one for one in self.asked("kubectl", "--namespace") if one[3:5] == ["rollout", "status"]]
        except json.JSONDecodeError:
            return []


class Deploy(Cluster):
    def test_a_good_version_serves(self):
        self.deploy(API_URL="https://api.chat.example.com")
        self.assertEqual(self.serving(), (BACK, FRONT))
        said = [one[:2] for one in self.state["said"]]
        self.assertLess(said.index(["cosign", "verify"]), said.index(["kubectl", "diff"]))
        self.assertLess(said.index(["kubectl", "diff"]), said.index(["kubectl", "apply"]))
        self.assertEqual(self.asked("smoke"), [["smoke", "https://chat.example.com", "--api", "https://api.chat.example.com"]])
        self.assertEqual(set(self.state["namespaces"]), {"chat"})

    def test_each_overlay_in_its_namespace(self):
        for overlay, namespace in (("dev", "chat-dev"), ("staging", "chat-staging")):
            self.given()
            self.deploy(overlay)
            self.assertEqual(set(self.state["namespaces"]), {namespace})
        self.deploy("nowhere", code=1)
        self.deploy("../overlays/prod", code=1)

    def test_an_unsigned_image_reaches_no_cluster(self):
        for wrong in ({"signed": {}}, {"attested": {}}, {"signed": {BACK: SIGNER, FRONT: SIGNER.replace("deploy", "other")}}):
            self.given(**wrong)
            self.deploy(code=1)
            self.assertEqual(self.asked("kubectl"), [])
        self.given()
        self.assertIn("whose signature", self.run_script("deploy.sh", "prod", code=1, **{**self.variables(), "SIGNER": ""}))

    def test_a_tag_is_no_image(self):
        for image in ("ghcr.io/o/r/backend:latest", "ghcr.io/o/r/backend", BACK[:-1], BACK + " --insecure"):
            self.assertIn("not by digest", self.deploy(backend=image, code=1))
        self.assertEqual(self.asked("kubectl"), [])

    def test_what_the_server_refuses_changes_nothing(self):
        self.given(diff=2)
        self.assertIn("nothing was changed", self.deploy(code=1))
        self.assertEqual(self.asked("kubectl", "apply"), [])
        self.assertEqual(self.serving(), (OLD_BACK, OLD_FRONT))

    def test_pods_that_never_get_ready_are_taken_back(self):
        self.assertIn("taking it back", self.deploy(backend=BAD, code=1))
        self.assertEqual(self.serving(), (OLD_BACK, OLD_FRONT))
        self.assertEqual(self.asked("smoke"), [])

    def test_a_version_that_does_not_answer_is_taken_back(self):
        self.given(answers=False)
        self.deploy(code=1)
        self.assertEqual(self.serving(), (OLD_BACK, OLD_FRONT))

    def test_only_what_changed_is_taken_back(self):
        self.given(answers=False)
        self.assertIn("chat-frontend: as it was", self.deploy(frontend=OLD_FRONT, code=1))
        self.assertEqual(self.serving(), (OLD_BACK, OLD_FRONT))
        self.assertEqual(self.state["deployments"]["chat-frontend"]["now"], 3)

    def test_the_first_version_has_none_before_it(self):
        self.given(deployments={}, answers=False)
        self.assertIn("nothing to go back to", self.deploy(code=1))
        self.assertEqual(self.serving(), (BACK, FRONT))

    def test_a_way_back_that_fails_is_said_aloud(self):
        self.given(answers=False, stuck=True)
        self.assertIn("NOT TAKEN BACK", self.deploy(code=3))

    def test_a_cancelled_job_takes_it_back(self):
        self.given(patience=60)
        going = self.begin("deploy.sh", "prod", **self.variables(backend=BAD))
        # The state is written whole before the wait that is cut off.
        deadline = time.monotonic() + 60
        while not self.waits():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        # As GitHub does, and ten seconds later it kills what is still there.
        going.send_signal(signal.SIGINT)
        time.sleep(0.3)
        going.send_signal(signal.SIGTERM)
        self.assertEqual(going.wait(timeout=60), 1)
        self.assertEqual(self.serving(), (OLD_BACK, OLD_FRONT))
        self.assertEqual(self.state["turn"]["by"], "")
        # Nothing that takes long comes before both are told, and before others may go on.
        said = [one[3:5] for one in self.asked("kubectl", "--namespace")]
        told = [n for n, words in enumerate(said) if words in (["rollout", "undo"], ["patch", "configmap/chat-turn"])][1:]
        self.assertEqual([said[n][0] for n in told], ["rollout", "rollout", "patch"])
        waits = [n for n, words in enumerate(said) if words == ["rollout", "status"]]
        self.assertEqual(len(waits), 3)
        self.assertTrue(waits[0] < told[0] and told[-1] < waits[1])

    def test_the_kubeconfig_is_for_nobody_else_and_does_not_stay(self):
        self.deploy(KUBE_CONFIG=base64.b64encode(b"server: here\n").decode())
        self.assertEqual(self.state["config"], ["server: here\n", "0o600"])
        self.assertEqual(self.asked("kubectl", "config"), [])
        self.deploy(KUBE_CONFIG="not base64!", code=1)

    def test_a_cluster_that_asks_github(self):
        self.deploy(KUBE_CONFIG=base64.b64encode(b"server: here\n").decode(), KUBE_AUDIENCE="cluster")
        words = self.asked("kubectl", "config", "set-credentials")[0]
        self.assertIn(str(ROOT / ".ci/oidc-token.sh"), words)
        self.assertIn("cluster", words)

    def test_the_history_says_what_each_revision_was(self):
        self.deploy()
        self.assertEqual(self.state["deployments"]["chat-backend"]["causes"], {"3": BACK})

    def test_one_at_a_time(self):
        self.deploy(GITHUB_RUN_ID="7", GITHUB_SERVER_URL="https://github.com", GITHUB_REPOSITORY="o/r")
        taken = [one[-1] for one in self.asked("kubectl", "--namespace") if one[3:5] == ["patch", "configmap/chat-turn"]]
        self.assertIn("https://github.com/o/r/actions/runs/7", taken[0])
        self.assertEqual((len(taken), self.state["turn"]["by"]), (2, ""))

    def test_somebody_else_is_at_it(self):
        turn = {"version": 5, "since": str(int(time.time())), "by": "another"}
        self.given(turn=turn)
        self.assertIn("another is at it", self.deploy(code=1, TURN_PATIENCE="1"))
        self.assertEqual(self.asked("kubectl", "apply"), [])
        self.assertEqual((self.serving(), self.state["turn"]), ((OLD_BACK, OLD_FRONT), turn))

    def test_who_died_is_not_waited_for(self):
        self.given(turn={"version": 5, "since": "1000", "by": "another"})
        self.assertIn("another began two hours ago", self.deploy(TURN_PATIENCE="0"))
        self.assertEqual(self.serving(), (BACK, FRONT))

    def test_what_stands_in_the_cluster_is_no_command(self):
        ran = self.scratch / "ran"
        for turn in ({"since": f"a[$(touch${{IFS}}{ran})]", "by": "another"}, {"since": "0", "by": "", "run": f"a[$(touch${{IFS}}{ran})]"}):
            self.given(turn={"version": 5, **turn})
            self.deploy(TURN_PATIENCE="0", GITHUB_RUN_NUMBER="7")
            self.assertFalse(ran.exists())
            self.assertEqual(self.serving(), (BACK, FRONT))

    def test_who_is_overtaken_looks_again(self):
        self.given(turn={"version": 5, "since": "0", "by": ""}, overtaken=1)
        self.deploy()
        self.assertEqual(self.serving(), (BACK, FRONT))

    def test_a_deployment_that_fails_ends_its_turn(self):
        self.deploy(backend=BAD, code=1)
        self.assertEqual(self.state["turn"]["by"], "")

    def test_an_older_commit_does_not_come_after_a_newer_one(self):
        self.deploy(GITHUB_RUN_NUMBER="11")
        self.assertEqual(self.state["turn"]["run"], "11")
        said = self.deploy(backend=OLD_BACK, frontend=OLD_FRONT, code=1, GITHUB_RUN_NUMBER="9")
        self.assertIn("a later commit was deployed", said)
        self.assertEqual((self.serving(), self.state["turn"]["by"]), ((BACK, FRONT), ""))
        # Once more the same, and by hand whatever one wants.
        self.deploy(GITHUB_RUN_NUMBER="11")
        self.deploy(backend=OLD_BACK, frontend=OLD_FRONT)

    def test_a_newer_one_that_failed_holds_up_no_older_one(self):
        self.deploy(backend=BAD, code=1, GITHUB_RUN_NUMBER="11")
        self.deploy(GITHUB_RUN_NUMBER="9")
        self.assertEqual(self.serving(), (BACK, FRONT))

    def test_where_the_page_is_must_be_known(self):
        self.assertIn("PAGE_URL", self.deploy(PAGE_URL="", code=1))
        self.assertEqual(self.state["said"], [])


class Rollback(Cluster):
    def back(self, *words, code=0, **more):
        return self.run_script("rollback.sh", *words, code=code, **self.variables(**more))

    def test_both(self):
        self.back("prod", "both")
        self.assertEqual(self.serving(), ("x", "z"))
        self.assertTrue(self.asked("smoke"))
        self.assertEqual(self.state["turn"]["by"], "")

    def test_the_version_that_was_just_taken_back_is_none_to_go_back_to(self):
        self.deploy(backend=BAD, frontend=OLD_FRONT, code=1)
        said = self.back("prod", "backend", code=1)
        self.assertIn(f"taken back: {BAD}", said)
        self.assertIn("name a revision", said)
        self.assertEqual(self.serving(), (OLD_BACK, OLD_FRONT))
        self.back("prod", "backend", "1")
        self.assertEqual(self.serving(), ("x", OLD_FRONT))

    def test_twice_does_not_bring_back_what_was_taken_back(self):
        self.back("prod", "backend")
        self.assertEqual(self.serving(), ("x", OLD_FRONT))
        self.assertIn(f"taken back: {OLD_BACK}", self.back("prod", "backend", code=1))
        self.assertEqual(self.serving(), ("x", OLD_FRONT))
        self.back("prod", "backend", "2")
        self.assertEqual(self.serving(), (OLD_BACK, OLD_FRONT))

    def test_a_cancelled_one_lets_others_go_on(self):
        self.given(patience=60, deployments={"chat-backend": {"history": [BAD, OLD_BACK], "now": 2}})
        going = self.begin("rollback.sh", "prod", "backend", **self.variables())
        deadline = time.monotonic() + 60
        while not self.waits():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        going.send_signal(signal.SIGINT)
        self.assertEqual(going.wait(timeout=60), 1)
        self.assertEqual(self.state["turn"]["by"], "")

    def test_one_to_a_revision(self):
        self.back("prod", "frontend", "1")
        self.assertEqual(self.serving(), (OLD_BACK, "y"))

    def test_what_makes_no_sense(self):
        for words in (("prod", "all"), ("nowhere", "both"), ("prod", "both", "1"), ("prod", "backend", "1; true")):
            self.back(*words, code=1)
        self.assertEqual(self.serving(), (OLD_BACK, OLD_FRONT))

    def test_that_does_not_answer(self):
        self.given(answers=False)
        self.back("prod", "both", code=1)


if __name__ == "__main__":
    unittest.main()
