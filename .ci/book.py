"""book.py [--no-build] : the documents as a site, into target/book/html.

The pages are those of docs/, in the order of docs/README.md, with the runbooks and the decisions below their own lists, and
behind them those of both interfaces, which .ci/api_pages.py makes. A page that no list leads to is an error, and so is a link or
a picture that leads nowhere. Links to the sources lead to REPOSITORY. Needs PyYAML, and mdbook on the path unless --no-build is
given: .ci/site.sh brings both."""

import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

import api_pages

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
REPOSITORY = os.environ.get("REPOSITORY", "https://github.com/your-org/chat")
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
# What stands in backticks comes first, unless it is the title of a link, which begins before it.
PICTURE = re.compile(r"!\[[^\]]*\]\(([^()\s:]+)\)")
CODE_OR_LINK = re.compile(f"(?P<code>`[^`]*`)|{LINK.pattern}")


class Wrong(Exception):
    pass


def outside_code(text, change):
    """`text` with `change` made to each line that is no code."""
    lines, fenced = [], False
    for line in text.split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            line = change(line)
        lines.append(line)
    return "\n".join(lines)


def entries(page, docs=DOCS):
    """[(depth, title, path)] of the pages that the lists of a page lead to; headings have no path."""
    found = []
    folder = (docs / page).parent
    for line in (docs / page).read_text().split("\n"):
        if line.startswith("## "):
            found.append((0, line[3:], None))
        elif line.lstrip().startswith(("* [", "| ")) or (found and line.startswith("  ")):
            for title, target in LINK.findall(line):
                path = os.path.normpath(folder / target.partition("#")[0])
                if target.endswith(".md") and os.path.exists(path) and pathlib.Path(path).is_relative_to(docs):
                    name = title if title.startswith("`") else title[:1].upper() + title[1:]
                    found.append((1, name.replace("`", ""), str(pathlib.Path(path).relative_to(docs))))
    return found


def summary(docs=DOCS):
    """The text of SUMMARY.md, and the pages that it names."""
    lines, seen = ["# Summary", "", "[chat](README.md)"], {"README.md"}

    def add(depth, title, path):
        if path not in seen:
            seen.add(path)
            lines.append(f"{'  ' * depth}- [{title}]({path})")
            if pathlib.Path(path).name == "README.md":
                # Of its own folder alone: what else it leads to has its place elsewhere.
                for _, below, page in entries(path, docs):
                    if page and pathlib.Path(page).parent == pathlib.Path(path).parent:
                        add(depth + 1, below, page)

    for _, title, path in entries("README.md", docs):
        if path is None:
            lines += ["", f"# {title}", ""]
        else:
            add(0, title, path)
    lost = sorted({str(one.relative_to(docs)) for one in docs.rglob("*.md")} - seen - {"adr/template.md"})
    if lost:
        raise Wrong(f"no list leads to {', '.join(lost)}")
    return "\n".join(line for n, line in enumerate(lines) if not heads_nothing(lines, n)) + "\n", seen


def heads_nothing(lines, n):
    """A heading below which there is no page."""
    following = next((line for line in lines[n + 1 :] if line), "# ")
    return n > 0 and lines[n].startswith("# ") and following.startswith("# ")


def page(path, pages, docs=DOCS, text=None):
    """A page's text, its links out of docs/ leading to the repository."""
    text = (docs / path).read_text() if text is None else text

    def lead(found):
        if found["code"]:
            return found[0]
        title, target = found[2], found[3]
        if "://" in target or target.startswith(("#", "mailto:")):
            return found[0]
        file, _, anchor = target.partition("#")
        place = pathlib.Path(os.path.normpath((docs / path).parent / file))
        if place.is_relative_to(docs) and str(place.relative_to(docs)) in pages:
            # mdBook makes index.html of README.md, and leaves links to it as they are.
            target = re.sub(r"(^|/)README[.]md", r"\1index.md", target)
            return f"[{title}]({target})"
        if not place.exists():
            raise Wrong(f"{path}: {target} leads nowhere")
        if place.is_relative_to(docs) and place.suffix != ".md":
            return found[0]
        kind = "tree" if place.is_dir() else "blob"
        to = f"{REPOSITORY}/{kind}/main/{place.relative_to(docs.parent)}" + (f"#{anchor}" if anchor else "")
        return f"[{title}]({to})"

    return outside_code(text, lambda line: CODE_OR_LINK.sub(lead, line))


