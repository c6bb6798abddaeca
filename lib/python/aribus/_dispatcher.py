"""Dispatches the records of a client's subscription to its channels and bridges, and serves calls."""
from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ._request import CHOSEN_IDS, new_id
from ._session import Call
from .channel import Bridge, Channel, Waits
from .errors import (AribusError, CallFailed, ChannelGone, InvalidParams, NotAllowed, NotConnected, OutcomeUnknown,
                     Refused)

if TYPE_CHECKING:
    from .client import Client
    from .group import Group, GroupCall

Handler = Callable[[Channel], Awaitable[object]]

RECORDS = ["StasisStart", "StasisEnd", "ChannelDestroyed", "ChannelHangupRequest", "ChannelDtmfReceived",
           "ChannelStateChange", "ChannelLeftBridge", "BridgeDestroyed", "PlaybackFinished", "RecordingFinished",
           "RecordingFailed", "state.changed", "state.gone", "server.resynced", "server.removed"]
# The daemon accepts 64 commands in progress per connection. Ringing calls must not use them all.
COMMANDS, RINGING = 32, 24
PATIENCE_SECONDS = 30.0  # how long a command is retried that was not sent because there is no connection
PAUSE_SECONDS = 0.2
SETTLE_SECONDS = 2.0
ENDED = ("done", "failed", "canceled")
# The first application argument of channels that a program creates for itself, with originate() or snoop(): other programs
# that serve the application ignore them.
LEG = "aribus-leg"
logger = logging.getLogger("aribus")


class Ending:
    """Waits for the end of a playback or recording. `begun`: the result of the command that started it."""

    def __init__(self, kind: str, id: str, target: Channel | Bridge) -> None:
        self.kind, self.id, self.target = kind, id, target
        self.future = target.waits.future()
        self.begun: dict[str, Any] | None = None

    def finish(self, result: dict[str, Any]) -> None:
        if not self.future.done():
            self.future.set_result(result)


class Serving:
    """The parameters of a serve(), and the calls that it serves."""

    def __init__(self, handler: Handler, args: list[str], existing: bool, hang_up: bool) -> None:
        self.handler, self.args, self.existing, self.hang_up = handler, args, existing, hang_up
        self.began = datetime.datetime.now(datetime.UTC)
        self.calls: set[asyncio.Task[None]] = set()

    def wants(self, channel: Channel, is_told: bool) -> bool:
        """is_told: an event reported that the channel entered the application; otherwise it was found there."""
        if channel.args[:len(self.args)] != self.args or channel.args[:1] == [LEG]:
            return False
        created = channel.data.get("creationtime", "")
        return is_told or self.existing or created == "" or datetime.datetime.fromisoformat(created) >= self.began


