#!/usr/bin/env python3
"""Many calls of all kinds (kinds.py): each is reported as one call, with the right legs and times, and none stays open.

Usage: calls_test.py sim|real [CALLS [KIND…]]

real: with each of ARIBUS_ASTERISK_VERSIONS, which scripts/asterisk has started.

The times are compared with those of the events, and on a real Asterisk with its CDR. CALLS: how many are to be made, some at the
same time; 0: each kind twice (default). ARIBUS_BUILD_DIR: build/release.
"""
import asyncio
import collections
import csv
import datetime
import io
import os
import pathlib
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "tests/clients"), str(SOURCE / "tests/call_kinds")]
sys.dont_write_bytecode = True
from stage import Daemon, Events, Real, Simulated, wait_for  # noqa: E402
import aribus  # noqa: E402
from kinds import KINDS, Kit, Records  # noqa: E402

AT_A_TIME = 8
EVENTS_MS, CDR_MS = 20, 1000  # how far a time may be from that of the events, and of the CDR


class SimulatedCallers:
    reports_all = False

    def __init__(self, asterisk, app):
        self.asterisk, self.app = asterisk, app

    async def call(self, _):
        return await asyncio.to_thread(SimulatedCaller, self.asterisk, self.app)

    def close(self):
        pass


class SimulatedCaller:
    legs = 1

    def __init__(self, asterisk, app):
        self.asterisk = asterisk
        self.channel = asterisk.rest("POST", "/sim/call", {"app": app}).json()["channel"]

    async def hang_up(self):
        await asyncio.to_thread(self.asterisk.rest, "POST", f"/sim/call/{self.channel}/hangup", {})


class RealCallers:
    """Callers in an application of their own: the other halves of their Local channels enter the dialplan as calls from SIP do."""

    reports_all = True

    def __init__(self, asterisk, app):
        self.asterisk, self.app, self.own_app = asterisk, app, "callers-" + app
        self.events = Events(asterisk.url, self.own_app)

    async def call(self, name):
        return await asyncio.to_thread(RealCaller, self, name)

    def close(self):
        self.events.close()


class RealCaller:
    legs = 2  # its own half is reported, too

    def __init__(self, callers, name):
        self.asterisk, self.channel, self.own = callers.asterisk, name + "-in", name + "-own"
        answer = self.asterisk.rest("POST", f"/ari/channels?endpoint=Local/{callers.app}@from-sip/n&app={callers.own_app}"
                                    f"&channelId={self.own}&otherChannelId={self.channel}&callerId=100")
        assert answer.status == 200, answer.body

    async def hang_up(self):
        await asyncio.to_thread(self.asterisk.rest, "DELETE", f"/ari/channels/{self.own}")


