"""A worker that is a member of the same group at many PBXs."""
from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import secrets
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import nats.errors

from ._link import LOOK_SECONDS, Ended, Link, token
from ._request import refusal
from ._session import GREETING_SECONDS, SILENT, Call
from .client import Client
from .errors import AribusError
from .group import Group, GroupCall, parameters

if TYPE_CHECKING:
    from nats.aio.client import Client as Connection
    from nats.aio.msg import Msg

FIND_SECONDS = 10.0  # interval between searches for PBXs
LEAVE_SECONDS = 2.0  # for the daemon to answer when a member leaves
logger = logging.getLogger("aribus")


class PbxClient(Client):
    """A Client whose connection to the daemon of one PBX goes over NATS. It has its group from the start."""

    transport = "nats"

    def __init__(self, connection: Connection, pbx: str, rule: str, params: dict[str, Any], lease: float,
                 is_named: bool) -> None:
        super().__init__(wait=math.inf)
        self.pbx = pbx
        self._nats, self._lease, self._is_named = connection, lease, is_named
        self._place = ".".join([pbx, token(rule), token(params["group"]), token(params["member"])])
        self._link: Link | None = None
        self._confirmed_at = -math.inf  # see Link.confirmed_at; of this link, or of an earlier one
        self._watching: asyncio.Task[None] | None = None
        self._told = ""  # why there was no connection, as was logged last
        self.membership = Group(self, params)
        self._dispatcher_made(self.membership.dispatcher)

    async def open(self) -> None:
        """Begins to connect."""
        self._keeping = asyncio.create_task(self._keep(asyncio.get_running_loop().create_future()))
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        if not self._is_named and self._session.ready:  # nobody else can have its name: others get its calls at once
            with contextlib.suppress(AribusError):
                await self._run(Call("unsubscribe"), LEAVE_SECONDS)
        if self._watching:
            self._watching.cancel()
        await super().close()

    def sign(self) -> None:
        """aribus-nats of this PBX has just begun to accept members: it may have been restarted."""
        if self._link:
            self._link.sign()

    async def _connection(self, opened: asyncio.Future[None], greeted_by: float) -> str:
        session, loop = self._session, asyncio.get_running_loop()
        self._link = link = Link(self._nats, self._place, self._lease)
        try:
            await link.open()
            session.opened(link.send)
            async with asyncio.timeout(GREETING_SECONDS) as greeting:
                while True:
                    session.received(await link.next())
                    self._changed.set()
                    if session.ready:
                        self._told = ""
                        greeting.reschedule(None)
                        if not opened.done():
                            opened.set_result(None)
                    while not session.wants_more:
                        self._wanted.clear()
                        await self._wanted.wait()
                    await asyncio.sleep(0)
        except Ended as error:
            if self._told != str(error):
                self._told = str(error)
                logger.warning("group %s: no connection to %s: %s", self.membership.name, self.pbx, error)
            return session.end or f"{self.pbx}: {error}"
        except TimeoutError:
            return SILENT
        except ValueError as error:
            return session.end or f"the connection to aribusd broke: {error}"
        finally:
            self._note(link)
            await link.close()

    def _note(self, link: Link) -> None:
        self._confirmed_at = max(self._confirmed_at, link.confirmed_at)

    async def _watch(self) -> None:
        """Gives the calls up when aribus-nats was silent for `lease`: it, or the daemon, may have given them to others."""
        loop = asyncio.get_running_loop()
        given_up = -math.inf  # the last confirmation before the calls were given up
        while True:
            if self._link:
                self._note(self._link)
            left = self._confirmed_at + self._lease - loop.time()
            if left > 0:
                await asyncio.sleep(left)
            elif self._confirmed_at > given_up:
                given_up = self._confirmed_at
                if self._link:
                    self._link.end(f"aribus-nats has not answered for {self._lease:g} s")
                self._session.start_anew()
                self.membership.expire()
            else:
                await asyncio.sleep(LOOK_SECONDS)


