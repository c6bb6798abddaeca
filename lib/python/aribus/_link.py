"""A member's link to the daemon of a PBX, over NATS: docs/nats-clients.md, "The protocol of members"."""
from __future__ import annotations

import asyncio
import math
import re
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any

import nats.errors

if TYPE_CHECKING:
    from nats.aio.client import Client as Connection
    from nats.aio.msg import Msg

SIGNS_PER_LEASE = 10 / 3  # signs of life: every 3 s with a lease of 10 s
LOOK_SECONDS = 0.2  # interval between looks at the connection to NATS
HEADER_BYTES = 1024  # room for the headers of a message
CHUNK_BYTES = 64 * 1024
# What is acknowledged at the latest: a quarter of what aribus-nats sends ahead.
UNACKNOWLEDGED, UNACKNOWLEDGED_BYTES = 256, 256 * 1024


class Ended(Exception):
    """The link has ended; the text says why."""


def token(name: str) -> str:
    """A name as a token of a subject: bytes other than A-Z, a-z, 0-9, _ and - become %XX, and an empty name becomes _."""
    return re.sub(rb"[^A-Za-z0-9_-]", lambda byte: b"%%%02X" % byte[0][0], name.encode()).decode() or "_"


class Link:
    """Carries the bytes of one connection to the daemon's socket, in numbered messages. If one is missing, the link ends.

    place: `<pbx>.<rule>.<group>.<member>`, as tokens.
    """

    def __init__(self, connection: Connection, place: str, lease: float) -> None:
        self._connection, self._lease = connection, lease
        self._id = secrets.token_hex(8)
        self._subject, self._answers = f"aribus.v1.member.{place}", f"aribus.v1.to-member.{place}.{self._id}"
        self._reconnects = connection.stats["reconnects"]
        self._error_before = connection.last_error
        self._subscription: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ended: str | None = None
        # To the daemon.
        self._unsent = bytearray()
        self._number = 0  # of the last message sent
        self._sent_at: deque[tuple[int, float]] = deque()  # of messages that are not confirmed yet: number and time
        self._sign_due = True  # a message is sent even if it is empty
        self._wakes = asyncio.Event()  # there is something to send
        # From the daemon.
        self._arrived = 0  # the number of the last message
        self._data: deque[tuple[int, bytes]] = deque()  # that the session did not take yet
        self._comes = asyncio.Event()
        self._taken = 0  # the number of the last message that the session has taken
        self._acknowledged, self._unacknowledged_bytes = 0, 0
        # When the last message was sent that aribus-nats has confirmed: until `lease` after that it keeps the calls.
        self.confirmed_at = -math.inf

    async def open(self) -> None:
        """Raises Ended."""
        if not self._connection.is_connected:
            raise Ended("there is no connection to NATS")
        try:
            self._subscription = await self._connection.subscribe(self._answers, cb=self._on_message)
        except nats.errors.Error as error:
            raise Ended(f"NATS: {error}") from error
        self._opened_at = asyncio.get_running_loop().time()
        self._tasks = [asyncio.create_task(self._send_all()), asyncio.create_task(self._live())]

    def send(self, data: bytes) -> None:
        self._unsent += data
        self._wakes.set()

    def sign(self) -> None:
        """Sends a sign of life now."""
        self._sign_due = True
        self._wakes.set()

    def end(self, reason: str) -> None:
        if self._ended is None:
            self._ended = reason
            self._comes.set()
            self._wakes.set()

    async def next(self) -> bytes:
        """The next bytes of the daemon. Raises Ended, when all that came before is taken."""
        self._acknowledge()
        while not self._data:
            if self._ended is not None:
                raise Ended(self._ended)
            self._comes.clear()
            await self._comes.wait()
        self._taken, data = self._data.popleft()
        self._unacknowledged_bytes += len(data)
        return data

    async def close(self) -> None:
        """Ends the link, and tells aribus-nats unless the connection to NATS is broken."""
        self.end("the client has closed it")
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._subscription is None or self._connection.is_closed:
            return
        try:
            if self._is_whole():
                await self._publish(b"", {"Aribus-End": "closed"})
            await self._subscription.unsubscribe()
        except nats.errors.Error:
            pass  # the lease ends it

    # Inside.

    def _is_whole(self) -> bool:
        """nats-py would keep messages while it has no connection, and send them later."""
        return bool(self._connection.is_connected and self._connection.stats["reconnects"] == self._reconnects)

    def _acknowledge(self) -> None:
        if self._taken - self._acknowledged >= UNACKNOWLEDGED or self._unacknowledged_bytes >= UNACKNOWLEDGED_BYTES:
            self.sign()

    async def _publish(self, data: bytes, headers: dict[str, str]) -> None:
        self._number += 1
        self._sent_at.append((self._number, asyncio.get_running_loop().time()))
        self._acknowledged, self._unacknowledged_bytes = self._taken, 0
        if self._number == 1:
            headers["Aribus-Lease"] = str(round(self._lease * 1000))
        await self._connection.publish(self._subject, data, self._answers, {
            "Aribus-Link": self._id, "Aribus-Number": str(self._number), "Aribus-Received": str(self._taken), **headers})

    async def _send_all(self) -> None:
        """In the order of the numbers: all messages go through this task."""
        chunk = min(CHUNK_BYTES, max(self._connection.max_payload - HEADER_BYTES, HEADER_BYTES))
        try:
            while self._ended is None:
                if not self._unsent and not self._sign_due:
                    self._wakes.clear()
                    await self._wakes.wait()
                    continue
                if not self._is_whole():
                    return self.end("the connection to NATS broke")
                data = bytes(self._unsent[:chunk])
                del self._unsent[:chunk]
                # Only an empty message is answered at once.
                self._sign_due = self._sign_due and bool(data) and self._number > 0
                await self._publish(data, {})
        except nats.errors.Error as error:
            self.end(f"NATS: {error}")

    async def _live(self) -> None:
        """Signs of life. In the event loop that runs the handlers: while it is blocked nothing is sent, and aribus-nats notices."""
        loop = asyncio.get_running_loop()
        pause = self._lease / SIGNS_PER_LEASE
        next_sign = loop.time() + pause
        while self._ended is None:
            await asyncio.sleep(min(LOOK_SECONDS, pause))
            error = self._connection.last_error
            if error is not self._error_before and self._denies(error):
                self.end(f"NATS does not allow it to this user: {error}")
            elif not self._is_whole():
                self.end("the connection to NATS broke")
            elif loop.time() >= max(self.confirmed_at, self._opened_at) + self._lease:
                self.end(f"aribus-nats has not answered for {self._lease:g} s")
            elif loop.time() >= next_sign:
                next_sign = loop.time() + pause
                self.sign()

    def _denies(self, error: Exception | None) -> bool:
        text = str(error).lower()
        return "permissions violation" in text and any(f'"{subject.lower()}"' in text for subject in (self._subject, self._answers))

    async def _on_message(self, message: Msg) -> None:
        headers = message.headers or {}
        if headers.get("Status") == "503":
            return self.end(f"nobody answers at {self._subject}: does aribus-nats run there, and does it offer the rule?")
        number, received = (int(headers.get(name, "0")) for name in ("Aribus-Number", "Aribus-Received"))
        while self._sent_at and self._sent_at[0][0] <= received:
            self.confirmed_at = self._sent_at.popleft()[1]
        if "Aribus-End" in headers:
            return self.end(f"aribus-nats: {headers['Aribus-End']}")
        if self._ended is not None:
            return
        if number != self._arrived + 1:
            return self.end(f"message {number} came where {self._arrived + 1} was expected")
        self._arrived = number
        self._data.append((number, message.data))
        self._comes.set()
