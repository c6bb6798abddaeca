"""The client for programs that block: no thread, no loop; it reads while a call or the iteration waits."""
from __future__ import annotations

import math
import select
import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._session import MAX_LINE_BYTES, READ_BYTES, Call, Session, pauses, socket_path
from .errors import NotConnected, cannot_connect

if TYPE_CHECKING:
    from types import TracebackType

    from ._calls import BlockingCalls
    from .types import Item, SubscribeParams
else:
    BlockingCalls = object


def _hung_up(connected: socket.socket) -> bool:
    """Whether the daemon has closed the connection, be what it sent before read or not."""
    poll = select.poll()
    poll.register(connected, select.POLLRDHUP)
    return bool(poll.poll(0))


class Client(BlockingCalls):
    """A connection to aribusd, which is made again whenever it breaks. Not for several threads at a time.

    with aribus.blocking.Client() as client:
        client.subscribe({"types": ["StasisStart"]})
        for record in client:
            ...

    path: the daemon's socket; otherwise $ARIBUS_SOCKET, otherwise /run/aribus/aribus.sock.
    wait: for how many seconds to try for the first connection; 0: once. NotConnected says then why it failed.
    max_line_bytes: the longest line that is taken of aribusd; a longer one ends the connection. A recording has 4/3 of its
    bytes, and must have room.
    """

    def __init__(self, path: str | None = None, wait: float = 0.0, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._path, self._wait = socket_path(path), wait
        self._session = Session(max_line_bytes)
        self._socket: socket.socket | None = None
        self._open, self._why = False, ""
        self._pauses, self._next_attempt = pauses(), 0.0

    def __enter__(self) -> Client:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    def open(self) -> None:
        """Connects; what `with` does."""
        self._open = True
        until = time.monotonic() + self._wait
        while not self._reconnect(None):
            if time.monotonic() >= until:
                self._open = False
                raise NotConnected(self._why)
            self._sleep(until)

    def close(self) -> None:
        """Ends the connection, and the iteration."""
        self._open = False
        self._session.shut()
        self._disconnect()

    @property
    def cursor(self) -> str | None:
        """The place in the stream behind what was handed out last: `since` goes on there, in another process too."""
        return self._session.cursor

    if not TYPE_CHECKING:  # each method with its parameters and result: _calls.pyi

        def call(self, method: str, params: Mapping[str, Any] | None = None, timeout: float | None = None) -> Any:
            """Calls a method of the daemon and returns its result.

            timeout: in seconds; none: the daemon's own. Raises the exceptions of aribus.errors: NotConnected when
            nothing was sent, OutcomeUnknown when the connection broke or no answer came in time. With a `key` in
            `params` the command waits for a connection and is repeated, as long as that is safe.
            """
            return self._run(Call(method, params or {}), timeout)

    def subscribe(self, params: SubscribeParams | None = None) -> None:
        """Subscribes, instead of what was subscribed to before; waits for a connection if there is none.

        Then iterating gives first an item of type `subscribed`, with what the daemon answered, and the records.
        """
        self._run(Call("subscribe", params or {}), None)

    def next(self, timeout: float | None = None) -> Item | None:
        """The next item: a record, or one of type `subscribed`, `lost` or `disconnected`.

        timeout: in seconds; None is returned when none comes in time.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while not self._session.items:
            if not self._open:
                raise NotConnected("the client is closed")
            if not self._advance(until):
                return None
        return self._session.take()  # type: ignore[return-value]

    def __iter__(self) -> Client:
        return self

    def __next__(self) -> Item:
        if not self._open and not self._session.items:
            raise StopIteration
        item = self.next()
        assert item is not None
        return item

    def _run(self, call: Call, timeout: float | None) -> Any:
        until = None if timeout is None else time.monotonic() + timeout
        if self._socket and _hung_up(self._socket):
            while self._socket:
                self._read(None)
        if not self._session.ready and self._open and not call.repeatable:
            self._reconnect(min(until or math.inf, time.monotonic() + 1))
        self._session.call(call)
        try:
            while not call.done and self._open and self._advance(until):
                pass
        finally:
            if not call.done:
                self._session.give_up(call, f"no answer within {timeout:g} s" if timeout else "interrupted")
        if call.error:
            raise call.error
        return call.result

    def _advance(self, until: float | None) -> bool:
        """Connects or reads once. False when `until`, of time.monotonic(), has passed."""
        if self._socket is None:
            self._sleep(until)
            self._reconnect(until)
        else:
            self._read(until)
        return until is None or time.monotonic() < until

    def _sleep(self, until: float | None) -> None:
        """Until it is time for the next attempt."""
        pause = self._next_attempt - time.monotonic()
        if until is not None:
            pause = min(pause, until - time.monotonic())
        time.sleep(max(0.0, pause))

    def _reconnect(self, until: float | None) -> bool:
        """Connects and greets; whether there is a connection then."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(self._path)
        except OSError as error:
            self._lost(cannot_connect(self._path, error).message)
            return False
        self._session.opened(self._send)
        while self._socket and not self._session.ready and (until is None or time.monotonic() < until):
            self._read(until)
        return self._session.ready

    def _send(self, data: bytes) -> None:
        assert self._socket
        try:
            self._socket.settimeout(None)
            self._socket.sendall(data)
        except OSError:
            pass  # reading finds the same, behind what was received still

    def _read(self, until: float | None) -> None:
        """Reads once; returns when `until` has passed."""
        assert self._socket
        try:
            self._socket.settimeout(None if until is None else max(1e-6, until - time.monotonic()))
            data = self._socket.recv(READ_BYTES)
            if data:
                self._session.received(data)
            else:
                self._lost(self._session.end or "aribusd has closed the connection")
        except TimeoutError:
            pass
        except (OSError, ValueError) as error:
            self._lost(self._session.end or f"the connection to aribusd broke: {error}")

    def _lost(self, reason: str) -> None:
        if self._session.ready:
            self._pauses = pauses()
        self._next_attempt = time.monotonic() + next(self._pauses)
        self._why = reason
        self._session.closed(reason)
        self._disconnect()

    def _disconnect(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None
