"""The gates, with figures made up for them, and the checklist, with a table of its own."""

import json
import os
import unittest

from pipeline import ROOT
from scripts import Script
from test_tools import serve


class Coverage(Script):
    def judge(self, kind, summary, code=0):
        return self.run_script("/usr/bin/env", "python3", str(ROOT / ".ci/coverage.py"), kind,
                               str(self.write("summary.json", summary)), code=code)

    def test_the_server(self):
        def of(covered, count):
            return {"data": [{"totals": {"lines": {"covered": covered, "count": count}, "functions": {"count": 1, "covered": 0}}}]}

        self.judge("server", of(999, 1000))
        self.judge("server", of(1, 1000), code=1)
        self.assertIn("nothing was measured", self.judge("server", of(0, 0), code=1))
        self.judge("server", {}, code=1)

    def test_the_page(self):
        self.judge("page", {"total": {"lines": {"covered": 99, "total": 100}}})
        self.judge("page", {"total": {"lines": {"covered": 1, "total": 100}}}, code=1)
        self.judge("whatever", {}, code=1)


class Performance(Script):
    def given(self, **rounds):
        """Rounds as criterion leaves them: before_1={"name": nanoseconds}."""
        for round, times in rounds.items():
            for number, (name, time) in enumerate(times.items()):
                folder = f"results/{round.replace('_', '-')}/group/{number}/new"
                self.write(f"{folder}/benchmark.json", {"full_id": name, "group_id": "group"})
                self.write(f"{folder}/estimates.json", {"median": {"point_estimate": time}, "mean": {"point_estimate": 1}})

    def judge(self, code):
        return self.run_script("/usr/bin/env", "python3", str(ROOT / ".ci/performance.py"), str(self.scratch / "results"), code=code)

    def test_as_fast_as_before(self):
        self.given(before_1={"a": 100, "b": 50}, after_1={"a": 104, "b": 49})
        self.assertIn("2 benchmarks", self.judge(0))

    def test_the_fastest_round_counts(self):
        self.given(before_1={"a": 100}, after_1={"a": 300}, before_2={"a": 120}, after_2={"a": 101})
        self.assertIn("1.01  a", self.judge(0))

    def test_one_that_is_slower(self):
        self.given(before_1={"a": 100, "b": 100, "c": 100, "d": 100}, after_1={"a": 131, "b": 95, "c": 95, "d": 95})
        self.assertIn("SLOWER: a takes 1.31", self.judge(1))

    def test_all_a_little_slower(self):
        self.given(before_1={"a": 100, "b": 100}, after_1={"a": 112, "b": 112})
        self.assertIn("all together", self.judge(1))

    def test_an_unsteady_machine_is_no_verdict(self):
        self.given(before_1={"a": 100, "baseline: a": 100}, after_1={"a": 150, "baseline: a": 150})
        self.assertIn("unsteady", self.judge(2))

    def test_a_baseline_is_not_judged(self):
        self.given(before_1={"a": 100, "baseline: a": 100}, after_1={"a": 100, "baseline: a": 115})
        self.judge(0)

    def test_new_ones_and_those_that_went(self):
        self.given(before_1={"a": 100, "old": 1}, after_1={"a": 100, "young": 1})
        said = self.judge(0)
        self.assertIn("new  young", said)
        self.assertIn("gone  old", said)

    def test_nothing_in_common_is_no_pass(self):
        self.given(before_1={"old": 1}, after_1={"young": 1})
        self.assertIn("nothing was compared", self.judge(1))
        self.run_script("/usr/bin/env", "python3", str(ROOT / ".ci/performance.py"), str(self.scratch / "nowhere"), code=1)


