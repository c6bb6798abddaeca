#!/usr/bin/env python3
"""Members of worker groups over NATS: two simulated PBXs, workers on the socket and on NATS, and what goes wrong between them.

groups_test.py python|node [--calls N] [--bounds] [CASE…]

--calls: how many calls where the number matters (default 40). --bounds: fails where a takeover takes longer than promised; times
are only printed otherwise, as a busy machine makes them longer. CASE: names of cases below (default: all). Ends with 77 where the
language's NATS library is missing.
"""
import argparse
import asyncio
import collections
import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from nats_stage import SOURCE, Nats, NatsServer, Pbx, Process, Relay, Rest, wait_for
from clients_test import ENVIRONMENT, LANGUAGES

sys.path.insert(0, str(SOURCE / "tests/groups"))
from members import Observer  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
WORKERS = {"python": [sys.executable, HERE / "worker.py"], "node": ["node", HERE / "worker.mjs"]}
EXAMPLES = {"python": [sys.executable, SOURCE / "lib/python/examples/pool_worker.py"],
            "node": ["node", SOURCE / "lib/node/examples/pool_worker.mjs"]}
LEASE = 2.0
NAMES = ("pbx1", "pbx2")
# An offer has time on a busy machine; a bridge that is started again does not cost its members their calls.
SETTINGS = {"apps": ["demo"], "accept_ms": 30_000, "grace_ms": 20_000}
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


class Worker(Process):
    """A member in a process of its own; it prints what it is told."""

    def __init__(self, stage, name, *arguments):
        super().__init__(stage.folder, name, *WORKERS[stage.language], *arguments, environment=ENVIRONMENT)

    def lines(self):
        found = []
        for line in self.log().splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                assert not line.startswith(("Traceback", "file://")), self.log()[-3000:]
        return found

    def of(self, kind):
        return [line[1:] for line in self.lines() if line[0] == kind]


class Watcher(Observer):
    """Finds what the tests ask for without reading the whole log again."""

    def __init__(self):
        super().__init__()
        self.call_of = {}  # by channel
        self.by_call = collections.defaultdict(list)  # records
        self.accepted, self.ended = set(), set()  # calls

    def on_notification(self, method, record):
        super().on_notification(method, record)
        for call in record.get("calls", ()):
            self.by_call[call].append(record)
        if record["type"] == "StasisStart":
            self.call_of.setdefault(record["channel"]["id"], record["calls"][0])
        elif record["type"] == "group.accepted":
            self.accepted.add(record["call"])
        elif record["type"] == "call.ended":
            self.ended.update(record["calls"])


