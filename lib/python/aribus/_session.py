"""What a client knows of its commands and of the stream, without any input or output: both clients stand on it."""
from __future__ import annotations

import json
import os
import random
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from .errors import AribusError, NotConnected, OutcomeUnknown, error_of

DEFAULT_PATH = "/run/aribus/aribus.sock"
QUEUED = 1000  # records that wait for the program; the daemon's ring keeps what follows
READ_BYTES = 64 * 1024
MAX_LINE_BYTES = 128 * 1024 * 1024  # as in lib/client/connection.h


def socket_path(path: str | None) -> str:
    return path or os.environ.get("ARIBUS_SOCKET") or DEFAULT_PATH


def pauses() -> Any:
    """How long to wait before each attempt to connect, in seconds, for ever."""
    pause = 0.1
    while True:
        yield pause * random.uniform(0.8, 1.0)
        pause = min(2 * pause, 1.0)


def nothing(*_: object) -> None:
    pass


class Call:
    """A command. `result` or `error` is there when it is `done`; `on_done` is called then."""

    def __init__(self, method: str, params: Mapping[str, Any], on_done: Callable[[], None] = nothing) -> None:
        self.method, self.params, self.on_done = method, params, on_done
        self.text = json.dumps(params, separators=(",", ":"))
        self.internal = False
        # A key makes repeats safe, and a subscription is the same however often it is asked for.
        self.repeatable = "key" in params or method == "subscribe"
        self.id = 0
        self.sent_to: str | None = None  # the run of the daemon that has got it
        self.done = False
        self.result: Any = None
        self.error: AribusError | None = None

    def finish(self, result: Any = None, error: AribusError | None = None) -> None:
        self.done, self.result, self.error = True, result, error
        self.on_done()


