#!/usr/bin/env python3
"""What programs with the libraries of 0.1.0 get of today's aribusd, while it does everything that it does: items of the
types that 0.1.0 knew, in the form that it gave them, and nothing new that they did not ask for.

The libraries of then take a notification of any other name for `lost` (Node, C++), or pass over it (Python).

Usage: items_test.py LIBRARIES BUILD LANGUAGE      where the libraries lie, where their probe is; python, blocking, node, cpp
"""
import json
import os
import pathlib
import re
import select
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))
from stage import PARTY, Daemon, Events, Simulated, SimulatedCaller, wait_for  # noqa: E402

# Records of types that 0.1.0 did not know, and why they come all the same. Its documents say that types may come that it
# does not know, as Asterisk grows. A program that does not want one names it in `exclude`.
NEW_TYPES = {
    "call.started": "calls as one object, which 0.1.0 did not have",
    "call.answered": "likewise",
    "call.ended": "likewise",
    "state.changed": "what Asterisk changed without an event, which came as a second BridgeCreated and the like",
}

OWN_TYPES = {"subscribed", "lost", "disconnected"}
EXPECTED = OWN_TYPES - {"disconnected"} | {
    "StasisStart", "StasisEnd", "ChannelDestroyed", "ChannelDtmfReceived", "PlaybackStarted", "PlaybackFinished",
    "RecordingStarted", "RecordingFinished", "ChannelEnteredBridge", "ChannelLeftBridge", "BridgeDestroyed",
    "DeviceStateChanged", "command.resolved", "Malformed", "server.disconnected", "server.connected", "server.gap",
    "server.resynced", "server.replaced", "state.changed", "state.gone"}
ENVELOPE = ["seq", "time", "server", "app", "type"]