class Stage:
    def __init__(self, language, options):
        self.language, self.options = language, options
        self.temporary = tempfile.TemporaryDirectory(prefix="aribus-nats-groups-")
        self.folder = pathlib.Path(self.temporary.name)
        self.pbxs, self.observers, self.workers, self.relays, self.channels = {}, {}, [], [], {}

    async def __aenter__(self):
        self.server = await asyncio.to_thread(NatsServer, self.folder)
        return self

    async def __aexit__(self, kind, error, traceback):
        if error:
            for one in [*self.workers, *(part for pbx in self.pbxs.values() for part in (pbx.daemon, getattr(pbx, "nats", None)))]:
                if one:
                    print(f"--- {one.log_file}\n{one.log()[-2500:]}", file=sys.stderr)
        for observer in self.observers.values():
            await observer.close()
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.kill()
        for pbx in self.pbxs.values():
            pbx.stop()
        for relay in self.relays:
            relay.stop()
        self.server.kill()
        self.temporary.cleanup()

    async def pbx(self, name, url=None, bus=False):
        """A PBX with its bridge, and an observer of all its records. bus: aribusd keeps them in a file."""
        made = await asyncio.to_thread(self.make_pbx, name, url or self.server.url, bus)
        self.observers[name] = await Watcher().watch(made.socket)
        return made

    def make_pbx(self, name, url, bus):
        folder = self.folder / name
        pbx = self.pbxs[name] = Pbx(self.folder, name, sockets=f"  - path: {folder}/worker.sock\n", access=(
            f"access:\n  - name: worker\n    sockets: [{folder}/worker.sock]\n    methods: [read, control]\n"
            "  - name: local\n    methods: [read, control]\n"), bus=f"bus:\n  path: {folder}/bus.log\n" if bus else "")
        pbx.wait_ready()
        pbx.bridge(url, f"rules:\n  worker: {folder}/worker.sock\n")
        self.channels[name] = []
        return pbx

    def relay(self):
        self.relays.append(Relay(self.server.port))
        return self.relays[-1]

    def worker(self, name, pbxs="pbx1", url=None, **params):
        """A member over NATS."""
        params = {**SETTINGS, "lease": LEASE, "member": name, **params}
        params = {key: value for key, value in params.items() if value is not None}
        made = Worker(self, name, "nats", url or self.server.url, "worker", pbxs, json.dumps(params))
        self.workers.append(made)
        return made

    def local(self, name, pbx="pbx1", **params):
        """A member on the socket."""
        made = Worker(self, name, "unix", self.pbxs[pbx].socket, pbx, json.dumps({**SETTINGS, "member": name, **params}))
        self.workers.append(made)
        return made

    def members(self, pbx):
        """The connected members at this PBX."""
        groups = self.pbxs[pbx].call("group.list")["groups"]
        return sorted(member["member"] for group in groups for member in group["members"] if member["connection"] is not None)

    async def joined(self, pbx, *names):
        await self.until(lambda: f"{names} are members of {pbx}: {self.members(pbx)}", lambda: self.members(pbx) == sorted(names))

    async def until(self, what, condition, seconds=60):
        await asyncio.to_thread(wait_for, what, condition, seconds, 0.05)

    async def call(self, pbx="pbx1", count=1):
        """New calls, which somebody has accepted."""
        made = []
        for _ in range(count):
            answer = await asyncio.to_thread(Rest(self.pbxs[pbx].url, 10).call, "POST", "/sim/call", {"app": "demo"})
            made.append(answer.json()["channel"])
        self.channels[pbx] += made
        observer = self.observers[pbx]
        await observer.until("the calls are accepted", lambda: all(observer.call_of.get(channel) in observer.accepted for channel in made), 60)
        return made

    def owned(self, pbx, member):
        """The calls that the member owns there."""
        return {call for (_, call), (name, _) in self.observers[pbx].owner.items() if name == member}

    async def owns(self, pbx, member, calls, seconds=60):
        await self.observers[pbx].until(f"{member} owns them", lambda: set(calls) <= self.owned(pbx, member), seconds)

    async def hang_up(self):
        """All calls end, and all members are told."""
        for pbx, channels in self.channels.items():
            rest = Rest(self.pbxs[pbx].url, 10)
            for channel in channels:
                await asyncio.to_thread(rest.call, "POST", f"/sim/call/{channel}/hangup", {})
            observer = self.observers[pbx]
            await observer.until("nothing is owned", lambda observer=observer, channels=channels: not observer.owner and all(
                observer.call_of.get(channel) in observer.ended for channel in channels), 60)

    async def check(self, *killed):
        """What every case must leave: see the functions. killed: workers that did not hear everything."""
        for worker in self.workers:
            if worker not in killed:
                await self.until(lambda worker=worker: f"{worker.name} is told of all ends: {still_open(worker)}",
                                 lambda worker=worker: not still_open(worker))
        for worker in self.workers:
            self.check_records(worker, worker in killed)
            self.check_commands(worker)
        # That no call had two owners, and epochs grow, the observers have checked record by record.

    def check_records(self, worker, was_killed):
        """Of each call it got the records while it was the owner, each once, in order, without a hole."""
        told = []  # [pbx, call, epoch, reason, seqs, how it ended]
        open_now = {}
        for kind, *line in worker.lines():
            if kind == "assigned":
                pbx, call, epoch, reason = line
                told.append([pbx, call, epoch, reason, [], None])
                open_now[pbx, call, epoch] = told[-1]
            elif kind == "record" and line[3] is not None and line[4] not in ("assigned", "lost") and not line[4].startswith("server."):
                open_now[tuple(line[:3])][4].append(line[3])
            elif kind == "released":
                open_now[tuple(line[:3])][5] = line[3]
        seen = set()
        for pbx, call, epoch, reason, seqs, end in told:
            where = f"{worker.name}: {call} at {pbx}, {reason}, {end}"
            expected = self.records_of(pbx, call, worker.of("joined")[0][1], epoch)
            assert not seen & {(pbx, call, seq) for seq in seqs}, f"{where}: told twice"
            seen |= {(pbx, call, seq) for seq in seqs}
            first = expected.index(seqs[0]) if seqs else 0
            assert seqs == expected[first:first + len(seqs)], f"{where}: {seqs}, and there were {expected}"
            assert first == 0 or reason == "lost", f"{where}: it begins with {seqs[0]}, and there were {expected}"
            if end not in (None, "lost", "lease"):
                assert first + len(seqs) == len(expected), f"{where}: it ends with {seqs[-1:]}, and there were {expected}"
            assert end is not None or was_killed, where

    def records_of(self, pbx, call, member, epoch):
        records = self.observers[pbx].by_call[call]
        begin = next(r["seq"] for r in records if r["type"] == "group.assigned" and (r["member"], r["epoch"]) == (member, epoch))
        end = next((r["seq"] for r in records if r["type"] == "group.released" and r["seq"] > begin), None)
        return [r["seq"] for r in records if r["seq"] > begin and (end is None or r["seq"] < end)]

    def check_commands(self, worker):
        """What was refused did not reach Asterisk, and after a call's release nothing was accepted."""
        done = {r["value"] for observer in self.observers.values() for r in observer.records
                if r["type"] == "ChannelVarset" and r["variable"] == "OWNER"}
        released = {}
        for kind, *line in worker.lines():
            if kind == "assigned":
                released.pop(tuple(line[:3]), None)
            elif kind == "released" and line[3] not in ("lost", "lease"):
                released[tuple(line[:3])] = line[3]
            elif kind == "command":
                value, outcome = line[3:]
                assert outcome != "NotOwner" or value not in done, f"{worker.name}: {value} was refused, and carried out"
                if outcome == "NotConnected":
                    assert value not in done, f"{worker.name}: {value} was not sent, and carried out"

    def refused_after(self, worker, call):
        """Whether a command of a former owner was refused."""
        return any(line[1] == call and line[4] == "NotOwner" for line in worker.of("command"))


