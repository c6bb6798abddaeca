"""Records, commands and worker groups of PBXs over NATS, from any machine: docs/nats-clients.md. Needs nats-py, the extra `aribus[nats]`.

nats-py makes the connection: servers, credentials, TLS and reconnecting are options of `nats.connect()`.
"""
from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict

try:
    import nats.errors
except ImportError as missing:
    raise ImportError("aribus.nats needs nats-py: pip install 'aribus[nats]'") from missing

from ._consumer import BATCH, Consumer, Found
from ._link import token
from ._request import REQUEST_BYTES, as_object, encoded, refusal, too_long, with_id
from ._workers import Workers, _Client, workers_parameters
from .errors import NotAllowed, NotConnected, OutcomeUnknown, error_of

if TYPE_CHECKING:
    from types import TracebackType

    from nats.aio.client import Client as Connection
    from nats.aio.msg import Msg

    from .types import Item

_GRACE_SECONDS = 1.0  # beyond a command's timeout, at which aribus-nats itself answers
_LONGEST_SECONDS = 86_400  # aribus-nats' maximum
_DENIED_SECONDS = 0.2  # interval between checks whether NATS has denied a command


class Removed(TypedDict):
    """Records that NATS removed before this program read them."""

    type: Literal["lost"]
    records: int
    reason: str


class Restarted(TypedDict):
    """aribusd has started a new stream of records, `stream`: records after the cursor `previous` may be missing."""

    type: Literal["bus.restarted"]
    seq: int
    time: str
    stream: str
    previous: str
    reason: str


class Delivery(NamedTuple):
    """An item of Records.

    pbx: its PBX: `name` in nats.yaml. item: a record, exactly as on the socket, or a report such as `lost`. cursor: the
    record's cursor, `<stream>:<seq>` as on the socket; "" if the item is not a record.
    """

    pbx: str
    item: Item | Removed | Restarted
    cursor: str


class Records:
    """The records of PBXs: each once, in order per PBX.

    async with aribus.nats.Records(connection, "billing", ["pbx1", "pbx2"], types=["StasisStart"]) as records:
        async for pbx, record, cursor in records:
            ...

    NATS stores the program's position under its name. A record is acknowledged when the program asks for the next one; if
    the program is killed before, the record is delivered again. Only one process at a time may read under a name.

    connection: of nats.connect(). name: of the durable consumer, one in the stream of each PBX. It is created if it does not
    exist and the user may create it. pbxs: the names of the PBXs. types, servers, apps: deliver only records of these; names,
    not globs. start: where a new consumer begins: with the next record, or with the oldest one in the stream.
    prefix: of JetStream's API, if another account or a leaf node changes it.
    """

    def __init__(self, connection: Connection, name: str, pbxs: str | Sequence[str], *,
                 types: str | Sequence[str] | None = None, servers: str | Sequence[str] | None = None,
                 apps: str | Sequence[str] | None = None, start: Literal["newest", "oldest"] = "newest",
                 prefix: str = "$JS.API") -> None:
        if start not in ("newest", "oldest"):
            raise refusal("start", f"one of newest, oldest is expected, not {start!r}")
        self._connection = connection
        wanted = [_tokens("servers", servers), _tokens("apps", apps), _tokens("types", types)]
        self._consumers = [Consumer(connection, _name("name", name), _name("pbxs", pbx), wanted, start, prefix)
                           for pbx in ([pbxs] if isinstance(pbxs, str) else pbxs)]
        if not self._consumers:
            raise refusal("pbxs", "the name of a PBX is expected")
        self._found: asyncio.Queue[Found | BaseException | None] = asyncio.Queue(BATCH)
        self._under_way: Found | None = None  # the item that the program got last
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Records:
        await self.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        await self.close()

    async def open(self) -> None:
        """Finds or creates the consumers; `async with` calls this.

        Raises NotConnected if a PBX has no stream, InvalidParams if a consumer of this name has other settings, NotAllowed
        if the user lacks permissions in NATS, and the errors of nats-py.
        """
        for consumer in self._consumers:
            await consumer.open()
        self._tasks = [asyncio.create_task(self._read(consumer)) for consumer in self._consumers]

    async def close(self) -> None:
        """Ends the iteration. If the program has not asked for another item since, the last one is delivered again."""
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
                self._found.put_nowait(None)  # for further calls
                raise StopAsyncIteration
            if isinstance(found, BaseException):
                raise found
            self._under_way = found
            if found.item is not None:
                return Delivery(found.consumer.pbx, found.item, found.cursor)

    async def _read(self, consumer: Consumer) -> None:
        try:
            async for found in consumer.messages():
                await self._found.put(found)
        except Exception as error:
            await self._found.put(error)


class AnyAnswer(NamedTuple):
    """The result of Commands.call_any(): the PBX that carried out the command, and its result."""

    pbx: str
    result: Any


