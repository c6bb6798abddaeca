#!/usr/bin/env python3
"""Random histories of a client's session against a model of the daemon: whatever happens in whatever order, the program is
handed what the subscription that it believes in force promises, and the daemon has the same one.

Most drive the session alone, step by step. Some drive a whole client over a socket, where the time of things is left to
chance.

Usage: histories.py LANGUAGE [FIRST_SEED [COUNT [COUNT_OVER_SOCKETS]]]      python, blocking, node, cpp
"""
import collections
import json
import os
import random
import select
import socket
import subprocess
import sys
import tempfile

from client_test import PROBES as CLIENTS
from stage import BUILD, SOURCE

SESSIONS = {  # the one of blocking is Python's
    "python": [sys.executable, SOURCE / "tests/clients/session_probe.py"],
    "node": ["node", SOURCE / "tests/clients/session_probe.mjs"],
    "cpp": [BUILD / "tests/clients/session_probe"],
}
COUNT = 600
COUNT_OVER_SOCKETS = 6
STEPS = 200
QUEUED = 3  # items may wait; twice as many at most
RING = 40  # records
TYPES = "ABC"


class Violation(AssertionError):
    pass


def check(holds, *what):
    if not holds:
        raise Violation(*what)


class Session:
    """The session under test."""

    def __init__(self, language):
        self.process = subprocess.Popen(SESSIONS[language], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={"PYTHONPATH": str(SOURCE / "lib/python"), **os.environ})

    def do(self, *ask):
        self.process.stdin.write(json.dumps(ask) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        check(line, "the session's process has ended")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Daemon:
    """What docs/protocol.md promises. Records are numbered from 1 in each stream."""

    def __init__(self, luck, ring=RING):
        self.luck, self.ring = luck, ring
        self.streams = {"s1": []}  # the types of the records
        self.stream = "s1"
        self.lost = set()  # (stream, from, to) that readers were told of
        self.announces = luck.random() < 0.5
        self.requests = collections.Counter()
        self.accepted = set()  # tags of subscriptions
        self.connections = 0
        self.disconnected()

    @property
    def records(self):
        return self.streams[self.stream]

    @property
    def first(self):
        """The oldest record in the ring."""
        return max(1, len(self.records) - self.ring + 1)

    def disconnected(self):
        self.connections += 1
        self.inbox, self.outbox, self.commands = [], [], []
        self.subscription = None  # {"types", "tag", "next": seq}
        self.lines = 0

    def restarted(self):
        self.stream = f"s{len(self.streams) + 1}"
        self.streams[self.stream] = []

    def publish(self, count):
        self.records.extend(self.luck.choice(TYPES) for _ in range(count))

    def send(self, message):
        self.outbox.append(json.dumps({"jsonrpc": "2.0", **message}) + "\n")

    def answer(self, request, result):
        self.send({"id": request["id"], "result": result})

    def handle(self):
        """The next request."""
        request = json.loads(self.inbox.pop(0))
        self.lines += 1
        method, params = request["method"], request["params"]
        self.requests[method] += 1
        if method == "hello":
            self.answer(request, {"started": self.stream, "features": ["announce"] if self.announces else ["other"]})
        elif method == "subscribe":
            self.subscribe(request, params)
        elif method == "unsubscribe":
            reader, self.subscription = self.subscription, None
            end = reader["next"] - 1 if reader else len(self.records)
            self.answer(request, {"cursor": f"{self.stream}:{end}", "tag": reader["tag"] if reader else None})
        else:
            self.commands.append((self.lines, request))

    def subscribe(self, request, params):
        check("tag" in params, "a subscription that nobody asked for", params)
        check(("announce" in params) == self.announces, "announce", params)
        if params["types"] == "bad" or ("since" in params and self.luck.random() < 0.08):
            return self.send({"id": request["id"], "error": {"code": -32003, "message": "not allowed"}})
        result, start = {"tag": params["tag"], "types": params["types"]}, len(self.records)
        if "since" in params:
            stream, _, seq = params["since"].rpartition(":")
            result["resumed"] = stream == self.stream and self.first - 1 <= int(seq) <= len(self.records)
            if result["resumed"]:
                start = int(seq)
        self.requests["resumed"] += result.get("resumed", False)
        self.requests["not resumed"] += not result.get("resumed", True)
        self.requests["fetched again"] += bool(self.subscription and self.subscription["tag"] == params["tag"])
        self.accepted.add(params["tag"])
        self.subscription = {"types": params["types"], "tag": params["tag"], "next": start + 1}
        self.answer(request, {"cursor": f"{self.stream}:{start}", **result})

    def finish_command(self):
        line, request = self.commands.pop(self.luck.randrange(len(self.commands)))
        how = self.luck.random()
        if how < 0.1:  # as if it could not be read
            self.send({"id": None, "error": {"code": -32700, "message": "no JSON", "data": {"line": line}}})
        elif how < 0.2:
            self.send({"id": request["id"], "error": {"code": -32000, "message": "refused"}})
        else:
            self.answer(request, {})

    def write(self, count):
        """At most so many records for the subscriber."""
        if self.luck.random() < 0.1:
            self.send({"method": self.luck.choice(["creating", "other"]), "params": {"request": 7, "type": "A", "seq": 1}})
        reader = self.subscription
        while reader and count > 0 and reader["next"] <= len(self.records):
            if reader["next"] < self.first:
                self.lost.add((self.stream, reader["next"], self.first - 1))
                self.send({"method": "lost", "params": {"from": reader["next"], "to": self.first - 1,
                                                        "records": self.first - reader["next"]}})
                reader["next"] = self.first
            kind = self.records[reader["next"] - 1]
            if kind in reader["types"]:
                self.send({"method": "event", "params": {"seq": reader["next"], "type": kind}})
                count -= 1
            reader["next"] += 1


class Program:
    """What it knows: of its calls, and of what it was handed."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.calls = {}  # by number: the method, and how it ended
        self.tag = None  # of the subscription in force; None: none
        self.types = ""
        self.stream, self.seq = "", 0  # behind what was handed out
        self.ends = {}  # of subscriptions by their tags, as `unsubscribe` said: (stream, seq)
        self.is_down = False
        self.seen = set()  # tags that came into force

    def missing(self, to):
        """Records of the subscription behind what was handed out, up to `to`."""
        return [seq for seq in range(self.seq + 1, to + 1)
                if self.daemon.streams[self.stream][seq - 1] in self.types]

    def finished(self, number, error, result):
        call = self.calls[number]
        check("error" not in call, "a call ended twice", call)
        call["error"], call["ended_on"] = error, self.daemon.connections
        if call["method"] == "unsubscribe" and error is None:
            stream, _, seq = result["cursor"].rpartition(":")
            self.ends[result["tag"]] = stream, int(seq)

    def left(self):
        """All of the subscription has been handed out that will be."""
        if self.tag is not None and self.tag in self.ends:
            stream, seq = self.ends[self.tag]
            check(stream == self.stream and not self.missing(seq), "unsubscribed behind", seq, "handed out up to", self.seq)
            self.tag = None

    def handed(self, item, cursor):
        kind = item.get("type")
        if "error" in item:
            self.tag, self.is_down = None, False
        elif kind == "disconnected":
            self.is_down = True
        elif kind == "subscribed":
            self.subscribed(item)
        elif kind == "lost":
            check(self.tag is not None and not self.is_down, "lost without a subscription", item)
            check((self.stream, item["from"], item["to"]) in self.daemon.lost, "never lost", item)
            check(not self.missing(item["from"] - 1), "missing before", item, self.seq)
            self.seq = item["to"]
        else:
            check(self.tag is not None and not self.is_down, "a record without a subscription", item)
            check(kind in self.types, "a record of another filter", item, self.types)
            check(item["seq"] > self.seq, "a record twice", item, self.seq)
            check(not self.missing(item["seq"] - 1), "missing before", item, self.seq)
            self.seq = item["seq"]
        if self.tag is not None and not self.is_down:
            check(cursor == f"{self.stream}:{self.seq}", "the cursor is", cursor, "and should be", self.stream, self.seq)

    def subscribed(self, item):
        stream, _, seq = item["cursor"].rpartition(":")
        if item["tag"] in self.seen:  # the client's own request
            check(item["tag"] == self.tag, "an old subscription came back", item, self.tag)
            check("resumed" in item, "subscribed again without since", item)
            if item["resumed"]:
                check((stream, int(seq)) == (self.stream, self.seq), "resumed elsewhere", item, self.stream, self.seq)
        else:
            self.left()
            check(item["tag"] > max(self.seen, default=-1), "subscriptions out of order", item, self.seen)
            check(self.calls[item["tag"]].get("error") in (None, "OutcomeUnknown", "NotConnected"), "it was refused", item)
            self.seen.add(item["tag"])
        self.tag, self.types, self.is_down = item["tag"], item["types"], False
        self.stream, self.seq = stream, int(seq)


def check_settled(program, daemon):
    """The client and the daemon agree, and nothing is left. Returns the tag of the subscription in force."""
    reader = daemon.subscription
    program.left()
    check(not [call for call in program.calls.values() if "error" not in call], "calls that don't end", program.calls)
    for number, call in program.calls.items():
        check(call["method"] != "subscribe" or call["error"] or number in program.seen, "never in force", number)
    if reader:
        check(program.tag == reader["tag"], "believed:", program.tag, "in force:", reader)
        check(not program.is_down, "no `subscribed` after `disconnected`")
        check(not program.missing(len(daemon.records)), "missing at the end, behind", program.seq)
    elif program.tag is not None:  # then an unsubscribe that was given up came through
        check(any(call["method"] == "unsubscribe" and call["error"] == "OutcomeUnknown" for call in program.calls.values()),
              "believed:", program.tag, "in force: none")
    return reader and reader["tag"]


class History:
    def __init__(self, session, seed):
        self.luck = random.Random(seed)  # an integer's: the same on every machine
        self.session, self.daemon = session, Daemon(self.luck)
        self.program = Program(self.daemon)
        self.steps = []
        self.connected = False
        self.state = None
        # Some programs read slowly, some commands take long, some histories break more often than others.
        take, finish, change, end = (self.luck.choice(weights) for weights in ([3, 8, 20], [0.3, 1, 4], [1, 4], [0.3, 2]))
        self.weights = [12, 20, 25, 30, take, 14, change, change / 3, 3, finish, change / 2, end, end / 5]
        self.do("new", QUEUED)

    def do(self, *ask):
        self.steps.append(ask)
        self.state = self.session.do(*ask)
        check("broken" not in self.state, self.state)
        if self.connected:
            lines = [line for text in self.state["sent"] for line in text.splitlines()]
            self.daemon.inbox.extend(lines)
            for line in lines:
                self.sent(json.loads(line))
        for number, error, result in self.state["done"]:
            self.program.finished(number, error, result)

    def sent(self, request):
        if request["method"] == "subscribe" and "tag" in request["params"]:
            tag = request["params"]["tag"]
            ended_on = self.program.calls[tag].get("ended_on", self.daemon.connections)
            check(tag in self.daemon.accepted or ended_on == self.daemon.connections, "sent again, and nobody waits", request)

    def connect(self):
        if not self.connected:
            self.connected = True
            self.do("opened")

    def disconnect(self):
        if self.connected:
            self.connected = False
            self.daemon.disconnected()
            self.do("closed", "it broke")

    def restart(self):
        self.disconnect()
        self.daemon.restarted()

    def handle(self):
        if self.daemon.inbox:
            self.daemon.handle()

    def finish_command(self):
        if self.daemon.commands:
            self.daemon.finish_command()

    def read(self):
        if self.connected and self.daemon.outbox and self.state["wants_more"]:
            count = self.luck.choice([1, 1, 2, 5, 20])
            text, self.daemon.outbox = "".join(self.daemon.outbox[:count]), self.daemon.outbox[count:]
            self.do("received", text)

    def take(self):
        if self.state["items"]:
            self.do("take")
            self.program.handed(self.state["item"], self.state["cursor"])

    def call(self, method, params):
        number = len(self.program.calls)
        self.program.calls[number] = {"method": method}
        self.do("call", number, method, {**params, "tag": number} if method == "subscribe" else params)

    def subscribe(self):
        params = {"types": self.luck.choice(["A", "B", "C", "AB", "ABC", "ABC", "bad"])}
        how = self.luck.random()
        if how < 0.25 and self.state["cursor"]:
            params["since"] = self.state["cursor"]
        elif how < 0.3:
            params["since"] = "nowhere:7"
        self.call("subscribe", params)

    def give_up(self):
        under_way = [number for number, call in self.program.calls.items() if "error" not in call]
        if under_way:
            self.do("give_up", self.luck.choice(under_way))

    def step(self):
        act, = self.luck.choices(
            [self.connect, self.handle, lambda: self.daemon.write(self.luck.choice([1, 3, 12])), self.read, self.take,
             lambda: self.daemon.publish(self.luck.choice([1, 4, 12, 20])), self.subscribe,
             lambda: self.call("unsubscribe", {}), lambda: self.call("ping", {}), self.finish_command, self.give_up,
             self.disconnect, self.restart], self.weights)
        act()

    def settle(self):
        """Everything is answered, and everything is read."""
        for _ in range(2000):
            before = len(self.steps), self.daemon.lines
            self.connect()
            self.handle()
            self.finish_command()
            self.daemon.write(100)
            self.read()
            self.take()
            if before == (len(self.steps), self.daemon.lines) and not self.daemon.outbox and not self.daemon.inbox:
                break
        else:
            check(False, "it comes to no end")
        return check_settled(self.program, self.daemon)

    def run(self):
        for _ in range(STEPS):
            self.step()
        in_force = self.settle()
        self.daemon.publish(6)
        check(self.settle() == in_force, "another subscription by itself")
        if self.luck.random() < 0.5:
            self.disconnect()
            again = self.settle()
            refused = self.program.tag is None
            check(again == in_force or (again is None and refused), "after a new connection:", again, "before:", in_force)
        else:
            self.do("shut")
            while self.state["items"]:
                self.take()
            check(all("error" in call for call in self.program.calls.values()), "calls that don't end", self.program.calls)


class SocketHistory:
    """A whole client, and the daemon at the other end of its socket."""

    def __init__(self, language, seed):
        self.luck = random.Random(seed)
        self.daemon = Daemon(self.luck, ring=6000)
        self.program = Program(self.daemon)
        self.calm = True  # until the client is connected
        self.folder = tempfile.TemporaryDirectory()
        path = self.folder.name + "/aribus.sock"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.peer, self.received = None, b""
        self.probe = subprocess.Popen(CLIENTS[language], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      env={**os.environ, "ARIBUS_SOCKET": path, "PYTHONPATH": str(SOURCE / "lib/python")})
        check(self.told() is None, "not connected")
        self.calm = False

    def close(self):
        self.disconnect()
        self.listener.close()
        self.probe.kill()
        self.probe.wait()
        self.probe.stdin.close()
        self.probe.stdout.close()
        self.folder.cleanup()

    def disconnect(self):
        if self.peer:
            self.peer.close()
            self.peer = None
            self.daemon.disconnected()

    def ask(self, *what):
        self.probe.stdin.write(json.dumps(what).encode() + b"\n")
        self.probe.stdin.flush()
        return self.told()

    def told(self):
        """The client's answer; until it comes, the daemon does what it has to, and what it likes."""
        for _ in range(100_000):
            watched = [self.probe.stdout, self.peer or self.listener]
            ready = select.select(watched, [], [], 0.001)[0]
            if self.listener in ready:
                self.peer, _ = self.listener.accept()
                self.peer.setblocking(False)
                self.received = b""
            elif self.peer in ready:
                self.read()
            if self.probe.stdout in ready:
                line = self.probe.stdout.readline()
                check(line, "the client has ended")
                return json.loads(line)
            self.act()
        raise Violation("it hangs")

    def read(self):
        try:
            data = self.peer.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            return self.disconnect()
        *lines, self.received = (self.received + data).split(b"\n")
        self.daemon.inbox.extend(line.decode() for line in lines)

    def act(self):
        if self.daemon.inbox and (self.calm or self.luck.random() < 0.3):
            self.daemon.handle()
        if self.daemon.commands and (self.calm or self.luck.random() < 0.05):
            self.daemon.finish_command()
        if not self.calm and self.luck.random() < 0.05:
            self.daemon.publish(self.luck.choice([1, 10, 3000]))
        if self.peer and sum(map(len, self.daemon.outbox)) < 100_000:
            self.daemon.write(500)
        if self.peer and self.daemon.outbox:
            text = "".join(self.daemon.outbox)
            try:
                sent = self.peer.send(text.encode())
            except BlockingIOError:
                sent = 0
            except ConnectionError:
                return self.disconnect()
            self.daemon.outbox = [text[sent:]] if sent < len(text) else []
        if not self.calm and self.luck.random() < 0.004:
            self.disconnect()

    def call(self, method, params, *timeout):
        number = len(self.program.calls)
        self.program.calls[number] = {"method": method}
        answer = self.ask("call", method, {**params, "tag": number} if method == "subscribe" else params, *timeout)
        error = answer.get("error")
        self.program.finished(number, error, None if error else answer)

    def take(self, most):
        items = self.ask("take", most, 20)
        for item, cursor in items:
            self.program.handed(item, cursor)
        return items

    def step(self):
        act = self.luck.choices(["take", "subscribe", "unsubscribe", "ping"], [10, 3, 0.5, 4])[0]
        if act == "take":
            return self.take(self.luck.choice([1, 50, 5000]))
        params = {"types": self.luck.choice(["A", "AB", "ABC", "bad"])} if act == "subscribe" else {}
        self.call(act, params, *([self.luck.choice([1, 20])] if self.luck.random() < 0.3 else []))

    def settle(self):
        self.calm = True
        for _ in range(100):
            if self.ask("call", "ping", {"key": "k"}).get("error") in (None, "Refused", "AribusError") and not self.take(100_000):
                break
        else:
            raise Violation("it comes to no end")
        check_settled(self.program, self.daemon)

    def run(self):
        for _ in range(40):
            self.step()
        self.settle()
        self.daemon.publish(6)
        self.settle()


def main(language, first=1, count=COUNT, count_over_sockets=COUNT_OVER_SOCKETS):
    happened = collections.Counter()
    for seed in range(first, first + count_over_sockets):
        history = SocketHistory(language, seed)
        try:
            history.run()
        except Violation as violation:
            print(f"seed {seed}, over a socket:", *violation.args)
            return 1
        finally:
            history.close()
        happened += history.daemon.requests
    print(count_over_sockets, "histories over a socket:", dict(happened))
    if language not in SESSIONS:
        return 0
    session, happened = Session(language), collections.Counter()
    try:
        for seed in range(first, first + count):
            history = History(session, seed)
            try:
                history.run()
            except Violation as violation:
                print(*(json.dumps(step) for step in history.steps[-60:]), sep="\n")
                print(f"seed {seed}, step {len(history.steps)}:", *violation.args)
                return 1
            happened += history.daemon.requests
    finally:
        session.close()
    print(count, "histories:", dict(happened))
    # Otherwise the generator has lost what it is for.
    return 0 if all(happened[what] > count / 4 for what in ("unsubscribe", "resumed", "not resumed", "fetched again")) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