def still_open(worker):
    begun = [tuple(line[:3]) for line in worker.of("assigned")]
    over = [tuple(line[:3]) for line in worker.of("released")]
    return [one for one in set(begun) if begun.count(one) > over.count(one)]


def milliseconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


async def report(stage, what, since, call, pbx="pbx1", bound=None):
    """Prints, and with --bounds checks, how long after `since` (Unix time in ms) a call was offered again."""
    assigned = stage.observers[pbx].of("group.assigned", call=call)[-1]
    took = milliseconds(assigned["time"]) - since
    print(f"  {what}: taken over after {took:.0f} ms" + (f", promised {bound:.0f}" if bound else ""), flush=True)
    if bound and stage.options.bounds:
        assert took <= bound, f"{what}: {took:.0f} ms, and {bound:.0f} are promised"


@case
async def killed(stage):
    """kill -9 of a worker on NATS: its calls go to others within the lease; a local worker is one of them."""
    await stage.pbx("pbx1")
    victim, other = stage.worker("victim"), stage.worker("other")
    local = stage.local("local")
    await stage.joined("pbx1", "local", "other", "victim")
    await stage.call(count=9)
    own = stage.owned("pbx1", "victim")
    assert len(own) == 3, own
    victim.kill()
    since = time.time() * 1000
    await stage.observers["pbx1"].until("its calls are taken over", lambda: own <= (
        stage.owned("pbx1", "other") | stage.owned("pbx1", "local")), 60)
    for call in own:
        await report(stage, "killed", since, call, bound=LEASE * 1000 + 50)
    await stage.until("the others serve them", lambda: own <= {line[1] for one in (other, local) for line in one.of("assigned")})
    assert [line[0] for one in (other, local) for line in one.of("joined")] == ["nats", "unix"]
    await stage.hang_up()
    await stage.check(victim)


