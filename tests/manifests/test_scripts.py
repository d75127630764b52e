"""The scripts of an operator, against a stand-in for kubectl; .ci/kubernetes.sh runs them against a
real API server."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from rendering import KUSTOMIZE

FAKE = pathlib.Path(__file__).with_name("fake_kubectl.py")


def deployment(image="v1", replicas=3, first=True):
    pod = {"containers": [{"name": "backend", "image": image}]}
    if first:
        pod["initContainers"] = [{"name": "migrate", "image": image}]
    status = {"readyReplicas": replicas} if replicas else {}
    return {"spec": {"replicas": replicas, "template": {"metadata": {}, "spec": pod}}, "status": status}


class Script(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.file = pathlib.Path(self.scratch.name) / "state.json"
        self.client = pathlib.Path(self.scratch.name) / "kubectl"
        self.client.write_text(f'#!/bin/sh\nexec "{sys.executable}" -B "{FAKE}" "$@"\n')
        self.client.chmod(0o755)

    def given(self, phases=(), **objects):
        named = {name.replace("__", "/").replace("_", "-"): one for name, one in objects.items()}
        self.file.write_text(json.dumps({"objects": named, "said": [], "gates": [], "phases": list(phases)}))

    def state(self):
        return json.loads(self.file.read_text())

    def object(self, name):
        return self.state()["objects"][name]

    def run_script(self, script, *words, code=0, **environment):
        environment = {"KUBECTL": str(self.client), "FAKE_STATE": str(self.file), "PAUSE": "1", **environment}
        done = subprocess.run(
            [KUSTOMIZE / script, *words], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
        )
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done.stdout + done.stderr


class BlueGreen(Script):
    def setUp(self):
        super().setUp()
        selector = {"app": "chat-backend", "version": "blue"}
        self.colours(selector, green=deployment("v1", 0))

    def colours(self, selector, blue=None, green=None):
        self.given(
            service__chat_backend={"spec": {"selector": selector}},
            deployment__chat_backend_blue=blue or deployment("v1", 3),
            deployment__chat_backend_green=green or deployment("v1", 3),
        )

    def colour(self):
        return self.object("service/chat-backend")["spec"]["selector"]

    def replicas(self, colour):
        return self.object(f"deployment/chat-backend-{colour}")["spec"]["replicas"]

    def test_first_start(self):
        self.colours({"app": "chat-backend"})
        self.assertIn("leads to both", self.run_script("blue-green.sh", "status"))
        self.run_script("blue-green.sh", "switch", code=1)
        self.run_script("blue-green.sh", "start", "red", code=1)
        self.run_script("blue-green.sh", "start", "green")
        self.assertEqual(self.colour(), {"app": "chat-backend", "version": "green"})
        self.assertEqual((self.replicas("green"), self.replicas("blue")), (3, 0))
        self.run_script("blue-green.sh", "start", "blue", code=1)

    def test_release_switch_return_retire(self):
        self.run_script("blue-green.sh", "release", "v2")
        self.assertEqual((self.colour()["version"], self.replicas("green")), ("blue", 3))
        pod = self.object("deployment/chat-backend-green")["spec"]["template"]["spec"]
        self.assertEqual([one["image"] for one in pod["initContainers"] + pod["containers"]], ["v2", "v2"])
        self.run_script("blue-green.sh", "switch")
        self.assertEqual((self.colour()["version"], self.replicas("blue")), ("green", 3))
        self.run_script("blue-green.sh", "return")
        self.assertEqual((self.colour()["version"], self.replicas("green")), ("blue", 3))
        self.run_script("blue-green.sh", "switch")
        self.run_script("blue-green.sh", "retire")
        self.assertEqual((self.colour()["version"], self.replicas("blue"), self.replicas("green")), ("green", 0, 3))
        self.assertIn("* green 3 of 3 ready  v2", self.run_script("blue-green.sh", "status"))
        # There is nothing to go back to.
        self.run_script("blue-green.sh", "return", code=1)
        self.assertEqual(self.colour()["version"], "green")

    def test_as_many_as_serve(self):
        self.colours({"version": "blue"}, blue=deployment("v1", 7), green=deployment("v1", 0, first=False))
        self.run_script("blue-green.sh", "release", "v2")
        self.assertEqual(self.replicas("green"), 7)

    def test_nothing_is_switched_to_what_does_not_stand(self):
        self.run_script("blue-green.sh", "switch", code=1)
        self.run_script("blue-green.sh", "release", "bad", code=1)
        self.run_script("blue-green.sh", "switch", code=1)
        self.assertEqual(self.colour()["version"], "blue")
        # And the one in use is not put to rest in favour of nothing.
        self.run_script("blue-green.sh", "retire")
        self.assertEqual((self.replicas("blue"), self.replicas("green")), (3, 0))

    def test_a_check_may_refuse(self):
        self.run_script("blue-green.sh", "release", "v2")
        self.run_script("blue-green.sh", "switch", code=1, CHECK="false")
        self.assertEqual(self.colour()["version"], "blue")
        self.run_script("blue-green.sh", "switch", CHECK="true")
        self.assertEqual(self.colour()["version"], "green")

    def test_usage(self):
        self.assertIn("blue-green.sh COMMAND", self.run_script("blue-green.sh", code=2))
        self.run_script("blue-green.sh", "lead", "green", code=2)
        self.run_script("blue-green.sh", "release", code=1)


class Canary(Script):
    def canary(self, *phases, last="Initialized"):
        one = {"status": {"phase": last, "canaryWeight": 10, "failedChecks": 0}}
        self.given(phases, canary__chat_backend=one, deployment__chat_backend=deployment())

    def gates(self):
        return [url.rsplit(":8080/", 1)[1] for url, _ in self.state()["gates"]]

    def test_release_closes_the_gates_first(self):
        self.canary("Succeeded", "Succeeded", "Succeeded", "Progressing")
        self.run_script("canary.sh", "release", "v2")
        self.assertEqual(self.gates(), ["gate/close", "rollback/close"])
        self.assertEqual(self.state()["gates"][0][1], {"name": "chat-backend", "namespace": "chat"})
        said = [words[0] for words in self.state()["said"]]
        self.assertLess(said.index("exec"), said.index("set"))
        pod = self.object("deployment/chat-backend")["spec"]["template"]["spec"]
        self.assertEqual([one["image"] for one in pod["initContainers"] + pod["containers"]], ["v2", "v2"])

    def test_release_not_noticed(self):
        self.canary()
        self.assertIn("has not begun", self.run_script("canary.sh", "release", "v2", code=1, NOTICE="2"))

    def test_one_at_a_time(self):
        self.canary(last="Progressing")
        self.run_script("canary.sh", "release", "v2", code=1)
        self.assertEqual(self.gates(), [])

    def test_promote_and_abort(self):
        self.canary(last="WaitingPromotion")
        self.run_script("canary.sh", "promote")
        self.run_script("canary.sh", "abort")
        self.assertEqual(self.gates(), ["gate/open", "rollback/open"])
        self.assertIn("weight 10", self.run_script("canary.sh", "status"))
        self.canary(last="Succeeded")
        self.run_script("canary.sh", "promote", code=1)
        self.assertEqual(self.gates(), [])

    def test_wait(self):
        self.canary("Progressing", "Promoting", "Succeeded")
        self.run_script("canary.sh", "wait")
        self.canary("Progressing", "Failed")
        self.run_script("canary.sh", "wait", code=1)
        self.canary(last="Progressing")
        self.assertIn("still Progressing", self.run_script("canary.sh", "wait", code=1, PATIENCE="2s"))


class Others(Script):
    def test_rollback(self):
        self.given(deployment__chat_backend=deployment("v2"), deployment__chat_frontend=deployment("p2"))
        state = self.state()
        for name, old in (("chat-backend", "v1"), ("chat-frontend", "p1")):
            state["objects"][f"deployment/{name}"]["revisions"] = [
                deployment(image)["spec"]["template"] for image in ("ancient", old)
            ]
        self.file.write_text(json.dumps(state))
        both = self.run_script("rollback.sh", "chat-backend", "chat-frontend")
        self.assertEqual(both, "chat-backend: v1\nchat-frontend: p1\n")
        # Said of the version that went, before it did.
        said = [words for words in self.state()["said"] if words[0] == "annotate" or words[:2] == ["rollout", "undo"]]
        self.assertIn("kubernetes.io/change-cause=taken back: v2", said[2][-1])
        self.assertEqual([words[0] for words in said[2:]], ["annotate", "rollout"] * 2)
        self.assertEqual(self.run_script("rollback.sh", "1", "chat-backend"), "chat-backend: ancient\n")
        self.run_script("rollback.sh", "1", code=1)
        self.run_script("rollback.sh", code=2)

    def test_rollback_undoes_all_or_nothing(self):
        self.given(deployment__chat_backend=deployment("v2"), deployment__chat_frontend=deployment("p1"))
        state = self.state()
        state["objects"]["deployment/chat-backend"]["revisions"] = [deployment("v1")["spec"]["template"]]
        self.file.write_text(json.dumps(state))
        # One that is not there, and one that has no version before.
        for other in ("nobody", "chat-frontend"):
            said = self.run_script("rollback.sh", "chat-backend", other, code=1)
            self.assertIn(other, said)
            pod = self.object("deployment/chat-backend")["spec"]["template"]["spec"]
            self.assertEqual(pod["containers"][0]["image"], "v2")
            self.assertNotIn("annotate", [words[0] for words in self.state()["said"]])

    def test_rollback_knows_the_other_ways(self):
        self.given(deployment__chat_backend_blue=deployment(), deployment__chat_frontend=deployment())
        self.assertIn("blue-green.sh return", self.run_script("rollback.sh", "chat-backend", code=1))
        self.given(deployment__chat_backend=deployment(), deployment__chat_backend_primary=deployment())
        self.assertIn("canary.sh abort", self.run_script("rollback.sh", "chat-backend", code=1))

    def test_a_changed_secret_rolls_once(self):
        secret = {"metadata": {"uid": "1"}, "data": {"jwt-secret": "YQ=="}}
        self.given(secret__chat_secrets=secret, deployment__chat_backend=deployment())
        annotations = lambda: self.object("deployment/chat-backend")["spec"]["template"]["metadata"]["annotations"]
        self.run_script("roll-on-secret.sh")
        first = annotations()
        self.run_script("roll-on-secret.sh")
        self.assertEqual(annotations(), first)
        state = self.state()
        state["objects"]["secret/chat-secrets"]["data"]["jwt-secret"] = "Yg=="
        self.file.write_text(json.dumps(state))
        self.run_script("roll-on-secret.sh")
        self.assertNotEqual(annotations(), first)

    def test_secrets_of_development(self):
        self.given()
        said = self.run_script("dev-secrets.sh")
        objects = self.state()["objects"]
        self.assertIn("namespace/chat-dev", objects)
        values = objects["secret/chat-secrets"]["stringData"]
        password = objects["secret/chat-postgres"]["stringData"]["password"]
        self.assertEqual(len(password), 48)
        self.assertIn(f":{password}@postgres:5432/", values["database-url"])
        self.assertIn(objects["secret/chat-redis"]["stringData"]["password"], values["redis-url"])
        self.assertGreaterEqual(len(values["jwt-secret"]), 32)
        # Neither on the screen nor among the arguments, which every user of the machine may read.
        self.assertNotIn(password, said + json.dumps(self.state()["said"]))
        self.run_script("dev-secrets.sh")
        self.assertEqual(self.state()["objects"]["secret/chat-secrets"]["stringData"], values)
        self.given(secret__chat_redis={})
        self.run_script("dev-secrets.sh", code=1)
