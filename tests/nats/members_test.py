#!/usr/bin/env python3
"""The protocol of members of worker groups over NATS (docs/nats-clients.md), spoken by hand: what is refused, what ends a link, and
what a member that does not acknowledge costs.

members_test.py [CASE…]
"""
import json
import pathlib
import queue
import socket
import sys
import tempfile
import threading

from nats_stage import Nats, NatsServer, Pbx, Relay, Rest, let_pass, wait_for

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


class Link:
    """A member's link, by the plain protocol; `acknowledges` what it gets, unless told otherwise."""

    number = 0

    def __init__(self, client, member="w1", group="g", rule="worker", lease=10_000):
        Link.number += 1
        self.client, self.place, self.id = client, f"pbx1.{rule}.{group}.{member}", f"link{Link.number}"
        self.subject = f"aribus.v1.member.{self.place}"
        self.messages = client.subscribe(f"aribus.v1.to-member.{self.place}.{self.id}")
        self.lease, self.sent, self.got, self.text, self.ended = lease, 0, 0, b"", None
        self.acknowledges = True

    def send(self, data=b"", number=None, **headers):
        self.sent = number or self.sent + 1
        more = {"Aribus-Lease": str(self.lease)} if self.sent == 1 else {}
        self.client.publish(self.subject, data, headers={
            "Aribus-Link": self.id, "Aribus-Number": str(self.sent),
            "Aribus-Received": str(self.got if self.acknowledges else 0), **more, **headers})

    def request(self, method, number=1, **params):
        self.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n")

    def take(self, seconds=10):
        """The next message; checks its number."""
        message = self.messages.get(timeout=seconds)
        if "Aribus-End" in message.headers:
            self.ended = message.headers["Aribus-End"]
        else:
            self.got += 1
            assert int(message.headers["Aribus-Number"]) == self.got, (message, self.got)
            self.text += message.data
        return message

    def take_all(self):
        """All messages that are there."""
        while True:
            try:
                self.take(0)
            except queue.Empty:
                return

    def lines(self):
        """All lines so far, parsed."""
        self.take_all()
        return [json.loads(line) for line in self.text.split(b"\n")[:-1]]

    def answer(self, number=1):
        found = []

        def has():
            found[:] = [line for line in self.lines() if line.get("id", "") == number]
            return found or self.ended
        wait_for(lambda: f"an answer to {number}: {self.text[-300:]}", has)
        assert found, self.ended
        return found[0]

    def end(self):
        """Why it has ended."""
        wait_for("the link ends", lambda: self.lines() is None or self.ended)
        return self.ended

    def join(self, **params):
        self.request("subscribe", group="g", member=self.place.split(".")[-1], apps=["demo"], **params)
        assert "result" in self.answer(), self.text
        return self


class Stage:
    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="aribus-nats-members-")
        self.folder = pathlib.Path(self.temporary.name)
        self.server = NatsServer(self.folder)
        folder = self.folder / "pbx1"
        self.pbx = Pbx(self.folder, "pbx1", sockets=f"  - path: {folder}/worker.sock\n  - path: {folder}/reader.sock\n", access=(
            f"access:\n  - name: worker\n    sockets: [{folder}/worker.sock]\n    methods: [read, control]\n"
            f"  - name: reader\n    sockets: [{folder}/reader.sock]\n    methods: [read]\n"
            "  - name: local\n    methods: [read, control]\n"))
        self.pbx.wait_ready()
        self.pbx.bridge(self.server.url, f"rules:\n  worker: {folder}/worker.sock\n  reader: {folder}/reader.sock\n"
                                         f"metrics:\n  path: {folder}/metrics.sock\n")
        self.client = Nats(self.server.port)
        wait_for("members are accepted", self.is_there)

    def is_there(self):
        """Somebody listens: there is no answer at once that says that nobody does."""
        return all(self.client.request(f"aribus.v1.member.pbx1.{rule}.g.nobody", b"", 0.3) is None for rule in ("worker", "reader"))

    def link(self, *parameters, **named):
        return Link(self.client, *parameters, **named)

    def groups(self):
        return self.pbx.call("group.list")["groups"]

    def members(self):
        return [member["member"] for group in self.groups() for member in group["members"] if member["connection"] is not None]

    def call(self):
        return Rest(self.pbx.url, 10).call("POST", "/sim/call", {"app": "demo"}).json()["channel"]

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if error:
            print(self.pbx.nats.log()[-3000:], self.pbx.daemon.log()[-1500:], file=sys.stderr)
        self.pbx.stop()
        self.server.kill()
        self.temporary.cleanup()


