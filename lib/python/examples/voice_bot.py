"""A voice bot: it greets a caller, listens, and repeats what it heard. It stops speaking when the caller speaks.

Usage: voice_bot.py APP rtp|audiosocket [ADDRESS]      as in: voice_bot.py aribus rtp 192.0.2.7

ADDRESS is this machine's address as Asterisk reaches it, by default 127.0.0.1. `rtp` works with Asterisk 16 and later,
`audiosocket` with 18 and later. A real bot replaces `Parrot` with speech recognition, a language model and speech
synthesis. It can be restarted while calls are in progress.
"""
import array
import asyncio
import collections
import math
import secrets
import socket
import struct
import sys
import time
import uuid

import aribus

RATE = 8000  # samples of 16 bits per second
FRAME = 0.02  # s: Asterisk sends and expects 20 ms at a time
SIZE = int(RATE * FRAME) * 2  # bytes of a frame
MEDIA = ("UnicastRTP/", "AudioSocket/")  # the prefixes of our channels' names


class Parrot:
    """Takes turns with the caller, frame by frame. It is independent of networks and clocks."""

    LOUD = 500  # mean amplitude of a frame that counts as speech, of 32,767
    BEGIN, END = 3, 25  # consecutive loud frames that start speech, and quiet ones that end it
    LONGEST = 1500  # the most frames that are kept

    def __init__(self):
        tone = array.array("h", (int(8000 * math.sin(2 * math.pi * 650 * n / RATE)) for n in range(RATE // 2))).tobytes()
        self.to_say = collections.deque(tone[at:at + SIZE] for at in range(0, len(tone), SIZE))
        self.heard, self.listening, self.quiet = [], False, 0

    def hear(self, frame):
        """Takes a frame of the caller, b"" if none came in time. Returns the event that it causes, or None."""
        loud = bool(frame) and sum(map(abs, array.array("h", frame))) * 2 > self.LOUD * len(frame)
        if not self.listening:
            self.heard = [*self.heard, frame] if loud else []
            if len(self.heard) < self.BEGIN:
                return None
            self.listening, self.quiet = True, 0
            unsaid = len(self.to_say)
            self.to_say.clear()
            return f"interrupted, {unsaid} frames unsaid" if unsaid else "listening"
        if frame:
            self.heard.append(frame)
        self.quiet = 0 if loud else self.quiet + 1
        if self.quiet < self.END and len(self.heard) < self.LONGEST:
            return None
        self.to_say.extend(self.heard)
        self.heard, self.listening = [], False
        return "repeating"

    def say(self):
        """The next frame to send."""
        return self.to_say.popleft() if self.to_say else bytes(SIZE)


async def talk(line, parrot, caller, voice):
    """Exchanges one frame each way every 20 ms, until somebody hangs up."""
    clock = asyncio.get_running_loop().time
    due = clock()
    while not (line.closed or caller.is_gone or voice.is_gone):
        heard = [line.heard.popleft() for _ in range(len(line.heard))]
        for frame in heard or [b""]:
            if news := parrot.hear(frame):
                print(news, caller.id, flush=True)
        line.send(parrot.say())
        due = max(due + FRAME, clock() - 0.2)  # after a longer delay it does not catch up
        await asyncio.sleep(due - clock())


class Rtp(asyncio.DatagramProtocol):
    """The audio of one call as RTP: a header of 12 bytes, then samples with the high byte first.

    Asterisk sends 16 kHz. From us it takes only formats whose number is a fixed one: so it gets 8 kHz.
    """

    SLIN16, SLIN = 118, 11  # Asterisk's payload types for 16 and 8 kHz

    def __init__(self, address):
        self.address, self.transport, self.peer, self.closed = address, None, None, False
        self.heard = collections.deque(maxlen=50)  # 1 s; older frames are dropped
        # Derived from the clock: after a restart of the bot, Asterisk would drop packets that seem older than the last one.
        self.number, self.time = int(time.time() / FRAME) % 2**16, int(time.time() * RATE) % 2**32
        self.source = secrets.randbits(32)

    async def open(self, client, caller):
        """Returns Asterisk's channel for this line."""
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, ("0.0.0.0", 0))
        port = self.transport.get_extra_info("sockname")[1]
        voice = await client.originate(f"UnicastRTP/{self.address}:{port}/c(slin16)", originator=caller)
        # Asterisk's address and port; packets from other addresses are ignored.
        self.peer = (await voice.get("UNICASTRTP_LOCAL_ADDRESS"), int(await voice.get("UNICASTRTP_LOCAL_PORT")))
        return voice

    def datagram_received(self, packet, sender):
        if sender == self.peer and len(packet) > 12 and packet[1] & 0x7f == self.SLIN16:
            samples = array.array("h", packet[12:len(packet) & ~3])
            samples.byteswap()
            self.heard.append(array.array("h", [(one + other) // 2 for one, other in zip(samples[::2], samples[1::2])]).tobytes())

    def send(self, frame):
        samples = array.array("h", frame)
        samples.byteswap()
        header = struct.pack("!BBHII", 0x80, self.SLIN, self.number, self.time, self.source)
        self.number, self.time = (self.number + 1) % 2**16, (self.time + len(samples)) % 2**32
        self.transport.sendto(header + samples, self.peer)

    def close(self):
        self.closed = True
        if self.transport:
            self.transport.close()


class AudioSocket:
    """The audio of one call over TCP: a kind, the length in 2 bytes, then samples of 8 kHz with the low byte first."""

    ENDED, CALL, SAMPLES = 0x00, 0x01, 0x10
    server, expected = None, {}  # one server for all calls; the lines that are not connected yet, by UUID

    def __init__(self, address):
        self.address, self.writer, self.closed = address, None, False
        self.id, self.connected = uuid.uuid4(), asyncio.Event()
        self.heard = collections.deque(maxlen=50)  # 1 s; older frames are dropped

    async def open(self, client, caller):
        """Returns Asterisk's channel for this line."""
        if not AudioSocket.server:
            AudioSocket.server = await asyncio.start_server(self.connection, "0.0.0.0", 0)
        port = self.server.sockets[0].getsockname()[1]
        self.expected[self.id] = self
        voice = await client.originate(f"AudioSocket/{self.address}:{port}/{self.id}/c(slin)", originator=caller)
        await asyncio.wait_for(self.connected.wait(), 5)
        return voice

    @staticmethod
    async def connection(reader, writer):
        """Called when Asterisk connects; it first sends the UUID of the call."""
        line = None
        try:
            while True:
                kind, length = struct.unpack("!BH", await reader.readexactly(3))
                content = await reader.readexactly(length)
                if kind == AudioSocket.CALL and length == 16 and not line:
                    line = AudioSocket.expected.pop(uuid.UUID(bytes=content))
                    line.writer = writer
                    line.connected.set()
                elif kind == AudioSocket.SAMPLES and line:
                    line.heard.append(content[:length & ~1])
                elif kind == AudioSocket.ENDED:
                    break
        except (KeyError, ConnectionError, asyncio.IncompleteReadError):
            pass  # an unknown call, or one that has ended
        finally:
            writer.close()
            if line:
                line.closed = True

    def send(self, frame):
        if self.writer.transport.get_write_buffer_size() < 10 * len(frame):  # late audio is useless
            self.writer.write(struct.pack("!BH", self.SAMPLES, len(frame)) + frame)

    def close(self):
        self.closed = True
        self.expected.pop(self.id, None)
        if self.writer:
            self.writer.close()


async def clear_away(client, app, bridge_name):
    """Removes the bridges and channels left over by a bot that was killed. The callers stay."""
    for found in (await client.call("state.bridges"))["bridges"]:
        if found["bridge"]["name"] == bridge_name:
            await client.call("bridges.destroy", {"bridgeId": found["bridge"]["id"], "server": found["server"]})
    for found in (await client.call("state.channels", {"app": app}))["channels"]:
        if found["channel"]["name"].startswith(MEDIA):
            await client.call("hangup", {"channelId": found["channel"]["id"], "server": found["server"]})


async def main():
    if len(sys.argv) < 3 or sys.argv[2] not in ("rtp", "audiosocket"):
        sys.exit(__doc__)
    app, kind = sys.argv[1], {"rtp": Rtp, "audiosocket": AudioSocket}[sys.argv[2]]
    address = socket.gethostbyname(sys.argv[3]) if len(sys.argv) > 3 else "127.0.0.1"
    bridge_name = "voice bot of " + app

    async with aribus.Client(wait=60) as client:
        async def bot(caller):
            print("call", caller.id, flush=True)
            line = kind(address)
            try:
                await caller.answer()
                voice = await line.open(client, caller)
                async with await client.bridge(caller, voice, name=bridge_name):
                    await talk(line, Parrot(), caller, voice)
            finally:
                line.close()
                print("ended", caller.id, flush=True)

        await clear_away(client, app, bridge_name)
        await client.serve(app, bot, existing=True)


if __name__ == "__main__":
    asyncio.run(main())
