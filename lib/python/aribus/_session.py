"""The state of a client's commands and subscription, without input or output; both clients use it."""
from __future__ import annotations

import json
import os
import random
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ._request import REQUEST_BYTES, as_object, encoded, too_long, with_id
from ._subscription import Subscription
from .errors import AribusError, NotConnected, NotOwner, OutcomeUnknown, error_of

DEFAULT_PATH = "/run/aribus/aribus.sock"
QUEUED = 1000  # records queued for the program; the daemon's ring keeps further ones
READ_BYTES = 64 * 1024
GREETING_SECONDS = 10.0  # for the daemon to answer `hello` once it has accepted the connection
SILENT = "aribusd does not say who it is"
NOTIFICATIONS = ("event", "lost", "assigned", "released", "left")  # others must be requested, or are newer than this library
UNREADABLE = (-32700, -32600)  # errors about a line; they have no id if none was found in the line
MAX_LINE_BYTES = 128 * 1024 * 1024  # as in lib/client/connection.h


def socket_path(path: str | None) -> str:
    return path or os.environ.get("ARIBUS_SOCKET") or DEFAULT_PATH


def pauses() -> Any:
    """The delays before each attempt to connect, in seconds; endless."""
    pause = 0.1
    while True:
        yield pause * random.uniform(0.8, 1.0)
        pause = min(2 * pause, 1.0)


def nothing(*_: object) -> None:
    pass


class Call:
    """A command. `result` or `error` is set when it is `done`; then `on_done` is called.

    Raises InvalidParams for parameters that can't be sent.
    """

    def __init__(self, method: str, params: Mapping[str, Any] | None = None, on_done: Callable[[], None] = nothing,
                 internal: bool = False) -> None:
        given = with_id(method, as_object(params))
        self.method, self.on_done, self.internal = method, on_done, internal
        self.text = json.dumps(given, separators=(",", ":")) if internal else encoded(method, given)
        self.may_announce = method == "subscribe" and isinstance(given, dict) and "announce" not in given
        self.changes_subscription = method in ("subscribe", "unsubscribe")
        # A key makes repeats safe, and subscribing is idempotent.
        self.repeatable = self.changes_subscription or (isinstance(given, dict) and "key" in given)
        self.id = 0
        self.line = 0  # its line number on this connection; 0: not sent over it
        self.sent_to: str | None = None  # the run of the daemon that it was sent to
        self.done = False
        self.result: Any = None
        self.error: AribusError | None = None

    def finish(self, result: Any = None, error: AribusError | None = None) -> None:
        if not self.done:
            self.done, self.result, self.error = True, result, error
            self.on_done()