@case
def is_the_sockets_protocol(stage):
    """hello, subscribe, assigned, records, commands with the epoch, released: as on the socket; cut anywhere."""
    link = stage.link()
    for part in (b'{"jsonrpc":"2.0","id":9,"meth', b'od":"hello"}\n{"jsonrpc":', b'"2.0","id":10,"method":"ping"}\n'):
        link.send(part)
    assert link.answer(9)["result"]["rule"] == "worker" and link.answer(10)["result"] == {}
    link.join()
    assert stage.members() == ["w1"]
    channel = stage.call()
    wait_for("it is offered the call", lambda: any(line.get("method") == "assigned" for line in link.lines()))
    offer = next(line["params"] for line in link.lines() if line.get("method") == "assigned")
    link.request("channels.setChannelVar", 2, channelId=channel, variable="A", value="b", epoch=offer["epoch"])
    assert "result" in link.answer(2)
    link.request("channels.setChannelVar", 3, channelId=channel, variable="A", value="c", epoch=offer["epoch"] - 1)
    assert link.answer(3)["error"]["code"] == -32006
    Rest(stage.pbx.url, 10).call("POST", f"/sim/call/{channel}/hangup", {})
    wait_for("it is released", lambda: any(line.get("method") == "released" for line in link.lines()))
    link.send(**{"Aribus-End": "closed"})
    wait_for("it is no member", lambda: stage.members() == [])


@case
def refused(stage):
    """What a member may not do costs nothing else."""
    link = stage.link()
    for number, params in enumerate(({}, {"group": "g"}, {"group": "g", "member": "w2"}, {"group": "other", "member": "w1"}), 11):
        link.request("subscribe", number, **params)
        assert link.answer(number)["error"]["code"] == -32602, link.text
    link.send(b'[{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{}}]\n')
    wait_for("a batch is refused", lambda: any(line.get("error", {}).get("code") == -32600 for line in link.lines()))
    assert stage.members() == []
    link.join()
    reader = stage.link(rule="reader")  # this rule may not join
    reader.request("subscribe", group="g", member="w1", apps=["demo"])
    assert reader.answer()["error"]["code"] == -32003, reader.text
    assert stage.members() == ["w1"]
    # Messages that are none.
    for subject, headers in (("aribus.v1.member.pbx1.worker.g.w1", {}), ("aribus.v1.member.pbx1.worker.g.w1", {"Aribus-Link": "a.b", "Aribus-Number": "1"}),
                             ("aribus.v1.member.pbx1.worker.g.w1", {"Aribus-Link": "a", "Aribus-Number": "x"})):
        stage.client.publish(subject, b"x\n", headers=headers or None)
    link.request("ping", 7)
    assert link.answer(7)["result"] == {}


@case
def broken(stage):
    """A missing message, and a link that aribus-nats does not know, end with the reason; the next link goes on with `since`."""
    link = stage.link().join()
    channel = stage.call()
    wait_for("it is offered the call", lambda: any(line.get("method") == "assigned" for line in link.lines()))
    seqs = [line["params"]["seq"] for line in link.lines() if line.get("method") in ("event", "assigned")]
    stream = link.answer()["result"]["cursor"].partition(":")[0]
    link.send(b"", number=link.sent + 2)
    assert "was expected" in link.end(), link.ended
    unknown = stage.link()
    unknown.send(b"", number=5)
    assert "does not know this link" in unknown.end(), unknown.ended
    again = stage.link().join(since=f"{stream}:{seqs[0]}")
    Rest(stage.pbx.url, 10).call("POST", f"/sim/call/{channel}/hangup", {})
    wait_for("it is released", lambda: any(line.get("method") == "released" for line in again.lines()))
    told = [line["params"]["seq"] for line in again.lines() if line.get("method") in ("event", "released")]
    assert told == list(range(seqs[0] + 1, told[-1] + 1)), (seqs, told)


@case
def silent(stage):
    """The lease ends: the daemon is told at once, though the member has a name and the group a grace period."""
    link = stage.link(lease=500)
    link.join(grace_ms=60_000)
    stage.call()
    wait_for("it has the call", lambda: any(group["calls"] for group in stage.groups()))
    assert "was silent for 500 ms" in link.end(), link.ended
    wait_for("the call waits for another", lambda: [call["state"] for group in stage.groups() for call in group["calls"]] == ["waiting"])
    assert stage.members() == []
    link.send(b"")  # too late
    wait_for("it is told so", lambda: "does not know this link" in (link.lines() is None or link.ended))


