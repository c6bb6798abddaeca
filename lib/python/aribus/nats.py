"""Records and commands of PBXs by NATS, from any machine: docs/nats-clients.md. Needs nats-py, the extra `aribus[nats]`.

Connecting is nats-py's: servers, credentials, TLS and reconnecting are options of `nats.connect()`.
"""
from __future__ import annotations

import asyncio
import itertools
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, TypedDict, TypeVar

try:
    import nats.errors
    import nats.js.errors
    from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
except ImportError as missing:
    raise ImportError("aribus.nats needs nats-py: pip install 'aribus[nats]'") from missing

from ._request import REQUEST_BYTES, as_object, encoded, refusal, too_long, with_id
from .errors import AribusError, NotAllowed, NotConnected, OutcomeUnknown, error_of

if TYPE_CHECKING:
    from types import TracebackType

    from nats.aio.client import Client as Connection
    from nats.aio.msg import Msg
    from nats.js.api import ConsumerInfo

    from .types import Item

_log = logging.getLogger("aribus")

_REPORTS = ("_._.lost", "_._.bus%2Erestarted")  # what aribus-nats itself puts into the stream: no filter leaves it out
_BATCH = 100  # messages that are asked for at a time
_EXPIRES_SECONDS = 30
_LOOK_SECONDS = 1.0  # how often a silent subscription is looked after
_EXPIRED_SECONDS = 10.0  # how often a filtered one is compared with what the stream still holds
_HEARTBEAT_SECONDS = 5
_GRACE_SECONDS = 1.0  # aribus-nats itself answers when a command's time is over
_DENIED_SECONDS = 0.2  # how often is looked whether NATS has refused a command

Value = TypeVar("Value")


class Removed(TypedDict):
    """Records that NATS has removed before this program came to them."""

    type: Literal["lost"]
    records: int
    reason: str


class Restarted(TypedDict):
    """aribusd has begun another stream of records, `stream`: what came behind the cursor `previous` may be missing."""

    type: Literal["bus.restarted"]
    seq: int
    time: str
    stream: str
    previous: str
    reason: str


class Delivery(NamedTuple):
    """What Records gives.

    pbx: whose it is: `name` in its nats.yaml. item: a record, exactly as on the socket, or a report, as `lost`. cursor:
    the record's place, `<stream>:<seq>` as on the socket; "" of what is none.
    """

    pbx: str
    item: Item | Removed | Restarted
    cursor: str


