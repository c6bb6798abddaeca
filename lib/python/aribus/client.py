"""The client for asyncio."""
from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._session import GREETING_SECONDS, MAX_LINE_BYTES, READ_BYTES, SILENT, Call, Session, pauses, socket_path
from .errors import NotConnected, cannot_connect

if TYPE_CHECKING:
    from types import TracebackType

    from ._calls import AsyncCalls
    from .types import HelloResult, Item, SubscribeParams
else:
    AsyncCalls = object


class Client(AsyncCalls):
    """A connection to aribusd, which is made again whenever it breaks, for ever.

    async with aribus.Client() as client:
        await client.subscribe({"types": ["StasisStart"]})
        async for record in client:
            ...

    path: the daemon's socket; otherwise $ARIBUS_SOCKET, otherwise /run/aribus/aribus.sock.
    wait: for how many seconds to try for the first connection; 0: once. NotConnected says then why it failed. A daemon that
    lets this program in and says nothing is waited for as long, or for 10 s if that is longer.
    max_line_bytes: the longest line that is taken of aribusd; a longer one ends the connection. A recording has 4/3 of its
    bytes, and must have room.
    """

    def __init__(self, path: str | None = None, wait: float = 0.0, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._path, self._wait = socket_path(path), wait
        self._session = Session(max_line_bytes)
        self._changed = asyncio.Event()  # items or the state of the connection
        self._wanted = asyncio.Event()  # there is reason to read again
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Client:
        await self.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        await self.close()

    async def open(self) -> None:
        """Connects; what `async with` does."""
        opened = asyncio.get_running_loop().create_future()
        self._keeping = asyncio.create_task(self._keep(opened))
        try:
            await opened
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Ends the connection. Commands that are not answered end with OutcomeUnknown, the iteration ends."""
        if self._keeping:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
            self._keeping = None

    @property
    def hello(self) -> HelloResult | None:
        """What the daemon said of itself when it was connected to last: its version, `protocol`, `features` and more."""
        return self._session.hello  # type: ignore[return-value]

    @property
    def cursor(self) -> str | None:
        """The place in the stream behind what was handed out last: `since` goes on there, in another process too."""
        return self._session.cursor

    if not TYPE_CHECKING:  # each method with its parameters and result: _calls.pyi

        async def call(self, method: str, params: Mapping[str, Any] | None = None, timeout: float | None = None) -> Any:
            """Calls a method of the daemon and returns its result.

            timeout: in seconds; none: the daemon's own. Raises the exceptions of aribus.errors: InvalidParams and
            NotConnected when nothing was sent, OutcomeUnknown when the connection broke or no answer came in time. With
            a `key` in `params` the command waits for a connection and is repeated, as long as that is safe. Without one,
            what it makes gets an id of aribus.new_id() unless `params` has one.
            """
            return await self._run(Call(method, params), timeout)

    async def subscribe(self, params: SubscribeParams | None = None) -> None:
        """Subscribes, instead of what was subscribed to before; waits for a connection if there is none.

        Then iterating gives first an item of type `subscribed`, with what the daemon answered, and the records. When it is
        cancelled after it was sent, it counts all the same if the daemon accepts it: `subscribed` tells.
        """
        await self._run(Call("subscribe", params), None)

    async def next(self) -> Item:
        """The next item: a record, or one of type `subscribed`, `lost` or `disconnected`."""
        if not await self._has_item():
            raise NotConnected("the client is closed")
        self._wanted.set()
        return self._session.take()  # type: ignore[return-value]

    def __aiter__(self) -> Client:
        return self

    async def __anext__(self) -> Item:
        if not await self._has_item():
            raise StopAsyncIteration
        return await self.next()

    async def _has_item(self) -> bool:
        """Waits for one. False: the client is closed, and none is left."""
        while not self._session.items:
            if self._keeping is None or self._keeping.done():
                return False
            self._changed.clear()
            await self._changed.wait()
        return True

    async def _run(self, call: Call, timeout: float | None) -> Any:
        finished = asyncio.Event()
        call.on_done = finished.set
        self._session.call(call)
        self._wanted.set()
        try:
            await asyncio.wait_for(finished.wait(), timeout)
        except asyncio.TimeoutError:
            pass
        finally:
            if not call.done:
                self._session.give_up(call, "cancelled" if timeout is None else f"no answer within {timeout:g} s")
        if call.error:
            raise call.error
        return call.result

    async def _keep(self, opened: asyncio.Future[None]) -> None:
        """Connects, reads, and connects again. `opened` is told how the first connection came out."""
        until, pause = asyncio.get_running_loop().time() + self._wait, pauses()
        try:
            while True:
                greeted_by = asyncio.get_running_loop().time() + GREETING_SECONDS
                reason = await self._connection(opened, greeted_by if opened.done() else max(greeted_by, until))
                if not opened.done() and asyncio.get_running_loop().time() >= until:
                    opened.set_exception(NotConnected(reason))
                    return
                if self._session.ready:
                    pause = pauses()
                self._session.closed(reason)
                self._changed.set()
                await asyncio.sleep(next(pause))
        finally:
            self._session.shut()
            self._changed.set()

    async def _connection(self, opened: asyncio.Future[None], greeted_by: float) -> str:
        """One connection, from its beginning to its end; returns why it ended."""
        session, loop = self._session, asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connected:
            connected.setblocking(False)
            try:
                await loop.sock_connect(connected, self._path)
            except OSError as error:
                return cannot_connect(self._path, error).message
            sender = Sender(connected)
            session.opened(sender.send)
            try:
                async with asyncio.timeout_at(greeted_by) as greeting:
                    while data := await loop.sock_recv(connected, READ_BYTES):
                        session.received(data)
                        self._changed.set()
                        if session.ready:
                            greeting.reschedule(None)
                            if not opened.done():
                                opened.set_result(None)
                        while not session.wants_more:
                            self._wanted.clear()
                            await self._wanted.wait()
                        await asyncio.sleep(0)  # while there is more to read, sock_recv() lets nobody else go on
                return session.end or "aribusd has closed the connection"
            except TimeoutError:
                return SILENT
            except (OSError, ValueError) as error:
                return session.end or f"the connection to aribusd broke: {error}"
            finally:
                sender.close()


class Sender:
    """Sends without waiting. (A transport of asyncio forgets what is there to be read when sending fails.)"""

    def __init__(self, connected: socket.socket) -> None:
        self._socket, self._unsent = connected, b""
        self._task: asyncio.Task[None] | None = None

    def send(self, data: bytes) -> None:
        self._unsent += data
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush())

    def close(self) -> None:
        if self._task:
            self._task.cancel()

    async def _flush(self) -> None:
        try:
            while self._unsent:
                data, self._unsent = self._unsent, b""
                await asyncio.get_running_loop().sock_sendall(self._socket, data)
        except OSError:
            pass  # reading finds the same, behind what was received still
