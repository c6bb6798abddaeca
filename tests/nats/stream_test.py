#!/usr/bin/env python3
"""The stream in NATS: how it is made, which ones are refused and why, and what others can do to it.

stream_test.py CASE
"""
import json
import pathlib
import re
import shutil
import socket
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from nats_stage import Nats, NatsServer, Pbx, Process, is_report, message_id, wait_for
from arilite import Rest

STREAM = "ARIBUS_pbx1"


def is_ours(message):
    return ":" in message.headers.get("Nats-Msg-Id", "")


STAGES = []  # that run


class Stage:
    """nats-server, a connection to it and a PBX on which calls are made one by one."""

    def __init__(self, folder, server="", bus="", **login):
        self.folder, self.login = pathlib.Path(folder), login
        STAGES.append(self)
        self.server = NatsServer(folder, more=server)
        self.nats = Nats(self.server.port, **login)
        self.pbx = Pbx(folder, bus=bus)
        self.pbx.wait_ready()

    def bridge(self, more=""):
        self.pbx.bridge(self.server.url, more)

    def call(self, app="demo"):
        """Somebody calls: some records."""
        Rest(self.pbx.url, 10).call("POST", "/sim/call", {"app": app})

    def places(self):
        return [message_id(message) for _, message in self.nats.messages(STREAM) if is_ours(message)]

    def wait_stored(self):
        """Until all that the daemon has is in NATS."""
        def all_there():
            bus = self.pbx.status()["bus"]
            info = self.nats.api("STREAM.INFO." + STREAM)
            if "error" in info or not info["state"]["messages"]:
                return False
            return any(place == (bus["stream"], bus["next"] - 1) for place in self.places())
        wait_for(lambda: "all is stored: " + self.pbx.nats.log()[-800:], all_there)

    def wait_log(self, text, count=1):
        wait_for(lambda: f"'{text}' in the log: " + self.pbx.nats.log()[-1500:], lambda: self.pbx.nats.log().count(text) >= count)

    def check_whole(self):
        """Every record of the daemon is there once, in order; reports count for what they report. Returns how many were lost."""
        seen, missing, lost = {}, set(), 0
        for _, message in self.nats.messages(STREAM):
            if not is_ours(message):
                continue
            stream, seq = message_id(message)
            if is_report(message.data):
                report = json.loads(message.data)
                if report["type"] == "lost":
                    if report["from"] > seen.get(stream, 0):  # they left the ring
                        missing |= {(stream, one) for one in range(seen.get(stream, 0) + 1, report["from"])}
                        assert report["records"] == report["to"] - report["from"] + 1, report
                    else:  # there was no room for them, and for later ones there was
                        reported = {one for one in missing if one[0] == stream and report["from"] <= one[1] <= report["to"]}
                        assert len(reported) == report["records"], (report, missing)
                        missing -= reported
                    lost += report["records"]
            else:
                assert seq > seen.get(stream, 0), (stream, seq, seen)
                missing |= {(stream, one) for one in range(seen.get(stream, 0) + 1, seq)}
            seen[stream] = seq
        assert not missing, f"missing in silence: {sorted(missing)[:20]}"
        return lost

    def stop(self):
        self.pbx.stop()
        self.server.kill()


