#!/usr/bin/env python3
"""Random calls, moves and transfers on a real Asterisk, while nothing is missed: no record may be synthetic, and what
aribusd knows must be what Asterisk answers whenever nothing is in flight.

Compared: of channels all that ARI shows, and the application they are in (as the program knows it from its own commands);
of bridges all; of playbacks and live recordings all. A program that only applies the records must hold the same.
What Asterisk tells by no event may be late by a look of aribusd; it is waited for.

Usage: random_calls.py BUILD_DIR VERSION [--seconds N] [--seed N]
       VERSION (22 or 16) is running: scripts/asterisk start VERSION
Exit status: 0; 1 when something does not hold; 77 when ARIBUS_ASTERISK_VERSIONS is there and does not name VERSION.
"""
import argparse
import collections
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "faults"))
sys.dont_write_bytecode = True
from stage import PASSWORD, SUITES, USER, Book, Connection, Rest, connects, let_pass, wait_for  # noqa: E402

RUN = f"r{os.getpid()}"  # what ids begin with: other tests may have calls on the same Asterisk
APPS = (RUN + "a1", RUN + "a2")
SKIPPED = 77
PATIENCE = 40  # s; a look at what no event tells comes every 30 s at the latest


class FullBook(Book):
    """Applies all records, playbacks and recordings included, as docs/protocol.md says."""

    def __init__(self, path):
        self.apps, self.playbacks, self.recordings, self.synthetic = {}, {}, {}, []
        self.latest = collections.deque(maxlen=500)
        self.seats = {}
        super().__init__(path)

    def apply(self, message):
        if "params" in message:
            record = message["params"]
            self.latest.append(record)
            if record["type"] in ("ChannelEnteredBridge", "ChannelLeftBridge"):
                key = record["app"], record["channel"]["id"]
                event = record["type"], record["time"], record["bridge"], record["channel"]
                if self.seats.get(key) == event:
                    self.faults.append(("an event came twice", record))
                self.seats[key] = event
            if message["params"].get("synthetic"):
                self.synthetic.append(message["params"])
        super().apply(message)

    def on_subscribed(self, result):
        super().on_subscribed(result)
        for item in result.get("snapshot", {}).get("channels", []):
            self.apps[item["channel"]["id"]] = item.get("app")

    def on_any(self, record):
        channel = record.get("channel", {})
        if channel and self.is_older(self.channels, channel):
            return
        if record["type"] in ("ChannelCreated", "StasisStart") and channel["id"] not in self.channels:
            self.ended.pop(channel["id"], None)
        if record["type"] == "BridgeCreated":
            self.ended.pop(record["bridge"]["id"], None)
        if record["type"] == "BridgeDestroyed" and self.is_older(self.bridges, record["bridge"]):
            return
        super().on_any(record)
        if record["type"] == "StasisStart":
            self.apps[channel["id"]] = record["app"]
        elif record["type"] == "StasisEnd" and self.apps.get(channel["id"]) == record["app"]:
            self.apps[channel["id"]] = None
        elif record["type"] == "ChannelDestroyed":
            self.apps.pop(channel["id"], None)
            self.end_what_is_on("channel:" + channel["id"])
        elif record["type"] == "BridgeDestroyed":
            self.end_what_is_on("bridge:" + record["bridge"]["id"])
        for media, kind, key in ((self.playbacks, "playback", "id"), (self.recordings, "recording", "name")):
            if kind in record:
                self.keep_media(media, record[kind], record[kind][key])

    def end_what_is_on(self, target):
        for media in (self.playbacks, self.recordings):
            for name in [n for n, m in media.items() if m["target_uri"] == target]:
                del media[name]

    @staticmethod
    def keep_media(media, thing, name):
        if thing["state"] in ("done", "failed", "canceled"):
            media.pop(name, None)
        else:
            media[name] = thing

    def on_state_changed(self, record):
        super().on_state_changed(record)
        for item in record["objects"].get("channels", []):
            self.apps[item["channel"]["id"]] = item.get("app")
        for item in record["objects"].get("playbacks", []):
            self.keep_media(self.playbacks, item["playback"], item["playback"]["id"])
        for item in record["objects"].get("recordings", []):
            self.keep_media(self.recordings, item["recording"], item["recording"]["name"])

    def on_state_gone(self, record):
        super().on_state_gone(record)
        for thing in record.get("channels", []):
            self.apps.pop(thing, None)
            self.end_what_is_on("channel:" + thing)
        for thing in record.get("bridges", []):
            self.end_what_is_on("bridge:" + thing)


