#!/usr/bin/env python3
"""Random commands with `wait` on a real Asterisk, under all that may take away what they wait for: hang-ups, bridges
destroyed, channels taken out of bridges and moved to other applications, applications taken by another client and taken
back, applications that a reload adds and removes, connections to Asterisk that break, programs that go away and ask again.

Each must have exactly one answer, of a form that docs/protocol.md tells ("Waiting"), within the time that it tells from
when its object ended. The answer must be true: what Asterisk itself says, asked by its REST interface and heard by another
application that is subscribed to everything, may not contradict. In the end no command may be left in aribusd.

Usage: random_waits.py BUILD_DIR VERSION [--waits N] [--seed N] [--verbose]
       VERSION (22 or 16) is running: scripts/asterisk start VERSION
Exit status: 0; 1 when something does not hold; 77 when ARIBUS_ASTERISK_VERSIONS is there and does not name VERSION.
"""
import argparse
import collections
import itertools
import json
import os
import pathlib
import queue
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "faults"))
sys.dont_write_bytecode = True
from stage import PASSWORD, SUITES, USER, Link, Rest, connects, let_pass, wait_for  # noqa: E402
from arilite import Events  # noqa: E402

RUN = f"w{os.getpid()}"  # what ids begin with: other tests may have calls on the same Asterisk
A1, A2, A3 = (f"{RUN}a{i}" for i in (1, 2, 3))  # aribusd's; a reload adds and removes the last one
FOREIGN = RUN + "f"                             # another client's
SKIPPED = 77
BUSY = 15      # s that a busy machine may add
USUAL = 31     # s from the end of what nobody tells of to the answer, at the most
REQUEST = 10   # s for an answer of Asterisk
OUTCOMES = {"answered", "busy", "no_answer", "refused", "failed", "cancelled"}
OVER = {"playback": {"done", "failed"}, "recording": {"done", "failed", "canceled"}}
SHORT, LONG = ["sound:beep"], ["sound:vm-intro"]
MEDIA = [SHORT, SHORT, LONG, ["sound:hello-world"], ["sound:beep", "sound:hello-world"], ["digits:12"], ["sound:nosuch"],
         ["recording:nosuch"], ["tone:ring"]]


def quoted(name):
    return urllib.parse.quote(name, safe="")


class Wait:
    """A command with `wait`."""
    numbers = itertools.count(1)

    def __init__(self, method, params, id_name):
        self.number, self.method, self.params = next(self.numbers), method, params
        self.name = params[id_name]
        self.id_name, self.kind = id_name, {"originate": "channel", "play": "playback", "record": "recording"}[method]
        self.key = params.get("key")
        self.sent = self.answer = self.answered = self.ended = None
        self.looks = []          # what Asterisk said of the object when the answer had come
        self.dropped = False     # its connection was closed, and it has no key
        self.repeats = None      # the command that this one repeats
        self.earlier = None      # the command before it for the same id
        self.followers = []      # later commands for the same id

    def path(self):
        return {"channel": "/channels/", "playback": "/playbacks/", "recording": "/recordings/live/"}[self.kind] + quoted(self.name)

    def __str__(self):
        return (f"{self.method} {self.params} sent {self.sent:.2f} answered {self.answered} "
                f"{json.dumps(self.answer)[:300]} looks {self.looks}")


class Program:
    """A connection to aribusd over which many commands are under way."""

    def __init__(self, path, on_answer):
        self.socket, self.on_answer, self.lock = socket.socket(socket.AF_UNIX), on_answer, threading.Lock()
        self.socket.connect(path)
        self.plain, self.changed, self.numbers = {}, threading.Condition(), itertools.count(1)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for line in self.socket.makefile("rb"):
                message = json.loads(line)
                if isinstance(message["id"], int):
                    self.on_answer(message, time.monotonic())
                else:
                    with self.changed:
                        self.plain[message["id"]] = message
                        self.changed.notify_all()
        except (OSError, ValueError):
            pass

    def send(self, *requests):
        """(id, method, params) each, in one write."""
        lines = [json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) for number, method, params in requests]
        with self.lock:
            self.socket.sendall(("\n".join(lines) + "\n").encode())

    def tell(self, method, **params):
        """A request for the `requests` of send() whose answer nobody looks at."""
        return f"c{next(self.numbers)}", method, params

    def call(self, method, seconds=60, **params):
        request = self.tell(method, **params)
        self.send(request)
        with self.changed:
            if not self.changed.wait_for(lambda: request[0] in self.plain, seconds):
                raise AssertionError(f"{method} was not answered within {seconds} s")
            return self.plain.pop(request[0])

    def close(self):
        self.call("ping")  # all that was sent was read
        self.socket.close()


