"""timing.py BINARY [SAMPLES] : whether time tells who has an account.

Starts a server of its own and asks it about addresses that have an account and about others, in random turns. The two
kinds of times are compared with Mann-Whitney's test (ranks: an outlier weighs no more than any other) and Welch's. |z|
above 4 fails: by chance that happens to one comparison in 16,000. So that the verdict means something, it is also told
which difference would have been noticed. Until that is a tenth of the work of a password's hash more samples are taken; if
it stays above, the machine is too restless, and that fails as well.
"""

import base64
import hashlib
import hmac
import http.client
import json
import math
import os
import random
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

PEOPLE = 20
PASSWORD = "correct horse battery"
NOTICED = 4.0
COST = "6"
# Times the samples that are asked for, at most.
BATCHES = 8


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, binary, folder):
        self.port = free_port()
        env = dict(os.environ, HOST="127.0.0.1", PORT=str(self.port), CHAT_DATA_DIR=folder, CHAT_RATE_LIMITS="off",
                   CHAT_BCRYPT_COST=COST, CHAT_MAIL="folder", CHAT_LOG="error")
        self.log = open(os.path.join(folder, "log"), "w")
        self.process = subprocess.Popen([binary, "serve"], env=env, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                self.ask("GET", "/health", None, {200})
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    sys.exit("timing: the server did not start")
                time.sleep(0.1)

    def ask(self, method, path, body, expected, token=None):
        """The answer, and the seconds that it took."""
        headers = {"content-type": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        text = json.dumps(body) if body is not None else None
        began = time.perf_counter()
        self.line.request(method, path, text, headers)
        answer = self.line.getresponse()
        content = answer.read()
        took = time.perf_counter() - began
        if answer.status not in expected:
            sys.exit(f"timing: {path} answered {answer.status}: {content.decode()}")
        return (json.loads(content) if content else None), took

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


def code(secret):
    """RFC 6238."""
    mac = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1)
    start = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[start:start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def mann_whitney(one, two):
    """z of the ranks; ties share theirs."""
    both = sorted([(value, 0) for value in one] + [(value, 1) for value in two])
    ranks, ties, at = 0.0, 0.0, 0
    while at < len(both):
        end = at
        while end < len(both) and both[end][0] == both[at][0]:
            end += 1
        shared = (at + 1 + end) / 2
        ranks += shared * sum(1 for _, kind in both[at:end] if kind == 0)
        ties += (end - at) ** 3 - (end - at)
        at = end
    n, m = len(one), len(two)
    total = n + m
    spread = math.sqrt(n * m / 12 * ((total + 1) - ties / (total * (total - 1))))
    return (ranks - n * (n + 1) / 2 - n * m / 2) / spread


def welch(one, two):
    spread = math.sqrt(statistics.variance(one) / len(one) + statistics.variance(two) / len(two))
    return (statistics.fmean(one) - statistics.fmean(two)) / spread


def noticeable(one, two):
    """The smallest shift of one kind that the test would notice."""
    low, high = 0.0, max(one) + max(two)
    middle = statistics.median(one) - statistics.median(two)
    level = [value - middle for value in one]
    for _ in range(40):
        shift = (low + high) / 2
        if mann_whitney([value + shift for value in level], two) > NOTICED:
            high = shift
        else:
            low = shift
    return high


def compare(name, samples, known, unknown, bound):
    """Times of both kinds, in random turns; the verdict."""
    times = ([], [])
    for batch in range(BATCHES):
        for n in range(-10 if batch == 0 else 0, samples):
            for kind in random.sample((0, 1), 2):
                took = (known, unknown)[kind](n % PEOPLE)
                if n >= 0:
                    times[kind].append(took)
        # On a restless machine more are needed. How they differ has no say in that.
        shift = noticeable(*times)
        if shift <= bound:
            break
    z, t = mann_whitney(*times), welch(*times)
    medians = [statistics.median(kind) * 1e6 for kind in times]
    told, blind = abs(z) > NOTICED, shift > bound
    verdict = "TELLS" if told else "BLIND" if blind else "ok"
    print(f"{name:<31} {len(times[0]):6} {medians[0]:9.0f} {medians[1]:9.0f} {z:7.2f} {t:7.2f} {shift * 1e6:9.0f} {verdict}", flush=True)
    return not (told or blind)


def self_test():
    """The judge is judged first: it must see a difference that is there, and none where there is none."""
    chance = random.Random(7)
    def noise(shift):
        return [chance.gauss(1 + shift, 0.1) for _ in range(400)]
    if abs(mann_whitney(noise(0), noise(0))) > NOTICED or mann_whitney(noise(0.05), noise(0)) < NOTICED:
        sys.exit("timing: the test itself is wrong")


def main():
    binary, samples = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 400
    self_test()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(binary, folder)
        try:
            tokens, hashing = [], []
            for n in range(PEOPLE):
                body = {"username": f"known-{n:02}", "email": f"known-{n:02}@example.com", "password": PASSWORD}
                answer, took = server.ask("POST", "/auth/register", body, {201})
                tokens.append(answer["token"])
                hashing.append(took)
            # Half of them ask for a code.
            for token in tokens[::2]:
                path = "/users/me/second-factor"
                answer, _ = server.ask("POST", path, {"password": PASSWORD}, {201}, token)
                server.ask("POST", f"{path}/confirm", {"code": code(answer["secret"])}, {200}, token)
            work = statistics.median(hashing)

            def login(kind):
                def ask(n):
                    body = {"email": f"{kind}-{n:02}@example.com", "password": "wrong-password"}
                    return server.ask("POST", "/auth/login", body, {401})[1]
                return ask

            def forgot(kind):
                def ask(n):
                    body = {"email": f"{kind}-{n:02}@example.com"}
                    return server.ask("POST", "/auth/forgot-password", body, {202})[1]
                return ask

            def afterwards(kind):
                # What is done for an account after the answer may hold up who asks next.
                def ask(n):
                    forgot(kind)(n)
                    return server.ask("GET", "/rooms", None, {200}, tokens[n])[1]
                return ask

            def resend(confirmed):
                # Both are refused: it answers for one's own address alone.
                def ask(n):
                    return server.ask("POST", "/auth/verify-email/resend", {}, {409}, tokens[n - n % 2 + confirmed])[1]
                return ask

            print(f"cost {COST}: a hash is {work * 1e6:.0f} us")
            print(f"{'median us':<31} {'each':>6} {'known':>9} {'unknown':>9} {'z':>7} {'t':>7} {'noticed':>9}")
            bound = work / 10
            verdicts = [
                compare("login", samples, login("known"), login("other"), bound),
                compare("forgot password", samples, forgot("known"), forgot("other"), bound),
                compare("a request after forgot password", samples, afterwards("known"), afterwards("other"), bound),
                compare("resend, with a code and without", samples, resend(0), resend(1), bound),
            ]
        finally:
            server.stop()
    if not all(verdicts):
        sys.exit(1)


if __name__ == "__main__":
    main()
