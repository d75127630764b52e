"""What Elasticsearch, Logstash and Kibana are given: the files in docker/logging. None of the four programs runs
here; this is what can be told without them."""

import json
import re
import unittest

import pipeline_model
import yaml
from rendering import ROOT, logging, template

FOLDER = ROOT / "docker/logging"
SETUP = FOLDER / "setup"
# What the server logs, and of which type. The server's own tests hold it to the same names.
KEYWORDS = """log.level log.logger log.origin.file.name ecs.version service.name service.version service.environment service.node.name
    event.dataset event.action event.outcome trace.id span.id http.request.id http.request.method url.path error.type
    user.id chat.room.id chat.session.id chat.conn.id""".split()
FIELDS = {
    **dict.fromkeys(KEYWORDS, "keyword"),
    "@timestamp": "date",
    "message": "match_only_text",
    "error.message": "match_only_text",
    "event.duration": "long",
    "log.origin.file.line": "integer",
    "http.response.status_code": "long",
    "chat.seq": "long",
    "chat.close_code": "integer",
}
# What the pipeline adds.
ADDED = {"tags": "keyword", **{f"data_stream.{name}": "constant_keyword" for name in ("type", "dataset", "namespace")}}


def load(name):
    return json.loads((SETUP / name).read_text())


def mapping(name):
    return load(f"component-{name}.json")["template"]["mappings"]


def types(name):
    return {field: one["type"] for field, one in mapping(name)["properties"].items()}


def objects(name):
    return [json.loads(line) for line in (SETUP / name).read_text().splitlines()]


def flat(thing, before=""):
    """{dotted name: value} of a document, as Elasticsearch takes it."""
    found = {}
    for key, value in thing.items():
        if isinstance(value, dict):
            found |= flat(value, f"{before}{key}.")
        else:
            found[before + key] = value
    return found


def named_fields(search):
    """The fields that a saved search shows, asks for or sorts by."""
    attributes = search["attributes"]
    source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
    bare = re.sub(r'"[^"]*"', "", source["query"]["query"])
    asked = re.findall(r"([@\w.]+)\s*(?::|>=|<=|>|<)", bare)
    return {*attributes["columns"], *asked, *(name for name, _ in attributes["sort"])}


class Templates(unittest.TestCase):
    def test_every_field_is_mapped_and_no_other(self):
        self.assertEqual(types("chat-fields"), FIELDS)
        self.assertEqual(types("chat-pipeline"), ADDED)
        for name in ("chat-fields", "chat-pipeline"):
            # What nobody named is kept in the document, and makes no field.
            self.assertIs(mapping(name)["dynamic"], False)

    def test_templates_lead_to_what_is_there(self):
        streams = set()
        for path in sorted(SETUP.glob("template-*.json")):
            one = load(path.name)
            self.assertEqual(one["composed_of"], ["chat-fields", "chat-pipeline"])
            self.assertEqual(one["data_stream"], {})
            # Elasticsearch brings one of 100 for all logs-*-*.
            self.assertGreater(one["priority"], 100)
            policy = one["template"]["settings"]["index.lifecycle.name"]
            self.assertTrue((SETUP / f"ilm-{policy}.json").exists(), policy)
            (pattern,) = one["index_patterns"]
            self.assertEqual(pattern, f"logs-{path.stem.removeprefix('template-').replace('-', '.')}-*")
            streams.add((pattern.removesuffix("*") + "default", policy))
        wanted = {("logs-chat.app-default", "chat-logs"), ("logs-chat.audit-default", "chat-audit"), ("logs-chat.dead-default", "chat-logs")}
        self.assertEqual(streams, wanted)

    def test_retention(self):
        for name, rollover, keep in (("chat-logs", "1d", "30d"), ("chat-audit", "30d", "365d")):
            phases = load(f"ilm-{name}.json")["policy"]["phases"]
            self.assertEqual(set(phases), {"hot", "warm", "delete"})
            self.assertEqual(phases["hot"]["actions"]["rollover"], {"max_age": rollover, "max_primary_shard_size": "50gb"})
            self.assertEqual((phases["warm"]["min_age"], phases["delete"]["min_age"]), ("7d", keep))
            self.assertIn("delete", phases["delete"]["actions"])

    def test_rights(self):
        writer = load("role-chat_writer.json")
        rights = [(one["names"], one["privileges"]) for one in writer["indices"]]
        # It adds: it cannot read, change or delete what is there.
        self.assertEqual(rights, [(["logs-chat.*-*"], ["create_doc", "auto_configure"])])
        self.assertEqual(writer["cluster"], ["monitor"])
        reads = {name: load(f"role-{name}.json")["indices"] for name in ("chat_reader", "chat_auditor")}
        for indices in reads.values():
            self.assertEqual([one["privileges"] for one in indices], [["read", "view_index_metadata"]])
        self.assertNotIn("audit", json.dumps(reads["chat_reader"]))
        self.assertEqual(reads["chat_auditor"][0]["names"], ["logs-chat.audit-*"])


