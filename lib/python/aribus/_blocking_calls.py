"""Channels and bridges for blocking programs: asyncio does the work, in a thread of its own."""
from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from . import channel as asynchronous
from ._operations import BlockingBridgeOperations, BlockingChannelOperations
from .client import Client as AsyncClient

if TYPE_CHECKING:
    from types import TracebackType

    from .types import Channel as ChannelModel, LiveRecording

T = TypeVar("T")
INTERRUPTED_SECONDS = 5.0  # for interrupted work to hang up its calls


class Worker:
    """The thread that runs an aribus.Client."""

    def __init__(self, path: str, wait: float, max_line_bytes: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="aribus", daemon=True)
        self._thread.start()
        self.client = AsyncClient(path, wait, max_line_bytes)
        try:
            self.run(self.client.open())
        except BaseException:
            self._stop()
            raise

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work` in the thread and waits for its result; called by any other thread."""
        ended = threading.Event()

        async def run() -> T:
            try:
                return await work
            finally:
                ended.set()
        future = asyncio.run_coroutine_threadsafe(run(), self._loop)
        try:
            return future.result()
        except (KeyboardInterrupt, SystemExit):
            future.cancel()
            ended.wait(INTERRUPTED_SECONDS)
            raise

    def close(self) -> None:
        self.run(self.client.close())
        self._stop()

    def in_thread(self, handler: Callable[[Channel], object]) -> Callable[[asynchronous.Channel], Coroutine[Any, Any, None]]:
        """The blocking `handler` as a coroutine that runs it in a thread for each call."""
        async def handle(channel: asynchronous.Channel) -> None:
            ended: asyncio.Future[None] = self._loop.create_future()

            def end(error: BaseException | None) -> None:
                if not ended.done() and error:
                    ended.set_exception(error)
                elif not ended.done():
                    ended.set_result(None)

            def run() -> None:
                error = None
                try:
                    handler(Channel(self, channel))
                except BaseException as raised:
                    error = raised
                self._loop.call_soon_threadsafe(end, error)
            threading.Thread(target=run, name=f"call {channel.id}", daemon=True).start()
            await ended
        return handle

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Channel(BlockingChannelOperations):
    """Like aribus.Channel, with blocking methods. Several threads may use it.

    with channel: hangs up at the end.
    """

    def __init__(self, worker: Worker, channel: asynchronous.Channel) -> None:
        self._worker, self._channel = worker, channel

    def __repr__(self) -> str:
        return repr(self._channel)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Channel) and other._channel is self._channel

    def __hash__(self) -> int:
        return hash(self._channel)

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self._worker.run(self._channel.__aexit__(kind, error, traceback))

    @property
    def id(self) -> str:
        return self._channel.id

    @property
    def server(self) -> str | None:
        return self._channel.server

    @property
    def app(self) -> str:
        return self._channel.app

    @property
    def args(self) -> list[str]:
        return self._channel.args

    @property
    def data(self) -> ChannelModel:
        return self._channel.data

    @property
    def number(self) -> str:
        return self._channel.number

    @property
    def is_gone(self) -> bool:
        return self._channel.is_gone

    def operate(self, method: str, params: Mapping[str, Any]) -> Any:
        return self._worker.run(self._channel.operate(method, params))

    def dtmf(self, digits: str, *, between: int | None = None, duration: int | None = None) -> None:
        """See aribus.Channel.dtmf()."""
        self._worker.run(self._channel.dtmf(digits, between=between, duration=duration))

    def get(self, variable: str) -> str:
        """See aribus.Channel.get()."""
        return self._worker.run(self._channel.get(variable))

    def set(self, variable: str, value: str) -> None:
        """See aribus.Channel.set()."""
        self._worker.run(self._channel.set(variable, value))

    def snoop(self, *, spy: str = "none", whisper: str = "none", app: str | None = None) -> Channel:
        """See aribus.Channel.snoop()."""
        return Channel(self._worker, self._worker.run(self._channel.snoop(spy=spy, whisper=whisper, app=app)))

    def gone(self) -> None:
        """See aribus.Channel.gone()."""
        self._worker.run(self._channel.gone())

    def digit(self, timeout: float | None = None) -> str | None:
        """See aribus.Channel.digit()."""
        return self._worker.run(self._channel.digit(timeout))

    def digits(self, count: int | None = None, *, terminator: str = "#", timeout: float | None = 10.0,
               between: float | None = 3.0) -> str:
        """See aribus.Channel.digits()."""
        return self._worker.run(self._channel.digits(count, terminator=terminator, timeout=timeout, between=between))

    def clear_digits(self) -> None:
        """See aribus.Channel.clear_digits()."""
        self._channel.clear_digits()

    def play(self, media: str | list[str], *, terminate_on: str = "none", lang: str | None = None,
             offsetms: int | None = None, skipms: int | None = None) -> str | None:
        """See aribus.Channel.play()."""
        return self._worker.run(self._channel.play(media, terminate_on=terminate_on, lang=lang, offsetms=offsetms,
                                                   skipms=skipms))

    def record(self, name: str, format: str = "wav", *, max_duration_seconds: int | None = None,
               max_silence_seconds: int | None = None, if_exists: str | None = None, beep: bool | None = None,
               terminate_on: str | None = None) -> LiveRecording:
        """See aribus.Channel.record()."""
        return self._worker.run(self._channel.record(
            name, format, max_duration_seconds=max_duration_seconds, max_silence_seconds=max_silence_seconds,
            if_exists=if_exists, beep=beep, terminate_on=terminate_on))


class Bridge(BlockingBridgeOperations):
    """Like aribus.Bridge, with blocking methods.

    with bridge: destroys it at the end.
    """

    def __init__(self, worker: Worker, bridge: asynchronous.Bridge) -> None:
        self._worker, self._bridge = worker, bridge

    def __enter__(self) -> Bridge:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self._worker.run(self._bridge.__aexit__(kind, error, traceback))

    @property
    def id(self) -> str:
        return self._bridge.id

    @property
    def channels(self) -> list[Channel]:
        return [Channel(self._worker, channel) for channel in self._bridge.channels]

    @property
    def is_gone(self) -> bool:
        return self._bridge.is_gone

    def operate(self, method: str, params: Mapping[str, Any]) -> Any:
        return self._worker.run(self._bridge.operate(method, params))

    def add(self, *channels: Channel, role: str | None = None, mute: bool | None = None) -> None:
        """See aribus.Bridge.add()."""
        self._worker.run(self._bridge.add(*(channel._channel for channel in channels), role=role, mute=mute))

    def remove(self, *channels: Channel) -> None:
        """See aribus.Bridge.remove()."""
        self._worker.run(self._bridge.remove(*(channel._channel for channel in channels)))

    def left(self) -> Channel:
        """See aribus.Bridge.left()."""
        return Channel(self._worker, self._worker.run(self._bridge.left()))

    def play(self, media: str | list[str], *, lang: str | None = None, offsetms: int | None = None,
             skipms: int | None = None) -> None:
        """See aribus.Bridge.play()."""
        self._worker.run(self._bridge.play(media, lang=lang, offsetms=offsetms, skipms=skipms))

    def record(self, name: str, format: str = "wav", *, max_duration_seconds: int | None = None,
               max_silence_seconds: int | None = None, if_exists: str | None = None, beep: bool | None = None,
               terminate_on: str | None = None) -> LiveRecording:
        """See aribus.Bridge.record()."""
        return self._worker.run(self._bridge.record(
            name, format, max_duration_seconds=max_duration_seconds, max_silence_seconds=max_silence_seconds,
            if_exists=if_exists, beep=beep, terminate_on=terminate_on))


Handler = Callable[[Channel], object]


class ServesCalls:
    """serve(), originate() and bridge() of a blocking client."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._lock = threading.Lock()

    def _working(self) -> Worker:
        raise NotImplementedError

    def serve(self, app: str, handler: Handler, *, args: Sequence[str] = (), existing: bool = False,
              hang_up: bool = True) -> None:
        """Like aribus.Client.serve(), with a blocking handler that runs in a thread for each call.

        Ends when another thread or a signal handler closes the client, or with Ctrl-C.
        """
        worker = self._working()
        worker.run(worker.client.serve(app, worker.in_thread(handler), args=args, existing=existing, hang_up=hang_up))

    def originate(self, endpoint: str, *, timeout: int | None = None, app: str | None = None, app_args: str | None = None,
                  caller_id: str | None = None, variables: Mapping[str, str] | None = None,
                  originator: Channel | None = None, formats: str | None = None, channel_id: str | None = None,
                  server: str | None = None) -> Channel:
        """See aribus.Client.originate()."""
        worker = self._working()
        return Channel(worker, worker.run(worker.client.originate(
            endpoint, timeout=timeout, app=app, app_args=app_args, caller_id=caller_id, variables=variables,
            originator=originator._channel if originator else None, formats=formats, channel_id=channel_id, server=server)))

    def bridge(self, *channels: Channel, type: str | None = None, name: str | None = None,
               server: str | None = None) -> Bridge:
        """See aribus.Client.bridge()."""
        worker = self._working()
        return Bridge(worker, worker.run(worker.client.bridge(*(channel._channel for channel in channels), type=type,
                                                              name=name, server=server)))
