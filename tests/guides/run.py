"""Runs what stands in guides, as their readers would: each page against a server of its own, its blocks of `sh` one after the
other in one shell, its programs under the names that stand beside their language. What a page shows below a block must be what
came: `text` to the letter, `json` in shape. A page that says where PostgreSQL and Redis are gets some, and starts its servers itself; one that
works on manifests gets a copy of them, and the cluster of KUBECONFIG.

    run.py BINARY PAGE..."""

import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

# Where a guide believes the server to be, or those that it starts, and their stores.
NAMED = "127.0.0.1:3000"
OWN = ("3001", "3002")
POSTGRES, REDIS = "127.0.0.1:5432", "127.0.0.1:6379"
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/drills"))
BLOCK = re.compile(r"^```(\w+)(?: +(\S+))?\n(.*?)^```$", re.M | re.S)
PATIENCE = int(os.environ.get("GUIDES_PATIENCE", "60"))


class Wrong(Exception):
    pass


def blocks(page):
    return [(kind, name, text) for kind, name, text in BLOCK.findall(page.read_text())]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def server(binary, folder):
    """A server as `make run` starts it, at a port of its own."""
    port = free_port()
    # Everybody comes from one address.
    settings = {"PORT": str(port), "CHAT_DATA_DIR": str(folder / "data"), "CHAT_BCRYPT_COST": "4"}
    with open(folder / "server.log", "wb") as log:
        process = subprocess.Popen([binary, "serve"], env=settings, stdout=log, stderr=log)
        try:
            end = time.monotonic() + PATIENCE
            while True:
                with contextlib.suppress(OSError):
                    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{port}/health/ready", timeout=5)
                    break
                if process.poll() is not None or time.monotonic() > end:
                    raise Wrong(f"the server does not come up: {(folder / 'server.log').read_text()[-1000:]}")
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
            process.wait(30)


def stores(stack, folder):
    """An empty PostgreSQL and a Redis: {where a guide has them: where they are}."""
    from restore import Postgres

    folder.chmod(0o755)
    (folder / "stores").mkdir()
    postgres = Postgres(stack, folder / "stores")
    postgres.create()
    port = free_port()
    redis = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(redis, stdout=subprocess.DEVNULL)
    stack.callback(process.wait, 30)
    stack.callback(process.terminate)
    return {POSTGRES: f"127.0.0.1:{postgres.port}", REDIS: f"127.0.0.1:{port}"}


@contextlib.contextmanager
def around(binary, folder, page):
    """What a page counts on: {its name there: its name here}."""
    text = page.read_text()
    with contextlib.ExitStack() as stack:
        if "kubectl apply" in text:
            shutil.copytree(ROOT / "kustomize", folder / "desk/kustomize")
            yield {}
        elif POSTGRES in text:
            names = stores(stack, folder)
            yield {**names, **{port: str(free_port()) for port in OWN}}
        else:
            port = stack.enter_context(server(binary, folder))
            yield {NAMED: f"127.0.0.1:{port}"}


def same_shape(shown, came, where="the answer"):
    """What is shown stands in what came, with the same types."""
    if isinstance(shown, dict):
        if not isinstance(came, dict):
            raise Wrong(f"{where} is {came!r}, and an object is shown")
        for name, value in shown.items():
            if name not in came:
                raise Wrong(f"{where} has no {name}")
            same_shape(value, came[name], f"{where}.{name}")
    elif isinstance(shown, list):
        if not isinstance(came, list) or (shown and not came):
            raise Wrong(f"{where} is {came!r}, and a list of something is shown")
        if shown:
            same_shape(shown[0], came[0], f"{where}[0]")
    elif type(shown) is not type(came):
        raise Wrong(f"{where} is {came!r}, and {shown!r} is shown")


def compare(kind, shown, came):
    if kind == "text" and came.strip() != shown.strip():
        raise Wrong(f"shown is\n{shown}\nand there came\n{came}")
    if kind == "json":
        same_shape(json.loads(shown), json.loads(came))


def finish(command, env):
    """(exit code, what it said of faults). What it left in the background ends with it."""
    said = tempfile.TemporaryFile()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True)
    try:
        process.wait(PATIENCE)
        said.seek(0)
        return process.returncode, said.read().decode(errors="replace")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def run(binary, page):
    """How many blocks were run, and how many answers compared."""
    ran = compared = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        desk = folder / "desk"
        desk.mkdir()
        with around(binary, folder, page) as names:
            script = ["set -euo pipefail", f"cd {shlex.quote(str(desk))}"]
            expected = []
            for kind, file, text in blocks(page):
                for named, real in names.items():
                    text = text.replace(named, real)
                if kind == "sh":
                    # Each block writes into a file of its own; what it sets stays.
                    script += [f"exec 3>&1 >{shlex.quote(str(folder))}/out-{ran}", text, "exec >&3 3>&-"]
                    ran += 1
                elif file:
                    (desk / file).write_text(text)
                elif kind in ("text", "json"):
                    if not ran:
                        raise Wrong("something is shown before anything was run")
                    expected.append((ran - 1, kind, text))
            node = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
            more = {"NODE_OPTIONS": "--experimental-websocket --no-warnings"} if node.startswith(("v20", "v21")) else {}
            # Where a reader has another program for it.
            more["PATH"] = f"{binary.parent}:{os.environ['PATH']}:{pathlib.Path(__file__).resolve().parent / 'stand-ins'}"
            more["GUIDES_PYTHON"] = sys.executable
            command = ["bash", "-c", "\n".join(script)]
            code, said = finish(command, {**os.environ, **more})
            if code != 0:
                logs = "".join(log.read_text(errors="replace")[-1000:] for log in sorted(desk.glob("*.log")))
                raise Wrong(f"a block ended with {code}: {said[-2000:]}{logs}")
            for place, kind, shown in expected:
                compare(kind, shown, (folder / f"out-{place}").read_text())
                compared += 1
    if not ran:
        raise Wrong("nothing in it can be run")
    return ran, compared


def main():
    binary, *pages = sys.argv[1:]
    wrong = 0
    for page in map(pathlib.Path, pages):
        try:
            ran, compared = run(pathlib.Path(binary).resolve(), page)
            print(f"{page}: {ran} blocks, {compared} answers compared")
        except (Wrong, subprocess.TimeoutExpired, ValueError) as error:
            wrong += 1
            print(f"{page}: {error}", file=sys.stderr)
    sys.exit(1 if wrong or not pages else 0)


if __name__ == "__main__":
    main()
