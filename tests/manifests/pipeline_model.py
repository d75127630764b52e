"""A model of Logstash, as far as the pipelines here use it: it runs their filters, as the parser understood
them, on an event. Written from Logstash's manual, not from a run: there is none here."""

import copy
import json
import re

from logstash_pipeline_parser import Pipeline


class Dropped(Exception):
    pass


def parsed(path):
    """{section: [plugins]} of a pipeline file; raises where its syntax is wrong."""
    return {name: body for name, body in Pipeline(path.read_text()).parse()}


def steps(reference):
    """`[a][b]` is two steps; `a.b` and `[a.b]` are one: the dot is a letter of the name."""
    return re.findall(r"\[([^\]]+)\]", reference) or [reference]


def get(event, reference):
    for step in steps(reference):
        if not isinstance(event, dict) or step not in event:
            return None
        event = event[step]
    return event


def put(event, reference, value):
    *way, last = steps(reference)
    for step in way:
        event = event.setdefault(step, {})
    event[last] = value


def remove(event, reference):
    *way, last = steps(reference)
    for step in way:
        event = event.get(step)
        if not isinstance(event, dict):
            return
    event.pop(last, None)


def filled(event, text):
    """`%{[a][b]}` is the field's value, or stays where there is none."""
    found = lambda match: str(get(event, match[1])) if get(event, match[1]) is not None else match[0]
    return re.sub(r"%\{([^}]+)\}", found, str(text))


def tag(event, names):
    event["tags"] = event.get("tags", []) + [name for name in names if name not in event.get("tags", [])]


def options(plugin):
    """{option: value}; a hash as a list of pairs, since that is how the parser gives it."""
    found = {}
    for name, values in plugin:
        value = values[0]
        if isinstance(value, list) and value and isinstance(value[0], list):
            value = [(key, inner[0]) for key, inner in value]
        found[name] = value
    return found


def common(event, wanted):
    """What every filter does after it succeeded."""
    for key, value in wanted.get("add_field", []):
        put(event, key, filled(event, value))
    for key in wanted.get("remove_field", []):
        remove(event, key)
    if "add_tag" in wanted:
        tag(event, wanted["add_tag"])


def mutate(event, wanted):
    unknown = set(wanted) - {"copy", "replace", "add_field", "remove_field", "add_tag"}
    if unknown:
        raise LookupError(f"the model does not know mutate {unknown}")
    for key, value in wanted.get("replace", []):
        put(event, key, filled(event, value))
    for source, target in wanted.get("copy", []):
        if get(event, source) is not None:
            put(event, target, copy.deepcopy(get(event, source)))
    common(event, wanted)


def parse_json(event, wanted):
    try:
        value = json.loads(get(event, wanted["source"]))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        tag(event, wanted["tag_on_failure"])
        return
    event.update(value)
    common(event, wanted)


def drop(_event, _wanted):
    raise Dropped


PLUGINS = {"mutate": mutate, "json": parse_json, "drop": drop}


def term(event, one):
    """What a word in a condition stands for."""
    return get(event, one) if isinstance(one, str) and one.startswith("[") else one


def holds(event, words):
    """A condition as the parser gives it."""
    if isinstance(words, str):
        return bool(get(event, words))
    if "and" in words:
        at = words.index("and")
        left, right = words[:at], words[at + 1 :]
        bare = lambda part: part[0] if len(part) == 1 else part
        return holds(event, bare(left)) and holds(event, bare(right))
    if len(words) == 1:
        return holds(event, words[0])
    if words[0] == "!":
        return not holds(event, words[1])
    left, operator, right = words
    value = term(event, left)
    if operator == "==":
        return value == term(event, right)
    if operator == "=~":
        return isinstance(value, str) and re.search(right, value) is not None
    if operator == "in":
        return value in right
    raise LookupError(f"the model does not know {operator}")


def block(body):
    """The plugins of a branch, which the parser wraps once more after a condition."""
    while body and isinstance(body[0][0], list):
        body = body[0]
    return body


def run(plugins, event):
    """The event after the filters; Dropped where one drops it."""
    decided = False
    for name, body in plugins:
        if name == "else":
            if not decided:
                run(block(body), event)
        elif name in ("if", "else if"):
            decided = decided and name == "else if"
            if not decided and holds(event, body[:-1]):
                decided = True
                run(block(body[-1]), event)
        else:
            PLUGINS[name](event, options(body))
    return event