class Dispatcher:
    """One per client that serves or originates calls, or is a member of a group. Its task reads the client's subscription."""

    leg_args = LEG

    def __init__(self, client: Client, group: Group | None = None) -> None:
        self.closed = Waits()  # ends with the client
        self._client = client
        self.group = group  # that the client is a member of
        self._channels: dict[tuple[str | None, str], Channel] = {}  # in an application, by server and id
        self._legs: dict[str, tuple[Channel, asyncio.Future[None]]] = {}  # new channels that have not entered one yet
        self._own: set[str] = set()  # ids of channels that this client creates
        self._abandoned: set[str] = set()  # those of them that are no longer wanted
        self._bridges: dict[str, Bridge] = {}
        self._endings: set[Ending] = set()
        self._servings: dict[str, Serving] = {}
        self._room, self._ringing = asyncio.Semaphore(COMMANDS), asyncio.Semaphore(RINGING)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        await self._client._run(Call("subscribe", self.group.wanted if self.group else {"types": RECORDS}), None)
        self._reading = asyncio.create_task(self._read())

    async def settle(self) -> None:
        """Waits for pending hangups, stops and destructions, for at most SETTLE_SECONDS."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=SETTLE_SECONDS)

    def later(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Called by channels and bridges.

    async def call(self, method: str, params: Mapping[str, Any], of: Waits | None = None) -> Any:
        """Like Client.call(), but queued, and waiting for a connection. of: fails when this channel or bridge ends."""
        until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            (of or self.closed).check()
            try:
                async with self._room:
                    return await self._run(method, params)
            except NotConnected:
                if self.closed.end or asyncio.get_running_loop().time() > until:
                    raise
            except (Refused, OutcomeUnknown):
                if of:
                    of.check()
                raise
            await asyncio.sleep(PAUSE_SECONDS)

    async def _run(self, method: str, params: Mapping[str, Any]) -> Any:
        call = Call(method, params)
        self.makes(call)
        return await self._client._run(call, None)

    async def unless_refused(self, method: str, params: Mapping[str, Any]) -> None:
        """Calls the method, repeating it if it was not sent or its outcome is unknown. Other errors are ignored."""
        while not self.closed.end:
            try:
                await self.call(method, params)
                return
            except (NotConnected, OutcomeUnknown):
                await asyncio.sleep(PAUSE_SECONDS)
            except AribusError:
                return

    async def hang_up(self, channel: Channel) -> None:
        while not channel.is_gone and not channel.handed_over and not self.closed.end:
            try:
                await self.call("channels.hangup", {"channelId": channel.id, **channel.place}, channel.waits)
                return
            except (NotConnected, OutcomeUnknown):
                await asyncio.sleep(PAUSE_SECONDS)
            except AribusError:
                return

    async def destroy(self, bridge: Bridge) -> None:
        if not bridge.is_gone:
            server = {"server": bridge.server} if bridge.server else {}
            await self.unless_refused("bridges.destroy", {"bridgeId": bridge.id, **server})
            self._bridge_gone(bridge)

    @contextlib.contextmanager
    def ending(self, kind: str, id: str, target: Channel | Bridge) -> Iterator[Ending]:
        ending = Ending(kind, id, target)
        self._endings.add(ending)
        try:
            yield ending
        finally:
            self._endings.discard(ending)
            ending.future.cancel()

    async def begin(self, ending: Ending, method: str, params: Mapping[str, Any]) -> None:
        """Starts the playback or recording. If the outcome is unknown, asks Asterisk whether it exists."""
        try:
            ending.begun = await ending.target.operate(method, params)
        except OutcomeUnknown:
            if not await self._is_there(ending) and not ending.future.done():
                raise

    async def bridge(self, channels: tuple[Channel, ...], params: dict[str, Any]) -> Bridge:
        server = params.get("server") or next((channel.server for channel in channels), None)
        bridge = Bridge(self, new_id(), server)
        self._bridges[bridge.id] = bridge
        try:
            await bridge.operate("bridges.create", params)
            await bridge.add(*channels)
        except BaseException:
            self.later(self.destroy(bridge))
            raise
        return bridge

    async def originate(self, params: dict[str, Any], originator: Channel | None) -> Channel:
        if "app" not in params and len(self._servings) == 1:
            params["app"] = next(iter(self._servings))
        if originator and originator.call:
            params["epoch"] = originator.call.epoch
        params["appArgs"] = f"{LEG},{params['appArgs']}" if "appArgs" in params else LEG

        async def make(leg: Channel) -> None:
            try:
                async with self._ringing:
                    result = await self._run("originate", {**params, "channelId": leg.id, "wait": "answer"})
            except Refused as error:
                if error.status not in (409, 500):
                    raise
                raise CallFailed(error.message, {"outcome": "failed", **error.data}) from error
            if result["outcome"] != "answered":
                raise CallFailed(f"{params['endpoint']} was not reached: {result['outcome']}, {result['cause_txt']}",
                                 dict(result))
        return await self.new_channel(params.pop("channelId", None) or new_id(), make, originator)

    async def new_channel(self, id: str, make: Callable[[Channel], Coroutine[Any, Any, None]],
                          originator: Channel | None = None) -> Channel:
        """Creates a channel with `make`; returns it when it has entered its application."""
        leg = Channel(self, id)
        entered = leg.waits.future()
        self._legs[id] = leg, entered
        self._own.add(id)
        making = self.later(make(leg))
        try:
            gone = originator.waits.future() if originator else self.closed.future()
            await asyncio.wait([making, gone], return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                await gone
            gone.cancel()
            await making
            await entered
        except BaseException as error:
            if isinstance(error, (Refused, InvalidParams, NotAllowed)):
                self._own.discard(id)  # nothing was created
            elif not isinstance(error, CallFailed):
                self._abandoned.add(id)
                self.later(self.hang_up(leg))
            raise
        finally:
            del self._legs[id]
            making.add_done_callback(lambda task: task.cancelled() or task.exception())
        if originator:
            originator.legs.append(leg)
        return leg

    def makes(self, call: Call) -> None:
        """Notes the id of a channel that the program creates with Client.call()."""
        if CHOSEN_IDS.get(call.method) in ("channelId", "snoopId"):
            self._own.add(json.loads(call.text).get(CHOSEN_IDS[call.method], ""))

    async def serve(self, app: str, serving: Serving, started: Callable[[], Awaitable[Any]]) -> None:
        """started: waits until the client is subscribed."""
        if app in self._servings:
            raise InvalidParams(f"app: the calls of {app} are served already, by this client")
        self._servings[app] = serving  # before the first record arrives, or its call would be missed
        try:
            await started()
            servers = (await self._client.call("status"))["servers"]
            if not any(app in server["apps"] for server in servers):
                raise InvalidParams(f"app: aribusd does not hold the application {app}; it must be one of `apps` in aribusd.yaml")
            if serving.existing:
                self.later(self._catch_up())
            with contextlib.suppress(NotConnected):  # the client was closed
                await self.closed.future()
        finally:
            del self._servings[app]
            for task in serving.calls:
                task.cancel()
            if serving.calls:
                await asyncio.wait(serving.calls)

    def close(self, error: AribusError) -> None:
        """Ends everything that is waited for."""
        self.closed.finish(error)
        if self.group:
            self.group.end(error)
        waits = [channel.waits for channel in self._channels.values()] + [leg.waits for leg, _ in self._legs.values()]
        for one in waits + [bridge.waits for bridge in self._bridges.values()]:
            one.finish(error)

    # Records.

    async def _read(self) -> None:
        try:
            while True:
                self._take(await self._client._next())
                if not self._client._session.items:
                    await asyncio.sleep(0)
        except AribusError as error:
            self.close(error)

    def _take(self, item: Any) -> None:
        self._dispatch(item)
        if self.group:
            self.group.take(item)

    def _dispatch(self, item: Any) -> None:
        kind, server = item["type"], item.get("server")
        if kind == "subscribed":
            if item.get("resumed") is False:
                self.later(self._catch_up())
        elif kind == "lost":
            self.later(self._catch_up())
        elif kind == "StasisStart":
            call = self.group.call_of(item) if self.group else None
            self._entered(server, item["app"], item["args"], item["channel"], not item.get("synthetic"), call)
        elif kind in ("PlaybackFinished", "RecordingFinished", "RecordingFailed"):
            self._ended("playback" if kind == "PlaybackFinished" else "recording", server, item)
        elif kind == "state.changed":
            for playback in item["objects"].get("playbacks", []):
                self._ended("playback", server, playback)
            for recording in item["objects"].get("recordings", []):
                self._ended("recording", server, recording)
        elif kind == "BridgeDestroyed":
            if bridge := self._bridges.get(item["bridge"]["id"]):
                self._bridge_gone(bridge)
        elif kind in ("server.resynced", "server.removed"):
            self._reconcile(server, item.get("channels", []))
        elif kind == "state.gone":
            for id in item.get("channels", []):
                self._gone(server, id)
        elif "channel" in item:
            self._of_channel(kind, server, item)

    def _of_channel(self, kind: str, server: str, item: Any) -> None:
        id = item["channel"]["id"]
        channel = self._channels.get((server, id))
        if kind == "ChannelDestroyed" or (kind == "StasisEnd" and channel and channel.app == item["app"]):
            self._gone(server, id)
        elif channel:
            channel.data = item["channel"]
            if kind == "ChannelDtmfReceived":
                channel.pressed(item["digit"])
            elif kind == "ChannelHangupRequest":
                channel.is_leaving = True
            elif kind == "ChannelLeftBridge" and (bridge := self._bridges.get(item["bridge"]["id"])):
                bridge.channel_left(channel)

    def _entered(self, server: str, app: str, args: list[str], data: Any, is_told: bool, call: GroupCall | None = None) -> None:
        id = data["id"]
        known = self._channels.get((server, id))
        if known and known.app == app:
            known.data = data
            known.args = known.args or args
            return
        if known:
            self._end(known)  # it was moved to another application
        if id in self._abandoned:
            self.later(self.hang_up(Channel(self, id, server, app)))
            return
        leg, entered = self._legs.get(id, (None, None))
        channel = leg or Channel(self, id)
        channel.server, channel.app, channel.data = server, app, data
        channel.args = args[1:] if leg and args[:1] == [LEG] else args
        serving = None if id in self._own else self._servings.get(app)
        if leg is None and call is None and (serving is None or not serving.wants(channel, is_told)):
            return
        self._channels[server, id] = channel
        if call:
            call.add(channel)
        if entered and not entered.done():
            entered.set_result(None)
        if serving:
            task = asyncio.create_task(self._handle(serving, channel))
            serving.calls.add(task)
            task.add_done_callback(serving.calls.discard)

    async def _handle(self, serving: Serving, channel: Channel) -> None:
        try:
            await serving.handler(channel)
        except Exception as error:
            if isinstance(error, ChannelGone) and error.data["channelId"] == channel.id:
                logger.debug("call %s: %s", channel.id, error)
            else:
                logger.exception("call %s: its handler failed", channel.id)
        finally:
            for leg in channel.legs:
                await self.hang_up(leg)
            if serving.hang_up:
                await self.hang_up(channel)

    def _gone(self, server: str | None, id: str) -> None:
        self._own.discard(id)
        self._abandoned.discard(id)
        if channel := self._channels.get((server, id)):
            self._end(channel)

    def _end(self, channel: Channel) -> None:
        del self._channels[channel.server, channel.id]
        if channel.call:
            channel.call.remove(channel)
        channel.waits.finish(channel.gone_error())
        for bridge in list(self._bridges.values()):
            bridge.channel_left(channel)
        for leg in channel.legs:
            self.later(self.hang_up(leg))

    # For calls of the group.

    def creates(self, id: str) -> bool:
        """Whether this client creates, or has created, the channel."""
        return id in self._own

    def awaits(self, id: str) -> bool:
        """Whether this client creates the channel, and it has not entered its application yet."""
        return id in self._legs

    def adopt(self, server: str, app: str, args: list[str], data: Any) -> Channel:
        """The channel, which is in an application."""
        channel = self._channels.get((server, data["id"])) or Channel(self, data["id"], server)
        channel.app, channel.args, channel.data = app, args or channel.args, data
        self._channels[server, channel.id] = channel
        return channel

    def release(self, channel: Channel, error: AribusError) -> None:
        """Another program controls the channel now."""
        if self._channels.get((channel.server, channel.id)) is channel:
            del self._channels[channel.server, channel.id]
        channel.waits.finish(error)

    def _bridge_gone(self, bridge: Bridge) -> None:
        self._bridges.pop(bridge.id, None)
        bridge.waits.finish(bridge.gone_error())

    def _ended(self, kind: str, server: str | None, item: Any) -> None:
        """Handles a record about a playback or recording."""
        object = item.get(kind, {})
        id = object.get("id" if kind == "playback" else "name")
        if object.get("state") not in ENDED:
            return
        for ending in list(self._endings):
            if (ending.kind, ending.id) == (kind, id) and ending.target.server in (None, server):
                ending.finish(object)

    # After records were missed.

    def _reconcile(self, server: str | None, channels: list[str]) -> None:
        """Removes the channels of this server that Asterisk no longer has."""
        for known in list(self._channels.values()):
            if known.server == server and known.id not in channels:
                self._gone(server, known.id)
        self._look_at(server)

    def _look_at(self, server: str | None) -> None:
        """Asks whether the playbacks, recordings and bridges that are waited for still exist."""
        for ending in self._endings:
            if ending.target.server in (None, server) and ending.begun is not None:
                self.later(self._look_at_ending(ending))
        for bridge in self._bridges.values():
            if bridge.server in (None, server):
                self.later(self._look_at_bridge(bridge))

    async def _look_at_ending(self, ending: Ending) -> None:
        with contextlib.suppress(AribusError):
            if not await self._is_there(ending):
                ending.finish({**(ending.begun or {}), "state": "done"})

    async def _is_there(self, ending: Ending) -> bool:
        method, name = (("playbacks.get", "playbackId") if ending.kind == "playback"
                        else ("recordings.getLive", "recordingName"))
        server = {"server": ending.target.server} if ending.target.server else {}
        try:
            ending.begun = await self.call(method, {name: ending.id, **server})
            return True
        except Refused as error:
            if error.status != 404:
                raise
            return False

    async def _look_at_bridge(self, bridge: Bridge) -> None:
        channels = list(bridge.channels)
        with contextlib.suppress(AribusError):
            found = await bridge.operate("bridges.get", {})
            for channel in channels:
                if channel.id not in found["channels"]:
                    bridge.channel_left(channel)

    async def _catch_up(self) -> None:
        """Asks for the live channels. For an Asterisk that is not ready, server.resynced follows later."""
        known = list(self._channels.values())
        try:
            ready = {one["name"] for one in (await self.call("status", {}))["servers"] if one["state"] == "ready"}
            found = (await self.call("state.channels", {}))["channels"]
        except AribusError as error:
            if not self.closed.end:
                logger.warning("records were missed, and the live channels can't be read: %s", error)
            return
        there = {(one["server"], one["channel"]["id"], one.get("app")): one for one in found}
        for channel in known:
            if channel.server in ready and (channel.server, channel.id, channel.app) not in there:
                self._gone(channel.server, channel.id)
        for (server, _, app), one in there.items():
            if server in ready and app:
                dialplan = one["channel"]["dialplan"]
                args = dialplan.get("app_data", "").split(",")[1:] if dialplan.get("app_name") == "Stasis" else []
                self._entered(server, app, args, one["channel"], False)
        for server in ready:
            self._look_at(server)
