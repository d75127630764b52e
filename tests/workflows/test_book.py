"""The documents as a site: each page is in its list once, each link and picture is there, and both interfaces are in it whole."""

import importlib.util
import re
import sys
import unittest

from pipeline import ROOT
from scripts import Script

sys.path.insert(0, str(ROOT / ".ci"))
SPEC = importlib.util.spec_from_file_location("book", ROOT / ".ci/book.py")
book = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(book)
api_pages = book.api_pages
MDBOOK = f"""#!{sys.executable} -B
import pathlib, sys
made = pathlib.Path(sys.argv[2])
for page in (made / "src").rglob("*.md"):
    name = "index" if page.stem == "README" else page.stem
    html = made / "html" / page.relative_to(made / "src").with_name(name + ".html")
    html.parent.mkdir(parents=True, exist_ok=True)
    if page.stem not in sys.argv[0]:
        html.write_text("page")
"""


class Book(Script):
    def setUp(self):
        super().setUp()
        self.docs = self.scratch / "docs"
        self.write("docs/README.md", "# Docs\n\n## How\n\n* [first](how/first.md): it, and\n  [second](how/second.md)\n* [All](all/README.md)\n\n## Empty\n\nText.\n")
        self.write("docs/how/first.md", "[up](../README.md) [out](../../src/main.rs#L1) [`code`](second.md#a) `[no](nowhere.md)`\n```\n[no](nowhere.md)\n```\n")
        self.write("docs/how/second.md", "[w](https://example.com) [here](#a) ![p](picture.png)\n")
        self.write("docs/how/picture.png", "")
        self.write("docs/all/README.md", "## List\n\n| No. | |\n|---|---|\n| 1 | [One](one.md), as [the first](../how/first.md) |\n")
        self.write("docs/all/one.md", "One\n")
        self.write("docs/book.toml", "[book]\n")
        self.write("src/main.rs", "")

    def test_the_order_is_that_of_the_lists(self):
        text, pages = book.summary(self.docs)
        self.assertEqual(text, "# Summary\n\n[chat](README.md)\n\n# How\n\n- [First](how/first.md)\n- [Second](how/second.md)\n"
                               "- [All](all/README.md)\n  - [One](all/one.md)\n\n\n")
        self.assertEqual(len(pages), 5)

    def test_links_out_of_the_documents_lead_to_the_repository(self):
        pages = book.summary(self.docs)[1]
        text = book.page("how/first.md", pages, self.docs)
        self.assertIn(f"[out]({book.REPOSITORY}/blob/main/src/main.rs#L1)", text)
        # What mdBook makes of README.md is called index.html.
        for kept in ("[up](../index.md)", "[`code`](second.md#a)", "`[no](nowhere.md)`", "```\n[no](nowhere.md)\n```"):
            self.assertIn(kept, text)
        self.assertEqual(book.page("how/second.md", pages, self.docs), (self.docs / "how/second.md").read_text())

    def test_a_lost_page_and_a_broken_link_are_errors(self):
        self.write("docs/how/third.md", "Third\n")
        with self.assertRaisesRegex(book.Wrong, "no list leads to how/third.md"):
            book.build(self.scratch / "book", self.docs)
        (self.docs / "how/third.md").unlink()
        self.write("docs/all/one.md", "[gone](two.md)\n")
        with self.assertRaisesRegex(book.Wrong, "two.md leads nowhere"):
            book.build(self.scratch / "book", self.docs)

    def test_a_lost_picture_and_one_that_nobody_sees_are_errors(self):
        book.build(self.scratch / "book", self.docs)
        self.assertTrue((self.scratch / "book/src/how/picture.png").is_file())
        self.write("docs/all/unseen.png", "")
        with self.assertRaisesRegex(book.Wrong, "no page shows all/unseen.png"):
            book.build(self.scratch / "book", self.docs)
        (self.docs / "how/picture.png").unlink()
        with self.assertRaisesRegex(book.Wrong, "there is no picture picture.png"):
            book.build(self.scratch / "book", self.docs)

    def test_pages_that_are_made_stand_behind_the_others_and_their_links_are_looked_at(self):
        made = {"api.md": ("API", "[one](api/one.md) [first](how/first.md)"), "api/one.md": ("One", "[up](../api.md#a)")}
        pages = book.build(self.scratch / "book", self.docs, made)
        self.assertIn("# Interfaces\n\n- [API](api.md)\n  - [One](api/one.md)\n", (self.scratch / "book/src/SUMMARY.md").read_text())
        self.assertEqual(len(pages), 7)
        with self.assertRaisesRegex(book.Wrong, "api.md: two.md leads nowhere"):
            book.build(self.scratch / "book", self.docs, {"api.md": ("API", "[two](two.md)")})

    def test_both_interfaces_are_in_it_whole(self):
        pages = api_pages.pages()
        rest = "\n".join(text for path, (_, text) in pages.items() if path != api_pages.REALTIME)
        document = api_pages.load("openapi.yaml")
        operations = [one for path in document["paths"].values() for method, one in path.items() if method in api_pages.METHODS]
        self.assertGreater(len(operations), 50)
        self.assertEqual([one["operationId"] for one in operations if f"(`{one['operationId']}`)" not in rest], [])
        self.assertEqual([name for name in document["components"]["schemas"] if f"\n## {name}\n" not in rest], [])
        socket = pages[api_pages.REALTIME][1]
        frames = api_pages.load("asyncapi.yaml")["components"]
        self.assertEqual([name for part in ("messages", "schemas") for name in frames[part] if f"\n### {name}\n" not in socket], [])
        # Where a link of theirs leads, there is one heading.
        for path, (_, text) in pages.items():
            anchors = [api_pages.slug(line.lstrip("# ")) for line in text.split("\n") if line.startswith("#")]
            self.assertEqual(len(anchors), len(set(anchors)), path)
            self.assertEqual(set(re.findall(r"\(#([^)]*)\)", text)) - set(anchors), set(), path)
            for page, anchor in re.findall(r"\((schemas\.md|rest-api/[\w-]+\.md)#([^)]*)\)", text):
                place = path.rsplit("/", 1)[0] + "/" + page
                self.assertIn(anchor, {api_pages.slug(line.lstrip("# ")) for line in pages[place][1].split("\n")})

    def test_the_real_documents(self):
        target = self.scratch / "book"
        pages = book.build(target, made=api_pages.pages())
        named = re.findall(r"\]\((\S+\.md)\)", (target / "src/SUMMARY.md").read_text())
        self.assertEqual(sorted(named), sorted(pages))
        self.assertGreater(len(pages), 50)

    def run_book(self, code=0, tool="mdbook", page="page"):
        self.tool("mdbook", MDBOOK.replace("sys.argv[0]", repr(tool)).replace('"page"', repr(page)))
        return self.run_script(sys.executable, "-B", str(ROOT / ".ci/book.py"), code=code, CARGO_TARGET_DIR=str(self.scratch))

    def test_a_page_that_mdbook_leaves_out_is_noticed(self):
        self.assertIn("html/index.html", self.run_book())
        self.assertIn("made nothing of", self.run_book(code=1, tool="glossary"))

    def test_a_link_of_the_site_that_leads_nowhere_is_noticed(self):
        self.assertIn("index.html", self.run_book(page='<p id="a"><a href="#a">a</a><a href="https://example.com/no">b</a>'))
        for target in ("no.html", "#b"):
            self.assertIn("lead nowhere", self.run_book(code=1, page=f'<p id="a"><a href="{target}">a</a>'))