class Caller:
    """Does things at random, and remembers which application each call is in."""

    def __init__(self, connection, chance, version):
        self.connection, self.chance, self.version = connection, chance, version
        self.apps = {}     # of the calls that this program has made, by their ids
        self.bridges = []
        self.done = collections.Counter()
        self.reasons = {}
        self.commands = collections.deque(maxlen=40)
        self.number = 0

    def new_id(self, prefix, pool=6):
        """Few, so that they are used again."""
        return f"{RUN}{prefix}{self.chance.randrange(pool):02}"

    def call(self, method, **params):
        answer = self.connection.call(method, params)
        self.commands.append((time.strftime("%T"), method, params, "done" if "result" in answer else answer["error"]["message"][:60]))
        self.done[method + ("" if "result" in answer else " refused")] += 1
        if "error" in answer:
            self.reasons.setdefault(method, set()).add(answer["error"]["message"][:100])
        return "result" in answer

    def one(self):
        self.number += 1
        steps = [self.originate] * 3 + [self.broadcast, self.move, self.move, self.leave, self.hang_up, self.hang_up,
                                        self.new_bridge, self.join, self.join, self.part, self.end_bridge, self.play,
                                        self.play_nothing, self.pause, self.record, self.language, self.transfer,
                                        self.again]
        self.chance.choice(steps)()

    def any_call(self):
        return self.chance.choice(sorted(self.apps)) if self.apps else "none"

    def originate(self):
        name, app = self.new_id("c", 12), self.chance.choice(APPS)
        if name in self.apps or len(self.apps) > 8:
            return
        if self.call("originate", endpoint="Local/answer@default", channelId=name, otherChannelId="other-" + name,
                     app=app, appArgs='"Smith, John",f(1,2)'):
            self.apps[name] = app
            self.settle(name)

    def settle(self, name):
        wait_for(f"{name} in Stasis", lambda: name not in self.apps or self.where(name) == self.apps[name], 10)

    def where(self, name):
        channels = self.connection.result("state.channels", {"id": name})["channels"]
        return channels[0].get("app") if channels else None

    def broadcast(self):
        """A call that is offered to all, and taken by one."""
        name, app = self.new_id("b", 12), self.chance.choice(APPS)
        if self.version == "16" or name in self.apps or len(self.apps) > 8:
            return
        if not self.call("originate", endpoint=f"Local/{app}@broadcast", channelId="far-" + name, otherChannelId=name,
                         context="default", extension="answer", priority=1):
            return
        wait_for("the offer", lambda: self.connection.result("state.channels", {"id": name})["channels"], 10)
        if self.call("events.claimChannel", channelId=name, application=app):
            self.apps[name] = app
            self.settle(name)

    def move(self):
        name, app = self.any_call(), self.chance.choice(APPS)
        if self.apps.get(name) and self.call("channels.move", channelId=name, app=app, appArgs="x,y"):
            self.apps[name] = app  # when what it plays or records is over

    def leave(self):
        name = self.any_call()
        if self.call("channels.continueInDialplan", channelId=name, context="default", extension="answer", priority=1):
            self.apps[name] = None

    def hang_up(self):
        name = self.any_call()
        self.call("hangup", channelId=name)
        self.apps.pop(name, None)

    def again(self):
        """The same id at once: what ended and what begins come together."""
        name = self.any_call()
        if self.apps.get(name) is None or not name.startswith(RUN + "c"):
            return
        self.call("hangup", channelId=name)
        app = self.apps.pop(name)
        for _ in range(50):
            if self.call("originate", endpoint="Local/answer@default", channelId=name, otherChannelId="other-" + name,
                         app=app):
                self.apps[name] = app
                return self.settle(name)
            let_pass(0.02)

    def new_bridge(self):
        name = self.new_id("bridge-")
        if name not in self.bridges and self.call("bridges.createWithId", bridgeId=name, type="mixing"):
            self.bridges.append(name)

    def join(self):
        if self.bridges:
            self.call("bridges.addChannel", bridgeId=self.chance.choice(self.bridges), channel=self.any_call())

    def part(self):
        if self.bridges:
            self.call("bridges.removeChannel", bridgeId=self.chance.choice(self.bridges), channel=self.any_call())

    def end_bridge(self):
        if self.bridges:
            name = self.bridges.pop(self.chance.randrange(len(self.bridges)))
            self.call("bridges.destroy", bridgeId=name)

    def play(self, media=("sound:beep", "sound:vm-intro", "sound:hello-world")):
        name = self.new_id("p")  # Asterisk lets two have one id at a time; they can't be told apart then
        if not self.connection.result("state.playbacks", {"id": name})["playbacks"]:
            self.call("play", channelId=self.any_call(), playbackId=name, media=self.chance.choice(media))

    def play_nothing(self):
        self.play(("recording:nosuch",))

    def pause(self):
        self.call("playbacks.control", playbackId=self.new_id("p"), operation=self.chance.choice(["pause", "unpause"]))
        self.call("recordings." + self.chance.choice(["pause", "unpause", "stop"]), recordingName=self.new_id("r", 3))

    def go_on(self):
        """What is paused holds up all that the program wanted of its channel."""
        for item in self.connection.result("state.playbacks")["playbacks"]:
            self.call("playbacks.control", playbackId=item["playback"]["id"], operation="unpause")
        for item in self.connection.result("state.recordings")["recordings"]:
            self.call("recordings.unpause", recordingName=item["recording"]["name"])

    def record(self):
        self.call("record", channelId=self.any_call(), name=self.new_id("r", 3), format="wav", ifExists="overwrite",
                  maxDurationSeconds=self.chance.choice([1, 3]))

    def language(self):
        self.call("channels.setChannelVar", channelId=self.any_call(), variable="CHANNEL(language)",
                  value=self.chance.choice(["en", "de", "fr"]))

    def transfer(self):
        """A blind transfer by whoever is in a bridge with another one, as Asterisk's own BridgeBlindTransfer."""
        name = self.any_call()
        self.call("channels.redirect", channelId=name, endpoint="Local/answer@default")