@case
async def leaves(stage):
    """SIGTERM: a worker that leaves gives its calls to others at once, and so does one without a name of its own that is closed."""
    await stage.pbx("pbx1")
    leaver, other = stage.worker("leaver", lease=600), stage.worker("other", lease=600)
    await stage.joined("pbx1", "leaver", "other")
    await stage.call(count=4)
    own = stage.owned("pbx1", "leaver")
    leaver.signal(signal.SIGTERM)
    assert await asyncio.to_thread(leaver.process.wait, 30) == 0
    await stage.owns("pbx1", "other", own)
    assert leaver.of("left") == [[]], leaver.log()
    await stage.joined("pbx1", "other")
    unnamed = stage.worker("unnamed", lease=600, member=None)
    await stage.until("it has joined", lambda: unnamed.of("joined"))
    name = unnamed.of("joined")[0][1]
    await stage.joined("pbx1", "other", name)
    await stage.call(count=4)
    own = stage.owned("pbx1", name)
    assert own
    unnamed.signal(signal.SIGINT)
    await stage.owns("pbx1", "other", own)
    await asyncio.to_thread(unnamed.process.wait, 30)
    await stage.hang_up()
    await stage.check(unnamed)


@case
async def stopped(stage):
    """SIGSTOP for longer than the lease: others get the calls; after SIGCONT its commands are refused."""
    await stage.pbx("pbx1")
    victim = stage.worker("victim")
    await stage.joined("pbx1", "victim")
    await stage.call(count=3)
    own = stage.owned("pbx1", "victim")
    other = stage.worker("other")
    await stage.joined("pbx1", "other", "victim")
    victim.pause()
    await stage.owns("pbx1", "other", own)
    victim.go_on()
    await stage.until("it knows", lambda: not still_open(victim))
    await stage.joined("pbx1", "other", "victim")
    await stage.call(count=2)  # it is a member again
    await stage.until("it gets calls again", lambda: len(victim.of("assigned")) > 3)
    await stage.hang_up()
    await stage.check()
    assert other.of("assigned")


@case
async def former_owner(stage):
    """A worker that is told of the release goes on to send a command: it is refused, and Asterisk does not see it."""
    await stage.pbx("pbx1")
    first, second = stage.worker("first"), stage.worker("second")
    await stage.joined("pbx1", "first", "second")
    await stage.call(count=4)
    own = stage.owned("pbx1", "first")
    observer = stage.observers["pbx1"]
    for call in own:  # the daemon gives them to another
        first_epoch = observer.owner["g", call][1]
        assert first_epoch
    first.signal(signal.SIGTERM)
    await stage.owns("pbx1", "second", own)
    await asyncio.to_thread(first.process.wait, 30)
    outcomes = {line[1]: line[4] for line in first.of("command")}
    assert {outcomes[call] for call in own} <= {"NotOwner", "NotConnected"}, outcomes
    await stage.hang_up()
    await stage.check()