class UserGuide(unittest.TestCase):
    def test_what_it_quotes_is_what_the_page_says(self):
        said = "".join(file.read_text() for folder in ("app/src", "sdk/src") for file in sorted((ROOT / "web" / folder).rglob("*.ts*")))
        said = " ".join(said.split())
        pages = [*sorted((ROOT / "docs/guide").glob("*.md")), ROOT / "docs/how-to/see-to-your-account.md"]
        quotes = [(page.name, quote) for page in pages for quote in re.findall(r"(?<!\*)\*([^*\s][^*\n]*)\*(?!\*)", page.read_text())]
        self.assertGreater(len(quotes), 80)
        # What stands for something else is written as an ellipsis.
        parts = [(page, part.strip()) for page, quote in quotes for part in quote.split("…")]
        self.assertEqual([(page, part) for page, part in parts if part not in said], [])


class Proofs(unittest.TestCase):
    def test_every_proof_and_what_it_wants_is_explained(self):
        script, tutorials = ((ROOT / ".ci" / name).read_text() for name in ("prove.sh", "tutorials.sh"))
        proofs = re.findall(r"^ *prove ([\w-]+) ", script, re.M)
        wanted = set(re.findall(r"\$\{([A-Z_]+):-", script + tutorials))
        self.assertGreater(len(proofs), 10)
        self.assertLessEqual({"AUTOBAHN", "PROVE_KUBECONFIG", "TUTORIAL_KUBECONFIG"}, wanted)
        page = (ROOT / "CONTRIBUTING.md").read_text().split("### Proofs")[1].split("\n## ")[0]
        rows = [row.split(" | ") for row in page.split("\n") if row.startswith("| `")]
        self.assertEqual([name for row in rows for name in re.findall(r"`([\w-]+)`", row[0])], proofs)
        self.assertEqual(sorted(name for name in wanted if f"`{name}`" not in page), [])


if __name__ == "__main__":
    unittest.main()