class Workers:
    """A member of one group at many PBXs; aribus.nats.Client.group() makes it. It is used as aribus.Group.

    async for call in group:
        tasks.create_task(handler(call))

    `call.pbx` is the PBX of the call, `call.client` the Client for its PBX: call(), originate() and bridge() act there. A PBX that
    refuses the membership is left out, with a warning (logger `aribus`); when all have refused it, the error is raised.

    name: of the group. member: the name of this member, the same at all PBXs. transport: `nats`.
    """

    transport = "nats"

    def __init__(self, client: _Client, params: dict[str, Any], since: Mapping[str, str],
                 holds: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self.name: str = params["group"]
        self._is_named = "member" in params
        self.member: str = params.setdefault("member", f"nats-{secrets.token_hex(8)}")
        self._client, self._params, self._since, self._held = client, params, since, holds
        self._members: dict[str, PbxClient] = {}  # by PBX
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._new: deque[GroupCall] = deque()
        self._woken = asyncio.Event()
        self._error: AribusError | None = None
        self._is_over = False
        self._leaving: dict[str, Any] | None = None

    @property
    def calls(self) -> list[GroupCall]:
        """The calls that belong to this member."""
        return [call for one in self._members.values() for call in one.membership.calls.values()]

    @property
    def clients(self) -> dict[str, Client]:
        """The Client of each PBX."""
        return dict(self._members)

    @property
    def cursors(self) -> dict[str, str]:
        """The cursors of the PBXs: a program that saves them, and `holds`, may pass both to Client.group() when it is started
        again."""
        return {pbx: one.cursor for pbx, one in self._members.items() if one.cursor}

    @property
    def holds(self) -> dict[str, list[dict[str, Any]]]:
        """The calls that this member has accepted, by PBX."""
        return {pbx: one.membership.holds for pbx, one in self._members.items()}

    async def join(self) -> Workers:
        """Joins the group at all PBXs that are known; iterating calls this. A PBX that is not there is joined when it comes."""
        await self._client._start()
        return self

    async def leave(self, *, drain: bool = False, timeout: float | None = None) -> None:
        """Leaves the group at all PBXs that can be reached, as aribus.Group.leave()."""
        self._leaving = {"drain": drain, "timeout": timeout}
        await asyncio.gather(*(one.membership.leave(drain=drain, timeout=timeout) for one in self._members.values()
                               if one.membership.member and one._session.ready), return_exceptions=True)
        self._finish()

    def __aiter__(self) -> Workers:
        return self

    async def __anext__(self) -> GroupCall:
        await self.join()
        while True:
            while self._new:
                call = self._new.popleft()
                if call.released is None:
                    return call
            if self._error:
                raise self._error
            if self._is_over:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()

    # Called by the client.

    async def _add(self, pbx: str) -> None:
        if pbx in self._members or self._is_over or self._leaving:
            return
        params = dict(self._params)
        if pbx in self._since:
            params["since"] = self._since[pbx]
        if pbx in self._held:
            params["holds"] = [dict(one) for one in self._held[pbx]]
        made = self._members[pbx] = PbxClient(self._client._connection, pbx, self._client._rule, params, self._client._lease,
                                              self._is_named)
        await made.open()
        self._reading[pbx] = asyncio.create_task(self._read(made))

    async def _close(self) -> None:
        for task in self._reading.values():
            task.cancel()
        await asyncio.gather(*(one.close() for one in self._members.values()))
        self._finish()

    # Inside.

    async def _read(self, member: PbxClient) -> None:
        try:
            async for call in member.membership:
                self._new.append(call)
                self._woken.set()
            return
        except AribusError as error:
            logger.warning("%s: it is no member of the group %s there: %s", member.pbx, self.name, error)
            refused = error
        self._reading.pop(member.pbx, None)
        await member.close()
        if not self._reading and not self._client._finds:
            self._error = refused
            self._woken.set()

    def _finish(self) -> None:
        self._is_over = True
        self._woken.set()


class _Client:
    """See aribus.nats.Client."""

    transport = "nats"

    def __init__(self, connection: Connection, rule: str, pbxs: str | Sequence[str] | None, lease: float) -> None:
        if not 0.1 <= lease <= 3600:
            raise refusal("lease", f"0.1 to 3600 seconds are expected, not {lease:g}")
        self._connection, self._rule, self._lease = connection, rule, lease
        self._pbxs = [pbxs] if isinstance(pbxs, str) else list(pbxs or [])
        self._finds = pbxs is None
        self._workers: Workers | None = None
        self._starting: asyncio.Task[None] | None = None
        self._finding: asyncio.Task[None] | None = None
        self._subscriptions: list[Any] = []

    def _group(self, params: dict[str, Any], since: Mapping[str, str] | None,
               holds: Mapping[str, Sequence[Mapping[str, Any]]] | None) -> Workers:
        if self._workers:
            raise RuntimeError("this client is a member of a group already: use another Client beside it")
        self._workers = Workers(self, params, since or {}, holds or {})
        return self._workers

    async def _start(self) -> None:
        if self._starting is None:
            self._starting = asyncio.create_task(self._begin())
        await asyncio.shield(self._starting)

    async def _begin(self) -> None:
        assert self._workers
        self._subscriptions = [await self._connection.subscribe(f"aribus.v1.to-member.*.{token(self._rule)}", cb=self._accepting)]
        for pbx in self._pbxs:
            await self._workers._add(pbx)
        if self._finds:
            inbox = self._connection.new_inbox()
            self._subscriptions.append(await self._connection.subscribe(inbox, cb=self._found))
            self._finding = asyncio.create_task(self._find(inbox))

    async def _accepting(self, message: Msg) -> None:
        """A PBX has begun to accept members of the rule."""
        assert self._workers
        pbx = message.subject.split(".")[3]
        if member := self._workers._members.get(pbx):
            member.sign()
        elif self._finds:
            await self._workers._add(pbx)

    async def _find(self, inbox: str) -> None:
        while True:
            if self._connection.is_connected:
                with contextlib.suppress(nats.errors.Error):
                    await self._connection.publish("$SRV.INFO.aribus", b"", inbox)
            await asyncio.sleep(FIND_SECONDS)

    async def _found(self, message: Msg) -> None:
        """An answer to $SRV.INFO."""
        assert self._workers
        with contextlib.suppress(ValueError, KeyError, TypeError):
            info = json.loads(message.data)
            pbx = info["metadata"]["pbx"]
            if any(one["subject"] == f"aribus.v1.rpc.{pbx}.{token(self._rule)}" for one in info["endpoints"]):
                await self._workers._add(pbx)

    async def _close(self) -> None:
        for task in (self._starting, self._finding):
            if task:
                task.cancel()
        if self._workers:
            await self._workers._close()
        if not self._connection.is_closed:
            for one in self._subscriptions:
                with contextlib.suppress(nats.errors.Error):
                    await one.unsubscribe()
            if self._connection.is_connected:
                await self._connection.flush()  # the ends of the links


def workers_parameters(group: str, given: Mapping[str, Any]) -> dict[str, Any]:
    if not group:
        raise refusal("group", "the name of a group is expected")
    return parameters(group, None, given)
