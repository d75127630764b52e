"""The scripts of docker/logging and kustomize/logging-secrets.sh: run, against stand-ins for what they talk to."""

import base64
import http.server
import json
import os
import pathlib
import re
import ssl
import subprocess
import tempfile
import threading
import unittest

from rendering import KUSTOMIZE, ROOT
from test_logging import MADE
from test_scripts import Script

FOLDER = ROOT / "docker/logging"
WORDS = ("elastic", "writer", "reader", "kibana", "kibana-key")


def make_certificates(folder):
    done = subprocess.run([FOLDER / "certificates.sh", folder], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stderr


class Stack(http.server.BaseHTTPRequestHandler):
    """As much of Elasticsearch and Kibana as setup.sh asks for: keeps what it is told, wants a password."""

    def answer(self, code, body):
        body = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        server, body = self.server, self.rfile.read(int(self.headers.get("content-length", 0)))
        word = base64.b64decode(self.headers.get("authorization", "").removeprefix("Basic ") or b"").decode()
        path = self.path.partition("?")[0]
        if server.late > 0:
            server.late -= 1
            return self.answer(503, {})
        if word != f"elastic:{server.word}":
            return self.answer(401, {"error": "who are you"})
        if self.command == "GET" and path.startswith("/_data_stream/"):
            return self.answer(200 if path in server.kept else 404, {})
        if self.command == "GET":
            return self.answer(200, {"status": "green"})
        server.said.append(f"{self.command} {path}")
        if path in server.refused:
            return self.answer(400, {"error": "not like this"})
        if "json" in self.headers.get("content-type", ""):
            server.kept[path] = json.loads(body)
        elif path.endswith("/_import"):
            # One part of a form.
            head, _, rest = body.partition(b"\r\n\r\n")
            name = re.search(rb'filename="([^"]+)"', head)[1].decode()
            server.kept[name] = rest.rpartition(b"\r\n--")[0].decode()
            server.xsrf = self.headers.get("kbn-xsrf")
        else:
            server.kept[path] = None
        return self.answer(200, {"acknowledged": True, "success": True})

    do_GET = do_PUT = do_POST = handle_any

    def log_message(self, *_):
        pass


class Setup(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.given = pathlib.Path(scratch.name)
        make_certificates(self.given)
        for name in WORDS:
            (self.given / name).write_text(f"word-of-{name}")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stack)
        self.server.said, self.server.kept, self.server.refused, self.server.late = [], {}, set(), 0
        self.server.word, self.server.xsrf = "word-of-elastic", None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.given / "elasticsearch.crt", self.given / "elasticsearch.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def run_setup(self, what, code=0, **environment):
        place = f"https://localhost:{self.server.server_port}"
        environment = {"ELASTICSEARCH": place, "KIBANA": place, "TRIES": "5", "PAUSE": "0", **environment}
        environment |= {"SETUP": str(FOLDER / "setup"), "GIVEN": str(self.given)}
        done = subprocess.run(
            [FOLDER / "setup.sh", what], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
        )
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done.stdout + done.stderr

    def test_elasticsearch(self):
        self.server.late = 2
        said = self.run_setup("elasticsearch")
        self.assertNotIn("word-of", said)
        kept = self.server.kept
        for kind, place in (("ilm", "_ilm/policy"), ("component", "_component_template"), ("template", "_index_template"), ("role", "_security/role")):
            for path in (FOLDER / "setup").glob(f"{kind}-*.json"):
                name = path.stem.removeprefix(f"{kind}-")
                self.assertEqual(kept[f"/{place}/{name}"], json.loads(path.read_text()))
        for name in ("app", "audit", "dead"):
            self.assertIn(f"/_data_stream/logs-chat.{name}-default", kept)
        self.assertEqual(kept["/_security/user/kibana_system/_password"], {"password": "word-of-kibana"})
        self.assertEqual(kept["/_security/user/chat-writer"], {"password": "word-of-writer", "roles": ["chat_writer"]})
        self.assertEqual(kept["/_security/user/chat-reader"], {"password": "word-of-reader", "roles": ["chat_reader"]})
        # What is named is there before what names it.
        order = [self.server.said.index(f"PUT {place}") for place in (
            "/_ilm/policy/chat-logs", "/_component_template/chat-fields", "/_index_template/chat-app", "/_data_stream/logs-chat.app-default"
        )]
        self.assertEqual(order, sorted(order))

    def test_a_second_run_changes_nothing(self):
        self.run_setup("elasticsearch")
        before = dict(self.server.kept)
        self.assertNotIn("made logs-chat", self.run_setup("elasticsearch"))
        self.assertEqual(self.server.kept, before)

    def test_a_refusal_ends_it(self):
        self.server.refused = {"/_index_template/chat-app"}
        self.assertIn("not like this", self.run_setup("elasticsearch", code=1))
        self.assertNotIn("/_data_stream/logs-chat.app-default", self.server.kept)

    def test_who_does_not_answer(self):
        self.server.word = "another"
        self.assertIn("does not answer", self.run_setup("elasticsearch", code=1, TRIES="2"))
        # Nor one whose certificate is of somebody else.
        self.server.word = "word-of-elastic"
        with tempfile.TemporaryDirectory() as other:
            make_certificates(other)
            (self.given / "ca.crt").write_bytes((pathlib.Path(other) / "ca.crt").read_bytes())
        self.assertIn("does not answer", self.run_setup("elasticsearch", code=1, TRIES="2"))
        self.assertEqual(self.server.said, [])

    def test_kibana(self):
        self.run_setup("kibana")
        for name in ("views.ndjson", "searches.ndjson"):
            self.assertEqual(self.server.kept[name], (FOLDER / "setup" / name).read_text())
        self.assertTrue(self.server.xsrf)
        self.run_setup("grafana", code=2)


class Start(unittest.TestCase):
    """start.sh in an image that only says how it was started."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        (self.folder / "given").mkdir()
        make_certificates(self.folder / "given")
        for name in WORDS:
            (self.folder / "given" / name).write_text(f"word-of-{name}")
        for part in ("crt", "key"):
            (self.folder / f"given/tls.{part}").write_bytes((self.folder / f"given/elasticsearch.{part}").read_bytes())
        (self.folder / "image/config").mkdir(parents=True)
        (self.folder / "image/config/jvm.options").write_text("of the image")
        (self.folder / "image/bin").mkdir()
        for name in ("elasticsearch", "elasticsearch-keystore", "logstash", "kibana"):
            program = self.folder / "image/bin" / name
            # env without bash's own; the keystore reads a word.
            program.write_text(
                f'#!/bin/sh\necho "{name} $*" >>{self.folder}/said\nenv >>{self.folder}/said\n'
                f'case "$*" in *--stdin*) cat >>{self.folder}/word;; esac\n'
            )
            program.chmod(0o755)

    def run_start(self, what, code=0):
        (self.folder / "said").write_text("")
        names = {"HOME_OF": "image", "GIVEN": "given", "CONF": "conf"}
        environment = {name: str(self.folder / place) for name, place in names.items()} | {"OURS": str(FOLDER)}
        done = subprocess.run([FOLDER / "start.sh", what], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertNotIn("word-of", done.stdout + done.stderr)
        return (self.folder / "said").read_text()

    def test_elasticsearch(self):
        # A container that starts again finds what it left.
        for _ in range(2):
            said = self.run_start("elasticsearch")
        self.assertIn(f"ES_PATH_CONF={self.folder}/conf", said)
        self.assertIn("elasticsearch-keystore create", said)
        self.assertNotIn("word-of", said)
        self.assertEqual((self.folder / "word").read_text(), "word-of-elastic" * 2)
        for name in ("jvm.options", "elasticsearch.yml", "certs/tls.key", "certs/ca.crt"):
            self.assertTrue((self.folder / "conf" / name).exists(), name)
        self.assertEqual((self.folder / "conf/certs/tls.key").stat().st_mode & 0o777, 0o400)

    def test_logstash(self):
        said = self.run_start("logstash")
        self.assertIn(f"logstash --path.settings {self.folder}/conf", said)
        self.assertIn("WRITER_WORD=word-of-writer", said)
        self.assertTrue((self.folder / "conf/pipelines.yml").exists())
        self.assertTrue((self.folder / "image/data/dead_letter_queue/chat").is_dir())

    def test_kibana(self):
        said = self.run_start("kibana")
        for text in (f"KBN_PATH_CONF={self.folder}/conf", "KIBANA_WORD=word-of-kibana", "KIBANA_KEY=word-of-kibana-key"):
            self.assertIn(text, said)
        named = set(re.findall(r"\$\{(\w+)\}", (self.folder / "conf/kibana.yml").read_text()))
        self.assertEqual(named, {"KIBANA_WORD", "KIBANA_KEY"})


class Secrets(Script):
    def made(self):
        return {name.partition("/")[2]: one for name, one in self.state()["objects"].items() if name.startswith("secret/")}

    def test_what_the_manifests_read_is_made(self):
        self.given()
        said = self.run_script("logging-secrets.sh")
        made = self.made()
        wanted = {name: keys for space in MADE.values() for name, keys in space.items()}
        self.assertEqual({name: set(one["data"]) for name, one in made.items()}, wanted)
        self.assertEqual({name for name in self.state()["objects"] if name.startswith("namespace/")}, {f"namespace/{one}" for one in MADE})
        words = [base64.b64decode(one).decode() for one in made["logging-passwords"]["data"].values()]
        self.assertTrue(all(re.fullmatch("[0-9a-f]{64}", one) for one in words))
        self.assertEqual(len(set(words)), len(words))
        for one in words:
            self.assertNotIn(one, said + json.dumps(self.state()["said"]))
        authorities = {one["data"]["ca.crt"] for one in made.values() if "ca.crt" in one["data"]}
        self.assertEqual(len(authorities), 1)
        before = self.made()
        self.run_script("logging-secrets.sh")
        self.assertEqual(self.made(), before)

    def test_half_of_the_certificates_are_refused(self):
        self.given()
        self.run_script("logging-secrets.sh")
        state = self.state()
        del state["objects"]["secret/logging-tls-kibana"]
        self.file.write_text(json.dumps(state))
        self.assertIn("delete those Secrets", self.run_script("logging-secrets.sh", code=1))
        for part in ("elasticsearch", "logstash", "filebeat"):
            del state["objects"][f"secret/logging-tls-{part}"]
        self.file.write_text(json.dumps(state))
        self.run_script("logging-secrets.sh")
        # Renewed, and the passwords as they were.
        self.assertEqual(self.made()["logging-passwords"], state["objects"]["secret/logging-passwords"])

    def test_certificates_are_good_for_their_names(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertIn("made the authority", make_certificates(folder))
            self.assertEqual(make_certificates(folder), "")
            for name in ("elasticsearch", "logstash", "kibana", "filebeat"):
                for host in (name, f"{name}.logging.svc", "localhost"):
                    words = ["openssl", "verify", "-CAfile", "ca.crt", "-purpose", "sslserver", "-verify_hostname", host, f"{name}.crt"]
                    subprocess.run(words, cwd=folder, check=True, capture_output=True)
            self.assertTrue((KUSTOMIZE / "logging-secrets.sh").exists())
