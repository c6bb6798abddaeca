"""Requests: their checks before they are sent, and the ids that the client generates."""
from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping
from typing import Any

from .errors import InvalidParams

# The daemon's limits for one line: docs/protocol.md, "Connections and lines" and "Requests and answers".
REQUEST_BYTES = 1024 * 1024  # unless `limits` in its hello says otherwise
MAX_DEPTH = 64
MAX_VALUES = 16_384  # values and member names
MAX_INTEGER = 10**308
ENVELOPE_VALUES = 8  # values and names of the request outside of `params`

# The id parameter of each method that creates an object.
CHOSEN_IDS = {
    "bridge": "bridgeId",
    "bridges.create": "bridgeId",
    "bridges.play": "playbackId",
    "channels.create": "channelId",
    "channels.externalMedia": "channelId",
    "channels.originate": "channelId",
    "channels.play": "playbackId",
    "channels.snoopChannel": "snoopId",
    "originate": "channelId",
    "play": "playbackId",
}


def new_id() -> str:
    """A unique id for an object that a command creates: "aribus-" and 16 hexadecimal digits.

    For programs that must know the id before the first record about the object: give it as the command's `channelId`,
    `bridgeId`, `playbackId` or `snoopId`.
    """
    return "aribus-" + secrets.token_hex(8)


def with_id(method: str, params: Any) -> Any:
    """`params` with an id for the object that the command creates, unless it has one, or a `key`: repeats must be equal."""
    name = CHOSEN_IDS.get(method)
    if name is None or not isinstance(params, dict) or name in params or "key" in params:
        return params
    return {**params, name: new_id()}


def encoded(method: str, params: Any) -> str:
    """`params` as JSON. Raises InvalidParams for values that JSON, UTF-8 or the daemon does not allow."""
    _Check(method).all(params)
    try:
        return json.dumps(params, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:  # member names that are not strings
        raise refusal("params", f"what JSON can carry is expected: {error}") from error


def too_long(size: int, limit: int) -> InvalidParams | None:
    if size <= limit:
        return None
    return refusal("params", f"a request of at most {limit} bytes is expected, not of {size}")


def refusal(parameter: str, what: str) -> InvalidParams:
    return InvalidParams(f"{parameter}: {what}; nothing was sent", {"parameter": parameter, "expected": what})


class _Check:
    """Checks every value before it is encoded."""

    def __init__(self, method: Any) -> None:
        self._parameter = "method"
        self._values = ENVELOPE_VALUES
        self._inside(method, 2)
        self._parameter = "params"

    def all(self, params: Any) -> None:
        self._count()
        if not isinstance(params, dict):
            return self._inside(params, 2)
        for name, value in params.items():
            self._parameter = "params"
            self._name(name)
            self._parameter = str(name)
            self._value(value, 3)

    def _value(self, value: Any, depth: int) -> None:
        self._count()
        self._inside(value, depth)

    def _inside(self, value: Any, depth: int) -> None:
        if isinstance(value, str):
            self._text(value)
        elif isinstance(value, (dict, list, tuple)):
            if depth > MAX_DEPTH:
                self._refuse(f"a request nested at most {MAX_DEPTH} levels deep is expected (what contains itself has no end)")
            if isinstance(value, dict):
                for name, one in value.items():
                    self._name(name)
                    self._value(one, depth + 1)
            else:
                for one in value:
                    self._value(one, depth + 1)
        elif isinstance(value, int):
            if not -MAX_INTEGER < value < MAX_INTEGER:
                self._refuse("a number of at most 308 digits is expected")
        elif isinstance(value, float):
            if not math.isfinite(value):
                self._refuse(f"a number is expected, not {value}")
        elif value is not None:
            self._refuse(f"what JSON can carry is expected, not a value of type {type(value).__name__}")

    def _name(self, name: Any) -> None:
        self._count()
        if isinstance(name, str):
            self._text(name)

    def _text(self, text: str) -> None:
        try:
            text.encode()
        except UnicodeEncodeError:
            self._refuse(f"well-formed Unicode is expected, not {ascii(text)[:80]}: half of a surrogate pair stands "
                         "alone, as in texts that were no UTF-8")

    def _count(self) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            self._parameter = "params"
            self._refuse(f"a request of at most {MAX_VALUES} values and names is expected")

    def _refuse(self, what: str) -> None:
        name = self._parameter.encode(errors="backslashreplace").decode()
        raise refusal(name, what)


def as_object(params: Mapping[str, Any] | None) -> Any:
    """`params` with any Mapping converted to a dict."""
    if not params:
        return {}
    return dict(params) if isinstance(params, Mapping) else params
