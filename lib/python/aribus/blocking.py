"""The client for blocking programs. It reads the socket during calls and iteration; serve() and the like use a thread."""
from __future__ import annotations

import contextlib
import math
import select
import socket
import struct
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._blocking_calls import Bridge, Channel, ServesCalls, Worker
from ._session import GREETING_SECONDS, MAX_LINE_BYTES, READ_BYTES, SILENT, Call, Session, pauses, socket_path
from ._subscription import log_warnings
from .errors import NotConnected, cannot_connect

if TYPE_CHECKING:
    from types import TracebackType

    from ._calls import BlockingCalls
    from .types import HelloResult, Item, SubscribeParams
else:
    BlockingCalls = object

__all__ = ["Bridge", "Channel", "Client"]

CONNECT_SECONDS = 5  # for the daemon to accept the connection
SEND_SECONDS = 15.0  # for the daemon to read what is sent to it
LATE_READS = 16  # how often next() reads available data after its timeout


def _hung_up(connected: socket.socket) -> bool:
    """Whether the daemon has closed the connection, even if unread data is left."""
    poll = select.poll()
    poll.register(connected, select.POLLRDHUP)
    return bool(poll.poll(0))


def _is_readable(connected: socket.socket) -> bool:
    """Whether data can be read now."""
    poll = select.poll()
    poll.register(connected, select.POLLIN)
    return bool(poll.poll(0))


