"""Channels and bridges as objects, with methods that control them or wait for their events."""
from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._operations import BridgeOperations, ChannelOperations, given
from ._request import new_id
from .errors import AribusError, BridgeGone, ChannelGone, PlaybackFailed, RecordingFailed, Refused

if TYPE_CHECKING:
    from types import TracebackType

    from ._dispatcher import Dispatcher
    from .group import GroupCall
    from .types import Channel as ChannelModel, LiveRecording

ALL_DIGITS = "0123456789*#ABCD"
# After these methods the channel is no longer this program's.
HANDED_OVER = ("channels.continueInDialplan", "channels.move", "channels.redirect")
# Asterisk's messages when the channel no longer exists, or ARI can't control it.
GONE = ("Channel not found", "Channel not in Stasis application", "Provided channel was not found")


def digits_of(terminate_on: str) -> str:
    """The digits meant by ARI's `terminateOn`: `none`, `any`, or the digits themselves."""
    return {"none": "", "any": ALL_DIGITS}.get(terminate_on, terminate_on)


class Waits:
    """Everything that waits for an event of a channel or bridge; all of it gets an error when that ends."""

    def __init__(self) -> None:
        self.end: AribusError | None = None  # set when the channel or bridge has ended
        self._futures: set[asyncio.Future[Any]] = set()
        self._sleepers: set[asyncio.Future[None]] = set()

    def finish(self, error: AribusError) -> None:
        if self.end is None:
            self.end = error
            for future in self._futures:
                if not future.done():
                    future.set_exception(self.error())
                    future.exception()  # avoids asyncio's warning if nobody awaits it any more

    def error(self) -> AribusError:
        """A new copy of `end`, to be raised."""
        assert self.end
        return type(self.end)(self.end.message, self.end.data)

    def check(self) -> None:
        if self.end:
            raise self.error()

    def future(self) -> asyncio.Future[Any]:
        """A future that gets the error, unless it has a result by then."""
        self.check()
        future = asyncio.get_running_loop().create_future()
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    async def woken(self) -> None:
        """Waits for wake()."""
        future = self.future()
        self._sleepers.add(future)
        try:
            await future
        finally:
            self._sleepers.discard(future)

    def wake(self) -> None:
        for future in self._sleepers:
            if not future.done():
                future.set_result(None)


