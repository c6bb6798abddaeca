#!/usr/bin/env python3
"""Commands and discovery over NATS: what each request ends with, also when the bridge, the daemon, Asterisk or NATS go.

commands_test.py [NAME...] [--tries N]
"""
import argparse
import collections
import concurrent.futures
import itertools
import json
import os
import pathlib
import queue
import random
import re
import subprocess
import sys
import tempfile
import threading

from nats_stage import BUILD, Nats, NatsServer, Pbx, Process, Rest, SOURCE, let_pass, wait_for

ANSWERS = "Local/answer@default"
RINGS = "Local/ring@default"  # and is not answered
ENDS = "Local/congestion@default"  # at once
NOT_SENT, UNKNOWN, NOT_ALLOWED, TOO_MUCH, WRONG = -32001, -32002, -32003, -32004, -32602


class Stage:
    """nats-server and PBXs with the rules `control` and `reader`, each with a socket of its own."""

    def __init__(self, names=("pbx1",), rules="control,reader", more="", nats="", bus=False, limits=""):
        self.temporary = tempfile.TemporaryDirectory(prefix="aribus-nats-")
        self.folder = pathlib.Path(self.temporary.name)
        self.nats = NatsServer(self.folder, more=nats)
        self.rules, self.pbxs = rules, {}
        for name in names:
            folder = self.folder / name
            self.pbxs[name] = Pbx(
                self.folder, name, sockets="".join(f"  - path: {folder}/{rule}.sock\n" for rule in ("control", "reader")),
                access=f"access:\n  - name: control\n    sockets: [{folder}/control.sock]\n    methods: [read, control]\n"
                       f"  - name: reader\n    sockets: [{folder}/reader.sock]\n    methods: [read, originate]\n"
                       f"  - name: owner\n    methods: [read, control, admin]\n",
                bus=f"bus:\n  path: {folder}/bus.log\n" if bus else "", more=more + limits)
        for pbx in self.pbxs.values():
            pbx.wait_ready()
            self.bridge(pbx)
        self.client = Nats(self.nats.port)

    def bridge(self, pbx):
        pbx.bridge(self.nats.url, "rules:\n" + "".join(f"  {rule}: {pbx.folder}/{rule}.sock\n" for rule in self.rules.split(",")))
        pbx.nats_is_ready = lambda: "any-control" in {one["name"] for one in info_of(self.nats.port, pbx.name)}
        wait_for(lambda: "the bridge takes commands for any: " + pbx.nats.log()[-1000:], pbx.nats_is_ready)

    def sim(self, pbx, method, path, body=None):
        return Rest(pbx.url, 10).call(method, path, body)

    def executed(self, pbx, mark):
        """How often a request with that text has reached the PBX's Asterisk."""
        return sum(mark in one["target"] + one["body"] for one in self.sim(pbx, "GET", "/sim/log").json())

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if error[0]:
            for pbx in self.pbxs.values():
                print(f"--- {pbx.name}\n{pbx.daemon.log()[-2000:]}\n{pbx.nats.log()[-3000:]}", file=sys.stderr)
        for pbx in self.pbxs.values():
            pbx.stop()
        self.nats.kill()
        self.temporary.cleanup()


def discover(port, verb, tail=".aribus", quiet=0.3):
    """The answers to a $SRV request, parsed."""
    client = Nats(port)
    try:
        inbox = f"_INBOX.discover.{id(client)}"
        answers = client.subscribe(inbox)
        client.publish(f"$SRV.{verb}{tail}", b"", inbox)
        found = []
        try:
            while True:
                message = answers.get(timeout=quiet)
                if message.data:
                    found.append(json.loads(message.data))
        except queue.Empty:
            return found
    finally:
        client.close()


def info_of(port, pbx):
    """The endpoints of a PBX."""
    return [endpoint for one in discover(port, "INFO") if one["metadata"]["pbx"] == pbx for endpoint in one["endpoints"]]


def code_of(answer):
    """Of a parsed answer: 0 for a result; of nobody's, or none, what a client library makes of it."""
    if answer is None:
        return UNKNOWN
    if "503" in answer.get("status", ""):
        return NOT_SENT
    return answer["error"]["code"] if "error" in answer else 0