class Truth:
    """What lives, by Asterisk's own answers."""

    def __init__(self, rest):
        self.rest = rest

    def get(self, path):
        answer = self.rest.call("GET", "/ari" + path)
        return answer.json() if answer.status == 200 else None

    def read(self, playbacks, recordings):
        heard = {"channel": set(), "bridge": set()}
        for app in APPS:
            application = self.get(f"/applications/{app}")
            for kind, ids in heard.items():
                ids.update(application[f"{kind}_ids"])
        return {
            "channels": {c["id"]: plain(c) for c in self.get("/channels") if c["id"] in heard["channel"]},
            "bridges": {b["id"]: plain(b) for b in self.get("/bridges") if b["id"] in heard["bridge"]},
            "playbacks": self.media([f"/playbacks/{name}" for name in playbacks], "id", heard),
            "recordings": self.media([f"/recordings/live/{name}" for name in recordings], "name", heard),
        }

    def media(self, paths, key, heard):
        """Those on something that is heard of; Asterisk keeps a paused one whose channel has gone on in the dialplan."""
        found = [thing for path in paths if (thing := self.get(path))]
        return {thing[key]: plain(thing) for thing in found
                if thing["target_uri"].partition(":")[2] in heard[thing["target_uri"].partition(":")[0]]}


def plain(thing):
    """Without what counts up by itself, and times in one form."""
    thing = {name: value for name, value in thing.items() if name not in ("duration", "talking_duration", "silence_duration")}
    if "creationtime" in thing:
        thing["creationtime"] = thing["creationtime"][:23]
    if "channels" in thing:
        thing["channels"] = sorted(thing["channels"])
    if isinstance(thing.get("video_source_id"), str) and not thing["video_source_id"]:
        del thing["video_source_id"]
    return thing


def state_of(connection):
    names = {"channels": ("channel", "id"), "bridges": ("bridge", "id"), "playbacks": ("playback", "id"),
             "recordings": ("recording", "name")}
    state, apps = {}, {}
    for kind, (member, key) in names.items():
        items = connection.result(f"state.{kind}")[kind]
        state[kind] = {item[member][key]: plain(item[member]) for item in items}
        if kind == "channels":
            apps = {item["channel"]["id"]: item.get("app") for item in items}
    return state, apps


def difference(expected, found):
    out = []
    for kind in expected:
        for name in sorted(set(expected[kind]) | set(found[kind])):
            one, other = expected[kind].get(name), found[kind].get(name)
            if one == other:
                continue
            if one and other:
                fields = [f"{f}: {one.get(f)!r} is {other.get(f)!r}" for f in one.keys() | other.keys() if one.get(f) != other.get(f)]
                out.append(f"{kind} {name}: " + "; ".join(fields))
            else:
                out.append(f"{kind} {name}: {'missing: ' + str(one) if one else 'is there, and should not be: ' + str(other)}")
    return out


