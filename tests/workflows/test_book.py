"""The documents as a site: each page is in its list once, and each link leads somewhere."""

import importlib.util
import re
import sys
import unittest

from pipeline import ROOT
from scripts import Script

SPEC = importlib.util.spec_from_file_location("book", ROOT / ".ci/book.py")
book = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(book)
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
        self.write("docs/all/README.md", "## List\n\n| No. | |\n|---|---|\n| 1 | [One](one.md) |\n")
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
        for kept in ("[up](../README.md)", "[`code`](second.md#a)", "`[no](nowhere.md)`", "```\n[no](nowhere.md)\n```"):
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

    def test_the_real_documents(self):
        target = self.scratch / "book"
        pages = book.build(target)
        named = re.findall(r"\]\((\S+\.md)\)", (target / "src/SUMMARY.md").read_text())
        self.assertEqual(sorted(named), sorted(pages))
        self.assertGreater(len(pages), 50)

    def run_book(self, code=0, tool="mdbook"):
        self.tool("mdbook", MDBOOK.replace("sys.argv[0]", repr(tool)))
        return self.run_script("/usr/bin/env", "python3", str(ROOT / ".ci/book.py"), code=code, CARGO_TARGET_DIR=str(self.scratch))

    def test_a_page_that_mdbook_leaves_out_is_noticed(self):
        self.assertIn("html/index.html", self.run_book())
        self.assertIn("made nothing of", self.run_book(code=1, tool="glossary"))


if __name__ == "__main__":
    unittest.main()
