#!/usr/bin/env python3
"""Makes the traces of each kind that the daemon's cost is measured with, from the recorded events.

Usage: traces.py KIND VERSION FILE. VERSION is that of the Asterisk whose events are in tests/data: 22 or 16.

plain     the recorded events, unchanged
names     all callers have names with quotes and accents, as those of a real telephone book
escapes   every text a telephone or a dialplan can choose has escapes of several kinds
layouts   no event is laid out like another one: the order of the members differs, and there are members that ARI does
          not declare
large     every sixteenth event has a variable of several KiB

The same arguments always make the same trace.
"""
import json
import pathlib
import random
import sys

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
VERSIONS = ("22", "16")
NAMES = ['José "Pepe" Núñez', 'Zoë O\'Neill', 'Łukasz "Lucky" Żak', 'Jürgen Müßig', '"Reception"', 'Bodø "N°1"',
         'Ana \\ Luís', '山田 "太郎"', 'Søren Å', 'René "☎" Faßbinder']
# A JSON string's inside: the shape of each escape, with what stands around it.
PIECES = [r'\"', r'\\', r'\/', r'\n', r'\t', r'\u00e9', r'\u0041', r'\ud83d\ude00', r'\u20ac', 'é', '€', '😀', ' ', 'x',
          'call', '42', ';', 'an ordinary piece of text']
EXTRA_VALUES = [lambda r: r.randrange(10**6), lambda r: r.random() * 100, lambda r: r.choice([True, False]), lambda r: None,
                lambda r: f"text {r.randrange(1000)}", lambda r: {"level": r.randrange(9), "of": {"depth": "two"}},
                lambda r: [r.randrange(100), "item", [None, {"deep": True}]]]
# What names objects, times and kinds of events stays as Asterisk sends it.
KEPT = {"type", "timestamp", "creationtime", "application", "asterisk_id", "id", "state", "bridge_type", "technology",
        "bridge_class", "media_uri", "target_uri", "playback", "channels", "format"}


def recorded(version):
    return [line.rstrip("\n") for line in (DATA / f"events-{version}.jsonl").open(encoding="utf-8")]


def written(event):
    """As Asterisk writes it: compact, with its characters as UTF-8."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def plain(lines, _):
    yield from lines


def names(lines, chance):
    given = {}
    for line in lines:
        event = json.loads(line)
        for channel in [event[it] for it in ("channel", "peer", "caller") if isinstance(event.get(it), dict)]:
            for party in "caller", "connected":
                it = channel.get(party, {})
                if it.get("number"):
                    it["name"] = given.setdefault((channel["id"], party), chance.choice(NAMES))
        yield written(event)


def with_escapes(value, chance, texts):
    if isinstance(value, dict):
        return {name: it if name in KEPT else with_escapes(it, chance, texts) for name, it in value.items()}
    if isinstance(value, list):
        return [with_escapes(it, chance, texts) for it in value]
    if not isinstance(value, str) or not value:
        return value
    pieces = [chance.choice(PIECES) for _ in range(chance.randrange(2, 6))]
    texts.append(json.dumps(value, ensure_ascii=False)[1:-1] + "".join(pieces))
    return f"\x7f{len(texts) - 1}\x7f"


def escapes(lines, chance):
    for line in lines:
        texts = []
        text = json.dumps(with_escapes(json.loads(line), chance, texts), separators=(",", ":"))
        parts = text.split(r"\u007f")
        yield "".join(part if i % 2 == 0 else texts[int(part)] for i, part in enumerate(parts))


def shuffled(value, chance):
    if isinstance(value, list):
        return [shuffled(it, chance) for it in value]
    if not isinstance(value, dict):
        return value
    members = [(name, shuffled(it, chance)) for name, it in value.items()]
    chance.shuffle(members)
    return dict(members)


def layouts(lines, chance):
    for i, line in enumerate(lines):
        event = json.loads(line)
        for _ in range(1 + chance.randrange(2)):
            event[f"x_{i}_{chance.randrange(1000)}"] = chance.choice(EXTRA_VALUES)(chance)
        yield written(shuffled(event, chance))


def large(lines, chance):
    words = ["agent", "queue=support", "\\", '"', "é", "0123456789", "the customer asked for a call back", ";", "{", "}"]
    text = " ".join(chance.choice(words) for _ in range(4000))
    for i, line in enumerate(lines):
        event = json.loads(line)
        if i % 16 == 0:
            begin, size = chance.randrange(8000), chance.choice([4096, 5000, 8192, 12000])
            variables = {"TRANSCRIPT": text[begin:begin + size], "SMALL": "x"}
            if "value" in event:
                event["value"] = variables["TRANSCRIPT"]
            elif isinstance(event.get("channel"), dict):
                event["channel"]["channelvars"] = variables
            else:
                event["details"] = variables
        yield written(event)


KINDS = {make.__name__: make for make in (plain, names, escapes, layouts, large)}


def write(kind, version, file):
    """Writes the trace, and returns its number of events."""
    chance = random.Random(f"{kind} {version}")
    lines = list(KINDS[kind](recorded(version), chance))
    pathlib.Path(file).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return len(lines)


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in KINDS or sys.argv[2] not in VERSIONS:
        sys.exit(__doc__)
    write(*sys.argv[1:])


if __name__ == "__main__":
    main()