def request(client, subject, method, params=None, headers=None, seconds=10):
    """(code, the PBX that answered, the answer)."""
    message = client.request(subject, json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}).encode(),
                             seconds, headers)
    if message is None or not message.data:
        return code_of(message and message.headers), None, None
    answer = json.loads(message.data)
    return code_of(answer), message.headers["Aribus-Pbx"], answer


def answers():
    """Each kind of request gets its answer."""
    with Stage(nats="max_payload: 65536") as stage:
        client, pbx = stage.client, stage.pbxs["pbx1"]
        control, reader, anyone = "aribus.v1.rpc.pbx1.control", "aribus.v1.rpc.pbx1.reader", "aribus.v1.rpc.any.control"

        # The id is the program's own, of whatever kind; without one the answer has null.
        for number in ('7', '"seven"', '"a\\"b"'):
            message = client.request(control, b'{"jsonrpc":"2.0","id":' + number.encode() + b',"method":"ping"}')
            assert message.data == b'{"jsonrpc":"2.0","id":' + number.encode() + b',"result":{}}', message
            assert message.headers["Aribus-Pbx"] == "pbx1", message
        assert client.request(control, b'{"jsonrpc":"2.0","method":"ping"}').data == b'{"jsonrpc":"2.0","id":null,"result":{}}'

        # The daemon knows the rule by its name: in hello, in refusals, in the audit log.
        assert client.rpc(reader, "hello")["result"]["rule"] == "reader"
        refused = client.rpc(reader, "hangup", {"channelId": "c1"})["error"]
        assert (refused["code"], refused["data"]) == (NOT_ALLOWED, {"rule": "reader"}), refused
        assert code_of(client.rpc(control, "originate", {"endpoint": ANSWERS, "channelId": "audited"})) == 0
        wait_for("the audit log names the rules", lambda: all(
            any("audit" in line and "originate" in line and f"rule={rule}" in line for line in pbx.daemon.log().splitlines())
            for rule in ("control",)))

        # What can't go over NATS.
        assert client.rpc(control, "subscribe")["error"]["code"] == -32601
        assert json.loads(client.request(control, b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]').data)["error"]["code"] == -32600
        assert json.loads(client.request(control, b'nonsense').data)["error"]["code"] == -32700
        assert code_of(client.rpc("aribus.v1.rpc.pbx1.nobody", "ping")) == NOT_SENT
        assert code_of(client.rpc("aribus.v1.rpc.pbx9.control", "ping")) == NOT_SENT
        for params in ({"key": "k"}, {"server": "pbx1"}):
            assert code_of(client.rpc(anyone, "originate", {"endpoint": ANSWERS, **params})) == WRONG
        for text in ("soon", "0", "-5", "1.5", "99999999999"):
            assert code_of(client.rpc(control, "ping", headers={"Aribus-Timeout": text})) == WRONG, text

        # A request whose answer nobody wants is carried out.
        client.publish(control, json.dumps({"jsonrpc": "2.0", "method": "originate", "params": {
            "endpoint": ANSWERS, "channelId": "unheard"}}).encode())
        wait_for("it is carried out", lambda: stage.executed(pbx, "unheard") == 1)

        # A time-out ends what waits.
        code, _, answer = request(client, control, "originate", {"endpoint": RINGS, "channelId": "rings", "wait": "answer"},
                                  {"Aribus-Timeout": "300"})
        assert (code, answer["error"]["data"]) == (UNKNOWN, {"timeout_ms": 300}), answer
        assert code_of(client.rpc(control, "hangup", {"channelId": "rings"})) == 0

        # A key is a rule's own: the other rule's command is carried out, and neither is a second time.
        for _ in range(2):
            for subject, mark in ((control, "ofcontrol"), (reader, "ofreader")):
                assert code_of(client.rpc(subject, "originate", {"endpoint": ENDS, "callerId": mark, "key": "same"})) == 0
        assert [stage.executed(pbx, mark) for mark in ("ofcontrol", "ofreader")] == [1, 1]

        # An answer that is larger than NATS takes.
        code, _, answer = request(client, control, "rpc.discover")
        assert (code, answer["error"]["data"]["limit"]) == (UNKNOWN, 65536), answer

        # The longest id, whose answer would be longer than its request.
        answer = client.request(control, b'{"jsonrpc":"2.0","id":"%s","method":"ping"}' % (b"x" * (65536 - 42)))
        assert json.loads(answer.data)["id"] is None and code_of(json.loads(answer.data)) == UNKNOWN, answer

        # Discovery.
        for verb in ("PING", "INFO", "STATS"):
            for tail in ("", ".aribus"):
                found = discover(stage.nats.port, verb, tail)
                assert [one["metadata"]["pbx"] for one in found] == ["pbx1"], found
                assert found[0]["type"] == f"io.nats.micro.v1.{verb.lower()}_response"
        identity = found[0]["id"]
        assert discover(stage.nats.port, "PING", f".aribus.{identity}")[0]["id"] == identity
        assert discover(stage.nats.port, "PING", ".aribus.other") == []
        assert {one["subject"] for one in info_of(stage.nats.port, "pbx1")} == {
            f"aribus.v1.rpc.{name}.{rule}" for name in ("pbx1", "any") for rule in ("control", "reader")}
        data = found[0]["data"]
        assert (data["pbx"], data["state"], data["servers"][0]["state"]) == ("pbx1", "ready", "ready"), data
        wait_for("all records are in NATS",
                 lambda: discover(stage.nats.port, "STATS")[0]["data"]["records"].get("behind") == 0)


def in_parallel(work, count, workers=16):
    """Calls work(client, number) for each number below `count`; each worker has a connection of its own."""
    stage_port = work.port
    clients = threading.local()

    def one(number):
        if not hasattr(clients, "one"):
            clients.one = Nats(stage_port)
        return work(clients.one, number)
    pool = concurrent.futures.ThreadPoolExecutor(workers)
    return [pool.submit(one, number) for number in range(count)]


def mark_of(number):
    """A text that is in no other one."""
    return f"m{number:06}x"


def repeated(tries):
    """A command with a key is carried out once, however often the bridge is killed and the command repeated."""
    with Stage() as stage:
        pbx = stage.pbxs["pbx1"]
        outcomes = collections.Counter()

        def originate(client, number):
            while True:
                code, _, answer = request(client, "aribus.v1.rpc.pbx1.control", "originate", {
                    "endpoint": ENDS, "callerId": mark_of(number), "key": mark_of(number)}, seconds=2)
                outcomes[code] += 1
                if code not in (NOT_SENT, UNKNOWN):
                    return code
                let_pass(0.02)  # not as fast as nobody answers
        originate.port = stage.nats.port
        works = in_parallel(originate, tries)
        kills = 0
        for part in range(1, 10):
            wait_for("commands are carried out", lambda: outcomes[0] >= tries * part // 10, 120)
            pbx.nats.kill()
            kills += 1
            pbx.nats.start()
        assert [work.result(120) for work in works] == [0] * tries, outcomes
        log = "\n".join(one["target"] + one["body"] for one in stage.sim(pbx, "GET", "/sim/log").json())
        counts = collections.Counter(log.count(mark_of(number)) for number in range(tries))
        print(f"  {tries} commands, {kills} kills, answers {dict(outcomes)}; carried out {dict(counts)}")
        assert counts == {1: tries}, counts
        assert outcomes[NOT_SENT] + outcomes[UNKNOWN] > 0, "the kills were seen"


def lose_asterisk(stage, pbx, syncing_ms=0):
    """Asterisk's events end; aribusd connects again, and reads the live objects for so long."""
    for match, fault in (("GET /ari/events*", {"status": 503}), ("GET /ari/channels", {"delay_ms": syncing_ms})):
        assert stage.sim(pbx, "POST", "/sim/fault", {"match": match, **fault}).status == 200
    assert stage.sim(pbx, "POST", "/sim/drop", {"mode": "rst"}).status == 200


def toggled():
    """Requests to any PBX are all answered, however many are on their way when the PBX is not ready any more."""
    with Stage() as stage:
        pbx, sent, answered = stage.pbxs["pbx1"], 0, collections.Counter()
        replies = stage.client.subscribe("_INBOX.toggled")

        def take(least):
            while sum(answered.values()) < least:
                message = replies.get(timeout=20)
                answered[code_of(json.loads(message.data) if message.data else message.headers)] += 1
        for turn in range(3):
            for number in range(3000):
                stage.client.publish("aribus.v1.rpc.any.control", b'{"jsonrpc":"2.0","id":1,"method":"ping"}', "_INBOX.toggled")
                sent += 1
                if number == 1500:
                    lose_asterisk(stage, pbx)
            take(sent)
            wait_for("it is ready again", pbx.nats_is_ready)
        print(f"  answers {dict(answered)}")
        assert answered[NOT_SENT] > 0 and answered[0] > 0
        assert replies.empty(), "nothing is answered twice"


def any_pbx(tries):
    """Commands to any PBX are carried out once on one that is ready, or not at all, while PBXs come and go."""
    names = ("pbx1", "pbx2", "pbx3")
    with Stage(names, rules="control", bus=True) as stage:
        outcomes, done, over, numbers = collections.Counter(), [], threading.Event(), itertools.count()

        def originate(client, _):
            while not over.is_set():
                mark = mark_of(next(numbers))
                code, name, _ = request(client, "aribus.v1.rpc.any.control", "originate",
                                        {"endpoint": ENDS, "callerId": mark, "channelId": mark}, seconds=2)
                outcomes[code] += 1
                done.append((mark, code, name))
                let_pass(0.01)  # a few hundred a second are enough
        originate.port = stage.nats.port

        def end_events(pbx):
            """While it is not ready again, others get the commands."""
            lose_asterisk(stage, pbx, 2000)
            wait_for("it synchronises", lambda: pbx.status()["servers"][0]["state"] == "syncing")
            before = len(done)
            wait_for("commands end meanwhile", lambda: len(done) >= before + 60 or pbx.status()["servers"][0]["state"] == "ready")
            happened["commands while one synchronised"] += len(done) - before

        def kill_daemon(pbx):
            pbx.daemon.kill()
            pbx.daemon.start()

        def kill_bridge(pbx):
            pbx.nats.kill()
            pbx.nats.start()

        def stop_bridge(pbx):
            pbx.nats.stop()
            pbx.nats.start()
        faults = (end_events, kill_daemon, kill_bridge, stop_bridge)
        works = in_parallel(originate, 16)
        chooser, happened = random.Random(1), collections.Counter()
        rounds = max(4, tries // 200)
        for turn in range(rounds):
            wait_for("commands end", lambda: len(done) >= tries * turn // rounds, 120)
            fault, pbx = faults[turn % len(faults)], stage.pbxs[chooser.choice(names)]
            wait_for("two of them are ready", lambda: sum(one.nats_is_ready() for one in stage.pbxs.values()) >= 2, 60)
            fault(pbx)
            happened[fault.__name__] += 1
        wait_for("commands end", lambda: len(done) >= tries, 120)
        over.set()
        for work in works:
            work.result(120)
        for pbx in stage.pbxs.values():
            pbx.wait_ready()
        tries = len(done)

        logs = {name: "\n".join(one["target"] + one["body"] for one in stage.sim(pbx, "GET", "/sim/log").json()
                                if one["method"] == "POST") for name, pbx in stage.pbxs.items()}
        resolved = collections.Counter()
        for mark, code, name in done:
            where = [one for one, log in logs.items() if f"callerId={mark}" in log or f'"callerId":"{mark}"' in log]
            for one in where:
                times = logs[one].count(f"callerId={mark}") + logs[one].count(f'"callerId":"{mark}"')
                assert times == 1, f"{mark} ({code}) was carried out {times} times on {one}"
            assert len(where) <= 1, f"{mark} ({code}) was carried out on {where}"
            if code == 0:
                assert where == [name], f"{mark} was answered by {name} and carried out on {where}"
            elif code == NOT_SENT:
                assert where == [], f"{mark} got -32001 and was carried out on {where}"
            else:
                assert code == UNKNOWN, code
                resolved["done" if where else "not done"] += 1
        print(f"  {tries} commands, {dict(happened)}; answers {dict(outcomes)}, of unknown ones {dict(resolved)}")
        assert outcomes[0] > 0
        assert happened["commands while one synchronised"] > 0
        assert sum(not_ready_calls(pbx) for pbx in stage.pbxs.values()) == 0


def not_ready_calls(pbx):
    """How many calls of the test the records show between the begin of a synchronisation and its end."""
    count, syncing = 0, False
    for record in pbx.records():
        if record["type"] == "server.connected":
            syncing = True
        elif record["type"] in ("server.resynced", "server.disconnected"):
            syncing = False
        elif record["type"].startswith("call."):
            continue  # they say what synthetic records mean
        elif syncing and not record.get("synthetic") and any(one.startswith("m0") for one in record.get("channels", ())):
            count += 1
    return count


def drained():
    """A bridge that is stopped answers what is under way, and takes no more."""
    with Stage() as stage:
        pbx = stage.pbxs["pbx1"]
        assert stage.sim(pbx, "POST", "/sim/fault", {"match": "POST /ari/channels*", "answer_delay_ms": 500, "times": -1}).status == 200

        def originate(client, number):
            return request(client, "aribus.v1.rpc.pbx1.control", "originate", {"endpoint": ENDS, "callerId": mark_of(number)})
        originate.port = stage.nats.port
        works = in_parallel(originate, 8, 8)
        wait_for("Asterisk has the commands", lambda: stage.executed(pbx, "m0000") == 8)
        assert pbx.nats.stop() == 0
        assert [work.result()[:2] for work in works] == [(0, "pbx1")] * 8
        assert code_of(stage.client.rpc("aribus.v1.rpc.pbx1.control", "ping")) == NOT_SENT


def reloaded():
    """After a reload of the daemon: several Asterisks take turns, and a rule of another name is not offered."""
    with Stage() as stage:
        pbx, client = stage.pbxs["pbx1"], stage.client
        other = Pbx(stage.folder, "other")
        stage.pbxs["other"] = other
        other.nats = other.daemon
        config = pbx.folder / "aribusd.yaml"
        text = config.read_text()
        entry = text[text.index("  - name: pbx1"):text.index("sockets:")]
        config.write_text(text.replace(entry, entry + entry.replace("pbx1", "second").replace(pbx.url, other.url))
                          .replace("- name: reader", "- name: viewer"))
        answer = pbx.call("daemon.reload")
        assert answer["applied"], answer
        wait_for("both Asterisks are ready", lambda: len(pbx.status()["servers"]) == 2 and pbx.wait_ready() is None)
        wait_for("the rule `reader` is gone",
                 lambda: code_of(client.rpc("aribus.v1.rpc.pbx1.reader", "ping")) == NOT_SENT)

        def turns():
            for number in range(10):
                assert code_of(client.rpc("aribus.v1.rpc.any.control", "originate",
                                          {"endpoint": ENDS, "callerId": mark_of(number)})) in (0, WRONG)
            return all(any(stage.executed(one, mark_of(number)) for number in range(10)) for one in (pbx, other))
        wait_for("both get commands", turns)
        assert code_of(client.rpc("aribus.v1.rpc.any.control", "ping")) == 0  # which takes no server
        assert code_of(client.rpc("aribus.v1.rpc.any.control", "state.channels")) == 0
        assert stage.sim(other, "POST", "/sim/fault", {"match": "GET /ari/events*", "status": 503, "times": -1}).status == 200
        assert stage.sim(other, "POST", "/sim/drop", {"mode": "rst"}).status == 200
        wait_for("one of them is down", lambda: discover(stage.nats.port, "STATS")[0]["data"]["servers"][1]["state"] == "down")
        for number in range(10):
            assert code_of(client.rpc("aribus.v1.rpc.any.control", "originate", {"endpoint": ENDS})) == 0


def reloaded_when_busy():
    """A reload while a rule has as many commands under way as it may have: the rule stays, and is looked at later."""
    with Stage() as stage:
        pbx, client, rings = stage.pbxs["pbx1"], stage.client, 64  # limits.commands
        control = "aribus.v1.rpc.pbx1.control"

        def requests():
            return sum(one["requests"] for one in pbx.call("daemon.clients")["clients"]
                       if one["rule"] == "control" and "left" not in one)
        for number in range(rings):
            client.publish(control, json.dumps({"jsonrpc": "2.0", "method": "originate", "params": {
                "endpoint": RINGS, "channelId": mark_of(number), "wait": "answer"}}).encode())
        wait_for("they are under way", lambda: all(stage.executed(pbx, mark_of(number)) for number in range(rings)))
        for refused in (True, False):
            before = requests()
            assert pbx.call("daemon.reload")["applied"]
            wait_for("aribus-nats has asked which rule holds", lambda: requests() > before)
            if refused:
                assert code_of(client.rpc(control, "ping")) == TOO_MUCH
                before = requests()
                assert stage.sim(pbx, "DELETE", "/ari/channels/" + mark_of(0)).status == 204
                wait_for("it has asked again", lambda: requests() > before)
            wait_for("commands go", lambda: code_of(client.rpc(control, "ping")) == 0)
        assert "commands can't be sent to" not in pbx.nats.log()


def nats_goes():
    """NATS and the daemon go and come: every request ends, and commands go on."""
    with Stage() as stage:
        pbx = stage.pbxs["pbx1"]
        control = "aribus.v1.rpc.pbx1.control"
        for round in range(2):
            if round:
                stage.nats.kill()
                stage.nats.start()
                stage.nats.wait()
            else:
                stage.client.publish(control, json.dumps({"jsonrpc": "2.0", "method": "originate", "params": {
                    "endpoint": RINGS, "channelId": "lasting", "wait": "answer"}}).encode())
                wait_for("it is under way", lambda: stage.executed(pbx, "lasting") == 1)
                waiting = stage.client.subscribe("_INBOX.waiting")
                stage.client.publish(control, b'{"jsonrpc":"2.0","id":5,"method":"originate","params":'
                                     b'{"endpoint":"Local/ring@default","channelId":"heard","wait":"answer"}}', "_INBOX.waiting")
                wait_for("it is under way", lambda: stage.executed(pbx, "heard") == 1)
                pbx.daemon.kill()
                answer = json.loads(waiting.get(timeout=30).data)
                assert (answer["id"], answer["error"]["code"]) == (5, UNKNOWN), answer
                down = stage.client.rpc(control, "ping")
                assert code_of(down) == NOT_SENT and "nothing was sent" in down["error"]["message"], down
                assert code_of(stage.client.rpc("aribus.v1.rpc.any.control", "ping")) == NOT_SENT
                pbx.daemon.start()

            def works():
                client = Nats(stage.nats.port)
                try:
                    return code_of(client.rpc("aribus.v1.rpc.any.control", "ping", seconds=1)) == 0
                finally:
                    client.close()
            wait_for(lambda: "commands go again: " + pbx.nats.log()[-1000:], works)
        assert stage.executed(pbx, "lasting") == stage.executed(pbx, "heard") == 1


def listed():
    """`aribus pbx` lists the PBXs, and shows when two bridges have one name."""
    with Stage(("pbx1", "pbx2")) as stage:
        environment = {**os.environ, "PATH": f"{BUILD}/bridges/nats:{os.environ['PATH']}"}

        def aribus_pbx(*options):
            return subprocess.run([BUILD / "cli/aribus", "pbx", *options], env=environment, capture_output=True, text=True, timeout=30)

        def pbxs(*options):
            printed = aribus_pbx(*(options or ("--url", stage.nats.url)))
            assert printed.returncode == 0, printed
            return json.loads(printed.stdout)["pbxs"]
        found = pbxs()
        assert [(one["pbx"], one["state"], sorted(one["rules"])) for one in found] == [
            (name, "ready", ["control", "reader"]) for name in ("pbx1", "pbx2")], found
        assert [one["pbx"] for one in pbxs("--config", stage.pbxs["pbx1"].folder / "nats.yaml")] == ["pbx1", "pbx2"]
        assert all(one["servers"][0]["version"] and "fault" not in one for one in found), found
        assert aribus_pbx("--text", "--url", stage.nats.url).stdout.startswith("PBX  "), "a table"

        stage.pbxs["pbx2"].daemon.kill()
        wait_for("pbx2 is down", lambda: [one["state"] for one in pbxs()] == ["ready", "down"])

        # Another bridge with the name of the first, to the same daemon: each command is carried out once.
        pbx = stage.pbxs["pbx1"]
        twin = stage.folder / "twin"
        twin.mkdir()
        (twin / "nats.yaml").write_text((pbx.folder / "nats.yaml").read_text().replace("state.json", "twin.json"))
        process = Process(twin, "aribus-nats", BUILD / "bridges/nats/aribus-nats", "--config", twin / "nats.yaml")
        try:
            wait_for("both are seen", lambda: [one.get("fault", "")[:30] for one in pbxs()] == ["2 bridges answer to this name:"] * 2 + [""])
            for number in range(20):
                assert code_of(stage.client.rpc("aribus.v1.rpc.pbx1.control", "originate",
                                                {"endpoint": ENDS, "callerId": mark_of(number)})) == 0
            assert [stage.executed(pbx, mark_of(number)) for number in range(20)] == [1] * 20
        finally:
            process.kill()

        for wrong, status in ((("--url", "nats://127.0.0.1:1"), 3), (("--credentials", "x"), 2), (("x",), 2),
                              (("--config", "/nonexistent"), 2), (("--url", "a", "--config", "b"), 2)):
            printed = aribus_pbx(*wrong)
            assert printed.returncode == status and printed.stderr and not printed.stdout, printed


def forbidden():
    """What NATS does not permit aribus-nats is told, each subject by its name, and the rest works."""
    more = """authorization { users: [
        {user: bridge, password: b, permissions: {publish: ["$JS.API.>", "aribus.v1.rec.>", "_INBOX.>"], subscribe: ["_INBOX.>", "aribus.v1.rpc.pbx1.*"]}},
        {user: program, password: p}]}"""
    with tempfile.TemporaryDirectory(prefix="aribus-nats-") as folder:
        server, pbx = NatsServer(folder, more=more), Pbx(folder, access="access:\n  - name: control\n    methods: [read, control]\n")
        try:
            pbx.wait_ready()
            pbx.bridge(server.url + "\n  username: bridge\n  password: b", f"rules:\n  control: {pbx.socket}\n")
            client = Nats(server.port, user="program", **{"pass": "p"})
            wait_for("commands to it are taken", lambda: code_of(client.rpc("aribus.v1.rpc.pbx1.control", "ping")) == 0)
            for subject in ("$SRV.*", "$SRV.*.aribus", "aribus.v1.rpc.any.control"):
                wait_for(lambda: f"{subject} is told: {pbx.nats.log()}",
                         lambda: f"does not let aribus-nats subscribe to {subject}:" in pbx.nats.log())
            assert code_of(client.rpc("aribus.v1.rpc.any.control", "ping")) == NOT_SENT
        finally:
            pbx.stop()
            server.kill()


def documented():
    """The examples in docs/nats-clients.md are true."""
    text = (SOURCE / "docs/nats-clients.md").read_text()
    examples = [block for block in re.findall(r"```text\n(.*?)```", text, re.S) if block.startswith("→ aribus.v1.rpc.")]
    assert len(examples) == 2
    for example in examples:
        with Stage() as stage:
            lines = iter(example.splitlines())
            for line in lines:
                if line.startswith("# "):
                    name, value = line[2:].split(": ")
                    assert message.headers[name] == value, message
                    continue
                subject, payload = re.fullmatch("→ (\\S+) (.*)", line).groups()
                message = stage.client.request(subject, payload.replace("PJSIP/100", ANSWERS).encode())
                wanted = next(lines).removeprefix("← ")
                if wanted == "no responders":
                    assert code_of(message.headers) == NOT_SENT, message
                else:
                    pattern = ".*".join(re.escape(part) for part in wanted.split("…"))
                    assert re.fullmatch(pattern, message.data.decode()), f"{wanted} is expected, not {message.data}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--tries", type=int, default=300)
    arguments = parser.parse_args()
    tests = {function.__name__: function for function in (answers, drained, reloaded, reloaded_when_busy, nats_goes, listed, forbidden, documented, toggled, repeated, any_pbx)}
    for name in arguments.names or tests:
        print(f"{name}: {tests[name].__doc__}", flush=True)
        tests[name](*([arguments.tries] if tests[name].__code__.co_argcount else []))


if __name__ == "__main__":
    main()
