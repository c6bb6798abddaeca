"""A durable consumer of one PBX's stream in NATS."""
from __future__ import annotations

import asyncio
import itertools
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

import nats.errors
import nats.js.errors
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from ._request import refusal
from .errors import NotAllowed, NotConnected

if TYPE_CHECKING:
    from nats.aio.client import Client as Connection
    from nats.aio.msg import Msg
    from nats.js.api import ConsumerInfo

_log = logging.getLogger("aribus")

_REPORTS = ("_._.lost", "_._.bus%2Erestarted")  # aribus-nats' own messages in the stream: filters always include them
BATCH = 100  # messages per request
_EXPIRES_SECONDS = 30
_LOOK_SECONDS = 1.0  # interval between checks of a silent subscription
_EXPIRED_SECONDS = 10.0  # interval between checks of a filtered consumer for messages that the stream has removed
_HEARTBEAT_SECONDS = 5

Value = TypeVar("Value")


class Found(NamedTuple):
    consumer: Consumer
    sequence: int  # in the stream
    item: Any  # None: does not match the filter, or was handed out before
    cursor: str
    message: Msg | None  # to be acknowledged

    async def dealt_with(self) -> None:
        self.consumer.dealt_with = max(self.consumer.dealt_with, self.sequence)
        if self.message:
            await _acknowledge(self.message)