class Observer:
    """Hears everything at Asterisk itself."""

    def __init__(self, url):
        self.stream = Events(url, RUN + "observer", subscribe_all=True)
        self.entered, self.started, self.ended, self.states = set(), set(), {}, {}

    def collect(self):
        now = time.monotonic()
        for event in self.stream.take():
            channel = event.get("channel", {})
            if channel.get("dialplan", {}).get("app_name") == "Stasis":
                self.entered.add((channel["id"], channel["creationtime"][:23], channel["dialplan"]["app_data"]))
            if event["type"] == "ChannelDestroyed":
                self.ended[("channel", channel["id"], channel["creationtime"][:23])] = now
            elif event["type"] in ("PlaybackStarted", "PlaybackFinished"):
                name = event["playback"]["id"]
                if event["type"] == "PlaybackStarted":
                    self.started.add(name)
                else:
                    self.ended["playback", name] = now
                    self.states.setdefault(name, set()).add(event["playback"]["state"])
            elif event["type"] in ("RecordingFinished", "RecordingFailed"):
                self.ended[("recording", event["recording"]["name"])] = now


class Judge:
    """Takes the answers, and looks at once what Asterisk says of the object. Runs beside the driver."""

    def __init__(self, url):
        self.waits, self.faults, self.queue, self.busy = {}, [], queue.Queue(), 0
        self.rest = Rest(url, timeout=10)
        threading.Thread(target=self.work, daemon=True).start()

    def take(self, message, now):
        wait = self.waits[message["id"]]
        if wait.answer is not None:
            self.faults.append(f"answered twice: {wait}, {message}")
        wait.answered, wait.answer = now, message
        self.queue.put(wait)

    def work(self):
        while True:
            wait = self.queue.get()
            try:
                self.look(wait)
            except Exception as error:  # pylint: disable=broad-except
                self.faults.append(f"the judge fails: {error!r} {wait}")
            self.queue.task_done()

    def look(self, wait):
        """Asterisk tells of an end a moment before the object is gone."""
        for _ in range(30):
            answer = self.rest.call("GET", "/ari" + wait.path())
            wait.looks.append((answer.status, answer.json() if answer.status == 200 else None))
            if not self.contradicts(wait):
                return
            let_pass(0.1)

    @staticmethod
    def contradicts(wait):
        """Whether what Asterisk said last denies the answer."""
        status, thing = wait.looks[-1]
        result, error = wait.answer.get("result"), wait.answer.get("error", {})
        if status != 200 or (result is None and not error.get("data", {}).get("exists") is False):
            return False
        if wait.kind == "channel":
            made = (result or {}).get("channel", {}).get("creationtime", "")[:23]
            if result and result["outcome"] == "answered":
                return False
            return not wait.followers if not result else thing["creationtime"][:23] == made
        if thing["state"] in OVER[wait.kind]:
            return False
        if not wait.followers:
            return True
        return wait.kind == "playback" and thing["media_uri"] in wait.params["media"] and not any(
            thing["media_uri"] in later.params["media"] for later in wait.followers)