class Channel(ChannelOperations):
    """A channel in a Stasis application.

    ARI's operations on channels are its methods, under ARI's names in snake_case: answer(), hangup(), ring(), hold(),
    continue_in_dialplan() and so on. They raise the exceptions of Client.call(), and wait for a connection if there is none.
    All of them, and all methods that wait, raise ChannelGone as soon as the channel has left the application.

    id: ARI's id of the channel. server: the name of its Asterisk. app, args: the application, and the arguments with which
    the channel entered it. data: the channel as in ARI's latest event, of type types.Channel. call: the call of a group that it
    belongs to; commands have its epoch then, and raise NotOwner when the call belongs to another member.

    async with channel: hangs up at the end.
    """

    def __init__(self, dispatcher: Dispatcher, id: str, server: str | None = None, app: str = "",
                 args: list[str] | None = None, data: ChannelModel | None = None) -> None:
        self.id, self.server, self.app, self.args = id, server, app, args or []
        self.data: ChannelModel = data or {"id": id}  # type: ignore[assignment]
        self.handed_over = False  # it was sent elsewhere: it must not be hung up
        self.is_leaving = False  # it was hung up but has not left yet
        self.legs: list[Channel] = []  # channels originated for it
        self.call: GroupCall | None = None
        self.waits = Waits()
        self._dispatcher = dispatcher
        self._digits: deque[str] = deque()  # pressed and not yet returned

    def __repr__(self) -> str:
        return f"<aribus.Channel {self.id} in {self.app}{' (gone)' if self.is_gone else ''}>"

    async def __aenter__(self) -> Channel:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        await self._dispatcher.hang_up(self)

    @property
    def number(self) -> str:
        """The caller's number, "" if there is none."""
        return self.data["caller"]["number"] if "caller" in self.data else ""

    @property
    def is_gone(self) -> bool:
        return self.waits.end is not None

    @property
    def place(self) -> dict[str, Any]:
        """The parameters that say where it is, and in whose hands."""
        server: dict[str, Any] = {"server": self.server} if self.server else {}
        return {**server, "epoch": self.call.epoch} if self.call else server

    async def operate(self, method: str, params: Mapping[str, Any]) -> Any:
        """Calls a method of the daemon, like Client.call(), with this channel's id as `channelId` and its `server`."""
        try:
            result = await self._dispatcher.call(method, {"channelId": self.id, **self.place, **params}, self.waits)
        except Refused as error:
            if error.data.get("message") in GONE and error.data.get("path", "").startswith("/channels/"):
                raise self.gone_error() from error
            raise
        self.handed_over |= method in HANDED_OVER
        return result

    # Shortcuts.

    async def dtmf(self, digits: str, *, between: int | None = None, duration: int | None = None) -> None:
        """Sends digits to the channel. between, duration: in ms; default 100 each."""
        await self.send_dtmf(digits, between=between, duration=duration)

    async def get(self, variable: str) -> str:
        """The value of a variable or dialplan function, such as `CALLERID(num)`; "" when it is not set."""
        try:
            return str((await self.get_channel_var(variable))["value"])
        except Refused as error:
            if error.status == 404:
                return ""
            raise

    async def set(self, variable: str, value: str) -> None:
        """Sets a variable or a dialplan function."""
        await self.set_channel_var(variable, value)

    async def snoop(self, *, spy: str = "none", whisper: str = "none", app: str | None = None) -> Channel:
        """Creates a channel that listens to this one (spy) or speaks to it (whisper): `in`, `out`, `both` or `none`, as in ARI.

        app: the application that it enters; by default that of this channel.
        """
        async def make(leg: Channel) -> None:
            await self.operate("channels.snoopChannel", {"snoopId": leg.id, "app": app or self.app, "spy": spy,
                                                         "whisper": whisper, "appArgs": self._dispatcher.leg_args})
        return await self._dispatcher.new_channel(new_id(), make)

    # Methods that wait.

    async def gone(self) -> None:
        """Waits until the channel has left the application or ended."""
        if not self.is_gone:
            try:
                await self.waits.future()
            except ChannelGone:
                pass

    async def digit(self, timeout: float | None = None) -> str | None:
        """The next digit, which may have been pressed before; None when none comes within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                return await self._next_digit(ALL_DIGITS)
        except TimeoutError:
            return None

    async def digits(self, count: int | None = None, *, terminator: str = "#", timeout: float | None = 10.0,
                     between: float | None = 3.0) -> str:
        """Collects digits until there are `count`, or `terminator` is pressed (not included), or none comes in time.

        timeout: for the first digit, between: for each further digit, in seconds; None: no limit. Returns "" when none was
        pressed.
        """
        digits = ""
        while count is None or len(digits) < count:
            digit = await self.digit(between if digits else timeout)
            if digit is None or digit in terminator:
                break
            digits += digit
        return digits

    def clear_digits(self) -> None:
        """Discards the digits that were pressed but not returned yet."""
        self._digits.clear()

    async def play(self, media: str | list[str], *, terminate_on: str = "none", lang: str | None = None,
                   offsetms: int | None = None, skipms: int | None = None) -> str | None:
        """Plays, and waits for the end. Raises PlaybackFailed when the media is not played to the end.

        media: ARI's URIs, such as `sound:hello-world`, `recording:NAME`, `number:42`, `digits:42`, `characters:ab`,
        `tone:ring`. terminate_on: digits that end it, `any`, or `none`. A digit that was pressed before but not returned
        yet counts, too. Returns the digit that ended it, or None. Other digits are kept for digit().
        """
        among = digits_of(terminate_on)
        for digit in self._digits:
            if digit in among:
                self._digits.remove(digit)
                return digit
        pressed = asyncio.create_task(self._next_digit(among)) if among else None
        try:
            return await play(self, self._dispatcher, "channels.play",
                              given(media=media, lang=lang, offsetms=offsetms, skipms=skipms), pressed)
        finally:
            if pressed and not pressed.cancel() and not pressed.cancelled():
                pressed.exception()  # already reported by the playback's end

    async def record(self, name: str, format: str = "wav", *, max_duration_seconds: int | None = None,
                     max_silence_seconds: int | None = None, if_exists: str | None = None, beep: bool | None = None,
                     terminate_on: str | None = None) -> LiveRecording:
        """Records to Asterisk's disk, and waits for the end. Returns ARI's recording, with `duration` in whole seconds if
        Asterisk reports it.

        name, if_exists (`fail`, `overwrite`, `append`), beep, terminate_on (`none`, `any`, `*`, `#`): as in ARI. Silence
        ends the recording after max_silence_seconds. When the caller hangs up, the recording so far is returned. Raises
        RecordingFailed. Digits pressed during the recording are discarded.
        """
        recording = await record(self, self._dispatcher, "channels.record", given(
            name=name, format=format, maxDurationSeconds=max_duration_seconds, maxSilenceSeconds=max_silence_seconds,
            ifExists=if_exists, beep=beep, terminateOn=terminate_on))
        self.clear_digits()
        return recording

    # Called by the dispatcher.

    def gone_error(self) -> ChannelGone:
        return ChannelGone(f"channel {self.id} has left the application {self.app}", {"channelId": self.id})

    def pressed(self, digit: str) -> None:
        self._digits.append(digit)
        self.waits.wake()

    async def _next_digit(self, among: str) -> str:
        while True:
            for digit in self._digits:
                if digit in among:
                    self._digits.remove(digit)
                    return digit
            await self.waits.woken()


class Bridge(BridgeOperations):
    """A bridge created by Client.bridge(). ARI's operations on bridges are its methods, under ARI's names in snake_case.

    id: ARI's id of the bridge. channels: those added by add() that are still in it.

    async with bridge: destroys it at the end.
    """

    def __init__(self, dispatcher: Dispatcher, id: str, server: str | None) -> None:
        self.id, self.server = id, server
        self.channels: list[Channel] = []
        self.waits = Waits()
        self._dispatcher = dispatcher
        self._left: deque[Channel] = deque()  # not yet returned by left()

    async def __aenter__(self) -> Bridge:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        await self._dispatcher.destroy(self)

    @property
    def is_gone(self) -> bool:
        return self.waits.end is not None

    async def operate(self, method: str, params: Mapping[str, Any]) -> Any:
        """Calls a method of the daemon, like Client.call(), with this bridge's id as `bridgeId` and its `server`."""
        server = {"server": self.server} if self.server else {}
        try:
            return await self._dispatcher.call(method, {"bridgeId": self.id, **server, **params}, self.waits)
        except Refused as error:
            if error.status == 404 and error.data.get("message") == "Bridge not found":
                raise self.gone_error() from error
            raise

    async def add(self, *channels: Channel, role: str | None = None, mute: bool | None = None) -> None:
        """Adds channels. role: `participant` or `announcer`, for a holding bridge. Raises ChannelGone."""
        for channel in channels:
            channel.waits.check()
            self.channels.append(channel)
            try:
                await self.add_channel([channel.id], role=role, mute=mute)
            except BaseException as error:
                if channel in self.channels:
                    self.channels.remove(channel)
                if isinstance(error, Refused) and error.data.get("message") in GONE:
                    raise channel.gone_error() from error
                raise

    async def remove(self, *channels: Channel) -> None:
        """Removes channels. They stay in the application."""
        for channel in channels:
            if channel in self.channels:
                self.channels.remove(channel)
            try:
                await self.remove_channel([channel.id])
            except Refused:
                channel.waits.check()
                raise

    async def left(self) -> Channel:
        """Waits until a channel that was added has left the bridge or its application, and returns it."""
        while not self._left:
            await self.waits.woken()
        return self._left.popleft()

    async def play(self, media: str | list[str], *, lang: str | None = None, offsetms: int | None = None,
                   skipms: int | None = None) -> None:
        """Plays to all channels in the bridge, and waits for the end. Raises PlaybackFailed."""
        await play(self, self._dispatcher, "bridges.play", given(media=media, lang=lang, offsetms=offsetms, skipms=skipms))

    async def record(self, name: str, format: str = "wav", *, max_duration_seconds: int | None = None,
                     max_silence_seconds: int | None = None, if_exists: str | None = None, beep: bool | None = None,
                     terminate_on: str | None = None) -> LiveRecording:
        """Records all channels in the bridge, and waits for the end; like Channel.record()."""
        return await record(self, self._dispatcher, "bridges.record", given(
            name=name, format=format, maxDurationSeconds=max_duration_seconds, maxSilenceSeconds=max_silence_seconds,
            ifExists=if_exists, beep=beep, terminateOn=terminate_on))

    # Called by the dispatcher.

    def gone_error(self) -> BridgeGone:
        return BridgeGone(f"bridge {self.id} was destroyed", {"bridgeId": self.id})

    def channel_left(self, channel: Channel) -> None:
        if channel in self.channels:
            self.channels.remove(channel)
            self._left.append(channel)
            self.waits.wake()


