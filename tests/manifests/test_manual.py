"""What the pages tell a reader to type or to write fits the manifests."""

import pathlib
import re
import shutil
import tempfile
import unittest

import yaml
from rendering import KUSTOMIZE, OVERLAYS, ROOT, Rendered, overlay, render
from test_network import DATABASE, METADATA, pod, reaches
from test_references import SECRETS

SCANNER = {"space": "clamav", "labels": {"app": "clamd"}}
KUBERNETES = ROOT / "docs/how-to/run-on-kubernetes.md"


def commands(text, start):
    """The commands of a page that begin so, in a block or in a line: up to its end, or to the end of the code."""
    return re.findall(rf"\b({start}[^\n`]*)", text)


def cut_short(command):
    """With a selector kubectl shows the last ten lines of each pod, however many `--since` asks for."""
    return bool(re.search(r"\blogs\b.*\s(-l|--selector)\b", command)) and "--tail" not in command


def with_part(name, part):
    """An overlay with what a page wants added to its kustomization."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "kustomize"
        shutil.copytree(KUSTOMIZE, folder)
        file = folder / "overlays" / name / "kustomization.yaml"
        whole = yaml.safe_load(file.read_text())
        for key, more in part.items():
            whole[key] = whole.get(key, []) + more
        file.write_text(yaml.safe_dump(whole, sort_keys=False))
        return Rendered(f"{name} and more", render(file.parent))


class Manual(unittest.TestCase):
    def test_logs_of_many_pods_are_read_whole(self):
        pages = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "kustomize/README.md"]
        found = [(page.name, one) for page in pages for one in commands(page.read_text(), "kubectl ") if re.search(r"\blogs\b", one)]
        self.assertGreater(len([one for _, one in found if "--selector" in one]), 5)
        self.assertEqual([one for one in found if cut_short(one[1])], [])
        self.assertTrue(cut_short("kubectl --namespace chat logs --selector app=chat-backend --since 15m | grep no"))
        self.assertTrue(cut_short("kubectl logs -l app=chat-backend"))

    def test_each_way_to_make_the_secrets_gives_every_key(self):
        text, keys = KUBERNETES.read_text(), SECRETS["chat-secrets"]
        sealed = next(block for block in text.split("```yaml\n") if "kind: SealedSecret" in block)
        self.assertEqual(set(yaml.safe_load(sealed.split("```")[0])["spec"]["encryptedData"]), keys)
        by_hand = next(iter(commands(text, "kubectl --namespace chat create secret generic chat-secrets")))
        self.assertEqual(set(re.findall(r"--from-file=(\S+)", by_hand)), keys)

    def test_logging_is_turned_off_by_itself(self):
        """`down` stops the whole chat, whichever profile stands before it."""
        text = (ROOT / "docs/how-to/logs.md").read_text()
        off = [one for one in commands(text, "docker compose ") if re.search(r"\s(down|stop|rm)\b", one)]
        named = [set(re.split(r"\s(?:down|stop|rm)\b", one)[1].split()) - {"--stop", "--force"} for one in off]
        parts = yaml.safe_load((ROOT / "docker/compose.logging.yaml").read_text())["services"]
        self.assertEqual(named, [set(parts)])

    def test_a_scanner_is_reached_with_what_its_page_adds(self):
        text = (ROOT / "docs/how-to/store-files.md").read_text()
        part = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
        for name in OVERLAYS:
            before = overlay(name)
            self.assertFalse(reaches(before, pod(before, "backend"), SCANNER, 3310), name)
            after = with_part(name, part)
            backend = pod(after, "backend")
            self.assertTrue(reaches(after, backend, SCANNER, 3310), name)
            for other in (DATABASE, METADATA, {**SCANNER, "labels": {}}, {**SCANNER, "space": "default"}):
                self.assertFalse(reaches(after, backend, other, 3310), name)
            settings = next(one["data"] for one in after.of("ConfigMap") if "PORT" in one["data"])
            self.assertEqual(settings["CHAT_CLAMD_ADDRESS"], "clamd.clamav:3310")
            self.assertIn("PUBLIC_URL", settings)

    def test_whatever_compose_reads_from_the_environment_is_explained(self):
        files = [*(ROOT / "docker").glob("compose*.yaml"), ROOT / "docker/logging/filebeat/compose.yml"]
        read = {name for file in files for name in re.findall(r"\$\{([A-Z][A-Z0-9_]*)", file.read_text())}
        pages = "".join((ROOT / "docs/how-to" / name).read_text() for name in ("run-with-compose.md", "logs.md"))
        self.assertGreater(len(read), 40)
        self.assertEqual(sorted(name for name in read if f"`{name}`" not in pages), [])

    def test_commands_for_compose_name_what_there_is(self):
        files = [yaml.safe_load(file.read_text()) for file in (ROOT / "docker").glob("compose*.yaml")]
        there = {key: {name for file in files for name in file.get(key, {})} for key in ("services", "volumes", "networks")}
        text = (ROOT / "docs/how-to/run-with-compose.md").read_text()
        # Behind the verb and its options, the service.
        named = re.findall(r"docker compose -f \S+(?: --profile \w+)? (?:exec|run|stop)((?: -\S+)*) (\S+)", text)
        self.assertGreater(len(named), 6)
        self.assertEqual({service for _, service in named} - there["services"], set())
        self.assertEqual(set(re.findall(r"\bchat_(\w+)", text)) - there["volumes"] - there["networks"], set())

    def test_every_setting_that_may_stand_in_a_file_is_named(self):
        table = (ROOT / "src/settings/table.rs").read_text().split("IN_FILES: [&str; ")[1].split("];")[0]
        line = next(one for one in (ROOT / "docs/how-to/configure.md").read_text().split("\n") if "may stand in files" in one)
        self.assertEqual(set(re.findall(r"`([A-Z][A-Z0-9_]+)`", line)), set(re.findall(r'"(\w+)"', table)))