class Client(ServesCalls, BlockingCalls):
    """A connection to aribusd. It reconnects whenever the connection breaks. Only one thread at a time may use it.

    with aribus.blocking.Client() as client:
        client.serve("aribus", handler)  # a thread for each call

    with aribus.blocking.Client() as client:
        client.subscribe({"types": ["StasisStart"]})
        for record in client:
            ...

    serve(), originate() and bridge() use a second connection in a thread of its own; any thread may call them, and the
    methods of channels and bridges.

    path: the daemon's socket; otherwise $ARIBUS_SOCKET, otherwise /run/aribus/aribus.sock.
    wait: how long to retry the first connection, in seconds; 0: one attempt. If it fails, NotConnected says why. If aribusd
    accepts the connection but does not answer, the client waits this long, but at least 10 s.
    max_line_bytes: the longest line accepted from aribusd; a longer one ends the connection. A recording takes 4/3 of its
    size and must fit.
    """

    def __init__(self, path: str | None = None, wait: float = 0.0, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        super().__init__()
        self._path, self._wait, self._max_line_bytes = socket_path(path), wait, max_line_bytes
        self._session = Session(max_line_bytes)
        self._socket: socket.socket | None = None
        self._open, self._why = False, ""
        self._pauses, self._next_attempt = pauses(), 0.0
        self._greeted_by = 0.0

    def __enter__(self) -> Client:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    def open(self) -> None:
        """Connects; `with` calls this."""
        self._open = True
        until = time.monotonic() + self._wait
        while not self._session.ready:
            if self._socket is None:
                self._sleep(until)
                self._connect(until)
            else:
                self._read(None)
            if self._socket is None and time.monotonic() >= until:
                self._open = False
                raise NotConnected(self._why)

    def close(self) -> None:
        """Closes the connection; ends the iteration and serve()."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker:
            worker.close()
        self._open = False
        self._session.shut()
        self._disconnect()

    @property
    def hello(self) -> HelloResult | None:
        """The daemon's `hello` of the latest connection: its version, `protocol`, `features` and more."""
        return self._session.hello  # type: ignore[return-value]

    @property
    def cursor(self) -> str | None:
        """The cursor of the last item that the program got: `since` resumes after it, in another process too."""
        return self._session.cursor

    if not TYPE_CHECKING:  # each method with its parameters and result: _calls.pyi

        def call(self, method: str, params: Mapping[str, Any] | None = None, timeout: float | None = None) -> Any:
            """Calls a method of the daemon and returns its result.

            timeout: in seconds; without it, the daemon's timeout applies. Raises the exceptions of aribus.errors:
            InvalidParams and NotConnected when nothing was sent, OutcomeUnknown when the connection broke or no answer
            came in time. With a `key` in `params` the command waits for a connection and is repeated while that is safe.
            Without one, an object that it creates gets an id of aribus.new_id(), unless `params` has an id.
            """
            call = Call(method, params)
            if self._worker and self._worker.client._dispatcher:
                self._worker.client._dispatcher.makes(call)
            return self._run(call, timeout)

    def subscribe(self, params: SubscribeParams | None = None) -> None:
        """Subscribes, replacing an earlier subscription; waits for a connection if there is none.

        Iterating then gives an item of type `subscribed` with the daemon's answer, and after it the records. A filter that
        can't match anything, such as a misspelt type, is logged as a warning (logger `aribus`).
        """
        log_warnings(self._run(Call("subscribe", params), None))

    def next(self, timeout: float | None = None) -> Item | None:
        """The next item: a record, or one of type `subscribed`, `lost` or `disconnected`.

        timeout: in seconds; returns None when no item comes in time. 0: reads only data that is already available.
        """
        until = None if timeout is None else time.monotonic() + timeout
        late_reads = 0
        while not self._session.items:
            if not self._open:
                raise NotConnected("the client is closed")
            if not self._advance(until) and not self._session.items:
                late_reads += 1
                if late_reads > LATE_READS or not self._socket or not _is_readable(self._socket):
                    return None
        return self._session.take()  # type: ignore[return-value]

    def __iter__(self) -> Client:
        return self

    def __next__(self) -> Item:
        while not self._session.items:
            if not self._open:
                raise StopIteration
            self._advance(None)
        return self._session.take()  # type: ignore[return-value]

    def _working(self) -> Worker:
        with self._lock:
            if self._worker is None:
                self._worker = Worker(self._path, self._wait, self._max_line_bytes)
            return self._worker

    def _run(self, call: Call, timeout: float | None) -> Any:
        until = None if timeout is None else time.monotonic() + timeout
        if self._socket and _hung_up(self._socket):
            while self._socket:
                self._read(None)
        if not call.repeatable:
            self._try_to_connect(min(math.inf if until is None else until, time.monotonic() + 1))
        self._session.call(call)
        try:
            while not call.done and self._open and self._advance(until):
                pass
        finally:
            if not call.done:
                self._session.give_up(call, "interrupted" if timeout is None else f"no answer within {timeout:g} s")
        if call.error:
            raise call.error
        return call.result

    def _advance(self, until: float | None) -> bool:
        """Connects or reads once. False when `until`, by time.monotonic(), has passed."""
        if self._socket is None:
            self._sleep(until)
            if time.monotonic() >= self._next_attempt:
                self._connect(0)
        else:
            self._read(until)
        return until is None or time.monotonic() < until

    def _sleep(self, until: float | None) -> None:
        """Sleeps until the next attempt to connect is due."""
        pause = self._next_attempt - time.monotonic()
        if until is not None:
            pause = min(pause, until - time.monotonic())
        time.sleep(max(0.0, pause))

    def _try_to_connect(self, until: float) -> None:
        """Connects now for a command that can't wait for the next attempt."""
        if self._open and self._socket is None:
            self._connect(0)
        while self._socket and not self._session.ready and time.monotonic() < until:
            self._read(until)

    def _connect(self, wait_until: float) -> None:
        """Connects and sends `hello`. Waits for the answer until `wait_until`, but at least GREETING_SECONDS."""
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # SO_SNDTIMEO bounds connect() as well: it blocks while the daemon does not accept connections.
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", CONNECT_SECONDS, 0))
        self._socket = connected
        try:
            connected.connect(self._path)
        except OSError as error:
            return self._lost(cannot_connect(self._path, error).message)
        self._greeted_by = max(wait_until, time.monotonic() + GREETING_SECONDS)
        self._session.opened(self._send)

    def _send(self, data: bytes) -> None:
        assert self._socket
        try:
            self._socket.settimeout(SEND_SECONDS)
            self._socket.sendall(data)
        except TimeoutError:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)  # a partial line may have been sent: recv() reports the end
            self._session.end = "aribusd does not read what is sent to it"
        except OSError:
            pass  # recv() reports the same error after the data already received

    def _read(self, until: float | None) -> None:
        """Reads once; returns when `until` has passed."""
        assert self._socket
        limits = [limit for limit in (until, None if self._session.ready else self._greeted_by) if limit is not None]
        try:
            self._socket.settimeout(max(1e-6, min(limits) - time.monotonic()) if limits else None)
            data = self._socket.recv(READ_BYTES)
            if data:
                self._session.received(data)
            else:
                self._lost(self._session.end or "aribusd has closed the connection")
        except TimeoutError:
            if not self._session.ready and time.monotonic() >= self._greeted_by:
                self._lost(SILENT)
        except (OSError, ValueError) as error:
            if self._socket:  # a signal handler may have closed it
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
