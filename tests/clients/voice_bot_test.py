#!/usr/bin/env python3
"""Calls the voice bot: listens to it, talks to it, interrupts it, and restarts it and aribusd.

Usage: voice_bot_test.py turns
       voice_bot_test.py real KINDS        with Asterisks that scripts/asterisk has started

KINDS    rtp,audiosocket or one of them
"""
import array
import collections
import importlib.util
import math
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import stage
from stage import Daemon, Real, SOURCE, end, wait_for
from waiting import let_pass

BOT = SOURCE / "lib/python/examples/voice_bot.py"
RATE, SIZE, SLIN = 8000, 320, 11  # what is said; what is heard has 16 kHz
GREETING, LOW, HIGH = 650, 400, 1000  # Hz


def tone(frequency, frames):
    """That many frames of 20 ms."""
    samples = array.array("h", (int(8000 * math.sin(2 * math.pi * frequency * n / RATE)) for n in range(frames * SIZE // 2)))
    return [samples.tobytes()[at:at + SIZE] for at in range(0, frames * SIZE, SIZE)]


def pitch(frame, rate):
    """Which of the tones a frame is; 0: none."""
    samples = array.array("h", frame)
    if sum(map(abs, samples)) < 500 * len(samples):
        return 0
    crossings = sum(a < 0 <= b for a, b in zip(samples, samples[1:]))
    return min((GREETING, LOW, HIGH), key=lambda frequency: abs(frequency - crossings * rate / len(samples)))


class Telephone(threading.Thread):
    """A caller with a mouth and an ear. A Local channel: one half enters the application through the dialplan, the other
    is bridged with RTP to here. Speaks a frame every 20 ms, and counts what it hears."""

    number = 0

    def __init__(self, asterisk, app):
        super().__init__(daemon=True)
        Telephone.number += 1
        self.asterisk = asterisk
        self.channel = f"{app}-caller{Telephone.number}"
        own, own_app = "own-" + self.channel, "callers-" + app
        self.channels = [own, "ear-" + self.channel]
        self.bridge = "phone-" + self.channel
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.to_say, self.heard, self.ended = collections.deque(), collections.Counter(), False
        self.events = stage.Events(asterisk.url, own_app)
        self.ask("POST", f"channels?endpoint=Local/{app}@from-sip/n&app={own_app}&channelId={own}"
                 f"&otherChannelId={self.channel}")
        ear = self.ask("POST", f"channels/externalMedia?channelId={self.channels[1]}&app={own_app}"
                       f"&external_host=127.0.0.1:{self.socket.getsockname()[1]}&format=slin16").json()
        self.peer = ("127.0.0.1", int(ear.get("channel", ear)["channelvars"]["UNICASTRTP_LOCAL_PORT"]))
        self.ask("POST", f"bridges?type=mixing&bridgeId={self.bridge}")
        for channel in self.channels:  # when it is answered, it enters the test's application
            wait_for("the call is answered", lambda: self.asterisk.rest(
                "POST", f"/ari/bridges/{self.bridge}/addChannel?channel={channel}").status == 204)
        self.start()

    def ask(self, method, path):
        answer = self.asterisk.rest(method, "/ari/" + path)
        assert answer.status in (200, 204), answer.body
        return answer

    def run(self):
        number, due = 0, time.monotonic()
        while not self.ended:
            frame = array.array("h", self.to_say.popleft() if self.to_say else bytes(SIZE))
            frame.byteswap()
            self.socket.sendto(struct.pack("!BBHII", 0x80, SLIN, number % 2**16, number * SIZE // 2 % 2**32, 7) + frame,
                               self.peer)
            number += 1
            try:
                while True:
                    samples = array.array("h", self.socket.recv(2048)[12:])
                    samples.byteswap()
                    self.heard[pitch(samples, 2 * RATE)] += 1
            except BlockingIOError:
                pass
            due += 0.02
            let_pass(max(0.0, due - time.monotonic()))

    def hear(self, frequency, frames, seconds=20.0):
        """Waits until so many more frames of that tone were heard."""
        before = self.heard[frequency]
        wait_for(lambda: f"{frames} more of {frequency} Hz in {self.heard}, before there were {before}",
                 lambda: self.heard[frequency] >= before + frames, seconds)

    def hang_up(self):
        self.asterisk.rest("DELETE", f"/ari/channels/{self.channels[0]}")
        self.close()

    def close(self):
        self.ended = True
        self.join()
        for channel in self.channels:
            self.asterisk.rest("DELETE", f"/ari/channels/{channel}")
        self.asterisk.rest("DELETE", f"/ari/bridges/{self.bridge}")
        self.events.close()
        self.socket.close()


class Bot:
    """The program, with what it printed so far."""

    def __init__(self, folder, path, app, kind):
        self.log, self.path = pathlib.Path(folder) / "bot.log", path
        self.command = [sys.executable, BOT, app, kind]
        self.start()

    def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env={
                **os.environ, "ARIBUS_SOCKET": self.path, "PYTHONPATH": str(SOURCE / "lib/python")})

    def lines(self, beginning):
        return [line for line in self.log.read_text().splitlines() if line.startswith(beginning)]

    def wait(self, beginning, times=1):
        wait_for(lambda: f"{times} × '{beginning}' in\n" + self.log.read_text(),
                 lambda: len(self.lines(beginning)) >= times)


def conversation(kind, asterisk):
    app = f"bot{kind}{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="aribus-voice-") as folder:
        daemon = Daemon(folder, asterisk, app)
        daemon.wait_ready()
        bot, phone = Bot(folder, daemon.socket, app, kind), None

        def left():
            """What there is of our calls: the channels but the telephones', and the bot's bridges."""
            channels = [channel["id"] for channel in asterisk.rest("GET", "/ari/channels").json()
                        if channel["dialplan"]["app_data"].split(",")[0] == app and not channel["id"].startswith(app + "-")]
            bridges = [bridge["id"] for bridge in asterisk.rest("GET", "/ari/bridges").json()
                       if bridge["name"] == "voice bot of " + app]
            return channels, bridges

        def speak(frequency, frames):
            """Speaks, and hears most of it again. On a busy machine a pause may cut it in two: then once more."""
            for attempt in range(5):
                phone.to_say.extend(tone(frequency, frames))
                try:
                    return phone.hear(frequency, frames * 3 // 4, 6)
                except AssertionError:
                    if attempt == 4:
                        raise
        try:
            phone = Telephone(asterisk, app)
            phone.hear(GREETING, 10)
            speak(LOW, 50)
            speak(HIGH, 50)

            def interrupted():
                """Interrupts in the middle of a phrase of 250 frames. What the bot says of it, and how many were heard."""
                phone.to_say.extend(tone(LOW, 250))
                phone.hear(LOW, 10)
                before, so_far = phone.heard[LOW] - 10, len(bot.lines("interrupted"))
                phone.to_say.extend(tone(HIGH, 30))
                phone.hear(HIGH, 15)
                return [(line, phone.heard[LOW] - before) for line in bot.lines("interrupted")[so_far:]]
            line, heard = wait_for("the bot is interrupted", interrupted, 60)[0]
            assert int(line.split()[1]) > 50 and heard < 240, (line, heard)

            daemon.restart(signal.SIGKILL)  # the audio does not go through aribusd
            speak(LOW, 50)
            daemon.wait_ready()
            speak(HIGH, 50)
            assert len(bot.lines("call ")) == 1

            end(bot.process, signal.SIGKILL)  # a new one takes over, and clears away what the old one left
            before = phone.heard[GREETING]
            bot.start()
            bot.wait("call ", 2)
            wait_for(lambda: f"the new bot greets: {before} {phone.heard}", lambda: phone.heard[GREETING] >= before + 10)
            speak(LOW, 50)
            wait_for(lambda: f"one channel and bridge of the bot's: {left()}", lambda: [len(ids) for ids in left()] == [1, 1])

            other = Telephone(asterisk, app)  # two calls at a time
            try:
                other.hear(GREETING, 10)
                speak(HIGH, 50)
            finally:
                other.hang_up()
            bot.wait("ended " + other.channel)
            speak(LOW, 50)
            phone.hang_up()
            bot.wait("ended " + phone.channel)
            wait_for(lambda: f"nothing is left of the call: {left()}", lambda: left() == ([], []))
            assert bot.process.poll() is None
        except BaseException:
            print(f"--- the bot:\n{bot.log.read_text()}\n--- aribusd:\n"
                  + "\n".join((daemon.folder / "aribusd.log").read_text().splitlines()[-30:]), file=sys.stderr)
            raise
        finally:
            if phone and not phone.ended:
                phone.close()
            end(bot.process, signal.SIGKILL)
            daemon.stop()
            for what, ids in zip(("channels", "bridges"), left()):
                for id in ids:
                    asterisk.rest("DELETE", f"/ari/{what}/{id}")


def turns():
    """The bot's turns, frame by frame."""
    sys.argv = ["voice_bot.py"]
    specification = importlib.util.spec_from_file_location("voice_bot", BOT)
    bot = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(bot)

    parrot = bot.Parrot()
    low, high, silence = tone(LOW, 40), tone(HIGH, 40), bytes(SIZE)
    assert [pitch(parrot.say(), RATE) for _ in range(26)] == 25 * [GREETING] + [0]
    assert [parrot.hear(frame) for frame in low[:2]] == [None, None]
    assert parrot.hear(silence) is None and not parrot.heard  # a click is no speech
    assert [parrot.hear(frame) for frame in low] == [None, None, "listening"] + 37 * [None]
    assert [parrot.hear(silence) for _ in range(24)] == 24 * [None]
    assert parrot.hear(b"") == "repeating"  # that nothing comes is silence, too
    assert [parrot.say() for _ in range(40)] == low
    assert [parrot.hear(frame) for frame in high[:4]] == [None, None, "interrupted, 24 frames unsaid", None]
    assert parrot.say() == silence
    for _ in range(25):
        parrot.hear(b"")
    assert [parrot.say() for _ in range(5)] == high[:4] + [silence]
    for _ in range(bot.Parrot.LONGEST + 10):
        parrot.hear(low[0])
    assert len(parrot.to_say) <= bot.Parrot.LONGEST  # who never stops is repeated all the same


def main():
    if sys.argv[1] == "turns":
        return turns()
    versions = os.environ.get("ARIBUS_ASTERISK_VERSIONS", "").split()
    if not versions:
        sys.exit("no real Asterisk to test with: run scripts/asterisk start 22, and set ARIBUS_ASTERISK_VERSIONS=22")
    for version in versions:
        for kind in sys.argv[2].split(","):
            if (version, kind) == ("16", "audiosocket"):
                continue  # came with 18
            began = time.monotonic()
            conversation(kind, Real(version))
            print(f"{kind}, {version}: fine, {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
