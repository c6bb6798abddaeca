#!/usr/bin/env python3
"""aribus.nats for a language, against nats-server: order through kills and broken connections, loss, filters, commands.

The records are put into the stream by the test, as aribus-nats puts them there. Ends with 77 where the language's NATS
library is missing.
"""
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import threading

import permissions_test
from nats_stage import SOURCE, Nats, NatsServer, Process, Rest, wait_for

HERE = pathlib.Path(__file__).resolve().parent
LANGUAGES = {
    "python": ([sys.executable, HERE / "clients_probe.py"], [sys.executable, "-c", "import nats.js"],
               "nats-py (pip install nats-py)"),
    "node": (["node", HERE / "clients_probe.mjs"],
             ["node", "--input-type=module", "-e", "await import('@nats-io/jetstream'); await import('@nats-io/transport-node')"],
             "@nats-io/jetstream and @nats-io/transport-node (npm install --no-save, in the root of the source)"),
}
EXAMPLES = {
    "python": [sys.executable, SOURCE / "lib/python/examples/many_pbxs.py"],
    "node": ["node", SOURCE / "lib/node/examples/many_pbxs.mjs"],
}
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{SOURCE}/lib/python:{os.environ.get('PYTHONPATH', '')}"}
USERS = """max_payload: 32768
authorization {
  users = [
    {user: all, password: all}
    {user: nothing, password: nothing, permissions: {publish: "other", subscribe: "_INBOX_control.>"}}
  ]
}
"""


class Reader(Process):
    """The language's probe, reading; what it has printed is `items`."""

    def __init__(self, stage, name, pbxs, **options):
        super().__init__(stage.folder, f"reader-{name}", *stage.probe, stage.url, "read", name, pbxs, json.dumps(options),
                         environment=ENVIRONMENT)

    def items(self):
        return items_of(self.log_file)

    def seqs(self, pbx="pbx1"):
        return [one["item"]["seq"] for one in self.items() if one["pbx"] == pbx and "seq" in one["item"]]

    def wait_open(self, times=1):
        wait_for(lambda: "it reads: " + self.log()[-2000:], lambda: self.log().count('"opened"') >= times)

    def wait_seq(self, seq, seconds=60):
        wait_for(lambda: f"{seq}: " + self.log()[-2000:], lambda: (self.seqs() or [0])[-1] >= seq, seconds)