@case
async def nats_server_restarted(stage):
    """kill -9 of nats-server while calls run: all go on with their owners; members miss nothing."""
    for name in NAMES:
        await stage.pbx(name)
    workers = [stage.worker(f"w{number}", "pbx1,pbx2", lease=30) for number in range(2)]
    for name in NAMES:
        await stage.joined(name, "w0", "w1")
        await stage.call(name, 6)
    before = {name: dict(stage.observers[name].owner) for name in NAMES}
    for _ in range(3):
        stage.server.kill()
        stage.server.start()
        await asyncio.to_thread(stage.server.wait)
        counts = [len(worker.of("command")) for worker in workers]
        await stage.until("their commands are carried out again", lambda: all(
            len([line for line in worker.of("command")[count:] if line[4] == "ok"]) > 12 for worker, count in zip(workers, counts)))
    for name in NAMES:
        assert dict(stage.observers[name].owner) == before[name], (before[name], stage.observers[name].owner)
    for name in NAMES:
        await stage.call(name, 2)
    await stage.hang_up()
    await stage.check()


@case
async def bridge_killed(stage):
    """kill -9 of aribus-nats, which is started again: its members keep their calls; the calls of the other PBX notice nothing."""
    for name in NAMES:
        await stage.pbx(name)
    workers = [stage.worker(f"w{number}", "pbx1,pbx2", lease=30) for number in range(2)]
    local = stage.local("local")
    await stage.joined("pbx1", "local", "w0", "w1")
    await stage.joined("pbx2", "w0", "w1")
    for name in NAMES:
        await stage.call(name, 6)
    before = {name: dict(stage.observers[name].owner) for name in NAMES}
    bridge = stage.pbxs["pbx1"].nats
    for _ in range(3):
        bridge.kill()
        bridge.start()
        began = time.monotonic()
        await stage.joined("pbx1", "local", "w0", "w1")
        print(f"  members again {time.monotonic() - began:.2f} s after the start of aribus-nats", flush=True)
        counts = [len(worker.of("command")) for worker in workers]
        await stage.until("their commands are carried out again", lambda: all(
            len([line for line in worker.of("command")[count:] if line[0] == "pbx1" and line[4] == "ok"]) > 4
            for worker, count in zip(workers, counts)))
    for name in NAMES:
        assert dict(stage.observers[name].owner) == before[name], (before[name], stage.observers[name].owner)
    await stage.hang_up()
    await stage.check()
    assert not [line for line in local.of("released") if line[3] != "ended"]


@case
async def daemon_restarted(stage):
    """kill -9 of aribusd, which keeps its log in a file: the calls stay with their owner."""
    pbx = await stage.pbx("pbx1", bus=True)
    worker = stage.worker("worker", lease=30)
    await stage.joined("pbx1", "worker")
    await stage.call(count=3)
    for _ in range(2):
        await stage.observers["pbx1"].close()
        pbx.daemon.kill()
        pbx.daemon.start()
        await stage.until("aribusd listens", pbx.listens)
        await stage.joined("pbx1", "worker")
        count = len(worker.of("command"))
        await stage.until("its commands are carried out again", lambda count=count: len(
            [line for line in worker.of("command")[count:] if line[4] == "ok"]) > 9)
        stage.observers["pbx1"] = await Watcher().watch(pbx.socket, **{"from": "oldest"})
    assert not worker.of("released") and len(worker.of("assigned")) == 3, worker.log()[-2000:]
    await stage.hang_up()
    await stage.check()


@case
async def bridge_stays_away(stage):
    """aribus-nats is killed and not started again within the group's grace period: the calls go to a local member, and the worker
    gives them up when its lease is over."""
    await stage.pbx("pbx1")
    worker = stage.worker("worker", grace_ms=1000)
    await stage.joined("pbx1", "worker")
    await stage.call(count=3)
    own = stage.owned("pbx1", "worker")
    local = stage.local("local", grace_ms=1000)
    await stage.joined("pbx1", "local", "worker")
    stage.pbxs["pbx1"].nats.kill()
    await stage.owns("pbx1", "local", own)
    await stage.until("the worker gives them up", lambda: not still_open(worker))
    assert {line[3] for line in worker.of("released")} == {"lease"}, worker.of("released")
    stage.pbxs["pbx1"].nats.start()
    await stage.joined("pbx1", "local", "worker")
    await stage.until("the local one serves them", lambda: own <= {line[1] for line in local.of("assigned")})
    await stage.hang_up()
    await stage.check()


