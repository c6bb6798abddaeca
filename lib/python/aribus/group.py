"""Worker groups: each call to one program at a time."""
from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._dispatcher import Dispatcher
from ._session import Call
from .channel import Waits
from .errors import AribusError, NotConnected, NotOwner, OutcomeUnknown

if TYPE_CHECKING:
    from .channel import Channel
    from .client import Client
    from .types import AssignedSnapshot, Item

MAX_UNREAD = 1000  # records of a call that its program does not read
PINGS_PER_LEASE = 4


class GroupCall:
    """A call that belongs to this member of a group.

    async for record in call:
        ...

    gives the records of this call, and ends when it is released. Reports that records may be missing are given, too: `assigned`
    when the daemon tells of the call again (`reason` `lost` or `held`, with a new `snapshot`), `lost`, `subscribed` with
    `resumed: False`, and the `server.*` records of its Asterisk. If nobody reads them, the newest 1,000 are kept.

    id: of the call. pbx: its PBX over NATS, "" on the socket. client: the Client for commands, originate() and bridge() there. epoch: with which it belongs to this member; commands have it. server: the name of its Asterisk. reason: why it
    was assigned, such as `new` or `taken_over`. previous: the member that had it before, "" for none. snapshot: what the daemon
    told of it. channel: that entered the application; if that has ended, another one of the call. channels: those that are in an
    application. args: with which the first one entered it. accepted: whether it is accepted. released: why it does not belong to this member any more
    (`ended`, `left`, `handed_over`, …; `lost` if the daemon's reason was missed), None while it does.

    All commands raise NotOwner when the call belongs to another member, and so does everything that waits for its channels.
    """

    def __init__(self, group: Group, item: Mapping[str, Any], snapshot: AssignedSnapshot | None) -> None:
        self.id: str = item["call"]
        self.epoch: int = item["epoch"]
        self.server: str = item.get("server", "")
        self.reason: str = item.get("reason", "held")
        self.previous: str = item.get("previous", "")
        self.snapshot: AssignedSnapshot = snapshot or {}  # type: ignore[assignment]
        self.args: list[str] = []
        self.channels: list[Channel] = []
        self.accepted = False
        self.released: str | None = None
        self.waits = Waits()
        self._group = group
        self._channel: Channel | None = None
        self._items: deque[Item] = deque()
        self._woken = asyncio.Event()

    def __repr__(self) -> str:
        return f"<aribus.GroupCall {self.id}{f' ({self.released})' if self.released else ''}>"

    @property
    def channel(self) -> Channel:
        assert self._channel
        return self._channel

    @property
    def pbx(self) -> str:
        return self._group._client.pbx

    @property
    def client(self) -> Client:
        return self._group._client

    async def command(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Calls a method of the daemon, with the call's `epoch` and `server`, and waits for a connection if there is none.

        The first command about a call accepts it. Raises NotOwner and the exceptions of Client.call().
        """
        server = {"server": self.server} if self.server else {}
        return await self._group.dispatcher.call(method, {**server, "epoch": self.epoch, **(params or {})}, self.waits)

    async def accept(self) -> None:
        """Accepts the call. What is not accepted within the group's `accept_ms` goes to another member."""
        await self._about("group.accept")
        self.accepted = True

    async def decline(self) -> None:
        """Passes the call on to another member."""
        await self._about("group.decline")

    async def hand_over(self, to: str) -> None:
        """Gives the call to the member with this name, which has to accept it. Raises InvalidParams if there is none."""
        await self._about("group.handover", to=to)

    def __aiter__(self) -> GroupCall:
        return self

    async def __anext__(self) -> Item:
        while not self._items:
            if self.released is not None:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()
        return self._items.popleft()

    async def _about(self, method: str, **params: Any) -> None:
        await self._group.dispatcher.call(method, {"call": self.id, "epoch": self.epoch, **params}, self.waits)

    # Called by the dispatcher and the group.

    def add(self, channel: Channel) -> None:
        channel.call = self
        if channel not in self.channels:
            self.channels.append(channel)
        if self._channel is None:
            self._channel = channel
        if channel is self._channel:
            self.args = channel.args or self.args

    def remove(self, channel: Channel) -> None:
        if channel in self.channels:
            self.channels.remove(channel)

    def see(self, item: Any) -> None:
        if item["type"] == "group.accepted" and item["epoch"] == self.epoch:
            self.accepted = True
        self._items.append(item)
        if len(self._items) > MAX_UNREAD:
            self._items.popleft()
        self._woken.set()

    def end(self, reason: str, error: AribusError) -> None:
        self.released = reason
        self.waits.finish(error)
        self._woken.set()


class Group:
    """A member of a group; Client.group() makes it.

    async for call in group:
        tasks.create_task(handler(call))

    gives each call that this member is offered or takes over, until the member has left the group or the client is closed.
    Calls that the client itself creates (originate()) belong to this member, too, but are not given.

    It goes on after reconnects, and restarts of aribusd: calls that this member still owns stay as they are, and the loops of
    all others end. Raises NotOwner when another program has joined the group under the same name, and what Client.call() raises
    when the daemon refuses the membership.

    name: of the group. member: the name of this member, known once it has joined. calls: those that belong to it, by id.
    transport: `unix` for the daemon's socket, `nats`.
    """

    def __init__(self, client: Client, wanted: dict[str, Any]) -> None:
        self.name: str = wanted["group"]
        self.member: str = ""
        self.calls: dict[str, GroupCall] = {}
        self.wanted = wanted
        self.dispatcher = Dispatcher(client, self)
        self._client = client
        self._new: deque[GroupCall] = deque()  # not yet given to the program
        self._woken = asyncio.Event()
        self._error: AribusError | None = None
        self._is_over = False
        self._leaving: dict[str, Any] | None = None  # the parameters of group.leave
        self._left = asyncio.Event()
        # Calls of which it is not sure that they still belong to this member, and those of them that are checked once more.
        self._doubtful: set[str] = set()
        self._checking: asyncio.Task[Any] | None = None
        self._check_again = False
        self._pinging: asyncio.Task[None] | None = None
        client._session.renew_with(lambda: {"holds": self.holds})
        for held in wanted.get("holds", ()):
            call = self.calls[held["call"]] = GroupCall(self, held, None)
            call.accepted = True
            self._doubtful.add(call.id)

    @property
    def transport(self) -> str:
        return self._client.transport

    @property
    def holds(self) -> list[dict[str, Any]]:
        """The calls that this member has accepted, with their epochs: a program that saves them, and the client's cursor, may
        pass both to Client.group() when it is started again."""
        return [{"call": call.id, "epoch": call.epoch} for call in self.calls.values() if call.accepted]

    async def join(self) -> Group:
        """Joins the group; iterating calls this. Raises InvalidParams, NotAllowed and other exceptions of Client.call()."""
        await self._client._dispatch()
        return self

    async def leave(self, *, drain: bool = False, timeout: float | None = None) -> None:
        """Leaves the group, and waits until it is done.

        drain: gets no new calls, and waits until its calls have ended, or for `timeout` seconds. All calls that are left then go
        to other members.
        """
        self._leaving = {"drain": drain}
        if timeout is not None:
            self._leaving["timeout_ms"] = round(timeout * 1000)
        await self.dispatcher.call("group.leave", self._leaving)
        await self._left.wait()

    def __aiter__(self) -> Group:
        return self

    async def __anext__(self) -> GroupCall:
        await self.join()
        while not self._new:
            if self._error:
                raise self._error
            if self._is_over:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()
        return self._new.popleft()

    # Called by the dispatcher.

    def call_of(self, record: Any) -> GroupCall | None:
        return next((self.calls[id] for id in record.get("calls", ()) if id in self.calls), None)

    def take(self, item: Any) -> None:
        kind = item["type"]
        if kind == "subscribed":
            self._subscribed(item)
        elif kind == "assigned":
            self._assigned(item)
        elif kind == "released":
            call = self.calls.get(item["call"])
            if call and call.epoch == item["epoch"]:
                self._release(call, item["reason"])
        elif kind == "left":
            self._has_left()
        elif kind == "lost":
            self._doubt(item)
        elif kind.startswith("server."):
            for call in self.calls.values():
                if call.server in ("", item["server"]):
                    call.see(item)
            self._check()
        else:
            for id in item.get("calls", ()):
                if id in self.calls:
                    self.calls[id].see(item)

    def expire(self) -> None:
        """The lease is over: others may have the calls."""
        for call in list(self.calls.values()):
            self._release(call, "lease")

    def end(self, error: AribusError) -> None:
        """The client is closed, or the daemon has ended the membership."""
        if not isinstance(error, NotConnected) and not self._is_over:
            self._error = error
        self._finish()

    # Inside.

    def _finish(self) -> None:
        self._is_over = True
        for task in (self._pinging, self._checking):
            if task:
                task.cancel()
        for call in list(self.calls.values()):
            self._release(call, "member_left" if self._leaving else "lost")
        self._left.set()
        self._woken.set()

    def _has_left(self) -> None:
        if not self._is_over:
            self._finish()
            self.dispatcher.later(self._unsubscribe())

    async def _unsubscribe(self) -> None:
        with contextlib.suppress(AribusError):
            await self._client._run(Call("unsubscribe"), None)

    def _subscribed(self, item: Any) -> None:
        was, self.member = self.member, item.get("member", "")
        if was and (item.get("resumed") is False or was != self.member):
            self._doubt(item)
        elif self._doubtful:
            self._check()
        lease_ms = item.get("lease_ms")  # also where the daemon's configuration has it
        if lease_ms and not self._pinging:
            self._pinging = asyncio.create_task(self._ping(lease_ms / 1000 / PINGS_PER_LEASE))
        if was and self._leaving:
            self.dispatcher.later(self._leave_again(self._leaving))

    async def _leave_again(self, params: dict[str, Any]) -> None:
        with contextlib.suppress(AribusError):
            await self.dispatcher.call("group.leave", params)

    async def _ping(self, pause: float) -> None:
        """In the event loop that runs the handlers: while it is blocked nothing is sent, and the daemon notices."""
        while True:
            await asyncio.sleep(pause)
            if self._client._session.ready:
                with contextlib.suppress(AribusError):
                    await self._client._run(Call("ping"), pause)

    def _assigned(self, item: Any) -> None:
        known = self.calls.get(item["call"])
        if known and known.epoch == item["epoch"]:
            self._doubtful.discard(known.id)
            is_given = bool(known.snapshot)  # else the program said at the start that it holds it
            known.snapshot, known.server = item["snapshot"] or known.snapshot, item["server"]
            return known.see(item) if is_given or not known.snapshot else self._give(known)
        if known:
            self._release(known, "lost")
        if item["snapshot"] is not None:  # else it has ended
            call = self.calls[item["call"]] = GroupCall(self, item, item["snapshot"])
            call.accepted = item["reason"] in ("held", "originated")
            self._give(call)

    def _give(self, call: GroupCall) -> None:
        """Gives a call, which has its snapshot, to the program."""
        first = call.snapshot["channel"]
        found: dict[str, Any] = {one["channel"]["id"]: one for one in call.snapshot["channels"]}
        inside = [first] if first in found else []
        inside += [id for id, one in found.items() if one.get("app") and id != first]
        for id in inside or list(found)[:1] or [first]:
            one = found.get(id, {"channel": {"id": id}})
            args = call.snapshot["args"] if id == first else []
            if not self.dispatcher.awaits(id):  # else its StasisStart follows
                call.add(self.dispatcher.adopt(call.server, one.get("app", ""), args, one["channel"]))
        if not (call.reason == "originated" and self.dispatcher.creates(first)):
            self._new.append(call)
            self._woken.set()

    def _release(self, call: GroupCall, reason: str) -> None:
        del self.calls[call.id]
        self._doubtful.discard(call.id)
        if call in self._new:
            self._new.remove(call)
        error = NotOwner(f"the call {call.id} does not belong to this member any more: {reason}", {
            "call": call.id, "group": self.name, "owner": "", "epoch": call.epoch, "reason": reason})
        for channel in list(call.channels):
            self.dispatcher.release(channel, error)
        call.end(reason, error)

    # After records were missed, or under another name, calls may belong to others: the daemon is asked.

    def _doubt(self, item: Any) -> None:
        """item: why, for the calls' loops. What was offered and is still this member's comes again."""
        for call in list(self.calls.values()):
            if call.accepted:
                self._doubtful.add(call.id)
                call.see(item)
            else:
                self._release(call, "lost")
        self._check()

    def _check(self) -> None:
        self._check_again = bool(self._doubtful)
        if self._check_again and (self._checking is None or self._checking.done()):
            self._checking = self.dispatcher.later(self._check_doubtful())

    async def _check_doubtful(self) -> None:
        while self._check_again and not self._is_over:
            self._check_again = False
            with contextlib.suppress(NotConnected, OutcomeUnknown):  # `subscribed` follows
                status = await self._client._run(Call("status"), None)
                ready = {one["name"] for one in status["servers"] if one["state"] == "ready"}
                for call in [self.calls[id] for id in list(self._doubtful) if id in self.calls]:
                    await self._check_one(call, ready)

    async def _check_one(self, call: GroupCall, ready: set[str]) -> None:
        try:
            await self._client._run(Call("group.accept", {"call": call.id, "epoch": call.epoch}), None)
            if not call.snapshot:  # the program said at the start that it holds it
                await self._look_up(call)
            self._doubtful.discard(call.id)
        except NotOwner:
            # aribusd may have been restarted, and not know the calls of this Asterisk yet: `server.resynced` follows.
            if call.released is None and (call.server in ready if call.server else ready):
                self._release(call, "lost")

    async def _look_up(self, call: GroupCall) -> None:
        """Makes the snapshot of a call that the program held when it was started."""
        async def read(kind: str, id: str) -> list[Any]:
            found = await self._client._run(Call(f"state.{kind}", {"server": call.server, "id": id}), None)
            return list(found[kind])
        calls = (await self._client._run(Call("state.calls", {"id": call.id}), None))["calls"]
        if not calls:
            return
        call.server = calls[0]["server"]
        legs = [leg["channel"] for leg in calls[0]["call"]["legs"] if "ended" not in leg]
        channels = [one for leg in legs for one in await read("channels", leg)]
        bridges = [one for id in dict.fromkeys(one["bridge"] for one in channels if "bridge" in one) for one in await read("bridges", id)]
        dialplan = channels[0]["channel"]["dialplan"] if channels else {}
        args = dialplan.get("app_data", "").split(",")[1:] if dialplan.get("app_name") == "Stasis" else []
        if call.released is None and not call.snapshot:
            call.snapshot = {"channel": channels[0]["channel"]["id"] if channels else "", "args": args, "commands": [],
                             "call": calls[0], "channels": channels, "bridges": bridges}
            self._give(call)


def parameters(group: str, holds: Sequence[Mapping[str, Any]] | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of `subscribe`."""
    named = {name: value for name, value in given.items() if value is not None}
    return {"group": group, **({"holds": [dict(one) for one in holds]} if holds else {}), **named}