class Stage:
    def __init__(self, language):
        self.probe = LANGUAGES[language][0]

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="aribus-nats-clients-")
        self.folder = self.temporary.name
        self.server = NatsServer(self.folder, more=USERS)
        self.url = self.server.url.replace("//", "//all:all@")
        self.processes = [self.server]
        self.connect()
        self.seq, self.daemon_stream = 0, "8f3a1c0e52d7"
        return self

    def connect(self):
        self.nats = Nats(self.server.port, user="all", **{"pass": "all"})

    def restart(self):
        """nats-server is started again."""
        self.server.start()
        self.server.wait()
        self.connect()

    def __exit__(self, *_):
        for process in self.processes:
            if process.process.poll() is None:
                process.kill()
        self.temporary.cleanup()

    def filters_are_the_servers(self):
        """Whether this nats-server takes several filters of one consumer, which came with 2.10."""
        return tuple(map(int, self.nats.info["version"].split(".")[:2])) >= (2, 10)

    def stream(self, pbx="pbx1", **more):
        made = self.nats.api(f"STREAM.CREATE.ARIBUS_{pbx}", {
            "name": f"ARIBUS_{pbx}", "subjects": [f"aribus.v1.rec.{pbx}.>"], "storage": "file", "deny_delete": True, **more})
        assert "error" not in made, made

    def publish(self, count=1, pbx="pbx1", server="ast", app="demo", kind="ChannelVarset", **more):
        """Records, one behind the other; returns the last one's seq."""
        for _ in range(count):
            self.seq += 1
            record = {"seq": self.seq, "time": "2026-11-22T21:46:17.690Z", "server": server, "app": app, "type": kind, **more}
            tokens = ".".join(one.replace(".", "%2E") or "_" for one in (server, app, kind))
            self.nats.publish(f"aribus.v1.rec.{pbx}.{tokens}", json.dumps(record).encode(),
                              headers={"Nats-Msg-Id": f"{self.daemon_stream}:{self.seq}"})
        self.nats.flush()
        return self.seq

    def reader(self, *parameters, **options):
        reader = Reader(self, *parameters, **options)
        self.processes.append(reader)
        return reader

    def consumer(self, name, pbx="pbx1"):
        return self.nats.api(f"CONSUMER.INFO.ARIBUS_{pbx}.{name}")

    def call(self, *words, user="all"):
        """What the probe prints that sends a command."""
        done = subprocess.run([str(word) for word in (*self.probe, self.url.replace("all:all", f"{user}:{user}"), "call", *words)],
                              env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


def test_records_are_those_of_the_stream(stage):
    stage.stream()
    stage.publish(kind="Old")
    newest = stage.reader("newest", "pbx1")
    newest.wait_open()
    oldest = stage.reader("oldest", "pbx1", start="oldest")
    oldest.wait_open()
    last = stage.publish(3, channel={"id": "c1", "name": "ä"})
    for reader, first in ((newest, 2), (oldest, 1)):
        reader.wait_seq(last)
        assert reader.seqs() == list(range(first, last + 1)), reader.seqs()
    item = newest.items()[-1]
    assert item == {"pbx": "pbx1", "cursor": f"8f3a1c0e52d7:{last}", "item": {
        "seq": last, "time": "2026-11-22T21:46:17.690Z", "server": "ast", "app": "demo", "type": "ChannelVarset",
        "channel": {"id": "c1", "name": "ä"}}}, item


def test_kills_leave_no_hole_and_no_disorder(stage):
    """The record that it is killed over comes again. What it had been sent ahead comes in its place, at once, though NATS
    delivers it again only after half a minute; until then a second kill repeats from where the first was."""
    stage.stream()
    reader = stage.reader("killed", "pbx1", start="oldest", hold="8f3a1c0e52d7:40")
    reader.wait_open()
    for hold, then in ((40, 45), (45, 300), (300, 0)):
        stage.publish(150)
        reader.wait_seq(hold)
        wait_for("NATS has sent more ahead", lambda: stage.consumer("killed")["num_ack_pending"] > 50)
        reader.kill()
        stage.publish(10)
        reader.command[-1] = json.dumps({"hold": f"8f3a1c0e52d7:{then}"})
        reader.start()
    last = stage.seq
    reader.wait_seq(last)
    expected = [*range(1, 41), *range(40, 46), *range(40, 301), *range(300, last + 1)]
    assert reader.seqs() == expected, [pair for pair in zip(reader.seqs(), expected) if pair[0] != pair[1]][:5]
    wait_for("all but the last is acknowledged", lambda: stage.consumer("killed")["ack_floor"]["stream_seq"] >= last - 1)


def test_a_filter_too_is_read_in_order_through_kills(stage):
    stage.stream()
    reader = stage.reader("some", "pbx1", start="oldest", types=["Wanted"], hold="8f3a1c0e52d7:30")
    reader.wait_open()
    for _ in range(100):
        stage.publish(9)
        stage.publish(kind="Wanted")
    reader.wait_seq(30)
    wait_for("NATS has sent more ahead", lambda: stage.consumer("some")["num_ack_pending"] > 5)
    reader.kill()
    stage.publish(kind="Wanted")
    reader.command[-1] = json.dumps({"start": "oldest", "types": ["Wanted"]})
    reader.start()
    reader.wait_seq(1001)
    assert reader.seqs() == [10, 20, 30, *range(30, 1001, 10), 1001], reader.seqs()


def test_nats_server_is_killed(stage):
    """What it had not written is published again, as aribus-nats does."""
    stage.stream()
    reader = stage.reader("outage", "pbx1", start="oldest")
    reader.wait_open()
    for _ in range(3):
        last = stage.publish(500)
        stage.server.kill()
        stage.restart()
        stage.seq = stage.nats.api("STREAM.INFO.ARIBUS_pbx1")["state"]["last_seq"]
        stage.publish(last - stage.seq)
    last = stage.publish(10)
    reader.wait_seq(last)
    assert reader.seqs() == list(range(1, last + 1)), reader.seqs()[-20:]


def test_nats_server_has_lost_the_end_of_the_stream(stage):
    """As by a power failure; and other records get those sequences. With its consumers as they were, or as old as the rest."""
    stage.stream()
    reader = stage.reader("rolled", "pbx1", start="oldest")
    reader.wait_open()
    stage.publish(50)
    reader.wait_seq(50)
    kept = pathlib.Path(stage.folder) / "kept"
    stage.server.stop()
    shutil.copytree(stage.server.store, kept)
    records, expected = "jetstream/*/streams/ARIBUS_pbx1/msgs", list(range(1, 51))
    for what in (records, "jetstream"):
        if stage.server.process.poll() is not None:
            stage.restart()
        more = stage.publish(30)
        expected += range(more - 29, more + 1)
        reader.wait_seq(more)
        stage.server.kill()
        [now], [then] = stage.server.store.glob(what), kept.glob(what)
        shutil.rmtree(now)
        shutil.copytree(then, now)
        stage.restart()
        stage.daemon_stream += "x"
        stage.seq += 1000
        last = stage.publish(20)
        expected += range(last - 19, last + 1)
        reader.wait_seq(last)
        last = stage.publish(40)
        expected += range(last - 39, last + 1)
        reader.wait_seq(last)
        assert reader.seqs() == expected, reader.seqs()[50:]


def test_several_pbxs(stage):
    for pbx in ("pbx1", "pbx2"):
        stage.stream(pbx)
    reader = stage.reader("both", "pbx1,pbx2")
    reader.wait_open()
    for _ in range(20):
        stage.publish(5, "pbx1")
        stage.publish(5, "pbx2")
    wait_for(lambda: "200 records: " + reader.log()[-500:], lambda: len(reader.items()) == 200)
    for pbx in ("pbx1", "pbx2"):
        assert reader.seqs(pbx) == sorted(reader.seqs(pbx)) and len(reader.seqs(pbx)) == 100


def test_filters(stage):
    stage.stream()
    readers = {
        "types": stage.reader("types", "pbx1", types=["StasisStart", "server.gap"]),
        "apps": stage.reader("apps", "pbx1", apps=["", "a b"]),
        "servers": stage.reader("servers", "pbx1", servers="ast2", types="StasisStart"),
    }
    for reader in readers.values():
        reader.wait_open()
    start = stage.publish(kind="StasisStart")
    stage.publish()
    gap = stage.publish(kind="server.gap", app="")
    spaced = stage.publish(app="a%20b", kind="X")
    second = stage.publish(server="ast2", kind="StasisStart")
    stage.publish(server="ast2")
    lost = stage.publish(server="", app="", kind="lost")
    for name, expected in (("types", [start, gap, second, lost]), ("apps", [gap, spaced, lost]), ("servers", [second, lost])):
        readers[name].wait_seq(lost)
        assert readers[name].seqs() == expected, (name, readers[name].seqs())
    if not stage.filters_are_the_servers():
        return
    said = ended(stage, "servers", "pbx1", types="StasisEnd")
    assert said["error"] == "InvalidParams" and "its filter is aribus.v1.rec.pbx1.ast2.*.StasisStart" in said["message"], said


def test_what_nats_has_removed_is_reported(stage):
    stage.stream(max_msgs=5)
    for name, options in (("late", {}), ("late-and-filtered", {"types": ["ChannelVarset", "Other"]})):
        first = stage.seq
        reader = stage.reader(name, "pbx1", count=5, **options)
        reader.wait_open()
        stage.publish(5)
        wait_for("it ends, and NATS knows",
                 lambda: reader.process.poll() is not None and not stage.consumer(name)["num_waiting"])
        last = stage.publish(22)
        reader = stage.reader(name, "pbx1", **options)
        reader.wait_seq(last)
        items = [one["item"] for one in reader.items()][5:]
        assert [(one["type"], one.get("records"), one.get("seq")) for one in items] == [
            ("lost", 17, None), *[("ChannelVarset", None, seq) for seq in range(last - 4, last + 1)]], items
        assert f"{first + 6} to {first + 22}" in items[0]["reason"], items[0]
        reader.kill()


def ended(stage, *parameters, **options):
    """What a reader prints that can't begin."""
    reader = stage.reader(*parameters, **options)
    wait_for(lambda: "it ends: " + reader.log(), lambda: reader.process.poll() is not None)
    return json.loads(reader.log().splitlines()[-1])


def test_it_says_why_it_can_not_read(stage):
    stage.stream()
    for parameters, options, kind, says in (
            (("reads", "pbx9"), {}, "NotConnected", "there is no stream ARIBUS_pbx9: aribus-nats of pbx9 makes it"),
            (("no name", "pbx1"), {}, "InvalidParams", "name: a name of the characters"),
            (("reads", "a.b"), {}, "InvalidParams", "pbxs: a name"),
            (("reads", "pbx1"), {"types": ["Stasis*"]}, "InvalidParams", "types: names are expected, not globs"),
            (("reads", "pbx1"), {"start": "first"}, "InvalidParams", "start: one of newest, oldest is expected"),
            (("explicit", "pbx1"), {}, "InvalidParams", "the ack policy `all`")):
        if parameters[0] == "explicit":
            stage.nats.api("CONSUMER.DURABLE.CREATE.ARIBUS_pbx1.explicit", {
                "stream_name": "ARIBUS_pbx1", "config": {"durable_name": "explicit", "ack_policy": "explicit"}})
        said = ended(stage, *parameters, **options)
        assert said["error"] == kind and says in said["message"], said


def test_a_consumer_that_is_deleted_ends_it(stage):
    stage.stream()
    reader = stage.reader("deleted", "pbx1")
    reader.wait_open()
    stage.publish()
    reader.wait_seq(1)
    stage.nats.api("CONSUMER.DELETE.ARIBUS_pbx1.deleted")
    wait_for(lambda: "it ends: " + reader.log(), lambda: reader.process.poll() is not None, 60)
    assert "the consumer deleted of the stream ARIBUS_pbx1 no longer exists" in reader.log(), reader.log()


def test_a_connection_that_is_closed_ends_it(stage):
    stage.stream()
    reader = stage.reader("closed", "pbx1", close="8f3a1c0e52d7:2")
    reader.wait_open()
    stage.publish(3)
    wait_for(lambda: "it ends: " + reader.log(), lambda: reader.process.poll() is not None)
    said = json.loads(reader.log().splitlines()[-1])
    assert said["error"] == "NotConnected" and "the connection to NATS is closed" in said["message"], reader.log()
    again = stage.reader("closed", "pbx1")
    again.wait_seq(3)
    assert again.seqs()[-2:] == [2, 3], again.seqs()


def test_commands(stage):
    requests, answers = stage.nats.subscribe("aribus.v1.rpc.*.control"), queue.Queue()

    def answer():
        while True:
            request = requests.get()
            text = answers.get()
            if text is not None:
                body = {"jsonrpc": "2.0", "id": json.loads(request.data)["id"], **text}
                stage.nats.publish(request.reply, json.dumps(body).encode(), headers={"Aribus-Pbx": "pbx7"})
            seen.append(request)
    seen = []
    threading.Thread(target=answer, daemon=True).start()

    answers.put({"result": {"id": "c1"}})
    assert stage.call("control", "pbx1", "channels.get", '{"channelId":"c1"}', "7") == {"result": {"id": "c1"}}
    assert seen[-1].subject == "aribus.v1.rpc.pbx1.control" and seen[-1].headers["Aribus-Timeout"] == "7000", seen[-1]
    assert json.loads(seen[-1].data) == {"jsonrpc": "2.0", "id": 1, "method": "channels.get", "params": {"channelId": "c1"}}

    answers.put({"result": None})
    assert stage.call("control", "any", "originate", '{"endpoint":"PJSIP/100"}') == {"pbx": "pbx7", "result": None}
    assert seen[-1].subject == "aribus.v1.rpc.any.control"
    assert json.loads(seen[-1].data)["params"]["channelId"].startswith("aribus-"), "an id that the program may know"

    answers.put({"error": {"code": -32000, "message": "Asterisk refused: Channel not found (404)", "data": {"status": 404}}})
    said = stage.call("control", "pbx1", "channels.hangup", '{"channelId":"c2"}')
    assert said["error"] == "Refused" and said["code"] == -32000, said

    answers.put(None)
    said = stage.call("control", "pbx1", "channels.hangup", '{"channelId":"c2"}', "0.3")
    assert said["error"] == "OutcomeUnknown" and "no answer within" in said["message"], said

    count = len(seen)
    for words, user, kind, says in (
            (("nobody", "pbx1", "ping"), "all", "NotConnected", "nobody answers at aribus.v1.rpc.pbx1.nobody"),
            (("nobody", "any", "ping"), "all", "NotConnected", "No PBX that offers this rule is ready"),
            (("a.b", "pbx1", "ping"), "all", "NotConnected", "nobody answers at aribus.v1.rpc.pbx1.a%2Eb: ping was not sent. Does aribus-nats of "
             "pbx1 run, and is a.b one"),
            (("control", "pbx1", "ping"), "nothing", "NotAllowed", "does not allow this user to publish"),
            (("control", "p.x", "ping"), "all", "InvalidParams", "pbx: a name"),
            *((("control", "pbx1", "ping", "{}", seconds), "all", "InvalidParams", "timeout: ") for seconds in ("0", "-1", "86401", "NaN")),
            (("control", "pbx1", "ping", json.dumps({"x": ["a" * 100] * 400})), "all", "InvalidParams", "params: a request of at most 32768 bytes")):
        said = stage.call(*words, user=user)
        assert said["error"] == kind and says in said["message"], said
    assert len(seen) == count, "nothing was sent"


def test_with_aribus_nats(language):
    """The whole way, with the users of config/nats-server.conf: records are those of the socket; the example greets a call."""
    probe = LANGUAGES[language][0]
    with permissions_test.Stage() as stage:
        host = f"127.0.0.1:{stage.server.port}"
        log = pathlib.Path(stage.folder) / "reader.log"

        def read(expected):
            reader = Process(stage.folder, "reader", *probe, f"nats://billing:billing@{host}", "read", "billing", "pbx1",
                             '{"prefix":"aribus.js"}', environment=ENVIRONMENT)
            wait_for(lambda: f"{expected}: " + log.read_text(), lambda: expected in log.read_text())
            return reader
        read("this user's permissions do not allow it").process.wait(20)  # there is no consumer, and it may make none
        stage.consumer("billing")
        stage.consumer("ivr")
        example = Process(stage.folder, "example", *EXAMPLES[language], "ivr", "pbx1", environment={
            **ENVIRONMENT, "NATS_URL": f"nats://{host}" if language == "node" else f"nats://ivr:ivr@{host}",
            "NATS_USER": "ivr", "NATS_PASSWORD": "ivr", "NATS_PREFIX": "aribus.js"})
        reader = read('"opened"')
        try:
            with permissions_test.Recorder(stage.pbx.socket) as recorder:
                channel = Rest(stage.pbx.url, 10).call("POST", "/sim/call", {"app": "demo"}).json()["channel"]
                wait_for(lambda: "the call is greeted and hung up: " + example.log(), lambda: recorder.has("StasisEnd", channel))
            assert "100 calls pbx1" in example.log(), example.log()
            end = recorder.records[-1]["seq"]
            wait_for(lambda: "all of it is read: " + log.read_text()[-2000:], lambda: any(
                one["item"].get("seq", 0) >= end for one in items_of(log)))
            came = {one["item"]["seq"]: one["item"] for one in items_of(log)}
            assert [came[one["seq"]] for one in recorder.records] == recorder.records
        finally:
            example.kill()
            reader.kill()


def items_of(log):
    found = []
    for line in log.read_text().split("\n"):
        try:
            found.append(json.loads(line))
        except ValueError:
            pass  # cut by a kill, or none of the probe's
    return [one for one in found if "item" in one]


def main(language, *names):
    _, has_library, library = LANGUAGES[language]
    if subprocess.run(has_library, cwd=SOURCE / "lib/node", env=ENVIRONMENT, capture_output=True).returncode != 0:
        print(f"SKIPPED: aribus.nats for {language} is not tested, {library} is missing")
        return 77
    for name, test in list(globals().items()):
        if name.startswith("test_") and (not names or name in names):
            print(name, flush=True)
            if name == "test_with_aribus_nats":
                test(language)
                continue
            with Stage(language) as stage:
                test(stage)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