def pictures(path, text, docs=DOCS):
    """The files that a page shows, by their places below docs/."""
    found = set()
    for target in PICTURE.findall(text):
        place = os.path.normpath(pathlib.Path(path).parent / target)
        if not (docs / place).is_file():
            raise Wrong(f"{path}: there is no picture {target}")
        found.add(place)
    return found


def interfaces(made):
    """The part of SUMMARY.md of pages that are made, {path: (title, text)}; one in a folder stands below the page of its name."""
    tops = {path.removesuffix(".md") for path in made}
    rows = [f"{'  ' * (str(pathlib.Path(path).parent) in tops)}- [{title}]({path})" for path, (title, _) in made.items()]
    return "\n".join(["# Interfaces", "", *rows, ""]) if rows else ""


def build(target, docs=DOCS, made=None):
    text, pages = summary(docs)
    made = made or {}
    text += interfaces(made)
    pages |= set(made)
    shutil.rmtree(target, ignore_errors=True)
    shown = set()
    for path in sorted(pages):
        file = target / "src" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = page(path, pages, docs, made[path][1] if path in made else None)
        file.write_text(whole)
        shown |= pictures(path, whole, docs) if path not in made else set()
    lost = sorted({str(one.relative_to(docs)) for one in docs.rglob("*.png")} - shown)
    if lost:
        raise Wrong(f"no page shows {', '.join(lost)}")
    for one in shown:
        place = target / "src" / one
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(docs / one, place)
    (target / "src/SUMMARY.md").write_text(text)
    shutil.copy(docs / "book.toml", target / "book.toml")
    return pages


class Html(html.parser.HTMLParser):
    """What a page has, and what it leads to."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.targets = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids.add(given.get("id"))
        target = given.get({"a": "href", "img": "src", "script": "src", "link": "href"}.get(tag, ""))
        if target and not re.match("[a-z]+:", target):
            self.targets.append(urllib.parse.unquote(target))


def broken(made):
    """Links of the site itself that lead nowhere."""
    # All pages once more, for printing; and what stands beside every page.
    files = [one for one in made.rglob("*.html") if one.name not in ("print.html", "404.html", "toc.html")]
    found = {one: Html(one.read_text()) for one in files}
    for one, here in found.items():
        for target in here.targets:
            path, _, anchor = target.partition("#")
            place = pathlib.Path(os.path.normpath(one.parent / path)) if path else one
            place = place / "index.html" if place.is_dir() else place
            if not place.is_file() or (anchor and place in found and anchor not in found[place].ids):
                yield f"{one.relative_to(made)}: {target}"


def main(words):
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "book"
    try:
        pages = build(target, made=api_pages.pages())
    except Wrong as wrong:
        sys.exit(f"book.py: {wrong}")
    print(f"{len(pages)} pages in {target}/src")
    if words != ["--no-build"]:
        subprocess.run(["mdbook", "build", str(target)], check=True)
        # Whatever mdBook made of each page: it is there.
        made = target / "html"
        lost = [one for one in pages if not (made / one.replace("README.md", "index.md").replace(".md", ".html")).is_file()]
        if lost:
            sys.exit(f"book.py: mdBook made nothing of {', '.join(lost)}")
        nowhere = list(broken(made))
        if nowhere:
            sys.exit("book.py: these lead nowhere:\n" + "\n".join(nowhere))
        print(f"{made}/index.html")


if __name__ == "__main__":
    main(sys.argv[1:])