async def play(target: Channel | Bridge, dispatcher: Dispatcher, method: str, params: dict[str, Any],
               pressed: asyncio.Task[str] | None = None) -> str | None:
    """Plays until the end, or until `pressed` is done; then returns its result."""
    playback = new_id()

    async def stop() -> None:
        server = {"server": target.server} if target.server else {}
        await dispatcher.unless_refused("playbacks.stop", {"playbackId": playback, **server})
    with dispatcher.ending("playback", playback, target) as ending:
        await dispatcher.begin(ending, method, {"playbackId": playback, **params})
        try:
            await asyncio.wait([ending.future, *([pressed] if pressed else [])], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            dispatcher.later(stop())
            raise
        if pressed and pressed.done() and not pressed.exception():
            if not ending.future.done():
                await stop()
                await ending.future
            return pressed.result()
        result = await ending.future
    if result["state"] == "failed":
        if isinstance(target, Channel) and target.is_leaving:
            raise target.gone_error()
        raise PlaybackFailed(f"{params['media']} was not played to the end: there is no such sound, maybe", result)
    return None


async def record(target: Channel | Bridge, dispatcher: Dispatcher, method: str, params: dict[str, Any]) -> LiveRecording:
    """Records until the end."""
    server = {"server": target.server} if target.server else {}
    with dispatcher.ending("recording", params["name"], target) as ending:
        await dispatcher.begin(ending, method, params)
        try:
            result: LiveRecording = await ending.future
        except asyncio.CancelledError:
            dispatcher.later(dispatcher.unless_refused("recordings.stop", {"recordingName": params["name"], **server}))
            raise
    if result["state"] == "failed":
        if isinstance(target, Channel) and target.is_leaving:
            raise target.gone_error()
        raise RecordingFailed(f"{params['name']} was not recorded: {result.get('cause_txt', 'Asterisk does not say why')}",
                              dict(result))
    return result
