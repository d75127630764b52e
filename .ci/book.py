"""book.py [--no-build] : the documents as a site, into target/book/html.

The pages are those of docs/, in the order of docs/README.md, with the runbooks and the decisions below their own lists.
A page that no list leads to is an error, and so is a link that leads nowhere. Links to the sources lead to REPOSITORY.
Needs mdbook on the path (.ci/tools.sh mdbook), unless --no-build is given."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
REPOSITORY = os.environ.get("REPOSITORY", "https://github.com/your-org/chat")
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
# What stands in backticks comes first, unless it is the title of a link, which begins before it.
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
                for _, below, page in entries(path, docs):
                    if page:
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


def page(path, pages, docs=DOCS):
    """A page's text, its links out of docs/ leading to the repository."""

    def lead(found):
        if found["code"]:
            return found[0]
        title, target = found[2], found[3]
        if "://" in target or target.startswith(("#", "mailto:")):
            return found[0]
        file, _, anchor = target.partition("#")
        place = pathlib.Path(os.path.normpath((docs / path).parent / file))
        if not place.exists():
            raise Wrong(f"{path}: {target} leads nowhere")
        if place.is_relative_to(docs) and (str(place.relative_to(docs)) in pages or place.suffix != ".md"):
            return found[0]
        kind = "tree" if place.is_dir() else "blob"
        to = f"{REPOSITORY}/{kind}/main/{place.relative_to(docs.parent)}" + (f"#{anchor}" if anchor else "")
        return f"[{title}]({to})"

    return outside_code((docs / path).read_text(), lambda line: CODE_OR_LINK.sub(lead, line))


def build(target, docs=DOCS):
    text, pages = summary(docs)
    shutil.rmtree(target, ignore_errors=True)
    for path in sorted(pages):
        file = target / "src" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page(path, pages, docs))
    (target / "src/SUMMARY.md").write_text(text)
    shutil.copy(docs / "book.toml", target / "book.toml")
    return pages


def main(words):
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "book"
    try:
        pages = build(target)
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
        print(f"{made}/index.html")


if __name__ == "__main__":
    main(sys.argv[1:])
