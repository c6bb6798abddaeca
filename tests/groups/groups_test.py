#!/usr/bin/env python3
"""Worker groups: each call belongs to one program at a time, whatever happens to the programs.

Usage: groups_test.py [--calls N] [--bounds] [--minutes N] sim|real [CASE…]

real: with each of ARIBUS_ASTERISK_VERSIONS, which scripts/asterisk has started. --calls: how many calls where the number matters
(default 40). --bounds: the promised times must be kept, for a machine that does nothing else; otherwise they are only
printed. --minutes: nothing but members that die at random for so long, while 50 calls a second come (real: 5).
CASE: names of cases below (default: all). ARIBUS_BUILD_DIR: build/release.
"""
import argparse
import asyncio
import collections
import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from urllib.parse import quote

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "tests/clients"), str(SOURCE / "tests/groups")]
sys.dont_write_bytecode = True
from stage import Daemon, Events, Real, Simulated  # noqa: E402
from members import Connection, Member, Observer  # noqa: E402

NOT_OWNER = -32006
CASES = []
options = argparse.Namespace(bounds=False, minutes=0.0)


def within(what, ms, bound):
    """A promised time."""
    print(f"  {what}: {ms:.0f} ms", flush=True)
    assert not options.bounds or ms <= bound, f"{what}: {ms:.0f} ms, promised are {bound}"


def case(function):
    CASES.append(function)
    return function


class Callers:
    """Calls that enter the application, on either Asterisk; they stay until they are hung up."""

    def __init__(self, asterisk, app):
        self.asterisk, self.app, self.number = asterisk, app, 0
        self.real = asterisk.version != "sim"
        if self.real:
            self.own_app = "callers-" + app
            self.events = Events(asterisk.url, self.own_app)

    async def call(self, *args):
        """A new call; returns the channel that enters the application."""
        return await asyncio.to_thread(self.make, args)

    def make(self, args):
        if not self.real:
            return self.asterisk.rest("POST", "/sim/call", {"app": self.app, "args": list(args)}).json()["channel"]
        self.number += 1
        name = f"{self.app}-{os.getpid()}-{self.number:05}"
        # The other half enters the dialplan as a call from SIP does: Stasis(EXTEN,CALLERID(num)). It rings until it is
        # answered, which takes 16 half a second each.
        answer = self.asterisk.rest(
            "POST", f"/ari/channels?endpoint=Local/{self.app}@from-sip/n&app={self.own_app}&timeout=600&channelId={name}-own"
            f"&otherChannelId={name}-in&callerId={quote(f'<{args[0] if args else 100}>')}")
        assert answer.status == 200, answer.body
        return name + "-in"

    async def hang_up(self, channel):
        if self.real:
            await asyncio.to_thread(self.asterisk.rest, "DELETE", f"/ari/channels/{channel.removesuffix('-in')}-own")
        else:
            await asyncio.to_thread(self.asterisk.rest, "POST", f"/sim/call/{channel}/hangup", {})

    def exists(self, channel):
        return self.asterisk.rest("GET", f"/ari/channels/{channel}").status == 200

    def close(self):
        if self.real:
            self.events.close()


class Stage:
    def __init__(self, asterisk, calls, more="", bus_path=True):
        self.folder = tempfile.TemporaryDirectory(prefix="aribus-groups-")
        self.asterisk, self.calls, self.more = asterisk, calls, more
        self.app = "demo" if asterisk.version == "sim" else f"grp{os.getpid()}x{random.randrange(10 ** 6)}"
        self.bus_path = bus_path

    async def __aenter__(self):
        if self.asterisk.version == "sim":  # what an earlier case left would be found
            await asyncio.to_thread(self.asterisk.rest, "POST", "/sim/reset", {})
        self.callers = Callers(self.asterisk, self.app)
        self.daemon = await asyncio.to_thread(Daemon, self.folder.name, self.asterisk, self.app,
                                              self.more.replace("@APP@", self.app), self.bus_path)
        await asyncio.to_thread(self.daemon.wait_ready)
        self.path = self.daemon.socket
        self.observer = await Observer().watch(self.path)
        self.processes, self.members = [], []
        return self

    async def __aexit__(self, kind, error, traceback):
        if error:
            print("--- aribusd:\n" + "\n".join((self.daemon.folder / "aribusd.log").read_text().splitlines()[-30:]),
                  file=sys.stderr)
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        for one in [*self.members, self.observer]:
            await one.close()
        self.callers.close()
        await asyncio.to_thread(self.daemon.stop)
        self.folder.cleanup()

    def patient(self, params):
        """Where an offer's time is not what is tested, a busy machine has enough of it."""
        return params if self.more else {"accept_ms": 30_000, **params}

    async def member(self, group="g", accepts=True, **params):
        params = self.patient(params)
        one = await Member(accepts).join(self.path, group, apps=[self.app], **params)
        self.members.append(one)
        return one

    def process(self, group="g", **params):
        """A member that can be killed; its output is in `.log`."""
        log = pathlib.Path(self.folder.name) / f"worker{len(self.processes)}.log"
        with open(log, "w") as output:
            one = subprocess.Popen([sys.executable, SOURCE / "tests/groups/worker.py", self.path, group,
                                    json.dumps({"apps": [self.app], **self.patient(params)})], stdout=output, stderr=output)
        one.log = log
        self.processes.append(one)
        return one

    async def name_of(self, process):
        while True:
            lines = told(process)
            if lines:
                return lines[0][1]
            assert process.poll() is None, process.log.read_text()
            await asyncio.sleep(0.02)

    async def call_accepted(self, *args):
        """A new call that somebody has accepted: its channel, and the record."""
        channel = await self.callers.call(*args)
        await self.observer.until(f"{channel} is accepted", lambda: self.accepted(channel))
        return channel, self.accepted(channel)

    def call_of(self, channel):
        starts = [r for r in self.observer.records if r["type"] == "StasisStart" and r["channel"]["id"] == channel]
        return starts[0]["calls"][0] if starts else None

    def accepted(self, channel):
        found = self.observer.of("group.accepted", call=self.call_of(channel) or "?")
        return found[-1] if found else None