class Wire:
    """Between aribus-nats and nats-server: once a text has come from a side, nothing reaches aribus-nats until mend(),
    and if it came from aribus-nats, nothing reaches nats-server either."""

    def __init__(self, port):
        self.port, self.rule, self.is_dead, self.sockets = port, None, False, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"nats://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def break_at(self, side, text, passes=False):
        """`side`: "bridge" or "server". `passes`: what has the text arrives."""
        self.rule = (side, text, passes)

    def wait_dead(self):
        wait_for(lambda: f"{self.rule} passes", lambda: self.is_dead)

    def mend(self):
        self.is_dead, self.rule = False, None

    def cut(self):
        for one in self.sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.sockets = []

    def accept(self):
        while True:
            bridge, _ = self.listener.accept()
            try:
                if self.is_dead:
                    raise OSError
                server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                bridge.close()
                continue
            self.sockets += [bridge, server]
            for side, source, target in (("bridge", bridge, server), ("server", server, bridge)):
                threading.Thread(target=self.pass_on, args=(side, source, target), daemon=True).start()

    def pass_on(self, side, source, target):
        before = b""
        try:
            while data := source.recv(1 << 20):
                passes = not self.is_dead or (side == "bridge" and self.rule[0] == "server")
                if not self.is_dead and self.rule and self.rule[0] == side and self.rule[1] in before + data:
                    self.is_dead, passes = True, self.rule[2]
                before = data[-64:]
                if passes:
                    target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def made(folder):
    """A new stream has the settings that exactly-once publishing needs, and the limits of the configuration."""
    stage = Stage(folder)
    stage.bridge("stream:\n  max_age: 60min\n  max_bytes: 10MiB\n")
    stage.call("demo")
    stage.wait_stored()
    config = stage.nats.api("STREAM.INFO." + STREAM)["config"]
    assert config["subjects"] == ["aribus.v1.rec.pbx1.>"], config
    assert (config["retention"], config["discard"], config["storage"], config["num_replicas"]) == ("limits", "old", "file", 1), config
    assert config["deny_delete"] is True and config["max_age"] == 3600 * 10**9 and config["max_bytes"] == 10 << 20, config
    subjects = {message.subject for _, message in stage.nats.messages(STREAM)}
    assert "aribus.v1.rec.pbx1.pbx1.demo.StasisStart" in subjects and "aribus.v1.rec.pbx1.pbx1._.server%2Econnected" in subjects, subjects
    for _, message in stage.nats.messages(STREAM):
        record = json.loads(message.data)
        assert record["seq"] == message_id(message)[1] and message.headers["Nats-Expected-Last-Sequence"].isdigit(), message
    stage.check_whole()
    # Limits that are asked for are given to a stream that is there; those that are not stay as they are.
    stage.pbx.nats.stop()
    stage.bridge("stream:\n  max_bytes: 20MiB\n")
    wait_for("the limit is changed", lambda: stage.nats.api("STREAM.INFO." + STREAM)["config"]["max_bytes"] == 20 << 20)
    assert stage.nats.api("STREAM.INFO." + STREAM)["config"]["max_age"] == 3600 * 10**9
    stage.call()
    stage.wait_stored()
    stage.check_whole()


def refused(folder):
    """A stream with other settings is refused with the reason; once it is gone, everything is published."""
    stage = Stage(folder)
    stage.bridge()
    stage.wait_stored()
    owner = stage.nats.api("STREAM.INFO." + STREAM)["config"]
    stage.pbx.nats.stop()
    right = {"name": STREAM, "description": owner["description"], "subjects": owner["subjects"], "storage": "file", "retention": "limits",
             "discard": "old", "num_replicas": 1}
    wrongs = [
        ({"description": ""}, "was not made by aribus-nats"),
        ({"description": "aribus-nats, installation 0123456789abcdef"}, "another installation (0123456789abcdef"),
        ({"subjects": ["aribus.v1.rec.pbx1.*.*.StasisStart"]}, "its list of subjects is aribus.v1.rec.pbx1.*.*.StasisStart"),
        ({"subjects": ["aribus.v1.rec.pbx1.>", "more"]}, "its list of subjects is another one"),
        ({"retention": "workqueue"}, "its retention must be `limits`"),
        ({"discard": "new"}, "its discard policy must be `old`"),
        ({"storage": "memory"}, "its storage must be `file`"),
        ({"no_ack": True}, "no_ack"),
        ({"max_msgs": 1000}, "max_msgs"),
        ({"max_msgs_per_subject": 3}, "a limit of messages a subject"),
        ({"max_msg_size": 100}, "a limit of a message's size"),
    ]
    for wrong, reason in wrongs:
        answer = stage.nats.api("STREAM.DELETE." + STREAM)
        assert "error" not in answer, answer
        answer = stage.nats.api("STREAM.CREATE." + STREAM, right | wrong)
        assert "error" not in answer, (wrong, answer)
        stage.pbx.nats.log_file.write_text("")
        stage.pbx.nats.start()
        stage.wait_log(reason)
        assert stage.nats.api("STREAM.INFO." + STREAM)["state"]["messages"] == 0, wrong
        assert stage.pbx.nats.log().count("not publishing") == 1, stage.pbx.nats.log()
        if wrong != wrongs[-1][0]:
            stage.pbx.nats.kill()
    stage.nats.api("STREAM.DELETE." + STREAM)
    stage.call()
    stage.wait_stored()
    stage.check_whole()


