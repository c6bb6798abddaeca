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
from .group import Group, parameters

if TYPE_CHECKING:
    from types import TracebackType

    from ._calls import AsyncCalls
    from .types import HelloResult, Item, SubscribeParams
else:
    AsyncCalls = object


class Client(AsyncCalls):
    """A connection to aribusd. It reconnects whenever the connection breaks, without a limit on attempts.

    async with aribus.Client() as client:
        await client.serve("aribus", handler)  # a coroutine for each call

    async with aribus.Client() as client:
        await client.subscribe({"types": ["StasisStart"]})
        async for record in client:
            ...

A client does one or the other: serve(), originate() and bridge() use its subscription themselves.

    path: the daemon's socket; otherwise $ARIBUS_SOCKET, otherwise /run/aribus/aribus.sock.
    wait: how long to retry the first connection, in seconds; 0: one attempt. If it fails, NotConnected says why. If aribusd
    accepts the connection but does not answer, the client waits this long, but at least 10 s.
    max_line_bytes: the longest line accepted from aribusd; a longer one ends the connection. A recording takes 4/3 of its
    size and must fit.

    transport: `unix`, for the daemon's socket; `nats` for the clients of the PBXs in a group over NATS (aribus.nats.Client).
    """

    transport = "unix"
    pbx = ""  # over NATS, the name of the PBX

    def __init__(self, path: str | None = None, wait: float = 0.0, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._path, self._wait = socket_path(path), wait
        self._session = Session(max_line_bytes)
        self._changed = asyncio.Event()  # the items or the state of the connection
        self._wanted = asyncio.Event()  # reading may continue
        self._keeping: asyncio.Task[None] | None = None
        self._dispatcher: Dispatcher | None = None  # owns the subscription if the program does not
        self._starting: asyncio.Task[None] | None = None  # starts the dispatcher
        self._is_read = False  # the program reads the items itself

    async def __aenter__(self) -> Client:
        await self.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        await self.close()

    async def open(self) -> None:
        """Connects; `async with` calls this."""
        opened = asyncio.get_running_loop().create_future()
        self._keeping = asyncio.create_task(self._keep(opened))
        try:
            await opened
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Closes the connection. Unanswered commands fail with OutcomeUnknown; the iteration and serve() end."""
        if self._dispatcher and self._session.ready:
            await self._dispatcher.settle()
        if self._keeping:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
            self._keeping = None

    @property
    def hello(self) -> HelloResult | None:
        """The daemon's `hello` of the latest connection: its version, `protocol`, `features` and more."""
        return self._session.hello  # type: ignore[return-value]

    @property
    def cursor(self) -> str | None:
        """The cursor of the last item that the program got: `since` resumes after it, in another process too."""
        return self._session.cursor

    if not TYPE_CHECKING:  # each method with its parameters and result: _calls.pyi

        async def call(self, method: str, params: Mapping[str, Any] | None = None, timeout: float | None = None) -> Any:
            """Calls a method of the daemon and returns its result.

            timeout: in seconds; without it, the daemon's timeout applies. Raises the exceptions of aribus.errors:
            InvalidParams and NotConnected when nothing was sent, OutcomeUnknown when the connection broke or no answer
            came in time. With a `key` in `params` the command waits for a connection and is repeated while that is safe.
            Without one, an object that it creates gets an id of aribus.new_id(), unless `params` has an id.
            """
            call = Call(method, params)
            if call.changes_subscription:
                self._be_read()
            elif self._dispatcher:
                self._dispatcher.makes(call)
            return await self._run(call, timeout)

    async def subscribe(self, params: SubscribeParams | None = None) -> None:
        """Subscribes, replacing an earlier subscription; waits for a connection if there is none.

        Iterating then gives an item of type `subscribed` with the daemon's answer, and after it the records. If this is
        cancelled after the request was sent and the daemon accepts it, the subscription is active: `subscribed` shows it.
        A filter that can't match anything, such as a misspelt type, is logged as a warning (logger `aribus`).
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
        """Serves the calls that enter an application, concurrently, until the client is closed or this is cancelled.

        `handler(channel)`, a coroutine, runs as a task for each call. When it returns or fails, the call is hung up, and so
        are the calls that were originated for it. Exceptions are logged (logger `aribus`), except ChannelGone of this call,
        and do not affect other calls. The handler is not cancelled when the caller hangs up: whatever it awaits on the
        channel raises ChannelGone at once. It is cancelled when serve() is cancelled.

        Channels that this client creates itself, and those that others create with originate(), are not served. Calls that
        arrive while aribusd or its connection to Asterisk is down are found and served afterwards.

        app: one of `apps` in aribusd.yaml. Only one program at a time may serve it, unless each has different args.
        args: serve only the calls whose arguments begin with these: with ["sales"], those of Stasis(app,sales,...).
        existing: also serve the calls that are already in the application. They are ignored otherwise.
        hang_up: False: the call stays in the application when the handler ends.
        Raises InvalidParams for an application that aribusd does not hold, or that this client already serves.
        """
        if self._dispatcher and self._dispatcher.group:
            raise RuntimeError("this client is a member of a group: use another Client to serve an application")
        await self._dispatcher_made().serve(app, Serving(handler, list(args), existing, hang_up), self._dispatch)

    def group(self, group: str, *, apps: Sequence[str] | None = None, member: str | None = None, capacity: int | None = None,
              since: str | None = None, holds: Sequence[Mapping[str, Any]] | None = None, accept_ms: int | None = None,
              grace_ms: int | None = None, lease_ms: int | None = None, fallback_after_ms: int | None = None,
              fallback: str | None = None, fallback_media: str | None = None, fallback_app: str | None = None,
              exclusive: bool | None = None, orphan: str | None = None, orphan_after_ms: int | None = None) -> Group:
        """Makes this client a member of a worker group, once it is iterated: see Group. Each call of the group's applications goes
        to one of its members.

        apps: the applications whose calls it gets; not needed for a group that exists. member: a name of its own, with which it
        keeps its calls when it connects again within `grace_ms`. capacity: how many calls at a time; default: no limit.
        since, holds: Client.cursor and Group.holds, saved by an earlier process of the same member. lease_ms: a member that is
        silent for that long loses its calls; `ping` is sent four times as often, in the event loop that runs the handlers. The
        other parameters are settings of the group, as for the method `subscribe`; all members must give the same.
        """
        if self._dispatcher:
            raise RuntimeError("this client serves calls, or is a member of a group already: use another Client beside it")
        made = Group(self, parameters(group, holds, {
            "apps": list(apps) if apps is not None else None, "member": member, "capacity": capacity, "since": since,
            "accept_ms": accept_ms, "grace_ms": grace_ms, "lease_ms": lease_ms, "fallback_after_ms": fallback_after_ms,
            "fallback": fallback, "fallback_media": fallback_media, "fallback_app": fallback_app, "exclusive": exclusive,
            "orphan": orphan, "orphan_after_ms": orphan_after_ms}))
        self._dispatcher_made(made.dispatcher)
        return made

    async def originate(self, endpoint: str, *, timeout: int | None = None, app: str | None = None,
                        app_args: str | None = None, caller_id: str | None = None,
                        variables: Mapping[str, str] | None = None, originator: Channel | None = None,
                        formats: str | None = None, channel_id: str | None = None, server: str | None = None) -> Channel:
        """Calls an endpoint, such as `PJSIP/100`, and returns its channel when the call is answered.

        Raises CallFailed when it is not answered; `outcome` and `cause` say why. When this is cancelled, the call is hung up.

        timeout: how long it rings, in seconds; default 30. app: the application that the channel enters; by default the one
        that this client serves, or aribusd's first. caller_id: such as `Sales <200>`. originator: the channel that the call
        is made for: when it ends or its handler ends, this call is hung up; when it ends before this call is answered,
        ChannelGone is raised. At most 24 calls of a client ring at a time; others wait.
        """
        dispatcher = await self._dispatch()
        return await dispatcher.originate(given(
            endpoint=endpoint, timeout=timeout, app=app, appArgs=app_args, callerId=caller_id, formats=formats,
            variables=dict(variables) if variables is not None else None, originator=originator and originator.id,
            channelId=channel_id, server=server or (originator and originator.server)), originator)

    async def bridge(self, *channels: Channel, type: str | None = None, name: str | None = None,
                     server: str | None = None) -> Bridge:
        """Creates a bridge and adds these channels, if any.

        type: ARI's bridge type, such as `mixing` or `holding`. Raises ChannelGone when one of the channels has ended.
        """
        dispatcher = await self._dispatch()
        return await dispatcher.bridge(channels, given(type=type, name=name, server=server))

    def _be_read(self) -> None:
        """The program reads the records itself."""
        if self._dispatcher:
            raise RuntimeError("this client serves calls, and has its subscription for that: use another Client beside it")
        self._is_read = True

    def _dispatcher_made(self, made: Dispatcher | None = None) -> Dispatcher:
        if self._is_read:
            raise RuntimeError("this client is subscribed by its program: use another Client to serve or originate calls")
        if self._dispatcher is None:
            self._dispatcher = made or Dispatcher(self)
        return self._dispatcher

    async def _dispatch(self) -> Dispatcher:
        dispatcher = self._dispatcher_made()
        if self._starting is None:
            self._starting = asyncio.create_task(dispatcher.start())
        await asyncio.shield(self._starting)
        return dispatcher

    async def _has_item(self) -> bool:
        """Waits for an item. False: the client is closed and no item is left."""
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
        """Connects, reads, and reconnects. `opened` gets the result of the first connection."""
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
        """Runs one connection until it ends; returns the reason."""
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
                        await asyncio.sleep(0)  # sock_recv() does not yield while data is available
                return session.end or "aribusd has closed the connection"
            except TimeoutError:
                return SILENT
            except (OSError, ValueError) as error:
                return session.end or f"the connection to aribusd broke: {error}"
            finally:
                sender.close()


class Sender:
    """Sends without waiting. (asyncio's transport would discard unread data when sending fails.)"""

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
            pass  # recv() reports the same error after the data already received