class Session:
    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES, queued: int = QUEUED) -> None:
        self.items: deque[tuple[dict[str, Any] | AribusError, str | None]] = deque()  # each with its cursor
        self.cursor: str | None = None  # of the item that was handed out last
        self.hello: dict[str, Any] | None = None  # the daemon's latest answer to `hello`
        self.ready = False  # connected, and the daemon has answered `hello`
        self.end: str | None = None  # why the daemon closes the connection, if that was its last message
        self._send: Callable[[bytes], None] = nothing
        self._max_line_bytes, self._queued = max_line_bytes, queued
        self._begun = bytearray()  # an incomplete line
        self._run = ""  # identifies the run of the daemon
        self._request_bytes = REQUEST_BYTES  # the daemon's maximum for a line
        self._number = 0  # the latest id
        self._lines = 0  # sent over this connection
        self._calls: dict[int, Call] = {}  # not answered yet, or (with a key) to be sent again
        self._subscription = Subscription(self._tell, self._own_call)
        self._told = False  # the program was told that there is no connection
        self._shut = False  # there will be no other connection

    def renew_with(self, renewal: Callable[[], dict[str, Any]]) -> None:
        """`renewal()` is added to the parameters of a subscription that is renewed."""
        self._subscription.renewal = renewal

    def start_anew(self) -> None:
        """The subscription is renewed without `since`, and items that were not handed out are dropped."""
        self.items = deque(one for one in self.items if isinstance(one[0], AribusError))
        self._subscription.place = None

    @property
    def wants_more(self) -> bool:
        """Whether to read from the socket: records that the program does not take stay in the daemon's ring."""
        return (len(self.items) < self._queued or self._subscription.has_waiting
                or any(c.internal or not c.done for c in self._calls.values()))

    # The connection.

    def opened(self, send: Callable[[bytes], None]) -> None:
        self._send, self._begun, self._lines, self.end, self._told = send, bytearray(), 0, None, False
        self._request_bytes = REQUEST_BYTES  # until this daemon's `hello` is known
        self._shut = False
        self._write(self._own_call("hello", {}))

    def closed(self, reason: str) -> None:
        """The connection has ended, or an attempt has failed."""
        self.ready, self._send = False, nothing
        expected = self._subscription.is_expected
        self._subscription.disconnected()
        for call in list(self._calls.values()):
            call.line = 0
            if call.changes_subscription or call.internal or call.done:
                del self._calls[call.id]
            elif not call.repeatable:
                self.give_up(call, reason)
        if not self._told and expected:
            self._tell({"type": "disconnected", "reason": reason})
        self._told = True

    def shut(self) -> None:
        """The client is closed: there will be no other connection."""
        self._told = self._shut = True
        for call in [*self._subscription.shut(), *self._calls.values()]:
            self.give_up(call, "the client was closed")
        self.closed("the client was closed")

    def received(self, data: bytes) -> None:
        """Handles received data. Raises ValueError if it is not aribusd's protocol: the connection must then be closed."""
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

    # Called by the program.

    def call(self, call: Call) -> None:
        if error := too_long(len(self._request(call)), self._request_bytes):
            call.finish(error=error)
        elif self._shut:
            self.give_up(call, "the client is closed")
        elif call.changes_subscription:
            self._subscription.ask(call)
            self._go_on()
        elif self.ready:
            self._write(call)
        elif call.repeatable:
            self._enroll(call)
        else:
            call.finish(error=NotConnected(f"not connected to aribusd: {call.method} was not sent"))

    def give_up(self, call: Call, reason: str) -> None:
        """Ends the call with an error. If it was sent it stays in `_calls`, so that its answer is not assigned to another."""
        self._subscription.forget(call)
        if not call.line:
            self._calls.pop(call.id, None)
        if call.sent_to is None:
            call.finish(error=NotConnected(f"{reason}: {call.method} was not sent"))
        else:
            call.finish(error=OutcomeUnknown(f"{reason}, before {call.method} was answered: its outcome is unknown"))

    def take(self) -> dict[str, Any]:
        """The next item. Required: `items` is not empty."""
        item, self.cursor = self.items.popleft()
        self._go_on()
        if isinstance(item, AribusError):
            raise item
        return item

    # Inside.

    def _tell(self, item: dict[str, Any] | AribusError) -> None:
        self.items.append((item, self._subscription.place))

    def _own_call(self, method: str, params: Any) -> Call:
        return Call(method, params, internal=True)

    def _go_on(self) -> None:
        """Sends the requests of the subscription."""
        while self.ready and (call := self._subscription.next_request(is_read=not self.items)):
            self._write(call)

    def _enroll(self, call: Call) -> None:
        if not call.id:
            self._number += 1
            call.id = self._number
        self._calls[call.id] = call

    def _request(self, call: Call) -> bytes:
        text = call.text
        if call.may_announce and "announce" in self._features():
            text = '{"announce":true' + ("," if text != "{}" else "") + text[1:]
        return f'{{"jsonrpc":"2.0","id":{call.id},"method":{json.dumps(call.method)},"params":{text}}}'.encode()

    def _features(self) -> list[Any]:
        features = (self.hello or {}).get("features")
        return features if isinstance(features, list) else []

    def _write(self, call: Call) -> None:
        self._enroll(call)
        line = self._request(call)
        if error := too_long(len(line), self._request_bytes):
            return self._finish(call, None, error)
        self._lines += 1
        call.line, call.sent_to = self._lines, self._run
        self._send(line + b"\n")

    def _line(self, line: bytearray) -> None:
        if not line.strip():
            return
        message = json.loads(line)
        self.end = None  # the connection did not end after that message
        if "method" in message:
            if message["method"] in NOTIFICATIONS:
                self._notified(message["method"], message["params"])
            return
        if message.get("id") is None and "error" in message:
            return self._stray(message["error"])
        call = self._calls.get(message.get("id"))
        if call is not None and call.line:
            self._finish(call, message.get("result"), error_of(message["error"]) if "error" in message else None)

    def _stray(self, error: dict[str, Any]) -> None:
        """An error without an id: about a line that the daemon could not read, or why it closes the connection."""
        data = error.get("data")
        line = data.get("line") if isinstance(data, dict) else None
        sent = [call for call in self._calls.values() if call.line]
        if line is None and error.get("code") in UNREADABLE and len(sent) == 1:
            line = sent[0].line  # from a daemon that does not report the line number
        for call in sent:
            if call.line == line:
                return self._finish(call, None, error_of(error))
        self.end = error.get("message")
        if error.get("code") == NotOwner.code:
            self._subscription.ended(error_of(error))

    def _finish(self, call: Call, result: Any, error: AribusError | None) -> None:
        """Ends a call that was answered."""
        del self._calls[call.id]
        call.line = 0
        if error is None and call.method == "subscribe" and not isinstance(result, dict):
            error = error_of(None)
        if call.internal and call.method == "hello":
            return self._greeted(result or {})
        if call is self._subscription.asked:
            self._subscription.answered(result, error)
        call.finish(result, error)
        self._go_on()

    def _notified(self, method: str, params: dict[str, Any]) -> None:
        place = self._subscription.place
        if len(self.items) >= 2 * self._queued:
            self._subscription.fell_behind()
        if not self._subscription.is_in_force or place is None:
            return
        tells_again = method == "assigned" and params["reason"] == "lost"  # in place of no record
        if method != "left" and not tells_again:
            self._subscription.place = f"{place.rpartition(':')[0]}:{params['to' if method == 'lost' else 'seq']}"
        self._tell(params if method == "event" else {"type": method, **params})

    def _greeted(self, hello: dict[str, Any]) -> None:
        # The daemon remembers idempotency keys only until it restarts.
        self._run, self.hello, self.ready = hello.get("started", ""), hello, True
        limits = hello.get("limits")
        limit = limits.get("request_bytes") if isinstance(limits, dict) else None
        self._request_bytes = limit if isinstance(limit, int) and limit > 0 else REQUEST_BYTES
        waiting = list(self._calls.values())
        self._go_on()
        for call in waiting:
            if call.sent_to is None or (call.sent_to == self._run and self._run != ""):
                self._write(call)
            else:
                self.give_up(call, "aribusd was restarted")