def strays(folder):
    """What others publish to its subjects holds nothing up, and nothing is missing or there twice."""
    stage = Stage(folder)
    stage.bridge()
    stage.wait_stored()
    for number in range(5):
        stage.nats.publish("aribus.v1.rec.pbx1.a.b.Stray", b"{}")
        stage.nats.publish("aribus.v1.rec.pbx1.a.b.Stray", b"{}", headers={"Nats-Msg-Id": f"x{number}"})
        stage.nats.flush()
        stage.call()
        stage.wait_stored()
    stage.check_whole()
    # Also when it comes back, and what is left are strays.
    stage.pbx.nats.kill()
    for _ in range(3):
        stage.nats.publish("aribus.v1.rec.pbx1.a.b.Stray", b"{}")
    stage.nats.flush()
    last = stage.nats.api("STREAM.INFO." + STREAM)["state"]["last_seq"]
    before = stage.places()
    stage.nats.api("STREAM.PURGE." + STREAM, {"seq": last - 2})
    stage.call()
    stage.pbx.nats.start()
    stage.wait_stored()
    after = stage.places()
    assert after[0] == (before[-1][0], before[-1][1] + 1), (before[-1], after)


def made_anew(folder):
    """A stream that is deleted under way is made again, and filled with all that the ring holds."""
    stage = Stage(folder)
    stage.bridge()
    stage.call()
    stage.wait_stored()
    stage.nats.api("STREAM.DELETE." + STREAM)
    stage.call()
    stage.wait_stored()
    places = stage.places()
    assert places[0][1] == 1, places
    stage.check_whole()


def too_large(folder):
    """A record that is larger than NATS takes keeps its envelope."""
    stage = Stage(folder, server="max_payload: 2048")
    stage.bridge()
    body = {"app": "demo", "variables": {"LONG": "x" * 5000}}
    assert Rest(stage.pbx.url, 10).call("POST", "/sim/event", {
        "type": "ChannelUserevent", "eventname": "long", "application": "demo", "timestamp": "2026-11-22T21:46:17.690+0000",
        "userevent": body}).status < 300
    stage.call()
    stage.wait_stored()
    stage.check_whole()
    found = [json.loads(message.data) for _, message in stage.nats.messages(STREAM) if b'"truncated"' in message.data]
    assert len(found) == 1 and found[0]["bytes"] > 5000 and found[0]["type"] == "ChannelUserevent" and found[0]["app"] == "demo", found
    assert "max_payload" in stage.pbx.nats.log()


def restarts(path):
    """aribus_nats_restarts_total."""
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(str(path))
        one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return int(re.search(rb"^aribus_nats_restarts_total (\d+)", one.makefile("rb").read(), re.MULTILINE)[1])


def change_server(stage, old, new):
    """Restarts nats-server with another configuration."""
    stage.server.stop()
    config = stage.folder / "nats.conf"
    config.write_text(config.read_text().replace(old, new))
    stage.server.start()
    stage.server.wait()
    stage.nats = Nats(stage.server.port, **stage.login)


def call_until(stage, text):
    """Calls until aribus-nats says so."""
    def said():
        Rest(stage.pbx.url, 10).call("POST", "/sim/calls", {"app": "demo", "count": 50})
        return text in stage.pbx.nats.log()
    wait_for(lambda: f"'{text}' in the log: " + stage.pbx.nats.log()[-1500:], said)


def tell(stage, size):
    """An event with a text of that size."""
    event = {"type": "ChannelUserevent", "application": "demo", "eventname": "x", "userevent": {"text": "x" * size}}
    assert Rest(stage.pbx.url, 10).call("POST", "/sim/event?app=demo", event).status < 300


def full(folder):
    """A disk that is full: said once, and not taken for another publisher; once there is room, nothing is missing."""
    stage = Stage(folder)
    change_server(stage, "jetstream {", "jetstream { max_file_store: 200KB,")
    path = stage.folder / "metrics.sock"
    stage.bridge(f"metrics:\n  path: {path}\n")
    call_until(stage, "insufficient resources (10023); its disk is full")
    wait_for("it tries 8 times", lambda: restarts(path) >= 8)
    assert stage.pbx.nats.process.poll() is None and stage.pbx.nats.log().count("not publishing") == 1, stage.pbx.nats.log()
    change_server(stage, "max_file_store: 200KB,", "")
    stage.wait_stored()
    stage.check_whole()


def small_account(folder):
    """A stage whose account has room for 100 KB."""
    server = 'accounts { A { jetstream { max_file: 100KB, max_mem: 0 }, users: [{user: a, password: a}] } }'
    return Stage(folder, server=server, user="a", **{"pass": "a"})


