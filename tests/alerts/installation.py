"""A small installation to be looked at: two real servers on a real PostgreSQL and a real Redis, a Prometheus that scrapes
them with the rules of production, and people who say something. Everything listens on 127.0.0.1."""

import base64
import contextlib
import glob
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml
from promtool import ROOT, RULES

SECRET = "0123456789abcdef0123456789abcdef"
# So much must be there, however busy the machine is.
PATIENCE = 60
# What exporters show that are not ours, as they would.
EXPORTERS = """
kube_deployment_status_replicas_available{deployment="chat-backend"} 2
kube_deployment_spec_replicas{deployment="chat-backend"} 2
container_memory_usage_bytes{container="backend",pod="chat-backend-0"} 100e6
container_memory_working_set_bytes{container="backend",pod="chat-backend-0"} 100e6
container_spec_memory_limit_bytes{container="backend",pod="chat-backend-0"} 512e6
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(what, look, patience=PATIENCE):
    """What `look` finds, once it finds something."""
    end = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.1)


def ask(url, body=None, token=None, method=None):
    """(status, JSON or text) of an answer."""
    request = urllib.request.Request(url, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("content-type", "application/json")
    if token:
        request.add_header("authorization", f"Bearer {token}")
    # Whatever stands in the environment, nobody else is asked.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text


class Socket:
    """As much of a WebSocket client as it takes to follow a room."""

    def __init__(self, address, token):
        self.stream = socket.create_connection(address, timeout=30)
        key = base64.b64encode(os.urandom(16)).decode()
        self.stream.sendall(
            f"GET /ws HTTP/1.1\r\nhost: {address[0]}:{address[1]}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            f"sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\nauthorization: Bearer {token}\r\n\r\n".encode()
        )
        self.lines = self.stream.makefile("rb")
        status = self.lines.readline()
        if b" 101 " not in status:
            raise ConnectionError(status)
        while self.lines.readline() != b"\r\n":
            pass

    def send(self, frame):
        self.raw(1, json.dumps(frame).encode())

    def raw(self, opcode, payload):
        # A mask of zeros is one.
        length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
        self.stream.sendall(bytes([0x80 | opcode]) + length + bytes(4) + payload)

    def until(self, kind):
        """The next frame of this kind."""
        while True:
            first, length = self.lines.read(2)
            if length == 126:
                (length,) = struct.unpack(">H", self.lines.read(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", self.lines.read(8))
            payload = self.lines.read(length)
            if first & 15 == 1:
                frame = json.loads(payload)
                if frame["t"] == kind:
                    return frame

    def close(self):
        """As a client that goes by itself."""
        self.raw(8, struct.pack(">H", 1000))
        self.lines.close()
        self.stream.close()


class Installation(contextlib.ExitStack):
    """Starts everything; what was started ends with it, by its process."""

    def __init__(self, binary):
        super().__init__()
        self.folder = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory()))
        self.folder.chmod(0o755)
        self.binary, self.processes = binary, []
        try:
            self.postgres = self.start_postgres()
            self.redis = free_port()
            self.run("redis-server", "--port", self.redis, "--bind", "127.0.0.1", "--save", "", "--dir", self.folder)
            self.servers = [self.start_server(number) for number in range(2)]
            self.prometheus = self.start_prometheus()
        except BaseException as error:
            error.add_note(self.said())
            self.close()
            raise

    def said(self):
        """The end of what each process said."""
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-1000:]}" for log in sorted(self.folder.glob("*.log")))

    def run(self, *command, **more):
        with open(self.folder / f"{len(self.processes)}.log", "wb") as log:
            process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log, **more)
        self.processes.append(process)
        self.callback(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def start_postgres(self):
        debian = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
        initdb = pathlib.Path(debian[-1] if debian else shutil.which("initdb")).resolve()
        self.postgres_bin = initdb.parent
        # It refuses to run as root.
        self.as_postgres = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        self.database = self.folder / "postgres"
        self.database.mkdir()
        if self.as_postgres:
            shutil.chown(self.database, "postgres")
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
        subprocess.run([*self.as_postgres, initdb, "-D", self.database, "-U", "chat", "-A", "trust"], **quiet)
        self.postgres_port = free_port()
        process = self.begin_postgres()
        psql = [self.postgres_bin / "psql", "-h", "127.0.0.1", "-p", str(self.postgres_port), "-U", "chat", "-d", "postgres"]
        ready = lambda: subprocess.run([*psql, "-c", "CREATE DATABASE chat"], capture_output=True).returncode == 0
        eventually("PostgreSQL", ready)
        return process

    def begin_postgres(self):
        where = ["-D", self.database, "-p", self.postgres_port, "-h", "127.0.0.1", "-k", ""]
        return self.run(*self.as_postgres, self.postgres_bin / "postgres", *where, cwd="/")

    def stop_postgres(self):
        """At once, as when its machine is lost."""
        id = int((self.database / "postmaster.pid").read_text().split()[0])
        os.kill(id, signal.SIGQUIT)
        self.postgres.wait(30)

    def start_server(self, number):
        port, metrics = free_port(), free_port()
        data = self.folder / f"server-{number}"
        settings = {
            "NODE_ENV": "production",
            "PORT": port,
            "CHAT_METRICS_PORT": metrics,
            "CHAT_DATA_DIR": data,
            "DATABASE_URL": f"postgres://chat@127.0.0.1:{self.postgres_port}/chat?sslmode=disable",
            "REDIS_URL": f"redis://127.0.0.1:{self.redis}",
            "JWT_SECRET": SECRET,
            "CHAT_BCRYPT_COST": 4,
        }
        self.run(self.binary, "serve", env={name: str(value) for name, value in settings.items()})
        url = f"http://127.0.0.1:{port}"

        def ready():
            with contextlib.suppress(OSError):
                return ask(f"{url}/health/ready")[0] == 200

        eventually(f"server {number}", ready)
        return {"url": url, "address": ("127.0.0.1", port), "metrics": f"127.0.0.1:{metrics}"}

    def start_prometheus(self):
        class Exporters(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(EXPORTERS.encode())

            def log_message(self, *_):
                pass

        exporters = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exporters)
        threading.Thread(target=exporters.serve_forever, daemon=True).start()
        self.callback(exporters.server_close)
        self.callback(exporters.shutdown)
        pods = [
            {"targets": [server["metrics"]], "labels": {"namespace": "chat", "pod": f"chat-backend-{n}", "app": "chat-backend"}}
            for n, server in enumerate(self.servers)
        ]
        others = {"targets": [f"127.0.0.1:{exporters.server_port}"], "labels": {"namespace": "chat"}}
        # As in kustomize/monitoring, but for the pace: nobody waits a minute for a rule.
        rules = []
        for path in RULES:
            whole = yaml.safe_load(path.read_text())
            for group in whole["groups"]:
                group["interval"] = "1s"
            rules.append(self.folder / path.name)
            rules[-1].write_text(yaml.safe_dump(whole))
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(path) for path in rules],
            "scrape_configs": [{"job_name": "kubernetes-pods", "static_configs": pods}, {"job_name": "others", "static_configs": [others]}],
        }
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        port = free_port()
        self.run(
            "prometheus",
            f"--config.file={self.folder}/prometheus.yml",
            f"--storage.tsdb.path={self.folder}/tsdb",
            f"--web.listen-address=127.0.0.1:{port}",
        )
        url = f"http://127.0.0.1:{port}"

        def ready():
            with contextlib.suppress(OSError):
                return ask(f"{url}/-/ready")[0] == 200

        eventually("Prometheus", ready)
        return url

    def query(self, expr):
        """The series that an expression gives now."""
        url = f"{self.prometheus}/api/v1/query?{urllib.parse.urlencode({'query': expr})}"
        status, answer = ask(url)
        if status != 200:
            raise ValueError(f"{expr}: {answer}")
        return answer["data"]["result"]