@case
async def bridge_hangs(stage):
    """SIGSTOP of aribus-nats for longer than the lease: the worker gives its calls up. Nobody else has them, and after SIGCONT it
    is given them again, as after a restart."""
    await stage.pbx("pbx1")
    worker = stage.worker("worker")
    await stage.joined("pbx1", "worker")
    await stage.call(count=2)
    own = stage.owned("pbx1", "worker")
    stage.pbxs["pbx1"].nats.pause()
    await stage.until("the worker gives them up", lambda: len(worker.of("released")) == 2)
    assert {line[3] for line in worker.of("released")} == {"lease"}, worker.of("released")
    stage.pbxs["pbx1"].nats.go_on()
    await stage.until("it is given them again", lambda: len(worker.of("assigned")) == 4)
    assert {line[1] for line in worker.of("assigned")[2:]} == own
    await stage.hang_up()
    await stage.check()


@case
async def network_cut(stage):
    """The network between a worker and NATS is cut while calls run: shortly, and for longer than the lease."""
    await stage.pbx("pbx1")
    relay = stage.relay()
    victim = stage.worker("victim", url=relay.url)
    await stage.joined("pbx1", "victim")
    await stage.call(count=3)
    own = stage.owned("pbx1", "victim")
    relay.cut()
    await asyncio.sleep(LEASE / 4)  # how long the fault lasts
    relay.mend()
    count = len([line for line in victim.of("command") if line[4] == "ok"])
    await stage.until("its commands are carried out again",
                      lambda: len([line for line in victim.of("command") if line[4] == "ok"]) > count + 9)
    other = stage.worker("other")
    await stage.joined("pbx1", "other", "victim")
    relay.cut()
    since = time.time() * 1000
    await stage.owns("pbx1", "other", own)
    for call in own:
        await report(stage, "cut", since, call, bound=LEASE * 1000 + 50)
    await stage.until("it gives them up", lambda: not still_open(victim))
    relay.mend()
    await stage.joined("pbx1", "other", "victim")
    await stage.call(count=3)
    await stage.until("it gets calls again", lambda: len(victim.of("assigned")) > 3)
    await stage.hang_up()
    await stage.check()
    assert other.of("assigned")


@case
async def network_of_a_pbx_cut(stage):
    """The network between a PBX's aribus-nats and NATS is cut for longer than the lease: its calls go to the local member; those of
    the other PBX go on."""
    relay = stage.relay()
    await stage.pbx("pbx1", relay.url)
    await stage.pbx("pbx2")
    worker = stage.worker("worker", "pbx1,pbx2")
    await stage.joined("pbx1", "worker")
    await stage.joined("pbx2", "worker")
    for name in NAMES:
        await stage.call(name, 3)
    own, others = stage.owned("pbx1", "worker"), stage.owned("pbx2", "worker")
    local = stage.local("local")
    await stage.joined("pbx1", "local", "worker")
    relay.cut()
    await stage.owns("pbx1", "local", own)
    await stage.until("the worker gives them up", lambda: {line[1] for line in worker.of("released")} == own)
    assert stage.owned("pbx2", "worker") == others
    relay.mend()
    await stage.joined("pbx1", "local", "worker")
    await stage.until("the local one serves them", lambda: own <= {line[1] for line in local.of("assigned")})
    await stage.hang_up()
    await stage.check()
    assert not [line for line in worker.of("released") if line[0] == "pbx2" and line[3] != "ended"]