def fill(stage):
    """Twelve records at once, of which three have no room, and later ones have."""
    stage.wait_stored()
    stage.pbx.nats.pause()
    for _ in range(6):  # three of the large ones have room
        tell(stage, 30_000)
        tell(stage, 300)
    stage.pbx.nats.go_on()


def full_account(folder):
    """Where the account has no room for a record, nats-server may take the next one: the stream says what it misses."""
    stage = small_account(folder)
    path = stage.folder / "metrics.sock"
    stage.bridge(f"  username: a\n  password: a\nmetrics:\n  path: {path}\n")
    fill(stage)
    stage.wait_log("resource limits exceeded for account (10002)")
    stage.wait_log("NATS had no room for 3 of the records")
    stage.wait_stored()
    assert stage.check_whole() == 3
    # From now on one at a time: what has no room waits, with all that comes behind it.
    before = restarts(path)
    tell(stage, 30_000)
    tell(stage, 300)
    wait_for(lambda: "it tries 5 times: " + stage.pbx.nats.log()[-1000:], lambda: restarts(path) >= before + 5)
    stage.pbx.nats.stop()
    stage.pbx.nats.start()
    change_server(stage, "max_file: 100KB", "max_file: 100MB")
    stage.wait_stored()
    assert stage.check_whole() == 3


def wired(folder):
    """As full_account(), with a wire between."""
    stage = small_account(folder)
    wire = Wire(stage.server.port)
    stage.pbx.bridge(wire.url, "  username: a\n  password: a\n")
    return stage, wire


def refused_unseen(folder):
    """The connection breaks before aribus-nats has read that there was no room: it finds that out from the stream."""
    stage, wire = wired(folder)
    wire.break_at("server", b"10002")
    fill(stage)
    wire.wait_dead()
    stage.wait_stored()
    wire.cut()
    wire.mend()
    stage.wait_log("NATS had no room for 3 of the records")
    stage.wait_stored()
    assert stage.check_whole() == 3 and "(10002)" not in stage.pbx.nats.log(), stage.pbx.nats.log()


def purged_unread(folder):
    """The stream is purged before aribus-nats has read what of them was stored: it publishes them again, or reports them."""
    stage, wire = wired(folder)
    wire.break_at("server", b"10002")
    fill(stage)
    wire.wait_dead()
    stage.wait_stored()
    wire.cut()
    stage.wait_log("not publishing")
    acknowledged = int(json.loads((stage.pbx.folder / "state.json").read_text())["place"].split(":")[1])
    stage.nats.api("STREAM.PURGE." + STREAM)
    wire.mend()
    tell(stage, 300)
    stage.wait_stored()
    there = set()
    for _, message in stage.nats.messages(STREAM):
        report = json.loads(message.data)
        there |= set(range(report["from"], report["to"] + 1)) if report["type"] == "lost" else {message_id(message)[1]}
    assert there == set(range(acknowledged + 1, stage.pbx.status()["bus"]["next"])), (acknowledged, there)
    stage.wait_log("some may be published again")


def purged_unreported(folder):
    """The stream is purged before the record `lost` has arrived: that is published all the same."""
    stage, wire = wired(folder)
    wire.break_at("bridge", b'"type":"lost"')
    fill(stage)
    wire.wait_dead()
    stage.nats.api("STREAM.PURGE." + STREAM)
    wire.cut()
    wire.mend()
    stage.wait_log("NATS had no room for 3 of the records")
    found = [json.loads(message.data) for _, message in stage.nats.messages(STREAM)]
    assert [(one["type"], one["records"]) for one in found] == [("lost", 3)], found


def reported_once(folder):
    """aribus-nats is killed before it knows that its record `lost` is stored: it finds that in the stream."""
    stage, wire = wired(folder)
    wire.break_at("bridge", b'"type":"lost"', passes=True)
    fill(stage)
    wire.wait_dead()
    wait_for("the record lost is there", lambda: any(is_report(message.data) for _, message in stage.nats.messages(STREAM)))
    stage.pbx.nats.kill()
    wire.cut()
    wire.mend()
    stage.pbx.nats.start()
    tell(stage, 300)
    stage.wait_stored()
    assert stage.check_whole() == 3
    assert sum(is_report(message.data) for _, message in stage.nats.messages(STREAM)) == 1