def told(process):
    return [json.loads(line) for line in process.log.read_text().splitlines(keepends=True) if line.endswith("\n")]


def milliseconds(text):
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


@case
async def assigned_before_everything(asterisk, calls):
    """A member gets `assigned` before the first record of a call, only the records of its calls, and `released` after the last."""
    async with Stage(asterisk, calls) as stage:
        members = [await stage.member() for _ in range(3)]
        channels = [(await stage.call_accepted())[0] for _ in range(6)]
        assert sorted(len(m.calls) for m in members) == [2, 2, 2], [m.calls for m in members]
        for channel in channels:
            await stage.callers.hang_up(channel)
        for one in members:
            await one.until("all are released", lambda one=one: len(one.of("released")) == 2)
            for call in {p["call"] for p in one.of("assigned")}:
                about = [(kind, p) for kind, p in one.told if p.get("call") == call or call in p.get("calls", ())]
                kinds = [p["type"] if kind == "event" else kind for kind, p in about]
                assert kinds[0] == "assigned" and kinds[-1] == "released", kinds
                assert {"call.started", "StasisStart", "group.accepted", "call.ended"} <= set(kinds), kinds
                assert "group.assigned" not in kinds and about[-1][1]["reason"] == "ended", about[-1]
                seqs = [p["seq"] for _, p in about]
                assert seqs == sorted(set(seqs)), seqs
            mine = {p["call"] for p in one.of("assigned")}
            foreign = [p for p in one.of("event") if p.get("calls") and not mine & set(p["calls"])]
            assert not foreign, foreign[:2]


@case
async def killed(asterisk, calls):
    """kill -9 of one of ten: its calls go to others in the same moment, with a snapshot, and it can do nothing more."""
    async with Stage(asterisk, calls) as stage:
        victim = stage.process()
        name = await stage.name_of(victim)
        others = [await stage.member() for _ in range(9)]
        channels = [(await stage.call_accepted())[0] for _ in range(calls)]
        own = {call for (_, call), (member, _) in stage.observer.owner.items() if member == name}
        assert len(own) >= calls // 10, f"{name} has {len(own)} of {calls}"
        killed_at = time.time() * 1000
        victim.kill()
        observer = stage.observer
        await observer.until("its calls are taken over",
                             lambda: own <= {r["call"] for r in observer.of("group.assigned", reason="taken_over")})
        within(f"from the kill until the last of {len(own)} calls is offered again", max(
            milliseconds(r["time"]) for r in observer.of("group.assigned", reason="taken_over")) - killed_at, 50)
        for call in own:
            released, = observer.of("group.released", call=call, reason="disconnected")
            assigned, = observer.of("group.assigned", call=call, reason="taken_over")
            assert milliseconds(assigned["time"]) - milliseconds(released["time"]) <= 50
            assert assigned["previous"] == name
        for one in others:
            await one.until("all is told", lambda one=one: all(
                call in one.calls for (_, call), (member, _) in observer.owner.items() if member == one.name))
            for taken in one.of("assigned"):
                if taken["reason"] == "taken_over":
                    snapshot = taken["snapshot"]
                    assert snapshot["call"]["call"]["id"] == taken["call"], snapshot
                    assert snapshot["channel"] in channels and isinstance(snapshot["args"], list), snapshot
                    assert snapshot["channel"] in [c["channel"]["id"] for c in snapshot["channels"]], snapshot
        for channel in channels:
            await stage.callers.hang_up(channel)
        await observer.until("nothing is owned", lambda: not observer.owner)