@case
async def one_pool(stage):
    """Two PBXs, six workers, two of them local; workers are killed and started again while calls come and go."""
    for name in NAMES:
        await stage.pbx(name)
    pool = [stage.worker(f"w{number}", "all", capacity=500) for number in range(4)]
    for name in NAMES:
        stage.local(f"local-{name}", name, capacity=500)
        await stage.joined(name, f"local-{name}", "w0", "w1", "w2", "w3")
    calls = stage.options.calls
    kills = [pool[0], pool[1]]
    for part in range(4):
        for name in NAMES:
            await stage.call(name, calls // 8)
        if part in (1, 2):
            victim = kills[part - 1]
            own = {name: stage.owned(name, victim.name) for name in NAMES}
            victim.kill()
            since = time.time() * 1000
            for name in NAMES:
                await stage.observers[name].until("its calls are taken over", lambda name=name: not stage.owned(name, victim.name), 60)
                if own[name]:
                    last = max(own[name], key=lambda call, name=name: milliseconds(
                        stage.observers[name].of("group.assigned", call=call)[-1]["time"]))
                    await report(stage, f"{len(own[name])} calls of {name}", since, last, name, LEASE * 1000 + 50)
    owners = {name: {} for name in NAMES}
    for name in NAMES:
        for (_, call), (member, _) in stage.observers[name].owner.items():
            owners[name].setdefault(member, []).append(call)
        assert set(owners[name]) == {"w2", "w3", f"local-{name}"}, owners[name].keys()
        assert sum(map(len, owners[name].values())) == calls // 8 * 4
    await stage.hang_up()
    await stage.check(*kills)
    print(f"  {sum(len(stage.channels[name]) for name in NAMES)} calls", flush=True)


@case
async def found_later(stage):
    """A worker of all PBXs joins those that come later, and those that come back."""
    await stage.pbx("pbx1")
    worker = stage.worker("worker", "all")
    await stage.joined("pbx1", "worker")
    await stage.pbx("pbx2")
    await stage.joined("pbx2", "worker")
    await stage.call("pbx2", 2)
    assert stage.owned("pbx2", "worker")
    await stage.hang_up()
    await stage.check()


class FakeBridge:
    """The other side of a worker's link, which does what no aribus-nats does on request."""

    def __init__(self, stage):
        self.client = Nats(stage.server.port)
        self.messages = self.client.subscribe("aribus.v1.member.fake.worker.g.w1")
        self.client.flush()
        self.link, self.text, self.received, self.sent = None, b"", 0, 0

    def take(self, seconds=30):
        """The next message with data; one of another link begins anew. Signs of life are answered."""
        while True:
            message = self.messages.get(timeout=seconds)
            if message.headers["Aribus-Link"] != self.link:
                if "Aribus-End" in message.headers:
                    continue
                self.link, self.text, self.sent, self.received = message.headers["Aribus-Link"], b"", 0, 0
            self.received += 1
            assert int(message.headers["Aribus-Number"]) == self.received, message
            if message.data:
                self.text += message.data
                return message
            if "Aribus-End" not in message.headers:
                self.send()

    def request(self, method):
        """The next request, which must be of this method."""
        while b"\n" not in self.text:
            self.take()
        line, self.text = self.text.split(b"\n", 1)
        found = json.loads(line)
        assert found["method"] == method, found
        return found

    def send(self, *lines, skip=0, **headers):
        self.sent += 1 + skip
        self.client.publish(f"aribus.v1.to-member.fake.worker.g.w1.{self.link}", b"".join(
            line if isinstance(line, bytes) else json.dumps({"jsonrpc": "2.0", **line}).encode() + b"\n" for line in lines),
            headers={"Aribus-Number": str(self.sent), "Aribus-Received": str(self.received), **headers})

    def answer(self, request, result):
        self.send({"id": request["id"], "result": result})

    def greet(self):
        self.answer(self.request("hello"), {"aribus": "0.2.0", "started": "now", "limits": {}, "features": []})
        return self.request("subscribe")["params"]


@case
async def hole(stage):
    """A message to the worker is missing: it opens another link, and subscribes again with the cursor of the last record before it."""
    await asyncio.to_thread(has_hole, stage)


def has_hole(stage):
    bridge = FakeBridge(stage)
    stage.worker("w1", "fake", lease=30)
    wanted = bridge.greet()
    assert wanted["group"] == "g" and wanted["member"] == "w1" and "since" not in wanted, wanted
    first = bridge.link
    bridge.send({"id": 2, "result": {"cursor": "s:0", "member": "w1"}})
    record = {"seq": 1, "time": "2026-11-22T21:46:17.690Z", "type": "server.connected", "server": "x"}
    text = json.dumps({"jsonrpc": "2.0", "method": "event", "params": record}).encode()
    bridge.send(text[:20])  # messages cut lines anywhere
    bridge.send(text[20:] + b"\n")
    bridge.send({"method": "event", "params": {**record, "seq": 3}}, skip=1)
    again = bridge.greet()
    assert bridge.link != first and again["since"] == "s:1", again
    bridge.send({"id": 4, "result": {"cursor": "s:1", "member": "w1", "resumed": True}})
    bridge.send({"method": "event", "params": {**record, "seq": 2}})
    bridge.send(**{"Aribus-End": "as the test wishes"})
    last = bridge.greet()
    assert last["since"] == "s:2", last
    bridge.client.close()


@case
async def documented(stage):
    """Two copies of the example share the calls of two PBXs."""
    for name in NAMES:
        await stage.pbx(name)
    workers = []
    for number in range(2):
        worker = Process(stage.folder, f"example{number}", *EXAMPLES[stage.language], "worker", "demo",
                         environment={**ENVIRONMENT, "NATS_URL": stage.server.url})
        workers.append(worker)
        stage.workers.append(worker)
    for name in NAMES:
        await stage.until(lambda name=name: f"two members of {name}: {workers[0].log()}", lambda name=name: len(stage.members(name)) == 2)
        await stage.call(name, 2)
    await stage.until("each has said hello twice", lambda: all(
        sorted(worker.log().split()) == sorted(["100", "calls", "pbx1", "new", "100", "calls", "pbx2", "new"]) for worker in workers))
    await stage.until("the calls have ended", lambda: all(not stage.observers[name].owner for name in NAMES))


@case
async def same_name(stage):
    """A second program with the name of a member takes its place, and its calls; the first one ends with NotOwner."""
    await stage.pbx("pbx1")
    first = stage.worker("same")
    await stage.joined("pbx1", "same")
    await stage.call(count=2)
    own = stage.owned("pbx1", "same")
    second = Worker(stage, "second", *first.command[len(WORKERS[stage.language]):])
    stage.workers.append(second)
    await stage.until("the first is told", lambda: first.of("error") and first.of("error")[0][0] == "NotOwner")
    await stage.until("the second has its calls", lambda: {line[1] for line in second.of("assigned")} == own)
    assert {line[3] for line in second.of("assigned")} == {"lost"}
    assert stage.owned("pbx1", "same") == own
    for channel in stage.channels["pbx1"]:
        await asyncio.to_thread(Rest(stage.pbxs["pbx1"].url, 10).call, "POST", f"/sim/call/{channel}/hangup", {})
    await stage.until("the second is told of their ends", lambda: len(second.of("released")) == 2)


async def run(options, names):
    for name in names:
        print(name, flush=True)
        async with Stage(options.language, options) as stage:
            await CASES[name](stage)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("language", choices=WORKERS)
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--bounds", action="store_true")
    options = parser.parse_intermixed_args()
    _, probe, library = LANGUAGES[options.language]
    if subprocess.run(probe, cwd=SOURCE, env=ENVIRONMENT, capture_output=True).returncode != 0:
        print(f"SKIPPED: {library} is missing")
        sys.exit(77)
    asyncio.run(run(options, options.cases or CASES))


if __name__ == "__main__":
    main()
