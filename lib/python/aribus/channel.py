"""A call's channel, and a bridge, as objects: what can be done with them, and what can be waited for."""
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
    from .types import Channel as ChannelModel, LiveRecording

ALL_DIGITS = "0123456789*#ABCD"
# After these the channel belongs to somebody else.
HANDED_OVER = ("channels.continueInDialplan", "channels.move", "channels.redirect")
# How Asterisk says that it has the channel no more, or does not let ARI control it.
GONE = ("Channel not found", "Channel not in Stasis application", "Provided channel was not found")


def digits_of(terminate_on: str) -> str:
    """The digits that ARI's words stand for: `none`, `any`, or the digits themselves."""
    return {"none": "", "any": ALL_DIGITS}.get(terminate_on, terminate_on)


class Waits:
    """Those who wait for something of a channel or bridge: all get an error when it goes."""

    def __init__(self) -> None:
        self.end: AribusError | None = None  # why nothing more comes
        self._futures: set[asyncio.Future[Any]] = set()
        self._sleepers: set[asyncio.Future[None]] = set()

    def finish(self, error: AribusError) -> None:
        if self.end is None:
            self.end = error
            for future in self._futures:
                if not future.done():
                    future.set_exception(self.error())
                    future.exception()  # it may be that nobody looks at it any more

    def error(self) -> AribusError:
        """`end` for one more who wants to raise it."""
        assert self.end
        return type(self.end)(self.end.message, self.end.data)

    def check(self) -> None:
        if self.end:
            raise self.error()

    def future(self) -> asyncio.Future[Any]:
        """A future that gets the error, unless it has a result before."""
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
    continue_in_dialplan() and so on. They raise what Client.call() raises; while there is no connection they wait for one.
    All of them, and whatever waits, raise ChannelGone as soon as the channel has left the application.

    id: ARI's id of the channel. server: its Asterisk's name. app, args: the application, and the arguments it was entered with.
    data: the channel as ARI showed it last, of type types.Channel.

    async with channel: hangs up at the end.
    """

    def __init__(self, dispatcher: Dispatcher, id: str, server: str | None = None, app: str = "",
                 args: list[str] | None = None, data: ChannelModel | None = None) -> None:
        self.id, self.server, self.app, self.args = id, server, app, args or []
        self.data: ChannelModel = data or {"id": id}  # type: ignore[assignment]
        self.handed_over = False  # it was sent elsewhere: nobody is to hang it up
        self.is_leaving = False  # it was hung up, and has not left yet
        self.legs: list[Channel] = []  # originated for it
        self.waits = Waits()
        self._dispatcher = dispatcher
        self._digits: deque[str] = deque()  # pressed and not taken

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

    async def operate(self, method: str, params: Mapping[str, Any]) -> Any:
        """Calls a method of the daemon, as Client.call() does, with this channel as `channelId` on its `server`."""
        server = {"server": self.server} if self.server else {}
        try:
            result = await self._dispatcher.call(method, {"channelId": self.id, **server, **params}, self.waits)
        except Refused as error:
            if error.data.get("message") in GONE and error.data.get("path", "").startswith("/channels/"):
                raise self.gone_error() from error
            raise
        self.handed_over |= method in HANDED_OVER
        return result

    # Short names.

    async def dtmf(self, digits: str, *, between: int | None = None, duration: int | None = None) -> None:
        """Sends digits to the channel. between, duration: in ms, 100 each unless said otherwise."""
        await self.send_dtmf(digits, between=between, duration=duration)

    async def get(self, variable: str) -> str:
        """The value of a variable or function of the dialplan, as `CALLERID(num)`; "" when it is not set."""
        try:
            return str((await self.get_channel_var(variable))["value"])
        except Refused as error:
            if error.status == 404:
                return ""
            raise

    async def set(self, variable: str, value: str) -> None:
        """Sets a variable, or what a function of the dialplan stands for."""
        await self.set_channel_var(variable, value)

    async def snoop(self, *, spy: str = "none", whisper: str = "none", app: str | None = None) -> Channel:
        """A new channel that hears this one (spy) or speaks to it (whisper): `in`, `out`, `both` or `none`, as in ARI.

        app: where it goes; the application of this one unless said otherwise.
        """
        async def make(leg: Channel) -> None:
            await self.operate("channels.snoopChannel", {"snoopId": leg.id, "app": app or self.app, "spy": spy,
                                                         "whisper": whisper, "appArgs": self._dispatcher.leg_args})
        return await self._dispatcher.new_channel(new_id(), make)

    # What can be waited for.

    async def gone(self) -> None:
        """Waits until the channel has left the application or ended."""
        if not self.is_gone:
            try:
                await self.waits.future()
            except ChannelGone:
                pass

    async def digit(self, timeout: float | None = None) -> str | None:
        """The next digit that is pressed, or was and nobody took it; None when none comes within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                return await self._next_digit(ALL_DIGITS)
        except TimeoutError:
            return None

    async def digits(self, count: int | None = None, *, terminator: str = "#", timeout: float | None = 10.0,
                     between: float | None = 3.0) -> str:
        """Digits, until there are `count`, or `terminator` (which is not among them), or none came in time.

        timeout: for the first one, between: for each one after it, in seconds; None: no limit. Returns "" when none was pressed.
        """
        digits = ""
        while count is None or len(digits) < count:
            digit = await self.digit(between if digits else timeout)
            if digit is None or digit in terminator:
                break
            digits += digit
        return digits

    def clear_digits(self) -> None:
        """Forgets the digits that were pressed and not taken."""
        self._digits.clear()

    async def play(self, media: str | list[str], *, terminate_on: str = "none", lang: str | None = None,
                   offsetms: int | None = None, skipms: int | None = None) -> str | None:
        """Plays, and waits for the end. Raises PlaybackFailed when it is not played to the end.

        media: ARI's URIs, as `sound:hello-world`, `recording:NAME`, `number:42`, `digits:42`, `characters:ab`, `tone:ring`.
        terminate_on: digits that end it, `any`, or `none`. One that was pressed before and not taken counts, too.
        Returns the digit that ended it, None if none did. Other digits are kept for digit().
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
                pressed.exception()  # which the end of the playback tells as well

    async def record(self, name: str, format: str = "wav", *, max_duration_seconds: int | None = None,
                     max_silence_seconds: int | None = None, if_exists: str | None = None, beep: bool | None = None,
                     terminate_on: str | None = None) -> LiveRecording:
        """Records, and waits for the end. Returns the recording, with its `duration` in whole seconds, if Asterisk tells it; it is on Asterisk's disk.

        name, if_exists (`fail`, `overwrite`, `append`), beep, terminate_on (`none`, `any`, `*`, `#`): as in ARI. Silence
        ends it after max_silence_seconds. When the caller hangs up meanwhile, what was recorded is returned. Raises
        RecordingFailed. Digits pressed meanwhile are forgotten.
        """
        recording = await record(self, self._dispatcher, "channels.record", given(
            name=name, format=format, maxDurationSeconds=max_duration_seconds, maxSilenceSeconds=max_silence_seconds,
            ifExists=if_exists, beep=beep, terminateOn=terminate_on))
        self.clear_digits()
        return recording

    # What the dispatcher tells.

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
    """A bridge that Client.bridge() made. ARI's operations on bridges are its methods, under ARI's names in snake_case.

    id: ARI's id of the bridge. channels: those that were added by add() and are in it still.

    async with bridge: destroys it at the end.
    """

    def __init__(self, dispatcher: Dispatcher, id: str, server: str | None) -> None:
        self.id, self.server = id, server
        self.channels: list[Channel] = []
        self.waits = Waits()
        self._dispatcher = dispatcher
        self._left: deque[Channel] = deque()  # and left() did not tell

    async def __aenter__(self) -> Bridge:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        await self._dispatcher.destroy(self)

    @property
    def is_gone(self) -> bool:
        return self.waits.end is not None

    async def operate(self, method: str, params: Mapping[str, Any]) -> Any:
        """Calls a method of the daemon, as Client.call() does, with this bridge as `bridgeId` on its `server`."""
        server = {"server": self.server} if self.server else {}
        try:
            return await self._dispatcher.call(method, {"bridgeId": self.id, **server, **params}, self.waits)
        except Refused as error:
            if error.status == 404 and error.data.get("message") == "Bridge not found":
                raise self.gone_error() from error
            raise

    async def add(self, *channels: Channel, role: str | None = None, mute: bool | None = None) -> None:
        """Adds channels. role: `participant` or `announcer`, where a holding bridge is meant. Raises ChannelGone."""
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
        """Takes channels out. They stay in the application."""
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
        """Plays to all who are in it, and waits for the end. Raises PlaybackFailed."""
        await play(self, self._dispatcher, "bridges.play", given(media=media, lang=lang, offsetms=offsetms, skipms=skipms))

    async def record(self, name: str, format: str = "wav", *, max_duration_seconds: int | None = None,
                     max_silence_seconds: int | None = None, if_exists: str | None = None, beep: bool | None = None,
                     terminate_on: str | None = None) -> LiveRecording:
        """Records what all say, and waits for the end; as Channel.record()."""
        return await record(self, self._dispatcher, "bridges.record", given(
            name=name, format=format, maxDurationSeconds=max_duration_seconds, maxSilenceSeconds=max_silence_seconds,
            ifExists=if_exists, beep=beep, terminateOn=terminate_on))

    # What the dispatcher tells.

    def gone_error(self) -> BridgeGone:
        return BridgeGone(f"bridge {self.id} was destroyed", {"bridgeId": self.id})

    def channel_left(self, channel: Channel) -> None:
        if channel in self.channels:
            self.channels.remove(channel)
            self._left.append(channel)
            self.waits.wake()


async def play(target: Channel | Bridge, dispatcher: Dispatcher, method: str, params: dict[str, Any],
               pressed: asyncio.Task[str] | None = None) -> str | None:
    """Plays until the end, or until `pressed`, whose result is returned."""
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