class Commands:
    """Sends commands to PBXs.

    commands = aribus.nats.Commands(connection, "controller")
    await commands.call("pbx1", "channels.hangup", {"channelId": "1795384777.12"})

    connection: of nats.connect(). rule: the access rule in aribusd.yaml that applies to the commands, one of `rules` in the
    PBX's nats.yaml; the permissions in NATS control who may use it.
    """

    def __init__(self, connection: Connection, rule: str) -> None:
        if not rule:
            raise refusal("rule", "the name of an access rule is expected")
        self._connection, self._rule, self._token = connection, rule, _tokens("rule", rule)[0]

    async def call(self, pbx: str, method: str, params: Mapping[str, Any] | None = None, timeout: float = 30.0) -> Any:
        """Calls a method of a PBX's daemon and returns its result. Nothing is ever sent twice.

        pbx: `name` in its nats.yaml. timeout: in seconds, at most a day; it also limits `wait`. Raises the exceptions of
        aribus.errors: InvalidParams, NotConnected and NotAllowed when nothing was sent to Asterisk, OutcomeUnknown when no
        answer came in time. An object that the method creates gets an id of aribus.new_id(), unless `params` has an id or a
        `key`.
        """
        return (await self._call(_name("pbx", pbx), method, params, timeout)).result

    async def call_any(self, method: str, params: Mapping[str, Any] | None = None, timeout: float = 30.0) -> AnyAnswer:
        """Like call(), to any PBX that is ready. To repeat a command safely (`key`), first let call_any() choose a PBX, for
        example with `ping`, and then call() that one."""
        return await self._call("any", method, params, timeout)

    async def _call(self, pbx: str, method: str, params: Mapping[str, Any] | None, timeout: float) -> AnyAnswer:
        if not 0.001 <= timeout <= _LONGEST_SECONDS:
            raise refusal("timeout", f"0.001 to {_LONGEST_SECONDS} seconds are expected, not {timeout:g}")
        text = encoded(method, with_id(method, as_object(params)))
        request = f'{{"jsonrpc":"2.0","id":1,"method":{json.dumps(method)},"params":{text}}}'.encode()
        if error := too_long(len(request), min(REQUEST_BYTES, self._connection.max_payload or REQUEST_BYTES)):
            raise error
        if not self._connection.is_connected:  # otherwise nats-py would keep it and send it later
            raise NotConnected(f"not connected to NATS: {method} was not sent")
        answer = await self._answer(f"aribus.v1.rpc.{pbx}.{self._token}", pbx, method, request, timeout)
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


class Client(_Client):
    """A member of a worker group at many PBXs.

    async with aribus.nats.Client(connection, "worker") as client:
        async for call in client.group("ivr", apps=["demo"]):
            tasks.create_task(handler(call))

    The calls are the same objects as those of aribus.Client.group(): see Workers.

    connection: of nats.connect(); it is not closed with the client. rule: the access rule, one of `rules` in the PBXs' nats.yaml.
    pbxs: the names of the PBXs; without it, all PBXs that offer the rule, also those that come later. lease: in seconds; when
    aribus-nats hears nothing of this program for so long, it gives the calls to others, and when this program hears nothing of
    aribus-nats for so long, it gives them up. Signs of life are sent three times as often, in the event loop that runs the handlers.
    """

    def __init__(self, connection: Connection, rule: str, pbxs: str | Sequence[str] | None = None, *, lease: float = 10.0) -> None:
        if not rule:
            raise refusal("rule", "the name of an access rule is expected")
        super().__init__(connection, rule, [_name("pbxs", pbx) for pbx in ([pbxs] if isinstance(pbxs, str) else pbxs)]
                         if pbxs is not None else None, lease)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        await self.close()

    def group(self, group: str, *, apps: Sequence[str] | None = None, member: str | None = None, capacity: int | None = None,
              since: Mapping[str, str] | None = None, holds: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
              accept_ms: int | None = None, grace_ms: int | None = None, lease_ms: int | None = None,
              fallback_after_ms: int | None = None, fallback: str | None = None, fallback_media: str | None = None,
              fallback_app: str | None = None, exclusive: bool | None = None, orphan: str | None = None,
              orphan_after_ms: int | None = None) -> Workers:
        """Makes this client a member of the group at each PBX, once it is iterated: as aribus.Client.group().

        member: a name of its own, with which it keeps its calls when it is started again within `lease`; without it, it gets a
        random one. capacity: how many calls at a time, of each PBX. since, holds: Workers.cursors and Workers.holds, saved by an
        earlier process of the same member.
        """
        return self._group(workers_parameters(group, {
            "apps": list(apps) if apps is not None else None, "member": member, "capacity": capacity, "accept_ms": accept_ms,
            "grace_ms": grace_ms, "lease_ms": lease_ms, "fallback_after_ms": fallback_after_ms, "fallback": fallback,
            "fallback_media": fallback_media, "fallback_app": fallback_app, "exclusive": exclusive, "orphan": orphan,
            "orphan_after_ms": orphan_after_ms}), since, holds)

    async def close(self) -> None:
        """Ends the iteration. Calls that belong to this member go to others: at once, or if it has a name, after `grace`."""
        await self._close()


def _denies(error: Exception | None, subject: str) -> bool:
    return f'permissions violation for publish to "{subject}"'.lower() in str(error).lower()


def _name(parameter: str, text: str) -> str:
    """Checks that a name can be a token of a subject without escaping."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise refusal(parameter, f"a name of the characters A-Z, a-z, 0-9, _ and - is expected, not {text!r}")
    return text


def _tokens(parameter: str, names: str | Sequence[str] | None) -> list[str]:
    """Names as tokens of subjects: bytes other than A-Z, a-z, 0-9, _ and - become %XX, and an empty name becomes _."""
    given = [names] if isinstance(names, str) else list(names or [])
    for name in given:
        if "*" in name or "?" in name:
            raise refusal(parameter, f"names are expected, not globs as {name!r}")
    return [token(name) for name in dict.fromkeys(given)]