def compare(connection, truth, caller, book):
    state, apps = state_of(connection)
    names = [f"{RUN}p{i:02}" for i in range(6)], [f"{RUN}r{i:02}" for i in range(3)]
    wrong = difference(truth.read(*names), state)
    for name, app in caller.apps.items():
        if app is not None and apps.get(name) != app and name in state["channels"]:
            wrong.append(f"channel {name} is in {app}, not in {apps.get(name)}")
    held = {"channels": {i: plain(c) for i, c in book.channels.items()}, "bridges": {i: plain(b) for i, b in book.bridges.items()},
            "playbacks": {i: plain(p) for i, p in book.playbacks.items()},
            "recordings": {i: plain(r) for i, r in book.recordings.items()}}
    wrong += ["by the records: " + text for text in difference(state, held)]
    wrong += [f"by the records: channel {i} is in {book.apps.get(i)}, not in {apps[i]}" for i in apps if book.apps.get(i) != apps[i]]
    return wrong


def clear(rest):
    def left(kind):
        return [thing["id"] for thing in rest.call("GET", f"/ari/{kind}").json() if RUN in thing["id"]]
    for kind in ("channels", "bridges"):
        for name in left(kind):
            rest.call("DELETE", f"/ari/{kind}/{name}")
    wait_for("no channels", lambda: not left("channels"))


def run(build, version, seconds, seed, verbose):
    port = SUITES[version][1]
    chance = random.Random(seed)
    rest = Rest(f"http://127.0.0.1:{port}", timeout=5)
    truth = Truth(rest)
    with tempfile.TemporaryDirectory(prefix="aribus-state-") as folder:
        path = folder + "/aribus.sock"
        config = pathlib.Path(folder) / "aribusd.yaml"
        config.write_text(f"asterisk:\n  - name: pbx1\n    url: http://127.0.0.1:{port}\n    username: {USER}\n"
                          f"    password: {PASSWORD}\n    apps: [{', '.join(APPS)}]\n    request_timeout: 2s\nsockets:\n  - path: {path}\n"
                          f"bus:\n  ring_bytes: 64MiB\nlogging:\n  level: warning\n")
        daemon = subprocess.Popen([build / "daemon/aribusd", "--config", config], stderr=open(folder + "/log", "w"))
        try:
            wait_for("aribusd listens", lambda: connects(path), 20)
            connection = Connection(path)
            wait_for("ready", lambda: connection.result("status")["servers"][0]["state"] == "ready", 20)
            book = FullBook(path)
            wait_for("the snapshot", lambda: book.stream)
            caller = Caller(connection, chance, version)
            failures = []
            end = time.monotonic() + seconds
            compared = longest = 0
            while time.monotonic() < end and not failures:
                for _ in range(chance.randrange(5, 40)):
                    caller.one()
                began = time.monotonic()
                let_pass(chance.choice([0, 0.5, 3]))
                caller.go_on()
                while (wrong := compare(connection, truth, caller, book)) and time.monotonic() < began + PATIENCE:
                    let_pass(0.2)
                compared += 1
                longest = max(longest, time.monotonic() - began)
                failures += wrong
            clear(rest)
            for name in caller.bridges:
                connection.call("bridges.destroy", {"bridgeId": name})
            failures += [f"a synthetic record: {record}" for record in book.synthetic[:5]]
            failures += [f"{fault}" for fault in book.faults[:5]]
            print(f"Asterisk {version}, seed {seed}: {sum(caller.done.values())} commands, {compared} comparisons, the "
                  f"longest took {longest:.1f} s; {book.last} records, {book.types['state.changed']} of them state.changed, "
                  f"{book.types['state.gone']} state.gone, {len(book.synthetic)} synthetic")
            print("  " + ", ".join(f"{name} {count}" for name, count in sorted(caller.done.items())))
            if verbose and failures:
                for record in book.latest:
                    print("  ", record["seq"], record["time"], record["app"], record["type"], record.get("channels"),
                          record.get("bridges"), record.get("channel", {}).get("dialplan", {}).get("app_name"))
                print("  the last commands:", *caller.commands, sep="\n    ")
            if verbose:
                for method, reasons in sorted(caller.reasons.items()):
                    print(f"  refused: {method}: " + "; ".join(sorted(reasons)[:4]))
            for failure in failures:
                print("DOES NOT HOLD:", failure)
            return 1 if failures else 0
        finally:
            daemon.terminate()
            daemon.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("version", choices=SUITES)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--verbose", action="store_true", help="why commands were refused, too")
    options = parser.parse_args()
    if options.version not in os.environ.get("ARIBUS_ASTERISK_VERSIONS", options.version).split():
        print(f"left out: Asterisk {options.version} does not run")
        return SKIPPED
    return run(options.build.resolve(), options.version, options.seconds, options.seed, options.verbose)


if __name__ == "__main__":
    sys.exit(main())