def not_permitted(folder):
    """Who may not publish is not ready, for all that it is connected; the reason says which permission is missing."""
    server = ('accounts { A { jetstream: enabled, users: [{user: a, password: a, permissions: {publish: ["$JS.API.>", "_INBOX.>"]}}, '
              '{user: b, password: b}] } }')
    stage = Stage(folder, server=server, user="b", **{"pass": "b"})
    stage.bridge("  username: a\n  password: a\n")
    stage.wait_log("acknowledged nothing for 10 s: Permissions Violation for Publish to")
    assert "publishing to the stream" not in stage.pbx.nats.log(), stage.pbx.nats.log()
    change_server(stage, 'publish: ["$JS.API.>", "_INBOX.>"]', 'publish: [">"]')
    stage.wait_stored()
    stage.wait_log("publishing to the stream")
    stage.check_whole()


def rivals(folder):
    """A copied machine: two with one installation. One of them gives up with the reason, and nothing is there twice."""
    stage = Stage(folder)
    stage.bridge()
    stage.wait_stored()
    state = stage.pbx.folder / "state.json"
    copy = stage.folder / "copy"
    copy.mkdir()
    shutil.copy(state, copy / "state.json")
    config = (stage.pbx.folder / "nats.yaml").read_text().replace(str(state), str(copy / "state.json"))
    (copy / "nats.yaml").write_text(config)
    second = Process(copy, "second", stage.pbx.nats.command[0], "--config", copy / "nats.yaml")
    def one_ended():
        stage.call()
        return stage.pbx.nats.process.poll() is not None or second.process.poll() is not None
    wait_for(lambda: "one gives up: " + second.log()[-1000:] + stage.pbx.nats.log()[-1000:], one_ended, 90, 0.01)
    ended = second if second.process.poll() is not None else stage.pbx.nats
    other = stage.pbx.nats if ended is second else second
    assert ended.process.returncode == 1 and "another aribus-nats publishes" in ended.log(), ended.log()[-2000:]
    stage.call()
    stage.wait_stored()
    assert other.process.poll() is None, other.log()[-2000:]
    stage.check_whole()
    other.kill()


def put_back(folder):
    """aribusd's file was put back to an older state: reported, and what comes then is published."""
    ring = pathlib.Path(folder) / "bus.ring"
    stage = Stage(folder, bus=f"bus:\n  path: {ring}\n")
    stage.bridge()
    stage.call()
    stage.wait_stored()
    stage.pbx.daemon.stop()
    shutil.copy(ring, ring.with_suffix(".copy"))
    stage.pbx.daemon.start()
    stage.pbx.wait_ready()
    Rest(stage.pbx.url, 10).call("POST", "/sim/calls", {"app": "demo", "count": 300})  # more than come at a restart
    stage.wait_stored()
    before = stage.places()
    stage.pbx.nats.stop()
    stage.pbx.daemon.stop()
    shutil.copy(ring.with_suffix(".copy"), ring)
    stage.pbx.daemon.start()
    stage.pbx.wait_ready()
    stage.pbx.nats.start()
    stage.wait_log("may be missing in NATS: the cursor is ahead")
    stage.call()
    bus = stage.pbx.status()["bus"]
    assert bus["next"] < before[-1][1], (bus, before[-1])
    def last_is_there():
        return stage.places()[-1] == (bus["stream"], stage.pbx.status()["bus"]["next"] - 1)
    wait_for(lambda: "what came then is there: " + stage.pbx.nats.log()[-1000:], last_is_there)
    messages = [message for _, message in stage.nats.messages(STREAM)]
    reports = [json.loads(message.data) for message in messages if b'"bus.restarted"' in message.data]
    assert len(reports) == 1 and reports[0]["previous"] == "{}:{}".format(*before[-1]), reports
    after = stage.places()
    assert after[:len(before)] == before and after[len(before)][1] < before[-1][1], (before[-1], after[len(before):])
    tail = [seq for _, seq in after[len(before) + 1:]]
    assert tail == list(range(after[len(before)][1] + 1, after[len(before)][1] + 1 + len(tail))), after[len(before):]


def main():
    cases = {case.__name__: case for case in (made, refused, strays, made_anew, too_large, full, full_account, refused_unseen, purged_unread, purged_unreported, reported_once,
                                                not_permitted, rivals, put_back)}
    for name in sys.argv[1:] or cases:
        with tempfile.TemporaryDirectory(prefix="aribus-stream-") as folder:
            try:
                cases[name](folder)
            finally:
                while STAGES:
                    STAGES.pop().stop()
        print(name, "holds")


if __name__ == "__main__":
    main()