@case
def not_acknowledged(stage):
    """A member that processes nothing: the bridge reads and sends a bounded amount; the daemon's ring has the rest."""
    link = stage.link(lease=600_000)
    link.acknowledges = False
    link.join()
    channels = [stage.call() for _ in range(20)]
    large = "x" * 8000
    other = stage.link("w2", lease=600_000)
    offers = lambda: {p["snapshot"]["channel"]: p for p in (  # noqa: E731
        line["params"] for line in link.lines() if line.get("method") == "assigned")}
    wait_for("it is offered them", lambda: len(offers()) == 20)
    begin = stage.pbx.status()["bus"]["next"]
    for number in range(400):  # records of 8 KB about its calls, by commands of its own, which are answered
        link.request("channels.setChannelVar", 1000 + number, channelId=channels[number % 20], variable=f"V{number}", value=large)
        if number % 20 == 19:
            wait_for("they are carried out", lambda number=number: stage.pbx.status()["bus"]["next"] > begin + number)
    wait_for("no more comes", lambda: is_still(stage, link))
    received, messages = len(link.text), link.got
    assert (1 << 20) - 70_000 <= received <= (1 << 20) + 70_000, (received, messages)
    link.send(b"")  # a sign of life is answered all the same
    wait_for("the answer", lambda: link.lines() is not None and link.got > messages)
    assert len(link.text) == received
    other.request("ping", 1)  # and others notice nothing
    assert other.answer(1)["result"] == {}
    link.acknowledges = True
    seen = {}

    def all_came():
        lines = link.lines()
        link.send(b"")
        seen.update({line["params"]["variable"]: line["params"]["seq"] for line in lines
                     if line.get("method") == "event" and line["params"]["type"] == "ChannelVarset"})
        return len(seen) == 400
    wait_for(lambda: f"all 400: {len(seen)}, {link.ended}", all_came, 60)
    told = [line["params"]["seq"] for line in link.lines() if line.get("method") == "event"]
    assert told == sorted(set(told)), "each once, in order"


@case
def nats_does_not_read(stage):
    """The network is cut while much is sent to many members: leases end though libnats waits until NATS reads, for 5 s."""
    relay = Relay(stage.server.port)
    stage.pbx.nats.stop()
    config = stage.pbx.folder / "nats.yaml"
    config.write_text(config.read_text().replace(stage.server.url, relay.url))
    stage.pbx.nats.start()
    wait_for("members are accepted", stage.is_there)
    links = [stage.link(f"w{number}", lease=1500).join(capacity=1, accept_ms=60_000) for number in range(30)]
    channels = [stage.call() for _ in links]
    over = threading.Event()

    def live():
        while not over.wait(0.2):
            for link in links:
                link.take_all()
                link.send()

    def set_variables():
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(str(stage.pbx.socket))
            answers = one.makefile("rb")
            while not over.is_set():
                for channel in channels:
                    one.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "channels.setChannelVar", "params": {
                        "channelId": channel, "variable": "V", "value": "x" * 20_000}}).encode() + b"\n")
                    answers.readline()
    threads = [threading.Thread(target=one) for one in (live, set_variables)]
    try:
        for thread in threads:
            thread.start()
        # On a very busy machine some have fallen silent before.
        wait_for("they get many records", lambda: sum(len(link.text) for link in links) > 6_000_000, 120)
        relay.cut()
        wait_for("all have lost their calls", lambda: not stage.members())
        assert stage.pbx.nats.log().count("not accepting commands over NATS") == 0, "it waited for libnats"
    finally:
        over.set()
        for thread in threads:
            thread.join()
        relay.stop()


def is_still(stage, link):
    """Whether nothing has come for a while."""
    before = len(link.text)
    let_pass(0.5)
    link.lines()
    return len(link.text) == before


@case
def restarted(stage):
    """aribus-nats is stopped: links end with the reason; when it is back it says so."""
    link = stage.link().join()
    accepting = stage.client.subscribe("aribus.v1.to-member.*.worker")
    stage.client.flush()
    assert stage.pbx.nats.stop() == 0
    assert link.end() == "aribus-nats was stopped"
    stage.pbx.nats.start()
    assert accepting.get(timeout=20).subject == "aribus.v1.to-member.pbx1.worker"
    stage.link().join()


@case
def daemon_gone(stage):
    """aribusd ends: so do the links, with its last words."""
    link = stage.link().join()
    other = stage.link().join()  # the same member: the first is told, and ends
    wait_for("it is told", lambda: any(line.get("error", {}).get("code") == -32006 for line in link.lines()))
    assert link.end() == "aribusd has closed the connection"
    stage.pbx.daemon.kill()
    assert other.end() == "aribusd has closed the connection"


def main(*names):
    for name in names or CASES:
        print(name, flush=True)
        with Stage() as stage:
            CASES[name](stage)


if __name__ == "__main__":
    main(*sys.argv[1:])