@case
async def former_owners_are_refused(asterisk, calls):
    """Commands by who owns a call no longer, or with an old epoch, are refused with -32006 and never reach Asterisk."""
    async with Stage(asterisk, calls) as stage:
        first, second = await stage.member(member="first"), await stage.member(member="second")
        refused = 0
        for number in range(max(4, calls // 10)):
            channel, accepted = await stage.call_accepted()
            owner, other = (first, second) if accepted["member"] == "first" else (second, first)
            call, epoch = accepted["call"], accepted["epoch"]
            await owner.call("channels.setChannelVar", channelId=channel, variable="OWNER", value="right", epoch=epoch)
            error = await other.refused("channels.setChannelVar", channelId=channel, variable="FOREIGN", value="x")
            assert error["code"] == NOT_OWNER and error["data"]["owner"] == owner.name, error
            await owner.call("group.handover", call=call, to=other.name, epoch=epoch)
            answers = [owner.send("channels.setChannelVar", channelId=channel, variable="FORMER", value="x", epoch=epoch)
                       for _ in range(30)]
            for answer in answers:
                error = (await answer)["error"]
                assert error["code"] == NOT_OWNER and error["data"]["call"] == call, error
                refused += 1
            await other.until("it has it", lambda: call in other.calls)
            error = await other.refused("channels.setChannelVar", channelId=channel, variable="OLD", value="x", epoch=epoch)
            assert error["code"] == NOT_OWNER and error["data"]["epoch"] > epoch, error
            await owner.call("channels.get", channelId=channel)  # reads are open
            await other.call("channels.setChannelVar", channelId=channel, variable="LAST", value="x")
            set_on = lambda: {r["variable"] for r in stage.observer.of("ChannelVarset")  # noqa: E731
                              if channel in r["channels"]}
            await stage.observer.until("the last one is set", lambda: "LAST" in set_on())
            assert {"OWNER", "LAST"} <= set_on() and not {"FOREIGN", "FORMER", "OLD"} & set_on(), set_on()
            await stage.callers.hang_up(channel)
        assert refused >= 100


@case
async def hanging_member(asterisk, calls):
    """SIGSTOP of a member with a lease: its calls are taken over; after SIGCONT it is told, and its commands are refused."""
    async with Stage(asterisk, calls) as stage:
        victim = stage.process(member="hangs", lease_ms=1000)
        await stage.name_of(victim)
        channel, accepted = await stage.call_accepted()
        call = accepted["call"]
        other = await stage.member(member="other", lease_ms=1000)

        async def live():
            while True:
                other.send("ping")
                await asyncio.sleep(0.2)
        living = asyncio.create_task(live())
        stopped_at = time.time() * 1000
        victim.send_signal(signal.SIGSTOP)
        await other.until("it takes over", lambda: call in other.calls)
        within("from SIGSTOP until its call is offered again",
               milliseconds(other.calls[call]["time"]) - stopped_at, 1100)
        await stage.observer.until("it is released", lambda: stage.observer.of("group.released", call=call))
        assert stage.observer.of("group.released", call=call)[0]["reason"] == "lease", stage.observer.of("group.released")
        victim.send_signal(signal.SIGCONT)
        while not [p for kind, p in told(victim) if kind == "released" and p["call"] == call]:
            assert victim.poll() is None, victim.log.read_text()
            await asyncio.sleep(0.02)
        living.cancel()


@case
async def named_member_restarts(asterisk, calls):
    """A named member that connects again within its grace period keeps its calls and misses no record."""
    async with Stage(asterisk, calls) as stage:
        first = await stage.member(member="w", grace_ms=20000)
        await stage.member(member="other", capacity=0)
        channels = [(await stage.call_accepted())[0] for _ in range(3)]
        await first.until("all are here", lambda: len(first.calls) == 3)
        owned, cursor = dict(first.calls), first.cursor
        await first.close()
        await stage.callers.hang_up(channels[0])
        await stage.observer.until("it has ended", lambda: stage.observer.of("call.ended"))
        again = Member()
        await again.open(stage.path)
        await again.join(stage.path, "g", apps=[stage.app], member="w", grace_ms=20000, since=cursor)
        stage.members.append(again)
        await again.until("the end of the first is told", lambda: again.of("released"))
        assert [p["call"] for p in again.of("released")] == [stage.call_of(channels[0])]
        assert not again.of("assigned"), again.of("assigned")  # it has had them all along
        ended = [p for p in again.of("event") if p["type"] == "call.ended"]
        assert len(ended) == 1, ended
        for channel in channels[1:]:
            await again.call("channels.setChannelVar", channelId=channel, variable="A", value="b",
                             epoch=owned[stage.call_of(channel)]["epoch"])
        assert not stage.observer.of("group.released", reason="disconnected")


@case
async def same_name_twice(asterisk, calls):
    """Of two connections with one name the newer one is the member; the older one is told and closed."""
    async with Stage(asterisk, calls) as stage:
        older = await stage.member(member="w")
        _, accepted = await stage.call_accepted()
        newer = await stage.member(member="w")
        await asyncio.wait_for(older.closed.wait(), 30)
        assert older.why_closed["code"] == NOT_OWNER and "'w'" in older.why_closed["message"], older.why_closed
        await newer.call("group.accept", call=accepted["call"], epoch=accepted["epoch"])  # it is its own by now
        assert stage.observer.owner["g", accepted["call"]] == ("w", accepted["epoch"])


@case
async def unanswered_and_declined(asterisk, calls):
    """Who does not accept, or declines, passes the call on."""
    async with Stage(asterisk, calls) as stage:
        silent = await stage.member(accepts=False, member="silent", accept_ms=2000)
        channel = await stage.callers.call()
        await silent.until("it is offered", lambda: silent.calls)
        declining = await stage.member(accepts=False, member="declining", accept_ms=2000)
        await declining.until("it gets the call", lambda: declining.calls)
        assert declining.of("assigned")[0]["reason"] == "passed_on", declining.told
        await silent.until("it is told", lambda: silent.of("released"))
        assert silent.of("released")[0]["reason"] == "unanswered", silent.told
        offer = declining.of("assigned")[0]
        good = await stage.member(member="good", accept_ms=2000)
        await declining.call("group.decline", call=offer["call"], epoch=offer["epoch"])
        await good.until("it gets the call", lambda: good.calls)
        await declining.until("it is told", lambda: declining.of("released"))
        assert declining.of("released")[0]["reason"] == "declined", declining.told
        error = await declining.refused("group.accept", call=offer["call"])
        assert error["code"] == NOT_OWNER, error
        await stage.callers.hang_up(channel)


@case
async def draining(asterisk, calls):
    """A member that drains keeps its calls until they end, and gets no others."""
    async with Stage(asterisk, calls) as stage:
        leaving = await stage.member(member="leaving")
        channel, accepted = await stage.call_accepted()
        other = await stage.member(member="other")
        assert (await leaving.call("group.leave", drain=True)) == {"calls": 1}
        for _ in range(4):
            _, next_accepted = await stage.call_accepted()
            assert next_accepted["member"] == "other"
        assert stage.observer.owner["g", accepted["call"]][0] == "leaving"
        await stage.callers.hang_up(channel)
        await leaving.until("it has left", lambda: leaving.of("left"))
        kinds = [kind for kind, _ in leaving.told]
        assert kinds.index("released") < kinds.index("left"), kinds
        assert len(other.calls) == 4


@case
async def own_originates(asterisk, calls):
    """What a member originates stays with it."""
    async with Stage(asterisk, calls) as stage:
        members = [await stage.member(member=f"m{i}") for i in range(4)]
        made = []
        for i in range(max(8, calls // 4)):
            one = members[i % 4]
            answer = await one.call("channels.originate", endpoint="Local/answer@default", app=stage.app,
                                    channelId=f"{stage.app}-own{i:04}")
            made.append((answer["id"], one.name))
        for channel, name in made:
            await stage.observer.until(f"{channel} has started", lambda: stage.call_of(channel))
            call = stage.call_of(channel)
            assert stage.observer.owner["g", call][0] == name, (channel, stage.observer.owner)
            assert [r["reason"] for r in stage.observer.of("group.assigned", call=call)] == ["originated"]
        for channel, name in made:
            owner = next(m for m in members if m.name == name)
            await owner.call("channels.hangup", channelId=channel)


@case
async def exclusive(asterisk, calls):
    """Programs outside the group may act on its calls, unless it is exclusive."""
    for only_members in (False, True):
        async with Stage(asterisk, calls) as stage:
            await stage.member(exclusive=only_members)
            channel, accepted = await stage.call_accepted()
            command = {"channelId": channel, "variable": "OUTSIDE", "value": "x"}
            if only_members:
                error = await stage.observer.refused("channels.setChannelVar", **command)
                assert error["code"] == NOT_OWNER and error["data"]["owner"] == accepted["member"], error
            else:
                await stage.observer.call("channels.setChannelVar", **command)
            await stage.observer.call("channels.get", channelId=channel)  # reads are open
            await stage.callers.hang_up(channel)


@case
async def same_key_same_member(asterisk, calls):
    """Calls with one key stay together, although others have fewer."""
    async with Stage(asterisk, calls) as stage:
        for _ in range(3):
            await stage.member()
        owners = {key: {(await stage.call_accepted(f"key={key}"))[1]["member"] for _ in range(4)} for key in ("a", "b")}
        assert all(len(members) == 1 for members in owners.values()), owners
        assert owners["a"] != owners["b"], owners  # who has fewer


@case
async def orphans_fall_back(asterisk, calls):
    """An accepted call that nobody takes over falls back, but not while it talks to another channel."""
    more = with_fallback("hangup", "60s") + "    orphan: fallback\n    orphan_after: 1s\n"
    async with Stage(asterisk, calls, more) as stage:
        one = await stage.member()
        (alone, _), (first, _), (second, _) = [await stage.call_accepted() for _ in range(3)]
        for channel in (first, second):
            await one.call("channels.answer", channelId=channel)
        await one.call("bridges.create", type="mixing", bridgeId=f"{first}-talk")
        await one.call("bridges.addChannel", bridgeId=f"{first}-talk", channel=[first, second])
        await one.close()
        observer = stage.observer
        await observer.until("it falls back", lambda: observer.of("group.released", reason="fallback"))
        await observer.until("it is hung up", lambda: ended_in_app(stage, alone))
        fallen = {r["call"] for r in observer.of("group.released", reason="fallback")}
        assert fallen == {stage.call_of(alone)}, fallen
        assert stage.callers.exists(first) and stage.callers.exists(second)
        await stage.callers.hang_up(first)  # now the other one is alone
        await observer.until("it falls back as well", lambda: observer.of(
            "group.released", reason="fallback", call=stage.call_of(second)))
        await observer.until("all have ended", lambda: len(observer.of("call.ended")) == 3)


@case
async def members_that_do_not_answer(asterisk, calls):
    """After three offers that it did not answer a member gets no more, until it sends a request."""
    async with Stage(asterisk, calls) as stage:
        silent = await stage.member(accepts=False, member="silent", accept_ms=100)
        channels = [await stage.callers.call() for _ in range(4)]

        async def is_suspended():
            groups = (await stage.observer.call("group.list"))["groups"]
            return any(one["suspended"] for group in groups for one in group["members"])
        while not await is_suspended():
            await asyncio.sleep(0.02)
        offered = len(silent.of("assigned"))
        assert offered >= 3, silent.told
        await silent.call("ping")
        await silent.until("it is offered calls again", lambda: len(silent.of("assigned")) > offered)
        for channel in channels:
            await stage.callers.hang_up(channel)


@case
async def overtaken_by_the_log(asterisk, calls):
    """A member that reads too slowly is told that records are lost, and once more of each of its calls."""
    async with Stage(asterisk, calls, "bus: {ring_bytes: 1MiB}\n", bus_path=False) as stage:
        one = await stage.member(accept_ms=30_000)
        channel, accepted = await stage.call_accepted()
        one.writer.transport.pause_reading()

        async def is_overtaken():
            clients = (await stage.observer.call("daemon.clients"))["clients"]
            return any(client["lost"] for client in clients)
        while not await is_overtaken():
            for number in range(200):
                await stage.observer.call("channels.setChannelVar", channelId=channel, variable=f"V{number}", value="x" * 2000)
        one.writer.transport.resume_reading()
        await one.until("it is told of the call again", lambda: len(one.of("assigned")) == 2)
        kinds = [kind for kind, _ in one.told]
        again = one.of("assigned")[1]
        assert kinds.index("lost") < [i for i, kind in enumerate(kinds) if kind == "assigned"][1], kinds
        assert again["reason"] == "lost" and again["epoch"] == accepted["epoch"], again
        assert again["snapshot"]["channel"] == channel, again
        await stage.callers.hang_up(channel)
        await one.until("it is released", lambda: one.of("released"))


@case
async def conference(asterisk, calls):
    """A bridge belongs to no call: who owns a call with a channel in it, and who made it, may act on it."""
    async with Stage(asterisk, calls) as stage:
        members = [await stage.member(member=f"m{i}", capacity=calls) for i in range(10)]
        by_name = {m.name: m for m in members}
        channels = []
        for _ in range(calls):
            channel, accepted = await stage.call_accepted()
            channels.append((channel, by_name[accepted["member"]]))
        creator = members[0]
        bridge = (await creator.call("bridges.create", type="mixing"))["id"]
        for channel, owner in channels:
            await owner.call("channels.answer", channelId=channel)
            await owner.call("bridges.addChannel", bridgeId=bridge, channel=channel)
        error = await members[1].refused("bridges.addChannel", bridgeId=bridge,
                                         channel=next(c for c, o in channels if o is not members[1]))
        assert error["code"] == NOT_OWNER, error
        for one in members:
            await one.call("bridges.startMoh", bridgeId=bridge)
            await one.call("bridges.stopMoh", bridgeId=bridge)
        for channel, _ in channels:
            await stage.callers.hang_up(channel)
        await creator.call("bridges.destroy", bridgeId=bridge)


GROUP = """groups:
  - name: g
    apps: [@APP@]
    accept: 1s
    fallback_after: {after}
    fallback: {fallback}
"""


def with_fallback(fallback, after="1s"):
    return GROUP.format(fallback=fallback, after=after)


async def check_fallback(stage, channel, after_ms=1000):
    """The call falls back that long after its StasisStart."""
    observer = stage.observer
    await observer.until("it falls back", lambda: observer.of("group.released", reason="fallback", call=stage.call_of(channel)))
    start, = [r for r in observer.records if r["type"] == "StasisStart" and r["channel"]["id"] == channel]
    fallen, = observer.of("group.released", reason="fallback", call=start["calls"][0])
    late = (fallen["seen"] - start["seen"]) * 1000 - after_ms
    assert late >= -50, late
    within("the fallback is late by", late, 50)


def ended_in_app(stage, channel):
    return [r for r in stage.observer.records if r["type"] == "StasisEnd" and r["channel"]["id"] == channel]


@case
async def falls_back_to_the_dialplan(asterisk, calls):
    """No member was ever there, here and in the cases below."""
    async with Stage(asterisk, calls, with_fallback("continue")) as stage:
        channel = await stage.callers.call()
        await check_fallback(stage, channel)
        await stage.observer.until("it leaves the application", lambda: ended_in_app(stage, channel))
        await stage.callers.hang_up(channel)


@case
async def falls_back_by_hanging_up(asterisk, calls):
    async with Stage(asterisk, calls, with_fallback("hangup")) as stage:
        channel = await stage.callers.call()
        await check_fallback(stage, channel)
        await stage.observer.until("it ends", lambda: stage.observer.of("call.ended"))
        assert not stage.callers.exists(channel)


@case
async def falls_back_by_playing(asterisk, calls):
    async with Stage(asterisk, calls, with_fallback("play") + "    fallback_media: sound:hello\n") as stage:
        channel = await stage.callers.call()
        await check_fallback(stage, channel)
        await stage.observer.until("it ends", lambda: stage.observer.of("call.ended"))
        kinds = [r["type"] for r in stage.observer.records]
        assert "PlaybackStarted" in kinds and "PlaybackFinished" in kinds, kinds
        variables = [r for r in stage.observer.of("ChannelVarset") if r["variable"] == "ARIBUS_FALLBACK"]
        assert stage.asterisk.version == "sim" or variables and variables[0]["value"] == "g", kinds


@case
async def falls_back_to_another_application(asterisk, calls):
    """Also where this is held by a program of its own, of which aribusd knows nothing."""
    other = f"other{os.getpid()}x{random.randrange(10 ** 6)}"
    events = Events(asterisk.url, other)
    try:
        async with Stage(asterisk, calls, with_fallback("move") + f"    fallback_app: {other}\n") as stage:
            channel = await stage.callers.call()
            await check_fallback(stage, channel)
            await stage.observer.until("it leaves the application", lambda: ended_in_app(stage, channel))
            start = await asyncio.to_thread(events.wait, lambda event: event["type"] == "StasisStart" and
                                            event["channel"]["id"] == channel, 20)
            assert start, events.texts
            await stage.callers.hang_up(channel)
    finally:
        events.close()


@case
async def hangs_up_where_the_fallback_fails(asterisk, calls):
    """Nobody holds the application: Asterisk takes the command, and says so afterwards. Simulated: it also refuses commands,
    or the link is lost before the answer."""
    nobody = with_fallback("move") + "    fallback_app: nobody-holds-this\n"
    fails = [(nobody, None)]
    if asterisk.version == "sim":
        fails += [(with_fallback("continue"), {"match": "POST */continue*", "status": 500}),
                  (with_fallback("hangup"), {"match": "DELETE *", "status": 500, "times": 2}),
                  (nobody, {"match": "POST */move*", "drop": "before", "times": 2}),
                  (with_fallback("play") + "    fallback_media: sound:hello\n",
                   {"match": "POST */answer*", "status": 409})]
    for more, fault in fails:
        async with Stage(asterisk, calls, more) as stage:
            if fault:
                assert asterisk.rest("POST", "/sim/fault", fault).status == 200
            channel = await stage.callers.call()
            await stage.observer.until("it ends", lambda: stage.observer.of("call.ended"))
            assert not stage.callers.exists(channel)


@case
async def falls_back_from_silent_members(asterisk, calls):
    """The time counts from StasisStart, whoever has been offered the call; the offer is withdrawn."""
    async with Stage(asterisk, calls, with_fallback("hangup", "1500ms")) as stage:
        silent = [await stage.member(accepts=False, member=f"silent{i}", accept_ms=1000, fallback_after_ms=1500,
                                     fallback="hangup") for i in range(2)]
        channel = await stage.callers.call()
        await check_fallback(stage, channel, 1500)
        call = stage.call_of(channel)
        offers = stage.observer.of("group.assigned", call=call)
        assert [r["reason"] for r in offers] == ["new", "passed_on"], offers
        last = next(m for m in silent if m.name == offers[1]["member"])
        await last.until("its offer is withdrawn", lambda: last.of("released"))
        assert last.of("released")[0]["reason"] == "fallback", last.told
        error = await last.refused("group.accept", call=call, epoch=offers[1]["epoch"])
        assert error["code"] == NOT_OWNER, error


@case
async def falls_back_after_a_restart(asterisk, calls):
    """A call that waits while aribusd is killed falls back at its time, or as soon as aribusd is ready again."""
    for down in (0.0, 2.0):
        async with Stage(asterisk, calls, with_fallback("hangup", "1500ms")) as stage:
            observer = stage.observer
            channel = await stage.callers.call()
            await observer.until("it has come", lambda: stage.call_of(channel))
            call = stage.call_of(channel)
            start = next(r for r in observer.records if r["type"] == "StasisStart")["seen"]
            stage.daemon.process.kill()
            stage.daemon.process.wait()
            await asyncio.sleep(down)  # longer than the time, or not
            await asyncio.to_thread(stage.daemon.start)
            after = await Observer().watch(stage.path, since=observer.cursor)
            await observer.close()
            stage.observer = after
            await after.until("it falls back", lambda: after.of("group.released", reason="fallback", call=call))
            await after.until("it ends", lambda: after.of("call.ended") and after.of("server.resynced"))
            ready, = after.of("server.resynced")
            fallen, = after.of("group.released", reason="fallback")
            left, = ended_in_app(stage, channel)
            due = max(start * 1000 + 1500, milliseconds(ready["time"]))
            assert milliseconds(fallen["time"]) >= start * 1000 + 1450, (start, fallen)
            within(f"after {down:.0f} s without aribusd the channel is hung up late by", milliseconds(left["time"]) - due, 50)
            assert not stage.callers.exists(channel)


@case
async def a_late_member_takes_what_waits(asterisk, calls):
    """A call that came while nobody was there goes to the first member, and does not fall back."""
    async with Stage(asterisk, calls, with_fallback("hangup", "60s")) as stage:
        channel = await stage.callers.call()
        await stage.observer.until("it has come", lambda: stage.call_of(channel))
        one = await stage.member(group="g")  # apps as configured
        await one.until("it gets it", lambda: one.calls)
        assert one.of("assigned")[0]["snapshot"]["channel"] == channel
        await stage.callers.hang_up(channel)


@case
async def restart_of_aribusd(asterisk, calls):
    """With bus.path the members that come back have their calls, and what waits falls back at its time."""
    async with Stage(asterisk, calls) as stage:
        one = await stage.member(member="w", grace_ms=30000)
        channels = [(await stage.call_accepted())[0] for _ in range(3)]
        await one.until("all are here", lambda: len(one.calls) == 3)
        owned, cursor = dict(one.calls), one.cursor
        await asyncio.to_thread(stage.daemon.restart, signal.SIGKILL)
        await asyncio.wait_for(one.closed.wait(), 30)
        again = Member()
        await again.open(stage.path)
        await again.join(stage.path, "g", apps=[stage.app], member="w", grace_ms=30000, since=cursor)
        await asyncio.to_thread(stage.daemon.wait_ready)
        for channel in channels:
            call = next(c for c, a in owned.items() if a["snapshot"]["channel"] == channel)
            await again.call("channels.setChannelVar", channelId=channel, variable="A", value="b", epoch=owned[call]["epoch"])
        for channel in channels:
            await stage.callers.hang_up(channel)
        await again.until("all have ended", lambda: len(again.of("released")) == 3)
        assert {p["reason"] for p in again.of("released")} == {"ended"}
        await again.close()


CONFIGURED = """groups:
  - name: g
    apps: [@APP@]
    accept: 30s
"""


@case
async def without_bus_path(asterisk, calls):
    """Without bus.path members say what they hold, whether the group is configured or made by them."""
    for more in ("", CONFIGURED):
        async with Stage(asterisk, calls, more, bus_path=False) as stage:
            one = await stage.member(member="w")
            channel = f"{stage.app}-{os.getpid()}-found"
            made = asterisk.rest("POST", f"/ari/channels?endpoint=Local/answer@default/n&app={stage.app}&channelId={channel}")
            assert made.status == 200, made.body
            await one.until("it is here", lambda: any(a["snapshot"]["channel"] == channel for a in one.calls.values()))
            call, = one.calls.values()
            await asyncio.to_thread(stage.daemon.restart, signal.SIGKILL)
            other, again = await stage.member(member="other"), Member()
            await again.open(stage.path)
            await again.join(stage.path, "g", apps=[stage.app], **stage.patient({}), member="w",
                             holds=[{"call": call["call"], "epoch": call["epoch"]}])
            await again.until("it has it again", lambda: again.calls)
            assert again.of("assigned")[0]["epoch"] == call["epoch"], (one.told, again.told)
            assert again.of("assigned")[0]["reason"] == "held", again.of("assigned")
            assert not other.of("assigned"), other.told
            await again.call("channels.hangup", channelId=channel, epoch=call["epoch"])
            await again.close()


@case
async def commands_of_a_dead_member(asterisk, calls):
    """What a member has sent and is still waiting for a connection when it dies does not reach a call of another one."""
    if asterisk.version != "sim":
        return
    async with Stage(asterisk, calls) as stage:
        victim = await stage.member()
        channels = [(await stage.call_accepted())[0] for _ in range(40)]
        other = await stage.member()
        sent = lambda: [line for line in asterisk.rest("GET", "/sim/log").json() if "/variable" in line["target"]]  # noqa: E731
        asterisk.rest("POST", "/sim/fault", {"match": "*/variable*", "delay_ms": 500, "times": -1})
        for channel in channels:
            victim.send("channels.setChannelVar", channelId=channel, variable="A", value="b")
        await victim.call("ping")
        while not sent():
            await asyncio.sleep(0.01)
        await victim.close()
        await other.until("it has all calls", lambda: len(other.calls) == len(channels))
        while (await other.call("status"))["servers"][0]["requests_open"]:
            await asyncio.sleep(0.02)
        assert 0 < len(sent()) < len(channels) // 2, len(sent())  # those that were on their way


@case
async def refused_commands_of_others_take_no_call(asterisk, calls):
    """A command of a program outside takes a call that waits when Asterisk has accepted it, not before."""
    async with Stage(asterisk, calls, with_fallback("hangup").replace("fallback_after: 1s", "fallback_after: 60s")) as stage:
        channel = await stage.callers.call()
        await stage.observer.until("it has come", lambda: stage.call_of(channel))
        outside = await Connection().open(stage.path)
        error = await outside.refused("bridges.addChannel", bridgeId="there-is-none", channel=channel)
        assert error["code"] == -32000, error
        group, = (await outside.call("group.list"))["groups"]
        assert [call["state"] for call in group["calls"]] == ["waiting"], group
        await outside.call("channels.setChannelVar", channelId=channel, variable="A", value="b")
        group, = (await outside.call("group.list"))["groups"]
        assert [call["state"] for call in group["calls"]] == ["outside"], group
        await outside.close()
        await stage.callers.hang_up(channel)


@case
async def falls_back_although_the_connection_was_lost(asterisk, calls):
    """A fallback that the loss of the connection has cut off is carried out when it is back."""
    if asterisk.version != "sim":
        return
    more = with_fallback("play") + "    fallback_media: sound:hello\n"
    async with Stage(asterisk, calls, more) as stage:
        await stage.callers.call()
        await stage.observer.until("it hears the media", lambda: stage.observer.of("PlaybackStarted"))
        asterisk.rest("POST", "/sim/fault", {"match": "*", "drop": "before", "times": 3})
        asterisk.rest("POST", "/sim/drop", {"mode": "rst"})
        await stage.observer.until("it ends", lambda: stage.observer.of("call.ended"), 60)
        assert [r["reason"] for r in stage.observer.of("group.released")] == ["fallback"]


def story(observer):
    """All about a call that is still owned."""
    call = next(iter(observer.owner))[1]
    return [(r["seq"], r["type"], r.get("reason"), r.get("member")) for r in observer.records if call in r.get("calls", ())]


@case
async def random_deaths(asterisk, calls):
    """Members die at random while calls come: every call ends accepted, fallen back or ended, and none is stuck."""
    async with Stage(asterisk, calls, with_fallback("hangup")) as stage:
        generator = random.Random(int(os.environ.get("ARIBUS_SEED", "7")))
        members = [await stage.member() for _ in range(4)]
        living = []

        async def hang_up(channel):
            """Once it has come: on a busy machine a call can end before it enters the application."""
            await stage.observer.until(f"{channel} has come", lambda: stage.call_of(channel), 60)
            await stage.callers.hang_up(channel)

        for number in range(calls * 2):
            living.append(await stage.callers.call())
            if len(living) > 10:
                await hang_up(living.pop(generator.randrange(len(living))))
            if number % 5 == 4:
                gone = members.pop(generator.randrange(len(members)))
                stage.members.remove(gone)
                await gone.close()
                members.append(await stage.member())
        for channel in living:
            await hang_up(channel)
        observer = stage.observer
        starts = lambda: [r for r in observer.records if r["type"] == "call.started"]  # noqa: E731
        await observer.until("all have ended", lambda: len(observer.of("call.ended")) == len(starts()) >= calls * 2, 60)
        await observer.until(lambda: story(observer), lambda: not observer.owner)
        for start in starts():
            fates = observer.fates.get(start["calls"][0], [])
            assert "fallback" not in fates or "accepted" not in fates[fates.index("fallback"):], fates


class Book(Observer):
    """Follows very many calls, and keeps what is live only."""

    def __init__(self):
        super().__init__()
        self.live = {}  # by call: waiting, accepted, fallback
        self.ends = collections.Counter()  # what became of calls
        self.bridges = collections.defaultdict(set)  # channels in each
        self.legs = collections.defaultdict(set)  # channels of each live call
        self.entered = set()  # channels that have entered the application, and are not hung up by the test
        self.faults, self.gaps, self.talks = [], 0, 0

    def on_notification(self, method, record):
        kind, now = record["type"], time.time()
        if kind == "StasisStart":
            call, = record["calls"]
            self.live.setdefault(call, "waiting")
            self.legs[call].add(record["channel"]["id"])
            self.entered.add(record["channel"]["id"])
        elif kind in ("ChannelEnteredBridge", "ChannelLeftBridge"):
            channels = self.bridges[record["bridge"]["id"]]
            (channels.add if kind == "ChannelEnteredBridge" else channels.discard)(record["channel"]["id"])
            self.talks += kind == "ChannelEnteredBridge" and len(channels) == 2
        elif kind == "ChannelDestroyed":
            for channels in self.bridges.values():
                channels.discard(record["channel"]["id"])
        elif kind == "BridgeDestroyed":
            self.bridges.pop(record["bridge"]["id"], None)
        elif kind.startswith("group."):
            record["seen"] = now
            self.take(record)
            self.follow(kind, record)
        elif kind == "server.gap":
            self.gaps += 1
        elif kind == "call.ended":
            for call in record["calls"]:
                if call in self.live:
                    self.ends[self.live.pop(call)] += 1
                self.legs.pop(call, None)
                self.fates.pop(call, None)
        self.changed.set()

    def follow(self, kind, record):
        call = record["call"]
        before = self.live.get(call)
        if kind == "group.accepted":
            if before == "fallback":
                self.faults.append(f"accepted after its fallback: {record}")
            self.live[call] = "accepted"
        elif kind == "group.released" and record["reason"] == "fallback":
            if before != "waiting":
                self.faults.append(f"fallback although {before}: {record}")
            talks = [c for c in self.bridges.values() if c & self.legs[call] and len(c) > 1]
            if talks:
                self.faults.append(f"a fallback touches a channel that talks to another: {record} {talks}")
            self.live[call] = "fallback"

    def take(self, record):
        try:
            super().take(record)
        except AssertionError as error:
            self.faults.append(str(error))


class Worker(Member):
    """Accepts most of its calls after a moment, and connects every other one with the one before."""

    def __init__(self, generator):
        super().__init__(accepts=False)
        self.generator, self.alone = generator, None
        self.tasks = set()

    def on_notification(self, method, params):
        if method == "assigned":
            self.calls[params["call"]] = params
            task = asyncio.create_task(self.handle(params))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        elif method == "released":
            self.calls.pop(params["call"], None)

    async def handle(self, offer):
        await asyncio.sleep(self.generator.uniform(0, 0.3))
        if self.generator.random() < 0.05:
            return  # never answers
        if "error" in await self.send("group.accept", call=offer["call"], epoch=offer["epoch"]):
            return
        channel, other = offer["snapshot"]["channel"], self.alone
        self.alone = channel if other is None else None
        if other is None:
            return
        bridge = f"{channel}-talk"
        for method, params in (("channels.answer", {"channelId": other}), ("channels.answer", {"channelId": channel}),
                               ("bridges.create", {"bridgeId": bridge, "type": "mixing"}),
                               ("bridges.addChannel", {"bridgeId": bridge, "channel": [channel, other]})):
            await self.send(method, **params)

    async def close(self):
        for task in list(self.tasks):
            task.cancel()
        await super().close()


async def many_deaths(asterisk, minutes, rate):
    """Members die at random once a second for so long while calls come; now and then there is none for some seconds."""
    seed = int(os.environ.get("ARIBUS_SEED", time.time()))
    print(f"  ARIBUS_SEED={seed}", flush=True)
    generator = random.Random(seed)
    async with Stage(asterisk, 0, with_fallback("hangup", "1s")) as stage:
        await stage.observer.close()
        book = stage.observer = await Book().watch(stage.path)
        members, living, made, deaths = [], collections.deque(), 0, 0

        async def join():
            one = await Worker(generator).join(stage.path, "g")
            members.append(one)

        for _ in range(5):
            await join()
        began = time.monotonic()
        next_death, drought_until = began + 1, 0.0
        while (now := time.monotonic()) < began + minutes * 60:
            living.append((now + generator.uniform(1, 6), await stage.callers.call()))
            made += 1
            for _ in range(len(living)):
                due, channel = living.popleft()
                if due <= now and channel in book.entered:
                    book.entered.discard(channel)
                    await stage.callers.hang_up(channel)
                else:
                    living.append((due, channel))
            if now >= next_death:
                next_death += 1
                if members:
                    await members.pop(generator.randrange(len(members))).close()
                    deaths += 1
                if generator.random() < 0.02:
                    drought_until = now + 4
                    while members:
                        await members.pop().close()
                        deaths += 1
                if now >= drought_until:
                    while len(members) < 5:
                        await join()
            assert not book.faults, book.faults[:3]
            await asyncio.sleep(max(0.0, began + made / rate - time.monotonic()))
        for _, channel in living:
            await book.until(f"{channel} has come", lambda: channel in book.entered or book.gaps, 60)
            await stage.callers.hang_up(channel)
        await book.until(lambda: f"all have ended: {dict(list(book.live.items())[:5])}", lambda: not book.live and not book.owner, 60)
        assert not book.faults, book.faults[:3]
        assert sum(book.ends.values()) == made or book.gaps, (book.ends, made)  # within a gap some came and went
        for one in members:
            await one.close()
        print(f"  {made} calls, {deaths} members died; of the calls: {dict(book.ends)} (waiting: ended before); "
              f"{book.talks} pairs talked; {book.gaps} gaps", flush=True)
        assert book.talks


async def passes(one, asterisk, version):
    """Says so; the others still run."""
    began = time.monotonic()
    try:
        await one(asterisk, options.calls)
        print(f"{version}: {one.__name__}: {time.monotonic() - began:.1f} s", flush=True)
        return True
    except Exception as error:
        print(f"{version}: {one.__name__} failed: {type(error).__name__}: {str(error)[:3000]}", flush=True)
        if options.cases:
            traceback.print_exc()
        return False


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("where", choices=["sim", "real"])
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--bounds", action="store_true")
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("cases", nargs="*")
    given = parser.parse_args(namespace=options)
    versions = os.environ.get("ARIBUS_ASTERISK_VERSIONS", "22").split() if given.where == "real" else ["sim"]
    failed = 0
    for version in versions:
        asterisk = Simulated() if version == "sim" else Real(version)
        try:
            if given.minutes:
                await many_deaths(asterisk, given.minutes, 50 if version == "sim" else 5)
                continue
            for one in CASES:
                if not given.cases or one.__name__ in given.cases:
                    failed += not await passes(one, asterisk, version)
        finally:
            asterisk.stop()
    return 1 if failed else 0


sys.exit(asyncio.run(main()))