class Consumer:
    """A durable consumer of one PBX's stream.

    NATS redelivers unacknowledged messages, but late and after newer ones. So the order is restored here: messages that an
    earlier process or a broken connection left unacknowledged are read from the stream itself, and redelivered ones are
    skipped. An acknowledgement (`ack_policy` all) covers all messages before it.

    A nats-server that was killed may have lost its newest messages, and then stores others under the same sequences. After
    each reconnect this is detected by the cursors of the messages.
    """

    def __init__(self, connection: Connection, name: str, pbx: str, wanted: list[list[str]], start: str,
                 prefix: str) -> None:
        self.pbx = pbx
        self.dealt_with = 0  # the stream's sequence up to which the program has processed everything
        self._connection, self._name, self._stream, self._start = connection, name, f"ARIBUS_{pbx}", start
        self._js, self._prefix = connection.jetstream(prefix=prefix), prefix
        self._wanted = wanted  # lists of tokens: servers, apps, types
        self._subjects: list[str] = []  # the consumer's filter; empty: the whole stream
        self._last = 0  # the stream's sequence up to which everything was handed out
        self._looked_at = 0  # the stream's sequence up to which the consumer has read
        self._next = 0  # the next consumer sequence, which has no holes
        self._left = 0  # the stream's sequence up to which unacknowledged messages may be left over; 0: none
        self._handed_out: dict[str, int] = {}  # the last seq handed out, by aribusd's stream
        self._repeated = 0  # the stream's sequence up to which it may again hold records that were handed out
        self._looked = time.monotonic()  # when _expired() ran last
        self._subscription: Any = None

    async def open(self) -> None:
        subjects = self._filter() if self._connection.connected_server_version.minor >= 10 \
            or self._connection.connected_server_version.major > 2 else []
        try:
            info = await self._ask(self._js.consumer_info, self._stream, self._name)
        except nats.js.errors.NotFoundError:
            info = await self._make(subjects)
        self._check(info, subjects)
        self._subjects = _filter_of(info)
        delivered, floor = info.delivered, info.ack_floor
        position = floor if info.num_ack_pending else delivered
        self._last = self._looked_at = position.stream_seq if position else 0
        self._next = (delivered.consumer_seq if delivered else 0) + 1
        self._subscription = await self._connection.subscribe(self._connection.new_inbox())

    async def close(self) -> None:
        if self._subscription and not self._connection.is_closed:
            await self._subscription.unsubscribe()
        self._subscription = None

    async def messages(self) -> AsyncIterator[Found]:
        """All messages, without an end."""
        if self._subjects:
            for found in await self._expired():
                yield found
        asked, reconnects = 0, -1  # requested messages that are still to come; the connection of the request
        before = self._connection.last_error
        while True:
            if reconnects != self._connection.stats["reconnects"]:
                await self._look_back()
            if self._left:
                async for found in self._catch_up():
                    yield found
            if asked <= 0 or reconnects != self._connection.stats["reconnects"]:
                asked, reconnects = BATCH, self._connection.stats["reconnects"]
                await self._connection.publish(f"{self._prefix}.CONSUMER.MSG.NEXT.{self._stream}.{self._name}", json.dumps({
                    "batch": BATCH, "expires": _EXPIRES_SECONDS * 10**9,
                    "idle_heartbeat": _HEARTBEAT_SECONDS * 10**9}).encode(), self._subscription.subject)
                silent_since = time.monotonic()
            try:
                message = await self._subscription.next_msg(_LOOK_SECONDS)
            except nats.errors.Error as error:
                if self._connection.is_closed:
                    raise NotConnected("the connection to NATS is closed") from error
                if not isinstance(error, nats.errors.TimeoutError):
                    raise
                if time.monotonic() - silent_since > 2 * _HEARTBEAT_SECONDS:
                    self._check_allowed(before)
                    asked = 0  # no heartbeat: request again
                continue
            silent_since = time.monotonic()
            status = (message.headers or {}).get("Status")
            if status is not None:
                asked = await self._told(status, message, asked)
            else:
                asked -= 1
                async for found in self._took(message):
                    yield found
            if self._subjects and time.monotonic() - self._looked > _EXPIRED_SECONDS:
                for found in await self._expired():
                    yield found

    async def _told(self, status: str, message: Msg, asked: int) -> int:
        """Handles a status message; returns how many requested messages are still to come."""
        if status == "100":
            return asked
        if status not in ("404", "408"):  # with these the request has expired
            if status != "409" or "Deleted" in (message.headers or {}).get("Description", ""):
                await self._patiently(self._existing)
            await asyncio.sleep(_LOOK_SECONDS)
        return 0

    async def _existing(self) -> ConsumerInfo:
        try:
            return await self._ask(self._js.consumer_info, self._stream, self._name)
        except nats.js.errors.NotFoundError:
            raise NotConnected(f"the consumer {self._name} of the stream {self._stream} no longer exists") from None

    async def _took(self, message: Msg) -> AsyncIterator[Found]:
        of = message.metadata.sequence
        if of.stream <= self._last:  # redelivered
            if of.stream <= self.dealt_with:
                await _acknowledge(message)
        else:
            if self._left or of.consumer != self._next:  # messages in between were delivered but did not arrive
                async for found in self._between(of.stream - 1):
                    yield found
            for found in self._handed(of.stream, message.subject, message.headers, message.data, message):
                yield found
        self._next = of.consumer + 1

    async def _look_back(self) -> None:
        """Goes back to the last message that is still what was handed out: nats-server may have lost newer ones."""
        stream = await self._patiently(self._js.stream_info, self._stream)
        info = await self._patiently(self._existing)
        self._left = max(self._last, info.delivered.stream_seq if info.delivered else 0)
        last, step = min(self._last, stream.state.last_seq), 1
        while self._handed_out and last > 0:
            found = await self._patiently(self._first_behind, last - 1, f"aribus.v1.rec.{self.pbx}.>")
            if found is None or found.seq != last or self._was_handed_out(_cursor_of(found.headers)):
                break
            last, step = max(last - step, 0), 2 * step
        if last < self._last:
            self._repeated, self._last = self._last, last
            self.dealt_with = min(self.dealt_with, last)

    async def _catch_up(self) -> AsyncIterator[Found]:
        """The messages that the consumer does not deliver, or delivers only later."""
        stream = await self._patiently(self._js.stream_info, self._stream)
        async for found in self._between(min(self._left, stream.state.last_seq)):
            yield found
        if stream.state.last_seq >= self._left:
            self._left = 0

    async def _between(self, end: int) -> AsyncIterator[Found]:
        """The stream's messages after the last one handed out, up to `end`."""
        while self._last < end:
            found = [one for one in [await self._patiently(self._first_behind, self._last, subject)
                                     for subject in self._subjects or [f"aribus.v1.rec.{self.pbx}.>"]] if one]
            first = min(found, key=lambda one: int(one.seq), default=None)
            if first is None or first.seq > end:
                break
            for one in self._handed(first.seq, first.subject, first.headers, first.data or b"", None):
                yield one
        if self._subjects:
            self._last = max(self._last, end)

    async def _first_behind(self, sequence: int, subject: str) -> Any:
        try:
            return await self._js.get_msg(self._stream, seq=sequence + 1, subject=subject, next=True)
        except nats.js.errors.NotFoundError:
            return None

    def _handed(self, sequence: int, subject: str, headers: Mapping[str, str] | None, data: bytes,
                message: Msg | None) -> list[Found]:
        """The message as an item, after a `lost` item for messages missing before it."""
        found = []
        if not self._subjects and sequence > self._last + 1:
            found.append(self._lost(sequence - 1))
        self._last = sequence
        tokens = subject.split(".", 4)[4]
        is_wanted = tokens in _REPORTS or all(
            not wanted or token in wanted for token, wanted in zip(tokens.split("."), self._wanted))
        cursor = _cursor_of(headers)
        is_repeated = sequence <= self._repeated and self._was_handed_out(cursor)
        item = json.loads(data) if is_wanted and not is_repeated else None
        stream, _, seq = cursor.rpartition(":")
        if not is_repeated and seq.isdigit():
            self._handed_out[stream] = int(seq)
        return [*found, Found(self, sequence, item, cursor, message)]

    def _was_handed_out(self, cursor: str) -> bool:
        stream, _, seq = cursor.rpartition(":")
        return seq.isdigit() and int(seq) <= self._handed_out.get(stream, -1)

    def _lost(self, end: int) -> Found:
        first, self._last = max(self._last, self._looked_at) + 1, end
        return Found(self, end, {
            "type": "lost", "records": end - first + 1,
            "reason": f"the stream {self._stream} does not hold its messages {first} to {end} any more"}, "", None)

    async def _expired(self) -> list[Found]:
        """A `lost` item if the stream has removed messages before a filtered consumer read them."""
        self._looked = time.monotonic()
        stream = await self._patiently(self._js.stream_info, self._stream)
        info = await self._patiently(self._existing)
        has_lost = stream.state.first_seq > max(self._last, self._looked_at) + 1
        found = [self._lost(stream.state.first_seq - 1)] if has_lost else []
        self._looked_at = max(self._looked_at, info.delivered.stream_seq if info.delivered else 0)
        return found

    async def _patiently(self, ask: Callable[..., Awaitable[Value]], *parameters: Any) -> Value:
        """Repeats a request to JetStream until it is answered."""
        while True:
            try:
                return await self._ask(ask, *parameters)
            except (nats.errors.TimeoutError, nats.js.errors.ServiceUnavailableError) as error:
                if self._connection.is_closed:
                    raise NotConnected("the connection to NATS is closed") from error
                await asyncio.sleep(_LOOK_SECONDS)

    async def _ask(self, ask: Callable[..., Awaitable[Value]], *parameters: Any) -> Value:
        before = self._connection.last_error
        try:
            return await ask(*parameters)
        except nats.errors.TimeoutError:
            self._check_allowed(before)
            raise

    def _check_allowed(self, before: Exception | None) -> None:
        """Raises NotAllowed if NATS has denied a request: it reports that as an error of the connection, not as an answer."""
        error = self._connection.last_error
        if error is not before and "permissions violation" in str(error).lower():
            raise NotAllowed(f"reading {self._stream} under the name {self._name}: this user's permissions do not allow it: "
                             f"{error}")

    def _filter(self) -> list[str]:
        """The subjects of the wanted records; empty: all."""
        if not any(self._wanted):
            return []
        tails = list(itertools.product(*(wanted or ["*"] for wanted in self._wanted)))
        tails += [tail for report in _REPORTS if (tail := tuple(report.split("."))) and not any(
            all(one in ("*", token) for one, token in zip(given, tail)) for given in tails)]
        return [f"aribus.v1.rec.{self.pbx}." + ".".join(tail) for tail in tails]

    async def _make(self, subjects: list[str]) -> ConsumerInfo:
        try:
            return await self._ask(self._js.add_consumer, self._stream, ConsumerConfig(
                name=self._name, durable_name=self._name, ack_policy=AckPolicy.ALL, filter_subjects=subjects or None,
                deliver_policy=DeliverPolicy.NEW if self._start == "newest" else DeliverPolicy.ALL))
        except nats.js.errors.NotFoundError:
            raise NotConnected(f"there is no stream {self._stream}: aribus-nats of {self.pbx} makes it when it first "
                               "connects to this NATS") from None

    def _check(self, info: ConsumerInfo, subjects: list[str]) -> None:
        config = info.config
        if config.ack_policy != AckPolicy.ALL or config.deliver_subject:
            self._refuse("it must be a pull consumer with the ack policy `all`")
        if _filter_of(info) and set(_filter_of(info)) != set(subjects):
            self._refuse(f"its filter is {', '.join(_filter_of(info))}")

    def _refuse(self, why: str) -> NoReturn:
        raise refusal("name", f"another one than {self._name} is expected, as the stream {self._stream} has a consumer of "
                      f"that name and {why} (delete it, or choose another name)")


async def _acknowledge(message: Msg) -> None:
    try:
        await message.ack()
    except nats.errors.Error as error:  # it will be redelivered
        _log.warning("a record could not be acknowledged: %s", error)


def _cursor_of(headers: Mapping[str, str] | None) -> str:
    return (headers or {}).get("Nats-Msg-Id", "")


def _filter_of(info: ConsumerInfo) -> list[str]:
    return list(info.config.filter_subjects or ([info.config.filter_subject] if info.config.filter_subject else []))