def ms(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


def check(expected, records):
    """Compares what is said of the calls of one root with what is expected, and with the events."""
    told = [r for key in (expected.root, expected.root + "-before") for r in records.of[key]]
    ended = [r for r in told if r["type"] == "call.ended" and r["legs"][0]["channel"] == expected.root]
    started = [r for r in told if r["type"] == "call.started"]
    times = expected.more.get("times", 1)
    where = f"{expected.root}: {ended}"
    assert len(ended) == times, f"{len(ended)} ends instead of {times}: {where}"
    assert len({r["calls"][0] for r in ended}) == times, where
    assert {r["calls"][0] for r in ended} <= {r["calls"][0] for r in started}, where
    for record in ended:
        call = record["calls"][0]
        assert record["complete"], where
        if expected.how:
            assert record["how"] == expected.how, where
        if expected.legs:
            # Without subscribe_all the far half of a Local channel is a leg if something is reported of it.
            certain = [leg for leg in record["legs"] if leg["joined_by"] != "local"]
            assert expected.legs in (len(record["legs"]), len(certain)), \
                f"{len(record['legs'])} legs instead of {expected.legs}: {where}"
        if expected.answered is not None:
            assert ("answered" in record) == expected.answered, where
        for name in "cause", "apps":
            if name in expected.more:
                assert record[name] == expected.more[name], where
        if "ways" in expected.more:
            assert sorted(leg["joined_by"] for leg in record["legs"]) == sorted(expected.more["ways"]), where
        if "recordings" in expected.more:
            assert [r["name"] for r in record["recorded"]] == expected.more["recordings"], where
        if "transfers" in expected.more:
            assert [t["kind"] for t in record["transfers"]] == expected.more["transfers"], where
        check_times(record, [r for r in told if call in r.get("calls", ())], records, expected.held, where)


def check_times(ended, of_root, records, held, where):
    """The times by the events alone."""
    root = ended["legs"][0]["channel"]
    own = [r for r in of_root if r.get("channel", {}).get("id") == root]
    up = [ms(r["time"]) for r in own if r["channel"]["state"] == "Up" and r["type"] in ("ChannelStateChange", "StasisStart")]
    legs = {leg["channel"] for leg in ended["legs"]}
    call = ended["calls"][0]
    ends = []
    for leg in legs:
        own_ends = [r for r in records.of[leg] + records.of[leg + "-before"]
                    if r["type"] in ("ChannelDestroyed", "StasisEnd") and r["channel"]["id"] == leg and call in r.get("calls", ())]
        ends.append(ms(own_ends[-1]["time"]))
    if ended["how"] == "ended":
        assert abs(ms(ended["ended"]) - max(ends)) <= EVENTS_MS, where
    if up and ended["how"] == "ended":
        assert abs(ended["talk_ms"] - (max(ends) - min(up))) <= EVENTS_MS, where
    if held is not None:
        assert bool(ended["hold_ms"]) == held, where
    assert abs(ended["hold_ms"] - held_ms(ended, records)) <= EVENTS_MS, where


def held_ms(ended, records):
    """How long at least one of the legs was on hold."""
    turns = []
    for leg in ended["legs"]:
        since = None
        for record in sorted((r for r in records.of[leg["channel"]] if r.get("channel", {}).get("id") == leg["channel"]),
                             key=lambda r: r["seq"]):
            if record["type"] == "ChannelHold":
                since = since or ms(record["time"])
            elif since and record["type"] in ("ChannelUnhold", "ChannelDestroyed"):
                turns += [(since, 1), (ms(record["time"]), -1)]
                since = None
    held, holding, before = 0, 0, 0
    for time, change in sorted(turns):
        held += time - before if holding else 0
        holding, before = holding + change, time
    return held


def check_cdr(asterisk, records, wait=True):
    """The talk times of calls that ended in the application, and Asterisk's billsec of their first channels."""
    file = asterisk.folder / "var/log/asterisk/cdr-custom/aribus.csv"
    ends = {r["legs"][0]["channel"]: r for r in records.all
            if r["type"] == "call.ended" and r["how"] == "ended" and len(r["apps"]) > 0}

    def read():
        billed = collections.defaultdict(list)
        for row in csv.reader(io.StringIO(file.read_text(errors="replace"))):
            if len(row) == 3 and row[0] in ends:
                billed[row[0]].append(float(row[1] or 0) * 1000)
        return billed
    billed = wait_for("Asterisk writes its CDR", lambda: file.exists() and read(), 60)
    # The other leg of a bridge, and a channel that the dialplan did not run on, have no CDR of their own.
    compared = 0
    for channel, record in ends.items():
        if channel not in billed or len([r for r in records.of[channel] if r["type"] == "call.ended"]) != 1:
            continue
        own_end = ms(record["legs"][0]["ended"])
        talked = max(own_end - ms(record["answered"]), 0) if "answered" in record else 0  # 0: it forwards
        longest, all_of_them = max(billed[channel]), sum(billed[channel])
        where = f"{channel}: {talked} ms, CDR {billed[channel]} ms: {record}"
        if record["legs"][0]["name"].startswith("PJSIP/") and any(r["type"] == "ChannelEnteredBridge" for r in records.of[channel]):
            assert longest <= talked + CDR_MS, where  # the time in the bridge is in the CDR of the other one
            continue
        # One for each that it talked to in a bridge, at a time or one after the other.
        assert min(abs(talked - longest), abs(talked - all_of_them)) <= CDR_MS, where
        compared += 1
    assert compared >= len(ends) / 4, f"only {compared} of {len(ends)} calls have a CDR"
    return compared


async def make_calls(asterisk, socket, app, second_app, callers, count, only):
    """Makes the calls, and returns all records."""
    records = Records()
    kinds = [(name, function) for name, (function, real_only) in KINDS.items()
             if (not real_only or callers.reports_all) and (not only or name in only)]
    count = count or 2 * len(kinds)
    async with aribus.Client(socket) as listener, aribus.Client(socket) as client:
        async def listen():
            async for item in listener:
                assert item["type"] not in ("lost", "disconnected"), item
                records.take(item)
        await listener.subscribe()
        listening = asyncio.create_task(listen())
        kit = Kit(client, records, callers, app, second_app)
        limit, expected = asyncio.Semaphore(AT_A_TIME), []

        async def make(number):
            name, function = kinds[number % len(kinds)]
            async with limit:
                try:
                    expected.extend((name, one) for one in await function(kit, f"{app}-{number:05}"))
                except Exception as error:
                    raise AssertionError(f"{name} ({app}-{number:05}): {error!r}") from error
        await asyncio.gather(*(make(number) for number in range(count)))
        for _, one in expected:
            if not records.of[one.root + "-before"]:
                await records.about(one.root, "call.ended")

        async def open_calls():
            return [c for c in (await client.call("state.calls"))["calls"] if c.get("app") in (app, second_app)]
        for _ in range(100):
            if not (left := await open_calls()):
                break
            await asyncio.sleep(0.2)
        assert not left, f"these calls are still open: {left}"
        assert not listening.done(), listening.result()
        listening.cancel()
    for name, one in expected:
        try:
            check(one, records)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
    per_call = collections.Counter(r["calls"][0] for r in records.all if r["type"] == "call.ended")
    assert set(per_call.values()) == {1}, per_call.most_common(3)
    return records, count, len(kinds)


def main():
    which, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
    versions = os.environ.get("ARIBUS_ASTERISK_VERSIONS", "").split() if which == "real" else [which]
    if not versions:
        sys.exit("no real Asterisk to test with: run scripts/asterisk start 22, and set ARIBUS_ASTERISK_VERSIONS=22")
    for version in versions:
        run(version, count, sys.argv[3:])


def run(which, count, only):
    asterisk = Simulated() if which == "sim" else Real(which)
    app = f"calls{os.getpid()}"
    second_app = app + "b"
    with tempfile.TemporaryDirectory(prefix="aribus-calls-") as folder:
        more = "" if which == "sim" else "    subscribe_all: true\n"
        daemon = Daemon(folder, asterisk, f"{app}, {second_app}", more)
        callers = None
        try:
            daemon.wait_ready()
            callers = (SimulatedCallers if which == "sim" else RealCallers)(asterisk, app)
            records, made, kinds = asyncio.run(make_calls(asterisk, daemon.socket, app, second_app, callers, count, only))
            compared = check_cdr(asterisk, records) if which != "sim" else 0
            ended = sum(r["type"] == "call.ended" for r in records.all)
            print(f"{which}: {made} of {kinds} kinds: {ended} calls ended, {compared} compared with the CDR")
        finally:
            if callers:
                callers.close()
            daemon.stop()
            asterisk.stop()


if __name__ == "__main__":
    main()