class SavedObjects(unittest.TestCase):
    def test_searches_name_what_is_mapped(self):
        views = {one["id"]: one["attributes"] for one in objects("views.ndjson")}
        searches = objects("searches.ndjson")
        self.assertGreaterEqual(len(searches), 8)
        for one in searches:
            (reference,) = one["references"]
            self.assertIn(reference["id"], views)
            source = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
            self.assertEqual(source["indexRefName"], reference["name"])
            self.assertEqual(source["query"]["language"], "kuery")
            self.assertLessEqual(named_fields(one), {*FIELDS, *ADDED}, one["id"])
            self.assertTrue(one["attributes"]["description"])

    def test_a_field_that_is_not_mapped_is_found(self):
        one = objects("searches.ndjson")[0]
        one["attributes"]["columns"] = ["log.lvl"]
        self.assertFalse(named_fields(one) <= {*FIELDS, *ADDED})
        source = {"query": {"query": 'chat.rom.id : "a" and event.duration >= 5'}}
        one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"] = json.dumps(source)
        self.assertIn("chat.rom.id", named_fields(one))

    def test_views_have_indices(self):
        patterns = {load(path.name)["index_patterns"][0] for path in SETUP.glob("template-*.json")}
        views = objects("views.ndjson")
        self.assertEqual({one["attributes"]["title"] for one in views}, patterns)
        self.assertEqual({one["attributes"]["timeFieldName"] for one in views}, {"@timestamp"})
        every = [one["id"] for name in ("views.ndjson", "searches.ndjson") for one in objects(name) if one["type"] == "search"]
        self.assertEqual(len(every), len(set(every)))


class Pipelines(unittest.TestCase):
    """Their syntax by a parser of Logstash's language; what they do by a model of the filters they use."""

    @classmethod
    def setUpClass(cls):
        cls.chat = pipeline_model.parsed(FOLDER / "logstash/chat.conf")
        cls.dead = pipeline_model.parsed(FOLDER / "logstash/dead-letters.conf")

    def after(self, message, docker=None, **fields):
        event = {
            "@timestamp": "2026-01-01T00:00:00.000Z",
            "message": message,
            "fields": fields,
            "log": {"file": {"path": "/x"}, "offset": 1},
            "agent": {"name": "node"},
            "ecs": {"version": "8.0.0"},
            "host": {"name": "node", "ip": ["10.0.0.1"]},
            "kubernetes": {"labels": {"a": "b"}},
        }
        if docker:
            event["docker"] = {"attrs": {"tag": docker}}
        event = pipeline_model.run(self.chat["filter"], event)
        event.pop("@metadata", None)
        return flat(event)

    def test_syntax(self):
        for one in (self.chat, self.dead):
            self.assertEqual(list(one), ["input", "filter", "output"])
        with self.assertRaises(Exception):
            pipeline_model.Pipeline("filter { mutate { add_tag => } }").parse()

    def test_a_line_of_the_server(self):
        line = {name: "x" for name in KEYWORDS} | {"message": "said", "error.message": "why", "event.duration": 5}
        line |= {"@timestamp": "2026-02-02T00:00:00.123Z", "chat.seq": 1, "chat.close_code": 4000}
        line |= {"http.response.status_code": 200, "event.dataset": "chat.app"}
        found = self.after(json.dumps(line), service="chat", pod="chat-backend-1", environment="chat")
        stream = {"data_stream.type": "logs", "data_stream.dataset": "chat.app", "data_stream.namespace": "default"}
        self.assertEqual(found, line | stream)
        self.assertLessEqual(set(found), {*FIELDS, *ADDED})

    def test_what_is_no_json_is_kept(self):
        for line, tag in (
            ("[2026-01-01T00:00:00Z INFO chat] up", "plain_text"),
            ('172.16.0.1 - - "GET / HTTP/1.1" 200 {}', "plain_text"),
            ('{"message": "cut off', "not_parsed"),
            ("", "plain_text"),
            ("[1, 2]", "plain_text"),
        ):
            found = self.after(line, service="chat", pod="p", environment="chat")
            self.assertEqual((found["message"], found["tags"]), (line, [tag]))
            self.assertEqual((found["data_stream.dataset"], found["event.dataset"]), ("chat.app", "chat.app"))
            self.assertEqual((found["service.name"], found["service.node.name"]), ("chat", "p"))
            self.assertEqual(found["@timestamp"], "2026-01-01T00:00:00.000Z")
            self.assertLessEqual(set(found), {*FIELDS, *ADDED})

    def test_only_the_server_writes_to_the_audit(self):
        line = json.dumps({"event.dataset": "chat.audit", "message": "banned"})
        self.assertEqual(self.after(line, service="chat")["data_stream.dataset"], "chat.audit")
        other = self.after(line, service="chat-frontend")
        self.assertEqual((other["data_stream.dataset"], other["event.dataset"]), ("chat.app", "chat.app"))
        # What nginx writes is asked for by strangers: it stays text.
        self.assertEqual((other["message"], other["tags"]), (line, ["plain_text"]))
        sly = json.dumps({"event.dataset": "chat.audit", "@metadata": {"service": "chat"}})
        self.assertEqual(self.after(sly, service="chat-frontend")["data_stream.dataset"], "chat.app")
        sly = json.dumps({"data_stream": {"dataset": "chat.audit"}, "data_stream.type": "metrics", "message": "x"})
        self.assertEqual(self.after(sly, service="chat")["data_stream.dataset"], "chat.app")
        self.assertEqual(self.after(sly, service="chat")["data_stream.type"], "logs")

    def test_of_this_machine_only_ours_are_kept(self):
        compose = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())["services"]
        tags = {one["logging"]["options"]["tag"] for one in compose.values() if "tag" in one["logging"]["options"]}
        self.assertEqual(tags, {"chat", "chat-frontend"})
        for tag in tags:
            self.assertEqual(self.after("x", docker=tag, environment="compose")["service.name"], tag)
        for tag in ("postgres", None):
            with self.assertRaises(pipeline_model.Dropped):
                self.after("x", docker=tag, environment="compose")

    def test_what_is_refused_becomes_a_dead_letter(self):
        pipelines = {one["pipeline.id"]: one for one in yaml.safe_load((FOLDER / "logstash/pipelines.yml").read_text())}
        self.assertTrue(pipelines["chat"]["dead_letter_queue.enable"])
        self.assertEqual(pipelines["chat"]["queue.type"], "persisted")
        # Or it would go round for ever.
        self.assertFalse(pipelines["dead-letters"]["dead_letter_queue.enable"])
        (reader, body), *_ = self.dead["input"]
        self.assertEqual(reader, "dead_letter_queue")
        self.assertEqual(pipeline_model.options(body)["pipeline_id"], "chat")
        event = {"@timestamp": "t", "message": "{}", "error.message": "no number"}
        found = flat(pipeline_model.run(self.dead["filter"][1:], event))
        self.assertEqual(found["data_stream.dataset"], "chat.dead")
        self.assertLessEqual(set(found), {*FIELDS, *ADDED})

    def test_outputs_are_safe(self):
        for one in (self.chat, self.dead):
            ((name, body),) = one["output"]
            wanted = pipeline_model.options(body)
            self.assertEqual(name, "elasticsearch")
            self.assertEqual((wanted["ssl_enabled"], wanted["ssl_verification_mode"]), (True, "full"))
            self.assertEqual((wanted["password"], wanted["data_stream"]), ("${WRITER_WORD}", "true"))
            # Logstash does not start with others beside data_stream.
            others = {name for name in wanted if not name.startswith(("data_stream", "ssl_"))}
            self.assertEqual(others, {"hosts", "user", "password"})
        ((name, body),) = self.chat["input"]
        wanted = pipeline_model.options(body)
        self.assertEqual((name, wanted["port"], wanted["ssl_client_authentication"]), ("beats", 5044, "required"))