class Session:
    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self.items: deque[tuple[dict[str, Any] | AribusError, str | None]] = deque()  # each with the cursor behind it
        self.cursor: str | None = None  # behind what was handed out last
        self.ready = False  # connected, and the daemon has said who it is
        self.end: str | None = None  # why the daemon ends the connection, if it said so
        self._send: Callable[[bytes], None] = nothing
        self._max_line_bytes = max_line_bytes
        self._begun = bytearray()  # a line that has not come to its end
        self._run = ""  # which run of the daemon it is
        self._number = 0
        self._calls: dict[int, Call] = {}
        self._subscription: Mapping[str, Any] | None = None  # in force
        self._place: str | None = None  # the cursor behind what came last
        self._behind = False  # more came than may wait: it is fetched again later
        self._told = False  # that there is no connection

    @property
    def wants_more(self) -> bool:
        """Whether to read: what the program does not take stays in the daemon's ring."""
        return len(self.items) < QUEUED or bool(self._calls)

    # The connection.

    def opened(self, send: Callable[[bytes], None]) -> None:
        self._send, self._begun, self.end, self._told = send, bytearray(), None, False
        self._write_own("hello", {})

    def closed(self, reason: str) -> None:
        """There is no connection, any more or yet."""
        self.ready, self._send = False, nothing
        for call in list(self._calls.values()):
            if call.internal or not call.repeatable:
                self.give_up(call, reason)
        if not self._told and self._subscribes():
            self.items.append(({"type": "disconnected", "reason": reason}, self._place))
        self._told = True

    def shut(self) -> None:
        """There will be no connection any more."""
        self._told = True
        self.closed("the client was closed")
        for call in list(self._calls.values()):
            self.give_up(call, "the client was closed")

    def received(self, data: bytes) -> None:
        """Takes what came. Raises ValueError when it is nothing that aribusd sends: then the connection is to be ended."""
        first, *others = data.split(b"\n")
        self._take(first)
        for part in others:
            line, self._begun = self._begun, bytearray()
            try:
                self._line(line)
            except (AttributeError, KeyError, TypeError, RecursionError) as error:
                raise ValueError("aribusd has sent something unexpected") from error
            self._take(part)

    def _take(self, part: bytes) -> None:
        if len(self._begun) + len(part) > self._max_line_bytes:
            self._begun = bytearray()
            raise ValueError(f"a line from aribusd is longer than {self._max_line_bytes} bytes")
        self._begun += part

    # What the program does.

    def call(self, call: Call) -> None:
        if not self.ready and not call.repeatable:
            call.finish(error=NotConnected(f"not connected to aribusd: {call.method} was not sent"))
        elif self.ready:
            self._write(call)
        else:
            self._enroll(call)

    def give_up(self, call: Call, reason: str) -> None:
        """Nobody waits for it any more."""
        self._calls.pop(call.id, None)
        if call.sent_to is None:
            call.finish(error=NotConnected(f"{reason}: {call.method} was not sent"))
        else:
            call.finish(error=OutcomeUnknown(f"{reason}, before {call.method} was answered: its outcome is unknown"))

    def take(self) -> dict[str, Any]:
        """The next item. Required: there is one."""
        item, cursor = self.items.popleft()
        self.cursor = cursor
        if self._behind and not self.items and self.ready:
            self._subscribe_again()
        if isinstance(item, AribusError):
            raise item
        return item

    # Inside.

    def _subscribes(self) -> bool:
        return self._subscription is not None or any(c.method == "subscribe" for c in self._calls.values())

    def _enroll(self, call: Call) -> None:
        self._number += 1
        call.id = self._number
        self._calls[call.id] = call

    def _write(self, call: Call) -> None:
        if not call.id:
            self._enroll(call)
        call.sent_to = self._run
        self._send(f'{{"jsonrpc":"2.0","id":{call.id},"method":{json.dumps(call.method)},"params":{call.text}}}\n'.encode())

    def _write_own(self, method: str, params: Mapping[str, Any]) -> None:
        call = Call(method, params)
        call.internal = True
        self._write(call)

    def _subscribe_again(self) -> None:
        self._write_own("subscribe", {**(self._subscription or {}), "since": self._place})

    def _line(self, line: bytearray) -> None:
        if not line.strip():
            return
        message = json.loads(line)
        method = message.get("method")
        if method in ("event", "lost"):
            return self._notified(method, message["params"])
        call = self._calls.get(message.get("id"))
        if call is None:
            if message.get("id") is None and "error" in message:
                self.end = message["error"].get("message")
            return
        error = error_of(message["error"]) if "error" in message else None
        if error is None and call.method == "subscribe" and not isinstance(message.get("result"), dict):
            error = error_of(None)
        del self._calls[call.id]
        if call.method == "hello":
            return self._greeted(message.get("result") or {})
        if call.method == "subscribe":
            self._subscribed(call, None if error else message.get("result"), error)
        elif call.method == "unsubscribe" and error is None:
            self._subscription = None
        call.finish(message.get("result"), error)

    def _notified(self, method: str, params: dict[str, Any]) -> None:
        if len(self.items) >= 2 * QUEUED:
            self._behind = True
        if self._behind or self._place is None:
            return
        stream = self._place.rpartition(":")[0]
        self._place = f"{stream}:{params['seq' if method == 'event' else 'to']}"
        self.items.append((params if method == "event" else {"type": "lost", **params}, self._place))

    def _greeted(self, hello: dict[str, Any]) -> None:
        # Keys are remembered by one run of the daemon alone.
        self._run, self.ready = hello.get("started", ""), True
        waiting = list(self._calls.values())
        if self._subscription is not None:
            self._subscribe_again()
        for call in waiting:
            same_run = call.sent_to is None or (call.sent_to == self._run and self._run != "")
            if not same_run and call.method != "subscribe":
                self.give_up(call, "aribusd was restarted")
            else:
                self._write(call)

    def _subscribed(self, call: Call, result: dict[str, Any] | None, error: AribusError | None) -> None:
        if result is None:
            if call.internal and error:  # nobody else is told
                self._subscription = None
                self.items.append((error, self._place))
            return
        caught_up = self._behind and call.internal and result.get("resumed")
        self._behind, self._place = False, str(result.get("cursor", ""))
        if not call.internal:
            self._subscription = {name: value for name, value in call.params.items() if name != "since"}
        if not caught_up:
            self.items.append(({"type": "subscribed", **result}, self._place))
