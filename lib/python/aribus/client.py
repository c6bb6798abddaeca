"""The client for asyncio."""
from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._dispatcher import Dispatcher, Handler, Serving
from ._operations import given
from ._session import GREETING_SECONDS, MAX_LINE_BYTES, READ_BYTES, SILENT, Call, Session, pauses, socket_path
from ._subscription import log_warnings
from .channel import Bridge, Channel
from .errors import NotConnected, cannot_connect

if TYPE_CHECKING:
    from types import TracebackType

    from ._calls import AsyncCalls
    from .types import HelloResult, Item, SubscribeParams
else:
    AsyncCalls = object


class Client(AsyncCalls):
    """A connection to aribusd. It reconnects whenever the connection breaks, without a limit.

    async with aribus.Client() as client:
        await client.serve("aribus", handler)  # a coroutine for each call

    async with aribus.Client() as client:
        await client.subscribe({"types": ["StasisStart"]})
        async for record in client:
            ...

A client does the one or the other: serve(), originate() and bridge() take its subscription for themselves.

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
        self._dispatcher: Dispatcher | None = None  # whose the subscription is, if it is not the program's
        self._starting: asyncio.Task[None] | None = None  # of the dispatcher
        self._is_read = False  # by the program

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
        """Ends the connection. Commands that are not answered end with OutcomeUnknown, the iteration and serve() end."""
        if self._dispatcher and self._session.ready:
            await self._dispatcher.settle()
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
            call = Call(method, params)
            if call.changes_subscription:
                self._be_read()
            elif self._dispatcher:
                self._dispatcher.makes(call)
            return await self._run(call, timeout)

    async def subscribe(self, params: SubscribeParams | None = None) -> None:
        """Subscribes, instead of what was subscribed to before; waits for a connection if there is none.

        Then iterating gives first an item of type `subscribed`, with what the daemon answered, and the records. When it is
        cancelled after it was sent, it counts all the same if the daemon accepts it: `subscribed` tells. What can't match
        anything, as a misspelt type, is a warning of the logger "aribus".
        """
        self._be_read()
        log_warnings(await self._run(Call("subscribe", params), None))

    async def next(self) -> Item:
        """The next item: a record, or one of type `subscribed`, `lost` or `disconnected`."""
        self._be_read()
        return await self._next()

    async def _next(self) -> Item:
        if not await self._has_item():
            raise NotConnected("the client is closed")
        self._wanted.set()
        return self._session.take()  # type: ignore[return-value]

    def __aiter__(self) -> Client:
        self._be_read()
        return self

    async def __anext__(self) -> Item:
        if not await self._has_item():
            raise StopAsyncIteration
        return await self._next()

    async def serve(self, app: str, handler: Handler, *, args: Sequence[str] = (), existing: bool = False,
                    hang_up: bool = True) -> None:
        """Serves the calls that enter an application, many at a time, until the client is closed or this is cancelled.

        `handler(channel)`, a coroutine, is run for each of them as a task of its own. When it returns or fails, the call is
        hung up, and so is what was originated for it. What it raises is logged (logger `aribus`), except ChannelGone of
        this call, and disturbs no other call. It is not cancelled when the caller hangs up: whatever it waits for of the
        channel raises ChannelGone at once. When serve() is cancelled it is cancelled, too.

        Not served are the channels that this client makes itself, and what others make with originate(). Calls that come
        while aribusd or its connection to Asterisk is down are found and served afterwards.

        app: one of `apps` in aribusd.yaml. One program at a time may serve it, or each has args of its own.
        args: serve only the calls whose arguments begin with these: with ["sales"], those of Stasis(app,sales,...).
        existing: serve also the calls that are in the application already. They are left alone otherwise.
        hang_up: False leaves the call in the application when the handler has ended.
        Raises InvalidParams for an application that aribusd does not hold, or that this client serves already.
        """
        await self._dispatcher_made().serve(app, Serving(handler, list(args), existing, hang_up), self._dispatch)

    async def originate(self, endpoint: str, *, timeout: int | None = None, app: str | None = None,
                        app_args: str | None = None, caller_id: str | None = None,
                        variables: Mapping[str, str] | None = None, originator: Channel | None = None,
                        formats: str | None = None, channel_id: str | None = None, server: str | None = None) -> Channel:
        """Calls an endpoint, as `PJSIP/100`, and returns its channel when the call is answered.

        Raises CallFailed when it is not; `outcome` and `cause` say why. When this is cancelled, the call is ended.

        timeout: for how many seconds it rings, 30 unless said otherwise. app: the application that it enters; the one that
        is served unless said otherwise, or aribusd's first. caller_id: as `Sales <200>`. originator: the channel that it is
        made for: when that goes or its handler ends, this one is hung up; when it goes before this is answered, ChannelGone
        is raised. Of a client 24 calls ring at a time; others wait for their turn.
        """
        dispatcher = await self._dispatch()
        return await dispatcher.originate(given(
            endpoint=endpoint, timeout=timeout, app=app, appArgs=app_args, callerId=caller_id, formats=formats,
            variables=dict(variables) if variables is not None else None, originator=originator and originator.id,
            channelId=channel_id, server=server or (originator and originator.server)), originator)

    async def bridge(self, *channels: Channel, type: str | None = None, name: str | None = None,
                     server: str | None = None) -> Bridge:
        """Makes a bridge with these channels in it, which may be none.

        type: ARI's, as `mixing` or `holding`. Raises ChannelGone when one of the channels has gone.
        """
        dispatcher = await self._dispatch()
        return await dispatcher.bridge(channels, given(type=type, name=name, server=server))

    def _be_read(self) -> None:
        """The program wants to read the records itself."""
        if self._dispatcher:
            raise RuntimeError("this client serves calls, and has its subscription for that: use another Client beside it")
        self._is_read = True

    def _dispatcher_made(self) -> Dispatcher:
        if self._is_read:
            raise RuntimeError("this client is subscribed by its program: use another Client to serve or originate calls")
        if self._dispatcher is None:
            self._dispatcher = Dispatcher(self)
        return self._dispatcher

    async def _dispatch(self) -> Dispatcher:
        dispatcher = self._dispatcher_made()
        if self._starting is None:
            self._starting = asyncio.create_task(dispatcher.start())
        await asyncio.shield(self._starting)
        return dispatcher

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
