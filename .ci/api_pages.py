"""The documents of both interfaces, openapi/openapi.yaml and openapi/asyncapi.yaml, as pages for .ci/book.py: one page for each
group of routes, one for what they are made of, one for the socket. Nothing in them is written by hand."""

import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
METHODS = ("get", "post", "put", "patch", "delete")
REST, SCHEMAS, REALTIME = "reference/rest-api.md", "reference/rest-api/schemas.md", "reference/realtime-api.md"


def load(name):
    return yaml.safe_load((ROOT / "openapi" / name).read_text())


def slug(text):
    """A heading's anchor, as mdBook and GitHub name it."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def cell(text):
    return " ".join(str(text).split()).replace("|", "\\|")


def table(head, rows):
    if not rows:
        return []
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return [*lines, *(f"| {' | '.join(cell(one) for one in row)} |" for row in rows), ""]


def shown(value):
    return ["```json", json.dumps(value, indent=2, ensure_ascii=False), "```", ""]


def kind(schema, where):
    """What a value is, in a few words. `where` leads to the schemas."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}]({where}#{slug(name)})"
    for many in ("oneOf", "anyOf"):
        if many in schema:
            return " or ".join(kind(one, where) for one in schema[many])
    if "allOf" in schema:
        return " and ".join(kind(one, where) for one in schema["allOf"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(one)}`" for one in schema["enum"])
    if isinstance(schema.get("items"), list):
        return f"[{', '.join(kind(one, where) for one in schema['items'])}]"
    names = schema.get("type", "anything")
    names = names if isinstance(names, list) else [names]
    text = " or ".join(f"list of {kind(schema.get('items', {}), where)}" if one == "array" else one for one in names)
    if "format" in schema:
        text += f", {schema['format']}"
    return text + (" or null" if schema.get("nullable") else "")


BOUNDS = {
    "minLength": "at least {} characters", "maxLength": "at most {} characters", "minItems": "at least {}", "maxItems": "at most {}",
    "minimum": "{} or more", "maximum": "at most {}", "default": "{} when absent", "pattern": "`{}`",
}  # fmt: skip


def about(schema):
    """What is said of it, and its bounds."""
    told = [schema["description"]] if schema.get("description") else []
    bounds = [words.format(schema[name]) for name, words in BOUNDS.items() if name in schema]
    return " ".join([*told, f"({'; '.join(bounds)})" if bounds else ""]).strip()


def fields(schema, where, before=""):
    """A row for each member, those of inner objects below it."""
    rows = []
    for name, one in schema.get("properties", {}).items():
        needed = "yes" if name in schema.get("required", []) else ""
        rows.append((f"`{before}{name}`", kind(one, where), needed, about(one)))
        inner, mark = (one.get("items", {}), "[]") if one.get("type") == "array" else (one, "")
        if isinstance(inner, dict):
            rows += fields(inner, where, f"{before}{name}{mark}.")
    return rows


MEMBERS = ("Member", "Is", "Needed", "Means")
FORMATS = {"uuid": "01937f4e-5b1a-7c2d-9e3f-00000000000a", "date-time": "2026-11-21T15:52:00.123Z"}


def sample(schema, schemas):
    """Such a value, of the examples that its members carry."""
    if "$ref" in schema:
        return sample(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    for given in ("example", "default"):
        if given in schema:
            return schema[given]
    if "enum" in schema:
        return schema["enum"][0]
    if "properties" in schema:
        return {name: sample(one, schemas) for name, one in schema["properties"].items()}
    if schema.get("type") == "array":
        return [sample(schema["items"], schemas)] if "items" in schema else []
    plain = {"integer": 1, "number": 1.5, "boolean": True, "object": {}}
    return plain.get(schema.get("type"), FORMATS.get(schema.get("format"), "text"))


def credentials(operation):
    names = {name for one in operation.get("security", []) for name in one}
    if not names:
        return "none"
    said = {"bearerAuth": "an access token (`Authorization: Bearer …`)", "refreshCookie": "the page's cookie"}
    optional = {} in operation["security"]
    return " or ".join(said.get(name, f"`{name}`") for name in sorted(names)) + (", or none" if optional else "")


def operation_page(path, method, operation, where, schemas):
    lines = [f"## {operation['summary']}", "", f"`{method.upper()} {path}` (`{operation['operationId']}`)", ""]
    if operation.get("description"):
        lines += [operation["description"], ""]
    lines += [f"Credential: {credentials(operation)}.", ""]
    given = [
        (f"`{one['name']}`", one["in"], kind(one.get("schema", {}), where), "yes" if one.get("required") else "", " ".join([one.get("description", ""), about({**one.get("schema", {}), "description": ""})]).strip())
        for one in operation.get("parameters", [])
    ]
    lines += table(("Parameter", "In", "Is", "Needed", "Means"), given)
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content.get("schema", {})
        lines += [f"Body, `{media}`: {kind(schema, where)}", ""]
        lines += table(MEMBERS, fields(schema, where))
        lines += examples(media, content, schemas)
    answers, problems = [], []
    for status, answer in operation["responses"].items():
        content = answer.get("content", {})
        of = ", ".join(kind(one.get("schema", {}), where) for one in content.values())
        codes = [f"`{name}`" for one in content.values() for name in one.get("examples", {}) if "problem" in " ".join(content)]
        (problems if codes else answers).append((status, ", ".join(codes) or of, answer.get("description", "")))
    lines += table(("Answer", "Is", "Means"), answers)
    lines += table(("Error", "[Code](../errors.md)", "Means"), problems)
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            for media, content in answer.get("content", {}).items():
                shows = examples(media, content, schemas)
                lines += [f"An answer {status}:", "", *shows] if shows else []
    return lines


def examples(media, content, schemas):
    """Those of the document; where it has none, one made of what its schemas say."""
    if "example" in content:
        return shown(content["example"])
    if content.get("examples"):
        return [line for one in content["examples"].values() if "value" in one for line in shown(one["value"])]
    return shown(sample(content["schema"], schemas)) if media == "application/json" and "schema" in content else []


def rest(document):
    """{path: (title, text)}"""
    groups = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                groups[methods[method]["tags"][0]].append((path, method, methods[method]))
    pages, overview = {}, []
    for tag in document["tags"]:
        name = f"reference/rest-api/{slug(tag['name'])}.md"
        lines = [f"# {tag['name']}", "", tag["description"], ""]
        for path, method, operation in groups[tag["name"]]:
            lines += operation_page(path, method, operation, "schemas.md", document["components"]["schemas"])
            overview.append((f"`{method.upper()} {path}`", f"[{operation['summary']}](rest-api/{slug(tag['name'])}.md#{slug(operation['summary'])})"))
        if groups[tag["name"]]:
            pages[name] = (tag["name"], "\n".join(lines))
    schemas = ["# What bodies are made of", ""]
    for name, schema in sorted(document["components"]["schemas"].items()):
        schemas += [f"## {name}", "", about(schema) or kind(schema, ""), ""]
        schemas += table(MEMBERS, fields(schema, ""))
    pages[SCHEMAS] = ("What bodies are made of", "\n".join(schemas))
    info = document["info"]
    top = [
        f"# {info['title']} {info['version']}", "",
        "Written from `openapi/openapi.yaml`, which a running server has at `/openapi.json`, and to try out at `/docs/`.", "",
        f"[Errors](errors.md), [limits](rate-limits.md), [lists page by page](../how-to/paginate.md), [the socket]({pathlib.Path(REALTIME).name}).", "",
        *table(("Server", "Is"), [(f"`{one['url']}`", one["description"]) for one in document["servers"]]),
        *table(("Route", "Does"), overview),
    ]  # fmt: skip
    return {REST: ("REST API", "\n".join(top)), **pages}


def realtime(document):
    messages = document["components"]["messages"]
    info = document["info"]
    lines = [
        f"# {info['title']} {info['version']}", "",
        "Written from `openapi/asyncapi.yaml`, which a running server has at `/asyncapi.yaml`. The same told for people: [the realtime protocol](protocol.md).", "",
        info["description"], "", document["channels"]["ws"]["description"], "",
    ]  # fmt: skip
    named = lambda refs: [one["$ref"].rsplit("/", 1)[1] for one in refs]
    link = lambda name: f"[`{name}`](#{slug(name)})"
    for action, title in (("receive", "What a client sends"), ("send", "What a server sends")):
        rows = []
        for name, one in document["operations"].items():
            if one["action"] == action:
                answers = ", ".join(map(link, named(one.get("reply", {}).get("messages", []))))
                rows.append((", ".join(map(link, named(one["messages"]))), one.get("summary", ""), answers))
        lines += [f"## {title}", "", *table(("Frame", "Does", "Answer"), rows)]
    lines += ["## Frames", ""]
    for name, one in messages.items():
        lines += [f"### {name}", "", one.get("summary", ""), "", one.get("description", ""), ""]
        lines += table(MEMBERS, fields(one["payload"], ""))
        for example in one.get("examples", [])[:1]:
            lines += shown(example["payload"])
    lines += ["## What they are made of", ""]
    for name, schema in document["components"]["schemas"].items():
        lines += [f"### {name}", "", kind(schema, ""), "", about(schema), ""]
        lines += table(MEMBERS, fields(schema, ""))
    return {REALTIME: ("Realtime API", "\n".join(lines))}


def pages():
    """{path: (title, text)}, in their order."""
    return {**rest(load("openapi.yaml")), **realtime(load("asyncapi.yaml"))}


if __name__ == "__main__":
    for path, (title, text) in pages().items():
        print(f"{path}: {title}, {len(text)} characters")
