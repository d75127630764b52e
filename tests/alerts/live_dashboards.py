"""Every query of every dashboard gives data, of real servers, while somebody uses them. Not one of the usual tests: it needs the
program, PostgreSQL, Redis and Prometheus; the suite `dashboards` runs it."""

import contextlib
import math
import os
import pathlib
import time
import unittest

from installation import Installation, Socket, ask, eventually
from promtool import ROOT
from test_metrics import dashboards

# What Grafana puts in.
FILLED = {"$__rate_interval": "30s", "$namespace": "chat"}
# Empty as long as all is well.
EMPTY = {'sum by (alertname, severity, namespace) (ALERTS{alertstate="firing", alertname!="Watchdog"})'}


def queries():
    """(dashboard, panel, expression) of all."""
    for name, board in dashboards().items():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield name, panel["title"], target["expr"]


class LiveDashboards(unittest.TestCase):
    maxDiff = None

    def person(self, name):
        body = {"username": name, "email": f"{name}@example.com", "password": "correct horse battery"}
        status, answer = ask(f"{self.here['url']}/auth/register", body)
        self.assertEqual(status, 201, answer)
        status, answer = ask(f"{self.here['url']}/auth/login", {key: body[key] for key in ("email", "password")})
        self.assertEqual(status, 200, answer)
        return answer["user"]["id"], answer["token"]

    @staticmethod
    def follow(server, token, room, after=None):
        client = Socket(server["address"], token)
        client.until("ready")
        client.send({"t": "room.subscribe", "ref": 1, "room": room["id"], "d": {} if after is None else {"after": after}})
        client.until("room.subscribed")
        return client

    def use(self):
        """What an hour of a small team has, in some seconds: talk, mistakes, a lost database."""
        (_, alice), (bob_id, bob) = self.person("alice"), self.person("bobby")
        status, room = ask(f"{self.here['url']}/rooms", {"name": "team", "members": [bob_id]}, alice)
        self.assertEqual(status, 201, room)
        reader = self.follow(self.there, bob, room)
        self.assertEqual(ask(f"{self.here['url']}/rooms/not-an-id", token=alice)[0], 400)
        self.assertEqual(ask(f"{self.here['url']}/rooms")[0], 401)
        for n in range(40):
            if n % 10 == 0:
                # Who was away for a moment, and is up to date but for what was said last.
                self.follow(self.here, bob, room, after=2 + max(n - 1, 0)).close()
            status, said = ask(f"{self.here['url']}/messages", {"roomId": room["id"], "content": f"{n}"}, alice)
            self.assertEqual(status, 201, said)
            self.assertEqual(reader.until("message.created")["d"]["content"], str(n))
            time.sleep(0.25)
        self.installation.stop_postgres()
        refused = lambda: ask(f"{self.here['url']}/rooms", token=alice)[0] == 503
        # For more than one look: a series that begins with all it will ever count has no rate.
        grows = lambda: self.installation.query('rate(http_requests_total{status="503"}[30s]) > 0')
        eventually("the database is missed", lambda: refused() and grows())
        self.installation.postgres = self.installation.begin_postgres()
        answered = lambda: ask(f"{self.here['url']}/rooms", token=alice)[0] == 200
        eventually("the database is back", answered)
        return reader

    def empty(self):
        """The queries that give nothing, or no number."""
        missing = []
        for board, panel, expr in queries():
            filled = expr
            for variable, value in FILLED.items():
                filled = filled.replace(variable, value)
            found = self.installation.query(filled)
            if expr not in EMPTY and all(math.isnan(float(series["value"][1])) for series in found):
                missing.append(f"{board}, {panel}: {expr}")
        return missing

    def test_every_query_gives_data(self):
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        with Installation(target / "debug/chat") as self.installation:
            self.here, self.there = self.installation.servers
            # What was counted before the first look has no rate.
            both = lambda: self.installation.query('sum(up{app="chat-backend"}) == 2')
            eventually("both servers are looked at", both)
            self.reader = self.use()
            self.addCleanup(self.reader.close)
            self.assertGreater(len(list(queries())), 100)
            missing = []

            def nothing_missing():
                missing[:] = self.empty()
                return not missing

            with contextlib.suppress(TimeoutError):
                eventually("every query gives data", nothing_missing, 15)
            self.assertEqual(missing, [])
            # And what is asked for in vain is found.
            self.assertEqual(self.installation.query("chat_nobody_counts_this"), [])


if __name__ == "__main__":
    unittest.main()