class Files(unittest.TestCase):
    def test_kubernetes_has_the_same_files(self):
        given = {}
        for one in logging().of("ConfigMap"):
            given |= one["data"]
        there = [path for path in FOLDER.rglob("*") if path.is_file() and path.name != "kustomization.yaml"]
        there = {path.name: path.read_text() for path in there}
        # The one for the machine that installs, and the one that Compose reads.
        for name in ("certificates.sh", "compose.yml"):
            there.pop(name)
        self.assertEqual(given, there)

    def test_settings_are_yaml(self):
        for name in ("elasticsearch/elasticsearch", "logstash/logstash", "kibana/kibana", "filebeat/filebeat", "filebeat/kubernetes"):
            self.assertIsInstance(yaml.safe_load((FOLDER / f"{name}.yml").read_text()), dict)
        settings = yaml.safe_load((FOLDER / "elasticsearch/elasticsearch.yml").read_text())
        self.assertTrue(settings["xpack.security.enabled"])
        for layer in ("http", "transport"):
            self.assertTrue(settings[f"xpack.security.{layer}.ssl"]["enabled"])

    def test_filebeat_looks_for_our_pods(self):
        (provider,) = yaml.safe_load((FOLDER / "filebeat/kubernetes.yml").read_text())["filebeat.autodiscover"]["providers"]
        named = {one["condition"]["equals"]["kubernetes.labels.app_kubernetes_io/name"] for one in provider["templates"]}
        self.assertEqual(named, {"chat-backend", "chat-frontend"})
        services = {one["config"][0]["fields"]["service"] for one in provider["templates"]}
        self.assertEqual(services, {"chat", "chat-frontend"})
        filebeat = template(logging().one("DaemonSet", "filebeat"))["spec"]["containers"][0]
        given = {one["name"] for one in filebeat["env"]}
        text = "".join((FOLDER / f"filebeat/{name}.yml").read_text() for name in ("filebeat", "kubernetes"))
        self.assertEqual(set(re.findall(r"\$\{([A-Z_]+)", text)), given)
        mounts = {one["mountPath"] for one in filebeat["volumeMounts"]}
        self.assertLessEqual({"/var/log/pods", "/var/lib/filebeat"}, mounts)
