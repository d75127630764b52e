"""Loses a PostgreSQL and the folder of files and gets them back, as docs/how-to/recover-from-disaster.md tells, and measures what that
costs: how much of what was acknowledged is gone (RPO), and for how long nobody can chat (RTO). Real programs throughout, on 127.0.0.1.

    restore.py BINARY [--seconds N] [--rate N]

Two disasters. The disks are lost while people write and send files: the base backup and the stream of its log bring the database back to
the end, and the copies bring back the files. And somebody deletes what he should not have: the same brings it back to the moment before."""

import argparse
import contextlib
import glob
import hashlib
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "alerts"))
from installation import Socket, ask, eventually, free_port  # noqa: E402

SECRET = "0123456789abcdef0123456789abcdef"


def check(right, what):
    if not right:
        raise AssertionError(what)


class Postgres:
    """A cluster, whoever serves it, and what is kept of it elsewhere."""

    def __init__(self, stack, folder):
        self.stack, self.folder = stack, folder
        debian = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
        self.bin = pathlib.Path(debian[-1] if debian else shutil.which("initdb")).resolve().parent
        # It refuses to run as root.
        self.as_postgres = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        self.port, self.server, self.streaming = free_port(), None, None
        self.data, self.kept = folder / "postgres", folder / "kept"
        self.kept.mkdir()
        (self.kept / "log").mkdir()
        for path in (folder, self.kept, self.kept / "log"):
            self.hand_over(path)

    def hand_over(self, path):
        if self.as_postgres:
            shutil.chown(path, "postgres")

    def run(self, program, *arguments, **more):
        command = [*self.as_postgres, self.bin / program, *arguments]
        return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, cwd="/", **more).stdout

    def begin(self, program, *arguments):
        with open(self.folder / f"{program}.log", "ab") as log:
            process = subprocess.Popen([str(part) for part in [*self.as_postgres, self.bin / program, *arguments]], stdout=log, stderr=log, cwd="/")
        self.stack.callback(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.terminate()
            process.wait(30)

    def sql(self, text, database="chat"):
        return self.run("psql", "-h", "127.0.0.1", "-p", self.port, "-U", "chat", "-d", database, "-XAtqc", text).strip()

    def create(self):
        self.run("initdb", "-D", self.data, "-U", "chat", "-A", "trust")
        with open(self.data / "postgresql.conf", "a") as settings:
            settings.write("wal_level = replica\nmax_wal_senders = 4\nsynchronous_commit = on\n")
        self.start()
        self.sql("CREATE DATABASE chat", "postgres")

    def start(self):
        self.server = self.begin("postgres", "-D", self.data, "-p", self.port, "-h", "127.0.0.1", "-k", "")

        def answers():
            with contextlib.suppress(subprocess.CalledProcessError):
                return self.sql("SELECT NOT pg_is_in_recovery()", "postgres") == "t"

        eventually("PostgreSQL", answers)

    def keep(self):
        """A base backup, and from now on its log as it is written."""
        where = ["-h", "127.0.0.1", "-p", self.port, "-U", "chat"]
        self.streaming = self.begin("pg_receivewal", *where, "-D", self.kept / "log", "--synchronous")
        eventually("the stream of the log", lambda: any((self.kept / "log").iterdir()))
        self.run("pg_basebackup", *where, "-D", self.kept / "base", "--checkpoint", "fast", "--wal-method", "none", "--no-manifest")

    def lose(self):
        """Its machine is gone, and the disk with it."""
        leader = int((self.data / "postmaster.pid").read_text().split()[0])
        children = subprocess.run(["pgrep", "-P", str(leader)], capture_output=True, text=True).stdout.split()
        for one in [leader, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        self.server.wait(30)
        shutil.rmtree(self.data)
        self.streaming.terminate()
        self.streaming.wait(30)

    def restore(self, until=None):
        """What is kept, up to its end or to a moment."""
        # The part that was being written is the newest.
        log = self.folder / "log"
        shutil.rmtree(log, ignore_errors=True)
        shutil.copytree(self.kept / "log", log)
        for part in log.glob("*.partial"):
            part.rename(part.with_suffix(""))
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(self.kept / "base", self.data)
        target = f"recovery_target_time = '{until}'\nrecovery_target_action = 'promote'\n" if until else ""
        with open(self.data / "postgresql.auto.conf", "a") as settings:
            settings.write(f"restore_command = 'cp {log}/%f %p'\n{target}")
        (self.data / "recovery.signal").touch()
        if self.as_postgres:
            subprocess.run(["chown", "-R", "postgres", str(self.data), str(log)], check=True)
        self.data.chmod(0o700)
        self.start()


class Files:
    """The folder of files, and its copies elsewhere: every second what is new, and nothing is taken away."""

    EVERY = 1

    def __init__(self, stack, folder):
        self.data, self.kept = folder / "server" / "files", folder / "kept-files"
        self.done = threading.Event()
        self.copier = threading.Thread(target=self.keep, daemon=True)
        stack.callback(self.stop)

    def keep(self):
        while not self.done.wait(self.EVERY):
            self.copy(self.data, self.kept)

    @staticmethod
    def copy(source, target):
        # A file has its name once it is whole, and is never changed then.
        for file in source.rglob("*"):
            place = target / file.relative_to(source)
            if file.is_file() and "#" not in file.name and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                part = place.with_name(f"{place.name}#")
                shutil.copyfile(file, part)
                part.rename(place)

    def stop(self):
        self.done.set()
        if self.copier.is_alive():
            self.copier.join(10)

    def lose(self):
        """Disk and copier go at the same moment; the round that is under way may still end."""
        self.stop()
        # At once, however busy it is.
        gone = self.data.with_name("gone")
        self.data.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def restore(self):
        self.copy(self.kept, self.data)


class Chat:
    """One server of it."""

    def __init__(self, stack, folder, binary, postgres):
        self.stack, self.folder, self.binary = stack, folder, binary
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "PORT": str(self.port),
            "CHAT_DATA_DIR": str(folder / "server"),
            "DATABASE_URL": f"postgres://chat@127.0.0.1:{postgres.port}/chat?sslmode=disable",
            "JWT_SECRET": SECRET,
            "CHAT_BCRYPT_COST": "4",
            "CHAT_RATE_LIMITS": "off",
        }

    def start(self):
        with open(self.folder / "server.log", "ab") as log:
            process = subprocess.Popen([self.binary, "serve"], env=self.settings, stdout=log, stderr=log)
        self.stack.callback(Postgres.end, process)
        self.wait()

    def is_ready(self):
        with contextlib.suppress(OSError):
            return ask(f"{self.url}/health/ready")[0] == 200

    def wait(self):
        eventually("the server", self.is_ready)

    def person(self, name):
        body = {"username": name, "email": f"{name}@example.com", "password": "correct horse battery"}
        status, answer = ask(f"{self.url}/auth/register", body)
        check(status == 201, answer)
        return answer["token"]

    def hello(self, token):
        """The epoch that a client is told."""
        socket = Socket(("127.0.0.1", self.port), token)
        epoch = socket.until("hello")["d"]["epoch"]
        socket.close()
        return epoch

    def resume(self, token, room, epoch, after):
        """How somebody is answered who was here before."""
        socket = Socket(("127.0.0.1", self.port), token)
        socket.until("ready")
        socket.send({"t": "resume", "ref": 1, "d": {"epoch": epoch, "rooms": [[room, "full", after]]}})
        answer = socket.until("room.subscribed")["d"]
        socket.close()
        return answer

    def picture(self, token):
        """The id of a picture like no other."""
        raw = b"\0" + os.urandom(3)
        part = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        head = part(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
        png = b"\x89PNG\r\n\x1a\n" + head + part(b"IDAT", zlib.compress(raw)) + part(b"IEND", b"")
        form = b'--form\r\ncontent-disposition: form-data; name="file"; filename="point.png"\r\ncontent-type: image/png\r\n\r\n' + png + b"\r\n--form--\r\n"
        headers = {"authorization": f"Bearer {token}", "content-type": "multipart/form-data; boundary=form"}
        with self.opened(urllib.request.Request(f"{self.url}/attachments", form, headers)) as answer:
            return json.load(answer)["id"]

    def bytes_of(self, token, file):
        """The sum of what a reader of a file gets, if anything."""
        request = urllib.request.Request(f"{self.url}/attachments/{file}", headers={"authorization": f"Bearer {token}"})
        with contextlib.suppress(OSError), self.opened(request) as answer:
            return hashlib.sha256(answer.read()).hexdigest()

    @staticmethod
    def opened(request):
        # Whatever stands in the environment, nobody else is asked.
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30)

    def stored(self, token, room):
        """The contents of all messages."""
        found, cursor = [], ""
        while cursor is not None:
            status, page = ask(f"{self.url}/messages?roomId={room}&limit=200{cursor and '&cursor=' + cursor}", token=token)
            check(status == 200, page)
            found += [message["content"] for message in page["messages"]]
            cursor = page["nextCursor"]
        return found


class Writers(threading.Thread):
    """Somebody writes, so many a second, with a picture now and then, and notes what was acknowledged when."""

    PICTURES = 10

    def __init__(self, chat, token, room, rate):
        super().__init__(daemon=True)
        self.chat, self.token, self.room, self.rate = chat, token, room, rate
        self.acked, self.pictures, self.done = [], [], threading.Event()

    def run(self):
        number = 0
        while not self.done.wait(1 / self.rate):
            number += 1
            body = {"roomId": self.room, "content": f"{uuid.uuid4()} {number}"}
            with contextlib.suppress(OSError, ValueError):
                if number % self.PICTURES == 0:
                    body["attachments"] = [self.chat.picture(self.token)]
                if ask(f"{self.chat.url}/messages", body, self.token)[0] == 201:
                    self.acked.append((time.time(), body["content"]))
                    for file in body.get("attachments", ()):
                        self.pictures.append((time.time(), file, self.chat.bytes_of(self.token, file)))

    def stop(self):
        self.done.set()
        self.join(40)
        return self.acked


def disk_lost(chat, postgres, files, options):
    """What was acknowledged, what of it is gone and from how long before, and the seconds without a chat."""
    token = chat.person("alice")
    _, room = ask(f"{chat.url}/rooms", {"name": "drill"}, token)
    epoch = chat.hello(token)
    postgres.keep()
    files.copier.start()
    writers = Writers(chat, token, room["id"], options.rate)
    writers.start()
    time.sleep(options.seconds)
    lost = time.time()
    files.lose()
    postgres.lose()
    files.restore()
    postgres.restore()
    chat.wait()
    back = time.time()
    acked = [one for one in writers.stop() if one[0] <= lost]
    pictures = [one for one in writers.pictures if one[0] <= lost]
    stored = set(chat.stored(token, room["id"]))
    gone = [at for at, content in acked if content not in stored]
    check(len(acked) > options.seconds * options.rate / 4, f"only {len(acked)} were acknowledged")
    check(pictures and all(content for _, _, content in pictures), "no picture could be read before")
    missing = [at for at, file, content in pictures if chat.bytes_of(token, file) != content]
    # One round of copies, and the time that it takes.
    check(all(lost - at < files.EVERY + 1 for at in missing), f"{len(missing)} of {len(pictures)} pictures are gone")
    # A server that ran all the while finds it out, tells everybody by 4105, and tells who comes.
    eventually("another epoch", lambda: chat.hello(token) != epoch, patience=15)
    check(chat.resume(token, room["id"], epoch, 3)["mode"] == "reset", "who was here before is not told to begin anew")
    status, _ = ask(f"{chat.url}/messages", {"roomId": room["id"], "content": "afterwards"}, token)
    check(status == 201, "nothing can be written afterwards")
    ago = lambda times: round(lost - min(times), 3) if times else 0
    return {
        "acknowledged": len(acked),
        "lost": len(gone),
        "rpoSeconds": ago(gone),
        "files": len(pictures),
        "filesLost": len(missing),
        "filesRpoSeconds": ago(missing),
        "rtoSeconds": round(back - lost, 1),
    }


def deleted(chat, postgres, files):
    """Back to the moment before somebody deleted what he should not have."""
    token = chat.person("bob")
    _, room = ask(f"{chat.url}/rooms", {"name": "dear"}, token)
    for number in range(20):
        check(ask(f"{chat.url}/messages", {"roomId": room["id"], "content": f"dear {number}"}, token)[0] == 201, "written")
    shutil.rmtree(postgres.kept / "base")
    shutil.rmtree(postgres.kept / "log")
    (postgres.kept / "log").mkdir()
    postgres.hand_over(postgres.kept / "log")
    postgres.keep()
    picture = chat.picture(token)
    body = {"roomId": room["id"], "content": "after the backup", "attachments": [picture]}
    check(ask(f"{chat.url}/messages", body, token)[0] == 201, "written")
    shown = chat.bytes_of(token, picture)
    check(shown, "the picture cannot be read")
    files.copy(files.data, files.kept)
    epoch = chat.hello(token)
    # A clock of the database's own: that is what the target is compared with.
    time.sleep(1.5)
    moment = postgres.sql("SELECT now()")
    time.sleep(1.5)
    postgres.sql(f"DELETE FROM messages WHERE room_id = '{room['id']}'")
    files.lose()
    # The target has to lie before something.
    postgres.sql("SELECT pg_switch_wal()")
    eventually("the log", lambda: len(list((postgres.kept / "log").glob("*[0-9A-F]"))) > 0)
    began = time.time()
    postgres.lose()
    files.restore()
    postgres.restore(until=moment)
    chat.wait()
    took = time.time() - began
    stored = chat.stored(token, room["id"])
    check(len(stored) == 21 and "after the backup" in stored, f"{len(stored)} of 21 are back")
    check(chat.bytes_of(token, picture) == shown, "the picture is not back")
    # A server that ran all the while finds it out, tells everybody by 4105, and tells who comes.
    eventually("another epoch", lambda: chat.hello(token) != epoch, patience=15)
    return {"messages": len(stored), "files": 1, "rtoSeconds": round(took, 1)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rate", type=float, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        postgres, files = Postgres(stack, folder), Files(stack, folder)
        try:
            postgres.create()
            chat = Chat(stack, folder, options.binary.resolve(), postgres)
            chat.start()
            print(json.dumps({"diskLost": disk_lost(chat, postgres, files, options), "deleted": deleted(chat, postgres, files)}, indent=2))
        except Exception as error:
            for log in sorted(folder.glob("*.log")):
                error.add_note(f"{log.name}: {log.read_text(errors='replace')[-1500:]}")
            raise


if __name__ == "__main__":
    main()