class Program:
    """The probe of 0.1.0 (tests/clients/probe.*), and all items that it was given."""

    def __init__(self, libraries, build, language, socket_path):
        self.process = subprocess.Popen(
            {"python": [sys.executable, libraries / "tests/clients/probe.py"],
             "blocking": [sys.executable, libraries / "tests/clients/probe.py", "blocking"],
             "node": ["node", libraries / "tests/clients/probe.mjs"],
             "cpp": [build / "tests/clients/client_probe"]}[language],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "ARIBUS_SOCKET": socket_path, "PYTHONPATH": str(libraries / "lib/python")})
        self.known = set(re.findall(r'^  type: "([^"]+)";', (libraries / "lib/node/types.d.ts").read_text(), re.MULTILINE))
        self.types, self.seq, self.last = set(), 0, []
        assert self.told("to connect") is None

    def ask(self, *what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return self.told(what)

    def told(self, what):
        ready, _, _ = select.select([self.process.stdout], [], [], 40)
        assert ready, f"nothing came of {what}; the last items were {self.last}"
        line = self.process.stdout.readline()
        assert line, f"the program has ended at {what}"
        return json.loads(line)

    def call(self, method, **params):
        """Its result; AssertionError when it fails."""
        result = self.ask("call", method, params)
        assert not (isinstance(result, dict) and "error" in result), f"{method} {params}: {result}"
        return result

    def until(self, kind, about=""):
        """Takes items until one of this type comes that names `about`, and returns that."""
        while True:
            item = self.ask("next")
            self.last = [*self.last[-5:], item]
            self.check(item)
            if item["type"] == kind and about in json.dumps(item):
                return item

    def check(self, item):
        """Whether 0.1.0 could have given this item, and goes on behind it as it did."""
        assert isinstance(item, dict) and isinstance(item.get("type"), str), item
        kind = item["type"]
        assert kind in self.known or kind in NEW_TYPES or item.get("known") is False, f"0.1.0 does not know it: {item}"
        cursor = self.ask("cursor")
        if kind == "lost":
            assert set(item) == {"type", "from", "to", "records"} and all(
                type(item[name]) is int for name in ("from", "to", "records")), item
            assert item["from"] > self.seq, (item, self.seq)
            self.seq = item["to"]
        elif kind == "subscribed":
            assert set(item) <= {"type", "cursor", "resumed", "reason", "snapshot"}, item
            assert cursor == item["cursor"], (cursor, item)
            self.seq = int(cursor.rpartition(":")[2])
        else:
            assert [name for name in item if name in ENVELOPE] == ENVELOPE, item
            assert item["seq"] > self.seq, (item, self.seq)
            self.seq = item["seq"]
        assert re.fullmatch(f"[0-9a-f]+:{self.seq}", cursor), (cursor, item)
        self.types.add(kind)

    def stop(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


def exercise(program, asterisk, daemon):
    """Has the daemon do everything that it tells programs of."""
    def simulate(path, body):
        answer = asterisk.rest("POST", "/sim/" + path, body)
        assert answer.status == 200, answer.body

    assert program.ask("subscribe", {"snapshot": True}) is None
    assert program.until("subscribed")["snapshot"]["channels"] == []
    for method in ("ping", "status", "rpc.discover", "state.channels", "asterisk.getInfo", "daemon.reload"):
        program.call(method)

    # Calls, with ids that the daemon chooses, with one's own, and waited for.
    alice = SimulatedCaller(asterisk, "demo")
    program.until("StasisStart", alice.channel)
    program.call("channels.answer", channelId=alice.channel)
    alice.press("5")
    program.until("ChannelDtmfReceived", alice.channel)
    party = program.call("originate", endpoint=PARTY)["id"]
    program.until("StasisStart", party)
    program.call("originate", endpoint=PARTY, channelId="own", key="once")
    program.call("originate", endpoint=PARTY, channelId="own", key="once")
    waited = program.call("originate", endpoint=PARTY, wait="answer")
    assert waited["outcome"] == "answered", waited
    program.call("channels.snoopChannel", channelId=alice.channel, app="demo", spy="in")
    program.call("channels.setChannelVar", channelId=alice.channel, variable="CHANNEL(language)", value="de")
    program.until("state.changed", alice.channel)

    # Media.
    program.call("play", channelId=alice.channel, media="sound:hello", wait=True)
    program.call("play", channelId=alice.channel, media="sound:hello")
    program.until("PlaybackFinished")
    program.call("record", channelId=party, name="r", format="wav", maxDurationSeconds=1, wait=True)
    program.until("RecordingFinished")
    assert program.call("recordings.getStoredFile", recordingName="r")["encoding"] == "base64"

    # Bridges, devices, and what leaves the application.
    bridge = program.call("bridge", channels=[alice.channel, party])["id"]
    program.until("ChannelEnteredBridge", bridge)
    program.call("play", bridgeId=bridge, media="sound:hello")
    program.call("bridges.destroy", bridgeId=bridge)
    program.until("BridgeDestroyed", bridge)
    simulate("event", {"type": "DeviceStateChanged", "application": "demo", "timestamp": "2026-11-22T21:46:17.690+0000",
                       "device_state": {"name": "Stasis:d", "state": "INUSE"}})
    program.until("DeviceStateChanged")
    program.call("transfer", channelId=alice.channel, context="default", extension="answer")
    program.until("StasisEnd", alice.channel)
    program.until("state.gone", alice.channel)

    # What Asterisk does not answer, and what nobody understands.
    simulate("fault", {"delay_ms": 3000, "match": "POST /ari/channels*"})
    unknown = program.ask("call", "originate", {"endpoint": PARTY, "channelId": "late"})
    assert unknown["error"] == "OutcomeUnknown", unknown
    program.until("command.resolved", "late")
    simulate("event", {"type": "ChannelTeleported", "application": "demo", "timestamp": "2026-11-22T21:46:17.690+0000"})
    assert program.until("ChannelTeleported")["known"] is False
    simulate("event", {})
    program.until("Malformed")

    # Connections to Asterisk that break, and another client of the application.
    simulate("drop", {"mode": "fin"})
    program.until("server.disconnected")
    program.until("server.gap")
    program.until("server.resynced")
    other = Events(asterisk.url, "demo")
    program.until("server.replaced")
    program.call("reclaim")
    program.until("server.connected")
    program.until("server.resynced")
    other.close()

    # More than the ring holds.
    before = received(daemon)
    count = asterisk.rest("POST", "/sim/calls", {"app": "demo", "count": 3000}).json()["events"]
    wait_for("aribusd has got all events", lambda: received(daemon) >= before + count)
    program.until("lost")
    program.call("hangup", channelId="own")
    program.until("ChannelDestroyed", '"own"')


def received(daemon):
    from aribus import blocking
    with blocking.Client(daemon.socket) as client:
        return client.call("status")["servers"][0]["received"]


def main():
    libraries, build, language = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    with tempfile.TemporaryDirectory(prefix="aribus-compat-") as folder:
        asterisk = Simulated()
        daemon = Daemon(folder, asterisk, "demo", "    request_timeout: 1s\nbus:\n  ring_bytes: 1MiB\n", bus_path=False)
        program = None
        try:
            daemon.wait_ready()
            program = Program(libraries, build, language, daemon.socket)
            exercise(program, asterisk, daemon)
            assert program.types >= EXPECTED, f"not seen: {EXPECTED - program.types}"
            print(f"{language}: items of {len(program.types)} types, as 0.1.0 gave them, "
                  f"but for: {', '.join(sorted(program.types & set(NEW_TYPES)))}")
        finally:
            if program:
                program.stop()
            daemon.stop()
            asterisk.stop()


if __name__ == "__main__":
    main()