class Driver:
    def __init__(self, folder, build, version, seed):
        self.chance, self.version, self.folder = random.Random(seed), version, pathlib.Path(folder)
        port = SUITES[version][1]
        self.url = f"http://127.0.0.1:{port}"
        self.rest, self.link = Rest(self.url, timeout=15), Link(port, 0)
        self.path, self.metrics = folder + "/aribus.sock", folder + "/metrics.sock"
        self.config = self.folder / "aribusd.yaml"
        self.apps = [A1, A2]
        self.configure()
        self.daemon = subprocess.Popen([build / "daemon/aribusd", "--config", self.config], stderr=open(folder + "/log", "w"))
        wait_for("aribusd listens", lambda: connects(self.path), 20)
        self.observer, self.judge = Observer(self.url), Judge(self.url)
        self.foreign = Events(self.url, FOREIGN)
        self.programs = [self.connect() for _ in range(3)]
        self.control = self.connect()
        self.ready()
        self.counts, self.late, self.causes = collections.Counter(), collections.defaultdict(float), []
        self.last = {}           # the newest wait by kind and name
        self.sent = collections.Counter()
        self.legs, self.strangers, self.bridges, self.taken = [], [], [], []
        self.number, self.verified = itertools.count(1), set()

    def configure(self):
        self.config.write_text(
            f"asterisk:\n  - name: pbx1\n    url: http://127.0.0.1:{self.link.listen}\n    username: {USER}\n"
            f"    password: {PASSWORD}\n    apps: [{', '.join(self.apps)}]\n    request_timeout: {REQUEST}s\n"
            f"    reconnect: {{first: 50ms}}\n"
            f"sockets:\n  - path: {self.path}\nmetrics:\n  path: {self.metrics}\n"
            "logging:\n  level: warning\n  audit: false\n")
        self.config.chmod(0o600)

    def connect(self):
        return Program(self.path, self.judge.take)

    def status(self):
        return self.control.call("status")["result"]["servers"][0]

    def ready(self):
        wait_for("aribusd is ready", lambda: self.status()["state"] == "ready", 60)

    # What waits.

    def wait(self, program, method, id_name, before=(), **params):
        wait = Wait(method, params, id_name)
        if wait.key is None and self.chance.random() < 0.25:
            wait.key = params["key"] = f"{RUN}k{wait.number}"
        self.begin(wait, program, before)
        return wait

    def begin(self, wait, program, before=()):
        wait.earlier = one = self.last.get((wait.kind, wait.name))
        while one is not None:
            one.followers.append(wait)
            one = one.earlier
        self.last[wait.kind, wait.name] = wait
        self.send(wait, program, before)

    def send(self, wait, program, before=()):
        self.judge.waits[wait.number] = wait
        wait.program, wait.sent = program, time.monotonic()
        self.sent[wait.method] += 1
        program.send(*before, (wait.number, wait.method, wait.params))

    def under_way(self, program):
        return sum(1 for wait in self.judge.waits.values() if wait.program is program and wait.answer is None)

    def pick(self):
        return self.chance.choice([program for program in self.programs if self.under_way(program) < 50] or [self.connected()])

    def connected(self):
        self.programs.append(self.connect())
        return self.programs[-1]

    def originate(self):
        program, name = self.pick(), f"{RUN}c{self.chance.randrange(10):02}"
        end, timeout = self.chance.choice([("answer", 30)] * 5 + [("ring", 1)] * 2 + [("ring", 30), ("busy", 30), ("congestion", 30),
                                                                                    ("nosuch", 30)])
        endpoint = f"Local/{end}@default" if self.chance.random() < 0.95 else "PJSIP/nobody"
        before = [program.tell("hangup", channelId=name)] if self.chance.random() < 0.7 else []
        self.wait(program, "originate", "channelId", before, endpoint=endpoint, channelId=name, otherChannelId=name + "-far",
                  app=self.chance.choice(self.apps), timeout=timeout, wait="answer")
        if name not in self.legs:
            self.legs.append(name)

    def target(self):
        pool = [("channelId", name) for name in self.legs[-8:] + self.strangers] + [("bridgeId", name) for name in self.bridges] * 2
        return self.chance.choice(pool)

    def play(self):
        program, before = self.pick(), []
        name, media = f"{RUN}p/{next(self.number):05}", list(self.chance.choice(MEDIA))
        place, target = self.target()
        # aribusd remembers one whose start nobody told for 10 s.
        earlier = [wait for (kind, _), wait in self.last.items() if kind == "playback" and wait.answer is None
                   and wait.name in self.observer.started and wait.program is program and not wait.earlier
                   and time.monotonic() < wait.sent + 8]
        if earlier and self.chance.random() < 0.4:  # its id again
            one = self.chance.choice(earlier)
            name, media = one.name, ["sound:letters/a", "sound:digits/1"]
            before = [program.tell("playbacks.stop", playbackId=name)]
        self.wait(program, "play", "playbackId", before, playbackId=name, media=media, wait=True, **{place: target})

    def record(self):
        program, name = self.pick(), f"{RUN}r/{self.chance.randrange(5)}"
        place, target = self.target()
        before = [program.tell("recordings.stop", recordingName=name)] if self.chance.random() < 0.5 else []
        more = self.chance.choice([{"maxDurationSeconds": 1}, {"maxDurationSeconds": 2, "terminateOn": "#"}, {"maxSilenceSeconds": 1},
                                   {"beep": True, "maxDurationSeconds": 1}, {}])
        self.wait(program, "record", "name", before, name=name, format="wav", wait=True,
                  ifExists=self.chance.choice(["overwrite", "overwrite", "append", "fail"]), **more, **{place: target})

    # What happens to it.

    def tell(self, method, **params):
        self.control.send(self.control.tell(method, **params))

    def hang_up(self):
        self.tell("hangup", channelId=self.chance.choice(self.legs + self.strangers))

    def stop(self):
        names = [wait.name for wait in self.judge.waits.values() if wait.kind == "playback" and wait.answer is None]
        if names:
            operation = self.chance.choice(["stop", "pause", "unpause", "reverse", "restart"])
            name = self.chance.choice(names)
            self.tell("playbacks.stop", playbackId=name) if operation == "stop" else \
                self.tell("playbacks.control", playbackId=name, operation=operation)
        self.tell("recordings." + self.chance.choice(["stop", "pause", "unpause", "cancel", "mute"]),
                  recordingName=f"{RUN}r/{self.chance.randrange(5)}")

    def destroy(self):
        self.tell("bridges.destroy", bridgeId=self.chance.choice(self.bridges))

    def part(self):
        self.tell("bridges.removeChannel", bridgeId=self.chance.choice(self.bridges), channel=self.chance.choice(self.legs))

    def join(self):
        self.tell("bridges.addChannel", bridgeId=self.chance.choice(self.bridges), channel=self.chance.choice(self.legs))

    def move(self):
        self.tell("channels.move", channelId=self.chance.choice(self.legs), app=self.chance.choice([*self.apps, FOREIGN]))

    def leave(self):
        self.tell("channels.continueInDialplan", channelId=self.chance.choice(self.legs), context="default", extension="answer",
                  priority=1)

    def take(self):
        app = self.chance.choice(self.apps)
        self.causes.append(("taken", time.monotonic()))
        self.taken.append(Events(self.url, app))

    def reclaim(self):
        if self.taken:
            self.causes.append(("reclaimed", time.monotonic()))
            self.control.call("reclaim")
            wait_for("the applications are taken back", lambda: not self.status()["replaced"], 60)
            self.ready()
            for stream in self.taken:
                stream.close()
            self.taken.clear()

    def reload(self):
        self.apps = [A1, A2, A3] if A3 not in self.apps else [A1, A2]
        self.configure()
        self.causes.append(("reloaded", time.monotonic()))
        answer = self.control.call("daemon.reload")
        assert answer["result"]["applied"], answer

    def cut(self):
        self.causes.append(("cut", time.monotonic()))
        self.link.reset(self.chance.random() < 0.5)

    def go_away(self):
        """A program closes its connection, and asks again for what has a key."""
        program = self.programs.pop(self.chance.randrange(len(self.programs)))
        program.close()
        self.programs.append(self.connect())
        for wait in [wait for wait in self.judge.waits.values() if wait.program is program and wait.answer is None]:
            if wait.key is None:
                wait.dropped = True
                continue
            wait.dropped = True  # on that connection; the answer comes on this one
            self.repeat(wait)

    def repeat(self, wait):
        again = Wait(wait.method, wait.params, wait.id_name)
        again.repeats, again.followers, again.earlier = wait, wait.followers, wait.earlier
        self.send(again, self.pick())
        return again

    # A round of it.

    def post(self, target):
        try:
            return self.rest.call("POST", "/ari" + target).status
        except OSError:
            return 0

    def where(self, name):
        channels = self.control.call("state.channels", id=name)["result"]["channels"]
        return bool(channels) and bool(channels[0].get("app"))

    def set_up(self, number):
        """Calls of ours and of others; bridges of which aribusd hears, hears in part and hears nothing."""
        self.legs, self.strangers = [f"{RUN}l{number:04}{i}" for i in range(4)], [f"{RUN}s{number:04}{i}" for i in range(2)]
        for name in self.legs:
            made = self.control.call("originate", endpoint="Local/answer@default", channelId=name, otherChannelId="far-" + name,
                                     app=self.chance.choice([A1, A2]))
            assert "result" in made, made
        for name in self.strangers:
            self.post(f"/channels?endpoint=Local/answer@default&channelId={name}&otherChannelId=far-{name}&app={FOREIGN}")
        wait_for("the calls are in Stasis", lambda: all(self.where(name) for name in self.legs), 60)
        self.foreign.wait(lambda event: event["type"] == "StasisStart" and event["channel"]["id"] == self.strangers[-1], 60)
        own, mixed, raw, empty = self.bridges = [f"{RUN}b{number:04}{i}" for i in range(4)]
        self.control.call("bridges.createWithId", bridgeId=own, type="mixing")
        for name in (mixed, raw, empty):
            self.post(f"/bridges/{name}?type=mixing")
        self.control.call("bridges.addChannel", bridgeId=own, channel=self.legs[0])
        self.control.call("bridges.addChannel", bridgeId=mixed, channel=self.legs[1])
        self.post(f"/bridges/{mixed}/addChannel?channel={self.strangers[0]}")
        self.post(f"/bridges/{raw}/addChannel?channel={self.strangers[1]}")

    def round(self, number, waits):
        self.set_up(number)
        often = [self.hang_up, self.stop, self.stop, self.destroy, self.part, self.part, self.join, self.move, self.move, self.leave]
        rarely = [self.take, self.reclaim, self.reload, self.cut] + [self.go_away] * 4
        for _ in range(waits):
            self.chance.choice([self.originate, self.play, self.play, self.record])()
            if self.chance.random() < 0.5:
                self.chance.choice(often)()
            if self.chance.random() < 0.08:
                self.chance.choice(rarely)()
            let_pass(self.chance.choice([0, 0.02, 0.1, 0.2]))
            self.observer.collect()
        let_pass(self.chance.choice([0, 0.5, 2]))
        self.end()

    def ours(self, kind):
        return [thing["id"] for thing in self.rest.call("GET", f"/ari/{kind}").json() if RUN in thing["id"]]

    def end(self):
        """All ends in Asterisk, and is heard again: the answers are due."""
        self.reclaim()
        self.ready()
        for _ in range(3):  # calls may still come about
            for kind in ("channels", "bridges"):
                for name in self.ours(kind):
                    self.rest.call("DELETE", f"/ari/{kind}/{name}")
            let_pass(0.2)
        wait_for("no channels are left", lambda: not [self.rest.call("DELETE", f"/ari/channels/{name}") for name in self.ours("channels")], 30)
        over = time.monotonic()
        while time.monotonic() < over + USUAL + REQUEST + 2 * BUSY and self.unanswered():
            self.observer.collect()
            let_pass(0.05)
        for wait in self.unanswered():
            self.judge.faults.append(f"not answered {time.monotonic() - over:.0f} s after all had ended: {wait}")
            wait.dropped = True
        self.judge.queue.join()
        for wait in [wait for wait in self.judge.waits.values() if wait.key and wait.answer and not wait.repeats]:
            if wait.number not in self.verified and self.is_remembered(wait):
                self.repeat(wait)
        wait_for("the repeats are answered", lambda: not self.unanswered(), 60)
        self.judge.queue.join()
        let_pass(0.2)
        self.observer.collect()
        for wait in list(self.judge.waits.values()):
            if wait.number not in self.verified:
                self.verified.add(wait.number)
                self.verify(wait)

    def unanswered(self):
        return [wait for wait in self.judge.waits.values() if wait.answer is None and not wait.dropped]

    @staticmethod
    def is_remembered(wait):
        return wait.answer.get("error", {}).get("code") in (None, -32000, -32002)

    # What is true of it.

    def verify(self, wait):
        fault = lambda what: self.judge.faults.append(f"{what}: {wait}")  # noqa: E731
        if wait.answer is None:
            self.counts["connection closed, no key" if wait.key is None else "connection closed, repeated"] += 1
            return
        if wait.repeats is not None:
            self.counts["repeats"] += 1
            first = wait.repeats.answer
            if first is not None and self.is_remembered(wait.repeats) and essence(first) != essence(wait.answer):
                fault(f"a repeat is answered otherwise than the first, {json.dumps(first)[:300]}")
        status, _ = wait.looks[-1]
        if self.judge.contradicts(wait):
            fault("Asterisk says otherwise")
        result, error = wait.answer.get("result"), wait.answer.get("error")
        since = self.since_end(wait)
        if result is not None:
            way = self.verify_result(wait, result, fault)
            if since is not None and way not in ("originate answered",):
                self.note_late(way, since, BUSY, fault)
            self.counts[way] += 1
            return
        code, data = error["code"], error.get("data", {})
        caused = [cause for cause, when in self.causes if wait.sent - 2 - REQUEST <= when <= wait.answered]
        if code == -32000:
            way = "refused"
            if not isinstance(data.get("status"), int):
                fault("a refusal without a status")
        elif code == -32602 and wait.params.get("app") == A3 and caused:
            way = "not sent: the application is not held, or not yet"
        elif code == -32001:
            way = "not sent"
            if not caused:
                fault("not sent without a reason")
        elif code == -32002 and data.get("exists") is False:
            way = f"{wait.method} ended, no event told how"
            if data != {wait.id_name: wait.name, "exists": False} or (status != 404 and not wait.followers):
                fault("a false end")
            if since is not None:
                self.note_late(way, since, USUAL + BUSY, fault)
        elif code == -32002:
            way = f"{wait.method} outcome unknown: " + re.sub(r"'[^']*'|\d+", "…", error["message"].split(";")[0])
            if data.get(wait.id_name) != wait.name or not data.get("command"):
                fault("an unknown outcome without id and command")
            if "timeout_ms" not in data:
                if not caused:
                    fault("an unknown outcome without a cause")
                else:
                    self.late[way] = max(self.late[way], wait.answered - max(max(
                        when for _, when in self.causes if when <= wait.answered), wait.sent))
        else:
            way = f"error {code}"
            fault("an error that is none of the documented")
        self.counts[way] += 1

    def since_end(self, wait):
        """Seconds from the end of the object, as Asterisk told it, to the answer; None where that is not known."""
        ended = self.observer.ended.get((wait.kind, wait.name))
        if wait.kind == "channel" and "result" in wait.answer:
            ended = self.observer.ended.get((wait.kind, wait.name, wait.answer["result"]["channel"]["creationtime"][:23]))
        if ended is None or wait.followers or wait.repeats or wait.earlier:
            return None
        return wait.answered - ended

    def note_late(self, way, since, limit, fault):
        self.late[way] = max(self.late[way], since)
        if since > limit:
            fault(f"{since:.1f} s after the end")

    def verify_result(self, wait, result, fault):
        if wait.kind == "channel":
            channel, outcome = result["channel"], result["outcome"]
            identity = channel["id"], channel["creationtime"][:23]
            if outcome not in OUTCOMES or channel["id"] != wait.name or result["rang_ms"] < 0:
                fault("not the documented form")
            if ("cause" in result) == (outcome == "answered"):
                fault("a cause is there, or is not")
            if outcome == "answered":
                if not self.heard(lambda: (*identity, wait.params["app"]) in self.observer.entered):
                    fault("answered, and never in the application")
            elif not self.heard(lambda: ("channel", *identity) in self.observer.ended):
                fault("ended, and Asterisk never told so")
            return f"originate {outcome}"
        place = "channel:" + wait.params["channelId"] if "channelId" in wait.params else "bridge:" + wait.params["bridgeId"]
        if result["id" if wait.kind == "playback" else "name"] != wait.name or result["target_uri"] != place:
            fault("not what was asked for")
        if result["state"] not in OVER[wait.kind]:
            fault("not over")
        told = self.observer.states.get(wait.name, {result["state"]}) if wait.kind == "playback" else {result["state"]}
        if result["state"] not in told:
            fault(f"Asterisk told {told}")
        if wait.kind == "playback" and result["media_uri"] not in wait.params["media"]:
            fault("not the media that was asked for")
        return f"{wait.method} {result['state']}"

    def heard(self, condition):
        end = time.monotonic() + BUSY
        while not condition():
            if time.monotonic() > end:
                return False
            let_pass(0.05)
            self.observer.collect()
        return True

    # When all is over.

    def nothing_is_left(self):
        for program in self.programs:
            requests = [program.tell("channels.get", channelId=RUN + "none") for _ in range(64)]
            program.send(*requests)
            with program.changed:
                if not program.changed.wait_for(lambda: all(number in program.plain for number, _, _ in requests), 60):
                    self.judge.faults.append("64 more commands are not answered")
                codes = collections.Counter(program.plain.get(number, {}).get("error", {}).get("code") for number, _, _ in requests)
            if set(codes) != {-32000}:
                self.judge.faults.append(f"64 more commands are answered with {codes}")
        with socket.socket(socket.AF_UNIX) as metrics:
            metrics.connect(self.metrics)
            metrics.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            text = b"".join(iter(lambda: metrics.recv(65536), b"")).decode()
        for method, sent in self.sent.items():
            answered = sum(int(float(value)) for value in re.findall(rf'^aribus_commands_total{{method="{method}"[^}}]*}} (\S+)$', text, re.M))
            if method == "originate":
                answered -= self.originated
            # What its connection's end kept from beginning is no command there.
            dropped = sum(1 for wait in self.judge.waits.values() if wait.method == method and wait.dropped)
            if not sent - dropped <= answered <= sent:
                self.judge.faults.append(f"of {sent} commands {method}, {answered} have ended in aribusd")

    def run(self, waits, per_round):
        self.originated = 0
        number, begun = 0, time.monotonic()
        while sum(self.sent.values()) < waits and not self.judge.faults:
            number += 1
            self.originated += 4
            self.round(number, min(per_round, waits))
        self.nothing_is_left()
        return f"{number} rounds in {time.monotonic() - begun:.0f} s"

    def stop_all(self):
        self.foreign.close()
        self.daemon.terminate()
        self.daemon.wait()