class Records:
    """The records of PBXs, of each in its order, each once.

    async with aribus.nats.Records(connection, "billing", ["pbx1", "pbx2"], types=["StasisStart"]) as records:
        async for pbx, record, cursor in records:
            ...

    Where a program has come to is kept by NATS, under its name. A record counts as dealt with when the program asks for the
    next one; one that it was killed over comes again. One process at a time may read under a name.

    connection: of nats.connect(). name: of the durable consumer, one in the stream of each PBX. It is made where there is
    none, if the user may do that. pbxs: the names of the PBXs. types, servers, apps: only records of these, which are names,
    not globs. start: where a new consumer begins: with what comes next, or with the oldest record that the stream holds.
    prefix: of JetStream's API, where another account or a leaf node makes it another one.
    """

    def __init__(self, connection: Connection, name: str, pbxs: str | Sequence[str], *,
                 types: str | Sequence[str] | None = None, servers: str | Sequence[str] | None = None,
                 apps: str | Sequence[str] | None = None, start: Literal["newest", "oldest"] = "newest",
                 prefix: str = "$JS.API") -> None:
        if start not in ("newest", "oldest"):
            raise refusal("start", f"one of newest, oldest is expected, not {start!r}")
        self._connection = connection
        wanted = [_tokens("servers", servers), _tokens("apps", apps), _tokens("types", types)]
        self._consumers = [_Consumer(connection, _name("name", name), _name("pbxs", pbx), wanted, start, prefix)
                           for pbx in ([pbxs] if isinstance(pbxs, str) else pbxs)]
        if not self._consumers:
            raise refusal("pbxs", "the name of a PBX is expected")
        self._found: asyncio.Queue[_Found | BaseException | None] = asyncio.Queue(_BATCH)
        self._under_way: _Found | None = None  # what the program has got last
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Records:
        await self.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        await self.close()

    async def open(self) -> None:
        """Finds or makes the consumers; what `async with` does.

        Raises NotConnected where there is no stream of a PBX, InvalidParams where there is a consumer of this name with
        other settings, NotAllowed where the user's permissions in NATS lack something, and the errors of nats-py.
        """
        for consumer in self._consumers:
            await consumer.open()
        self._tasks = [asyncio.create_task(self._read(consumer)) for consumer in self._consumers]

    async def close(self) -> None:
        """Ends the iteration. What the program got last, and has asked for no other since, comes again."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for consumer in self._consumers:
            await consumer.close()
        while not self._found.empty():
            self._found.get_nowait()
        self._found.put_nowait(None)
        if self._connection.is_connected:
            await self._connection.flush()  # the acknowledgements

    def __aiter__(self) -> Records:
        return self

    async def __anext__(self) -> Delivery:
        while True:
            if self._under_way:
                await self._under_way.dealt_with()
                self._under_way = None
            found = await self._found.get()
            if found is None:
                self._found.put_nowait(None)  # for who asks again
                raise StopAsyncIteration
            if isinstance(found, BaseException):
                raise found
            self._under_way = found
            if found.item is not None:
                return Delivery(found.consumer.pbx, found.item, found.cursor)

    async def _read(self, consumer: _Consumer) -> None:
        try:
            async for found in consumer.messages():
                await self._found.put(found)
        except Exception as error:
            await self._found.put(error)


class _Found(NamedTuple):
    consumer: _Consumer
    sequence: int  # in the stream
    item: Any  # None: one that is not wanted
    cursor: str
    message: Msg | None  # to be acknowledged

    async def dealt_with(self) -> None:
        self.consumer.dealt_with = max(self.consumer.dealt_with, self.sequence)
        if self.message:
            await _acknowledge(self.message)


class _Consumer:
    """A durable consumer of one PBX's stream.

    NATS delivers again what was not acknowledged, but late and behind newer records. So the order is made here: what a
    process before, or a connection that broke, has left is read from the stream itself, and what then comes again is
    passed over. An acknowledgement (`ack_policy` all) counts for all before it.

    A nats-server that was killed may have lost the newest messages, and then holds others under the same sequences. After
    each new connection their cursors tell.
    """

    def __init__(self, connection: Connection, name: str, pbx: str, wanted: list[list[str]], start: str,
                 prefix: str) -> None:
        self.pbx = pbx
        self.dealt_with = 0  # the stream's sequence up to which the program has all behind it
        self._connection, self._name, self._stream, self._start = connection, name, f"ARIBUS_{pbx}", start
        self._js, self._prefix = connection.jetstream(prefix=prefix), prefix
        self._wanted = wanted  # lists of tokens: servers, apps, types
        self._subjects: list[str] = []  # the consumer's filter; none: it has the whole stream
        self._last = 0  # the stream's sequence up to which all was handed out
        self._looked_at = 0  # up to which the consumer has looked
        self._next = 0  # of the consumer's own sequence, which has no holes
        self._left = 0  # up to which a process before, or a connection that broke, may have left something; 0: nothing
        self._handed_out: dict[str, int] = {}  # the last seq of each stream of aribusd's
        self._repeated = 0  # the stream's sequence up to which it may hold again what was handed out
        self._looked = time.monotonic()
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

    async def messages(self) -> AsyncIterator[_Found]:
        """All of them, without an end."""
        if self._subjects:
            for found in await self._expired():
                yield found
        asked, reconnects = 0, -1  # messages that NATS still owes; the connection that they were asked over
        before = self._connection.last_error
        while True:
            if reconnects != self._connection.stats["reconnects"]:
                await self._look_back()
            if self._left:
                async for found in self._catch_up():
                    yield found
            if asked <= 0 or reconnects != self._connection.stats["reconnects"]:
                asked, reconnects = _BATCH, self._connection.stats["reconnects"]
                await self._connection.publish(f"{self._prefix}.CONSUMER.MSG.NEXT.{self._stream}.{self._name}", json.dumps({
                    "batch": _BATCH, "expires": _EXPIRES_SECONDS * 10**9,
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
                    asked = 0  # no heartbeat: ask again
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
        """How many messages are owed after a message that is none."""
        if status == "100":
            return asked
        if status not in ("404", "408"):  # otherwise the time of the request is over
            if status != "409" or "Deleted" in message.headers.get("Description", ""):
                await self._patiently(self._existing)
            await asyncio.sleep(_LOOK_SECONDS)
        return 0

    async def _existing(self) -> ConsumerInfo:
        try:
            return await self._ask(self._js.consumer_info, self._stream, self._name)
        except nats.js.errors.NotFoundError:
            raise NotConnected(f"the consumer {self._name} of the stream {self._stream} is there no more") from None

    async def _took(self, message: Msg) -> AsyncIterator[_Found]:
        of = message.metadata.sequence
        if of.stream <= self._last:  # it came again
            if of.stream <= self.dealt_with:
                await _acknowledge(message)
        else:
            if self._left or of.consumer != self._next:  # what is between was delivered, and has not come
                async for found in self._between(of.stream - 1):
                    yield found
            for found in self._handed(of.stream, message.subject, message.headers, message.data, message):
                yield found
        self._next = of.consumer + 1

    async def _look_back(self) -> None:
        """Goes back to where the stream is still what was handed out: nats-server may have lost the end of it."""
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

    async def _catch_up(self) -> AsyncIterator[_Found]:
        """What the consumer does not deliver, or not soon."""
        stream = await self._patiently(self._js.stream_info, self._stream)
        async for found in self._between(min(self._left, stream.state.last_seq)):
            yield found
        if stream.state.last_seq >= self._left:
            self._left = 0

    async def _between(self, end: int) -> AsyncIterator[_Found]:
        """What the stream holds behind what was handed out, up to `end`."""
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
                message: Msg | None) -> list[_Found]:
        """The message as an item, behind a report of those that should have come before it."""
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
        return [*found, _Found(self, sequence, item, cursor, message)]

    def _was_handed_out(self, cursor: str) -> bool:
        stream, _, seq = cursor.rpartition(":")
        return seq.isdigit() and int(seq) <= self._handed_out.get(stream, -1)

    def _lost(self, end: int) -> _Found:
        first, self._last = max(self._last, self._looked_at) + 1, end
        return _Found(self, end, {
            "type": "lost", "records": end - first + 1,
            "reason": f"the stream {self._stream} does not hold its messages {first} to {end} any more"}, "", None)

    async def _expired(self) -> list[_Found]:
        """A report if the stream has lost messages that a filter has not looked at."""
        self._looked = time.monotonic()
        stream = await self._patiently(self._js.stream_info, self._stream)
        info = await self._patiently(self._existing)
        has_lost = stream.state.first_seq > max(self._last, self._looked_at) + 1
        found = [self._lost(stream.state.first_seq - 1)] if has_lost else []
        self._looked_at = max(self._looked_at, info.delivered.stream_seq if info.delivered else 0)
        return found

    async def _patiently(self, ask: Callable[..., Awaitable[Value]], *parameters: Any) -> Value:
        """An answer of JetStream, however long that is away."""
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
        """NATS answers nothing to what it does not allow; it says so beside."""
        error = self._connection.last_error
        if error is not before and "permissions violation" in str(error).lower():
            raise NotAllowed(f"reading {self._stream} under the name {self._name}: this user's permissions do not allow it: {error}")

    def _filter(self) -> list[str]:
        """The subjects of the wanted records; none: all."""
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
            self._refuse("it has to be a pull consumer with the ack policy `all`")
        if _filter_of(info) and set(_filter_of(info)) != set(subjects):
            self._refuse(f"its filter is {', '.join(_filter_of(info))}")

    def _refuse(self, why: str) -> NoReturn:
        raise refusal("name", f"another one than {self._name} is expected, as the stream {self._stream} has a consumer of "
                      f"that name and {why} (delete it, or choose another name)")


async def _acknowledge(message: Msg) -> None:
    try:
        await message.ack()
    except nats.js.errors.MsgAlreadyAckdError:
        pass
    except nats.errors.Error as error:  # it comes again
        _log.warning("a record could not be acknowledged: %s", error)


class AnyAnswer(NamedTuple):
    """What Commands.call_any() gives: the PBX that has carried it out, and the result."""

    pbx: str
    result: Any


class Commands:
    """Sends commands to PBXs.

    commands = aribus.nats.Commands(connection, "controller")
    await commands.call("pbx1", "channels.hangup", {"channelId": "1795384777.12"})

    connection: of nats.connect(). rule: the access rule in aribusd.yaml that the commands are under, one of `rules` in the
    PBX's nats.yaml; the permissions of NATS say who may use it.
    """

    def __init__(self, connection: Connection, rule: str) -> None:
        self._connection, self._rule = connection, _name("rule", rule)

    async def call(self, pbx: str, method: str, params: Mapping[str, Any] | None = None, timeout: float = 30.0) -> Any:
        """Calls a method of a PBX's daemon and returns its result. Nothing is ever sent twice.

        pbx: `name` in its nats.yaml. timeout: in seconds; it bounds `wait`, too. Raises the exceptions of aribus.errors:
        InvalidParams, NotConnected and NotAllowed when nothing was sent to Asterisk, OutcomeUnknown when no answer came in
        time. What the method makes gets an id of aribus.new_id(), unless `params` has one or a `key`.
        """
        return (await self._call(_name("pbx", pbx), method, params, timeout)).result

    async def call_any(self, method: str, params: Mapping[str, Any] | None = None, timeout: float = 30.0) -> AnyAnswer:
        """As call(), of any PBX that is ready. To repeat a command safely (`key`), ask any for a PBX first, as by `ping`,
        and call that one."""
        return await self._call("any", method, params, timeout)

    async def _call(self, pbx: str, method: str, params: Mapping[str, Any] | None, timeout: float) -> AnyAnswer:
        text = encoded(method, with_id(method, as_object(params)))
        request = f'{{"jsonrpc":"2.0","id":1,"method":{json.dumps(method)},"params":{text}}}'.encode()
        if error := too_long(len(request), min(REQUEST_BYTES, self._connection.max_payload or REQUEST_BYTES)):
            raise error
        if not self._connection.is_connected:  # otherwise nats-py would keep it, and send it late
            raise NotConnected(f"not connected to NATS: {method} was not sent")
        answer = await self._answer(f"aribus.v1.rpc.{pbx}.{self._rule}", pbx, method, request, timeout)
        body = json.loads(answer.data)
        if "error" in body:
            raise error_of(body["error"])
        return AnyAnswer((answer.headers or {}).get("Aribus-Pbx", pbx), body.get("result"))

    async def _answer(self, subject: str, pbx: str, method: str, request: bytes, timeout: float) -> Msg:
        before = self._connection.last_error
        asked = asyncio.ensure_future(self._connection.request(
            subject, request, timeout=timeout + _GRACE_SECONDS, headers={"Aribus-Timeout": str(round(timeout * 1000))}))
        try:
            while not (await asyncio.wait({asked}, timeout=_DENIED_SECONDS))[0]:
                error = self._connection.last_error
                if error is not before and _denies(error, subject):
                    raise NotAllowed(f"NATS does not allow this user to publish to {subject}: {method} was not sent")
            return asked.result()
        except nats.errors.NoRespondersError:
            raise NotConnected(f"nobody answers at {subject}: {method} was not sent. " + (
                "No PBX that offers this rule is ready" if pbx == "any" else
                f"Does aribus-nats of {pbx} run, and is {self._rule} one of its `rules`?")) from None
        except nats.errors.TimeoutError:
            raise OutcomeUnknown(f"no answer within {timeout:g} s: the outcome of {method} is unknown",
                                 {"timeout_ms": round(timeout * 1000)}) from None
        except nats.errors.Error as error:
            raise OutcomeUnknown(f"{error}, before {method} was answered: its outcome is unknown") from error
        finally:
            asked.cancel()


def _denies(error: Exception | None, subject: str) -> bool:
    return f'permissions violation for publish to "{subject}"'.lower() in str(error).lower()


def _cursor_of(headers: Mapping[str, str] | None) -> str:
    return (headers or {}).get("Nats-Msg-Id", "")


def _filter_of(info: ConsumerInfo) -> list[str]:
    return list(info.config.filter_subjects or ([info.config.filter_subject] if info.config.filter_subject else []))


def _name(parameter: str, text: str) -> str:
    """A name that is a token of a subject as it is."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise refusal(parameter, f"a name of the characters A-Z, a-z, 0-9, _ and - is expected, not {text!r}")
    return text


def _tokens(parameter: str, names: str | Sequence[str] | None) -> list[str]:
    """Names as they are in subjects: bytes other than A-Z, a-z, 0-9, _ and - are %XX there, and an empty name is _."""
    given = [names] if isinstance(names, str) else list(names or [])
    for name in given:
        if "*" in name or "?" in name:
            raise refusal(parameter, f"names are expected, not globs as {name!r}")
    return [re.sub(rb"[^A-Za-z0-9_-]", lambda byte: b"%%%02X" % byte[0][0], name.encode()).decode() or "_"
            for name in dict.fromkeys(given)]