class Checklist(Script):
    TABLE = """
# A table.
before | works | run | true
before | read | confirm | Somebody read it.
deploy | stands | env | PLACE -- test "$PLACE" = here
after  | quiet | run | true
"""

    def check(self, phase, table=TABLE, code=0, **more):
        return self.run_script("checklist.sh", *([phase] if phase else []), code=code,
                               CHECKLIST=str(self.write("list.txt", table)), **more)

    def confirm(self, line):
        return {"CONFIRMED": str(self.write("confirmed.txt", line + "\n"))}

    def test_all_is_well(self):
        said = self.check("all", PLACE="here", **self.confirm("read | Ada | 2026-01-02"))
        self.assertIn("4 yes, 0 no, 0 open", said)
        self.assertIn("confirmed by Ada, 2026-01-02", said)

    def test_what_a_human_must_confirm_is_said_and_open(self):
        said = self.check("before", code=2)
        self.assertIn("CONFIRM: Somebody read it.", said)
        self.assertIn("1 yes, 0 no, 1 open", said)

    def test_half_a_confirmation_is_none(self):
        for line in ("read", "read | Ada", "read |  | 2026-01-02", "read | Ada | yesterday", "other | Ada | 2026-01-02"):
            self.check("before", code=2, **self.confirm(line))

    def test_a_confirmation_passes_no_command(self):
        table = "before | works | run | false\n"
        self.check("before", table, code=1, **self.confirm("works | Ada | 2026-01-02"))

    def test_a_no_outweighs_what_is_open(self):
        self.assertIn("NO    before works: false", self.check("all", self.TABLE.replace("run | true", "run | false", 1), code=1))

    def test_a_variable_that_is_missing_is_not_a_yes(self):
        self.assertIn("NOT RUN; set PLACE", self.check("deploy", code=2))
        self.check("deploy", code=1, PLACE="there")
        self.check("deploy", PLACE="here")

    def test_phases(self):
        self.assertIn("1 yes, 0 no, 0 open", self.check("after"))
        self.check("later", code=1)
        self.check("deploy", "before | works | run | true\n", code=1)

    def test_commands_fail_as_a_script_does(self):
        self.check("before", "before | works | run | false; true\n", code=1)

    def test_a_line_that_is_none_is_refused(self):
        for line in ("before | works | run |", "before | works", "soon | works | run | true", "before | works | try | true",
                     "before | works | env | true", "before || run | true"):
            self.check("before", line + "\n", code=1)

    def test_a_file_that_is_not_there_confirms_nothing(self):
        self.check("before", code=1, CONFIRMED=str(self.scratch / "nowhere"))

    def test_listing_runs_nothing(self):
        table = f"before | works | run | touch {self.scratch}/ran\n"
        self.assertIn("would run", self.check("before", table, code=2, SKIP="1"))
        self.assertFalse((self.scratch / "ran").exists())

    def test_the_table_has_the_agreed_items(self):
        said = self.run_script("checklist.sh", code=2, SKIP="1", **{name: "" for name in ("BASE", "OVERLAY", "PROMETHEUS_URL")})
        for item in ("all tests passing", "security scan completed", "performance benchmarks met", "documentation updated",
                     "database migrations tested", "Docker images built", "Kubernetes manifests applied", "secrets configured",
                     "health checks passing", "monitoring active", "smoke tests passing", "performance metrics normal",
                     "error rates acceptable", "user acceptance testing", "rollback plan ready", "documentation reviewed"):
            self.assertRegex(said, rf"\? +\w+ +{item}:")

    def test_each_command_of_the_table_is_there(self):
        table = (ROOT / ".ci/checklist.txt").read_text()
        named = {word for word in table.split() if word.startswith((".ci/", "docker/")) and not word.startswith(".ci/checklist.txt")}
        self.assertGreater(len(named), 5)
        self.assertEqual([path for path in sorted(named) if not os.access(ROOT / path, os.X_OK)], [])


class Cluster(Script):
    """The lines that a cluster answers."""

    def setUp(self):
        super().setUp()
        self.fakes("kubectl")
        self.given()

    def given(self, image="a@sha256:0", history=("x", "y"), secrets=("database-url", "redis-url", "jwt-secret")):
        one = {"history": [*history, image], "now": len(history) + 1}
        others = {name: one for name in ("chat-ingress",)}
        self.file = self.write("state.json", {
            "deployments": {"chat-backend": dict(one), "chat-frontend": dict(one), **others}, "stuck": False, "said": [],
            "namespaces": [], "secrets": {name: True for name in secrets}})

    def ask(self, what, code=0):
        return self.run_script("checklist-cluster.sh", what, "prod", code=code, FAKE_STATE=str(self.file))

    def test_it_stands(self):
        for what in ("applied", "secrets", "healthy", "revertible"):
            self.ask(what)
        self.assertEqual(set(json.loads(self.file.read_text())["namespaces"]), {"chat"})

    def test_it_does_not(self):
        self.given(image="a@sha256:bad")
        self.assertIn("0 of 3", self.ask("healthy", code=1))
        self.given(secrets=("database-url", "jwt-secret"))
        self.assertIn("no redis-url", self.ask("secrets", code=1))
        self.given(history=())
        self.ask("revertible", code=1)
        self.file.write_text(json.dumps({**json.loads(self.file.read_text()), "deployments": {}}))
        self.ask("applied", code=1)


class Prometheus(Script):
    def ask(self, what, answers, code=0):
        def answer(path, query, headers):
            found = [series for part, series in answers.items() if part in query["query"]]
            result = [{"metric": {"n": str(n)}, "value": [0, value]} for n, value in enumerate(found[0] if found else [])]
            return 200, json.dumps({"status": "success", "data": {"result": result}})

        return self.run_script("checklist-prometheus.sh", what, code=code, PROMETHEUS_URL=serve(self, answer))

    def test_scraped(self):
        self.ask("scraped", {"up": ["1", "1"]})
        self.ask("scraped", {"up": ["1", "0"]}, code=1)
        self.ask("scraped", {}, code=1)

    def test_fast(self):
        self.ask("fast", {"0.99": ["0.03"]})
        self.ask("fast", {"0.99": ["0.7"]}, code=1)
        self.ask("fast", {"0.99": ["NaN"]}, code=1)
        self.ask("fast", {}, code=1)

    def test_quiet(self):
        self.ask("quiet", {'alertname="Watchdog"': ["1"]})
        self.ask("quiet", {'alertname="Watchdog"': ["1"], 'alertname!="Watchdog"': ["1"]}, code=1)
        self.ask("quiet", {}, code=1)

    def test_a_prometheus_that_is_not_there(self):
        self.run_script("checklist-prometheus.sh", "quiet", code=1, PROMETHEUS_URL="http://127.0.0.1:9")

    def test_the_metrics_exist(self):
        page = (ROOT / "docs/reference/metrics.md").read_text()
        self.assertIn("message_delivery_time_seconds", page)


if __name__ == "__main__":
    unittest.main()