def essence(answer):
    """What a repeat has, too: more may have been found out since."""
    error = answer.get("error")
    if error is None:
        return json.dumps(answer["result"], sort_keys=True)
    return error["code"], json.dumps({name: value for name, value in error.get("data", {}).items() if name != "outcome"}, sort_keys=True)


def run(build, version, waits, per_round, seed, verbose):
    with tempfile.TemporaryDirectory(prefix="aribus-waits-") as folder:
        driver = Driver(folder, build, version, seed)
        try:
            rounds = driver.run(waits, per_round)
        finally:
            driver.stop_all()
        print(f"Asterisk {version}, seed {seed}: {sum(driver.sent.values())} commands, {rounds}")
        for way, count in sorted(driver.counts.items()):
            print(f"  {count:5} {way}" + (f", the latest {driver.late[way]:.2f} s after" if way in driver.late else ""))
        print("  " + ", ".join(f"{name} {count}" for name, count in collections.Counter(cause for cause, _ in driver.causes).items()))
        if verbose and driver.judge.faults:
            print(open(folder + "/log").read())
        for fault in driver.judge.faults[:20]:
            print("DOES NOT HOLD:", fault)
        return 1 if driver.judge.faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("version", choices=SUITES)
    parser.add_argument("--waits", type=int, default=100)
    parser.add_argument("--round", type=int, default=40, help="how many between two silences")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--verbose", action="store_true", help="aribusd's log, too")
    options = parser.parse_args()
    if options.version not in os.environ.get("ARIBUS_ASTERISK_VERSIONS", options.version).split():
        print(f"left out: Asterisk {options.version} does not run")
        return SKIPPED
    return run(options.build.resolve(), options.version, options.waits, options.round, options.seed, options.verbose)


if __name__ == "__main__":
    sys.exit(main())
