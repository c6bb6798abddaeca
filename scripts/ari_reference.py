"""Writes docs/protocol/reference.md, every method and every record, from aribusd's OpenRPC and JSON Schema."""
import re

INTRO = """# Reference

This page lists every method and every record. `scripts/generate-ari docs` writes it from [openrpc.json](openrpc.json) (the
result of `rpc.discover`) and [records.schema.json](records.schema.json); the notifications are in
[asyncapi.json](asyncapi.json). [protocol.md](../protocol.md) explains the protocol. Names, types and versions are those
that Asterisk declares; "since" gives the first version of each branch, "later than" a version that lacks it.

A number in a description, such as 409, is the HTTP status with which Asterisk refuses the request (`status` of error -32000).

Every method that is sent to an Asterisk also takes these parameters:"""

ENVELOPE = """## Records

First the fields that every record has, then those of each type. Further fields are possible."""


def link(name):
    return f"[{name}](#{name.lower()}-model)"


def code(value):
    return f"`{value}`"


def ranged(schema):
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None and high is None:
        return ""
    return f", at most {high}" if low is None else f", at least {low}" if high is None else f", {low} to {high}"


def type_of(schema):
    """The type of a schema, as text."""
    if "$ref" in schema:
        return link(schema["$ref"].rsplit("/", 1)[1])
    if "const" in schema:
        return code(str(schema["const"]).lower() if isinstance(schema["const"], bool) else schema["const"])
    if "anyOf" in schema:  # declared values, and others
        return ", ".join(map(code, schema["anyOf"][0]["enum"])) + " or another " + schema["anyOf"][1]["type"]
    if "oneOf" in schema:
        one, other = schema["oneOf"]
        if other.get("items") == one:
            return type_of(one) + "; or an array of them"
        if other == {"type": "null"}:
            return code("null") + " or " + type_of(one)
        return type_of(one) + "; with `wait`: " + type_of(other)
    if "enum" in schema:
        return ", ".join(map(code, schema["enum"]))
    type_ = schema.get("type", "anything")
    if isinstance(type_, list):
        return " or ".join(type_)
    if type_ == "array":
        return "array of " + type_of(schema["items"])
    if schema.get("format") == "date-time":
        return "time"
    if type_ == "null":
        return code("null")
    if "properties" in schema:
        required = schema.get("required", [])
        members = (code(name) + ("" if name in required else " (optional)") + " " + type_of(value)
                   for name, value in schema["properties"].items())
        return "object: " + "; ".join(members)
    return type_ + ranged(schema)


def words(text):
    """A description as Markdown, with markup escaped outside of `backticks`."""
    pieces = text.split("`")
    for at in range(0, len(pieces), 2):
        pieces[at] = re.sub(r"[*|<]", lambda mark: "&lt;" if mark[0] == "<" else "\\" + mark[0], pieces[at])
    return "`".join(pieces)


def versions_of(facts):
    parts = []
    if facts.get("since"):
        parts.append("since " + ", ".join(facts["since"]))
    if facts.get("later_than"):
        parts.append(f"later than {facts['later_than']}")
    return parts


def rows_of(params):
    notes = [", ".join(versions_of(param.get("x-ari", {}))) for param in params]
    noted = any(notes)
    yield "| parameter | type | required | meaning |" + (" version |" if noted else "")
    yield "|---|---|---|---|" + ("---|" if noted else "")
    for param, note in zip(params, notes):
        yield (f"| `{param['name']}` | {type_of(param['schema'])} | {'yes' if param['required'] else ''} "
               f"| {words(param['description'])} |" + (f" {note} |" if noted else ""))


def method(described):
    facts = described.get("x-ari")
    yield f"### {described['name']}\n"
    yield words(described["description"]) + "\n"
    if facts:
        yield ", ".join([f"`{facts['method']} {facts['path']}`"] + versions_of(facts)) + ".\n"
    if "x-made-of" in described:
        made_of = (f"[{name}](#{name.replace('.', '').lower()})" for name in described["x-made-of"])
        yield "Uses " + ", ".join(made_of) + ".\n"
    params = [param for param in described["params"] if "$ref" not in param]
    if params:
        yield from rows_of(params)
        yield ""
    yield f"Result: {type_of(described['result']['schema'])}.\n"


def fields(schema):
    properties = {name: value for name, value in schema["properties"].items() if name != "type" or "const" not in value}
    if not properties:
        yield "No additional fields.\n"
        return
    yield "| field | type | always |"
    yield "|---|---|---|"
    for name, value in properties.items():
        yield f"| `{name}` | {type_of(value)} | {'yes' if name in schema.get('required', []) else ''} |"
    yield ""


def definition(heading, schema):
    yield f"### {heading}\n"
    versions = versions_of(schema.get("x-ari", {}))
    if versions:
        yield "Asterisk: " + ", ".join(versions) + ".\n"
    yield from fields(schema)


def groups_of(methods):
    """Methods by tag: first the shortcuts ("verbs"), then ARI's resources, then the daemon's own methods."""
    groups = {}
    for described in methods:
        groups.setdefault(described["tags"][0]["name"], []).append(described)
    order = {"verbs": 0, "daemon": 2}
    return sorted(groups.items(), key=lambda item: (order.get(item[0], 1), item[0]))


def heading_of(tag):
    return "shortcuts" if tag == "verbs" else tag


def errors(components):
    yield "## Errors\n"
    yield "| code | meaning | `data` |"
    yield "|---|---|---|"
    for error in sorted(components["errors"].values(), key=lambda error: -error["code"] % 100000):
        data = error.get("data", {}).get("properties", {})
        yield f"| {error['code']} | {error['message']} | {', '.join(map(code, data))} |"
    yield ""


def render(openrpc, records):
    """The text of reference.md."""
    definitions, groups = records["$defs"], groups_of(openrpc["methods"])
    events = {name: schema for name, schema in definitions.items()
              if "const" in schema["properties"].get("type", {})}
    models = {name: schema for name, schema in definitions.items() if name[0].isupper() and name not in events}
    models.update(openrpc["components"]["schemas"])
    out = [INTRO, "", *rows_of(openrpc["components"]["contentDescriptors"].values()), ""]
    out += [f"- [{heading_of(name)}](#{heading_of(name).lower()}): " + ", ".join(f"[{m['name'].split('.', 1)[-1] if name not in ('verbs', 'daemon') else m['name']}]"
            f"(#{m['name'].replace('.', '').lower()})" for m in methods) for name, methods in groups]
    out += ["- [Errors](#errors), [Records](#records), [Models](#models)", ""]
    for name, methods in groups:
        out += [f"## {heading_of(name)}", ""]
        for described in methods:
            out += method(described)
    out += errors(openrpc["components"])
    out += [ENVELOPE, ""]
    out += fields(definitions["envelope"])
    out += [", ".join(f"[{name}](#{name.replace('.', '').lower()})" for name in sorted(events)) + ".", ""]
    for name, schema in sorted(events.items()):
        out += definition(name, schema)
    out += ["### lost (notification)", ""]
    out += fields(definitions["lost"])
    out += ["## Models", "", "Types used in records and results.", ""]
    for name, schema in sorted(models.items()):
        out += definition(f"{name} (model)", schema)
    return "\n".join(out).rstrip("\n") + "\n"
