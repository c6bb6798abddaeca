#!/usr/bin/env python3
"""Three copies of an example share the calls of an application; some of them end, and aribusd is restarted.

Usage: workers_test.py ASTERISK LANGUAGES [SCENARIO …]

ASTERISK    sim, or real: with each of ARIBUS_ASTERISK_VERSIONS, which scripts/asterisk has started
LANGUAGES   python,node or one of them; with both, the copies take turns to be of one and of the other
SCENARIO    names of functions below that begin with "calls"; all unless said otherwise
"""
import itertools
import json
import os
import pathlib
import signal
import sys
import tempfile
import traceback

import stage
from stage import PARTY, SOURCE, Daemon, Program, Real, RealCaller, Simulated, SimulatedCaller, wait_for

WORKERS = {
    "python": lambda example: [sys.executable, SOURCE / f"lib/python/examples/{example}.py"],
    "node": lambda example: ["node", SOURCE / f"lib/node/examples/{example}.mjs"],
}
COPIES = 3
numbers = itertools.count(1)


class Workers:
    """Asterisk, aribusd and the copies."""

    def __init__(self, languages, asterisk, bus_path=True, example="ivr_worker"):
        self.example = example
        self.languages, self.asterisk, self.bus_path = itertools.cycle(languages), asterisk, bus_path
        self.app = "demo" if asterisk.version == "sim" else f"w{os.getpid()}n{next(numbers)}w"
        self.copies, self.callers = [], []

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="aribus-workers-")
        self.daemon = Daemon(self.folder.name, self.asterisk, self.app, bus_path=self.bus_path)
        self.daemon.wait_ready()
        for number in range(COPIES):
            log = pathlib.Path(self.folder.name) / f"copy{number}.log"
            arguments = [self.app] if self.example == "hello_worker" else [self.app, f"1={PARTY}"]
            command = [*WORKERS[next(self.languages)](self.example), *arguments]
            self.copies.append(Program(command, log, self.daemon.socket))
        self.wait_joined()
        return self

    def __exit__(self, kind, error, traceback):
        try:
            if error:
                logs = [f"--- {one.log.name}:\n{one.log.read_text()}" for one in self.copies]
                log = "\n".join((self.daemon.folder / "aribusd.log").read_text().splitlines()[-40:])
                print("\n".join(logs) + f"--- aribusd:\n{log}", file=sys.stderr)
            for one in self.copies:
                if one.process.poll() is None:
                    one.stop()
            for caller in self.callers:
                caller.hang_up()
        finally:
            self.daemon.stop()
            self.folder.cleanup()

    def wait_joined(self):
        with stage.blocking().Client(self.daemon.socket, wait=30) as client:
            wait_for("the copies have joined", lambda: client.call("status")["subscribers"] == len(self.running()))

    def running(self):
        return [one for one in self.copies if one.process.poll() is None]

    def owners(self):
        """The copy that each caller's channel belongs to."""
        with stage.blocking().Client(self.daemon.socket) as client:
            pids = {one["id"]: one["pid"] for one in client.call("daemon.clients")["clients"]}
            copies = {one.process.pid: one for one in self.copies}
            groups = client.call("group.list")["groups"]
        members = {one["member"]: copies[pids[one["connection"]]] for group in groups for one in group["members"]
                   if one["connection"] in pids}
        calls = [call for group in groups for call in group["calls"] if call["member"] in members]
        return {caller.channel: members[call["member"]] for caller in self.callers for call in calls
                if f"/{caller.channel}/" in call["call"]}

    def call(self):
        caller = (SimulatedCaller if self.asterisk.version == "sim" else RealCaller)(self.asterisk, self.app)
        self.callers.append(caller)
        return caller

    def said(self, what, caller, copies=None):
        """The copies that have printed this of the call."""
        return [one for one in copies or self.copies if f"{what} {caller.channel}" in one.lines()]

    def wait(self, what, caller, times=1, copies=None):
        """Waits until copies have printed this of the call so often, and returns one of them."""
        def count():
            return sum(one.count(f"{what} {caller.channel}") for one in copies or self.copies)
        wait_for(lambda: f"{times} × '{what} {caller.channel}', not {count()}", lambda: count() >= times, 40)
        return self.said(what, caller, copies)[0]

    def calls(self, count):
        """So many calls, all of which hear the menu."""
        callers = [self.call() for _ in range(count)]
        for caller in callers:
            self.wait("menu", caller)
        return callers

    def connect(self, caller, copies=None):
        caller.press("1")
        return self.wait("talking", caller, copies=copies)

    def bridged(self, caller):
        answer = self.asterisk.rest("GET", f"/ari/bridges/{caller.channel}-bridge")
        return answer.status == 200 and len(answer.json()["channels"]) == 2

    def leave(self, caller):
        caller.hang_up()
        self.wait("ended", caller)

    def nothing_left(self):
        def left():
            found = [self.asterisk.rest("GET", f"/ari/{what}").json() for what in ("channels", "bridges")]
            return [one["id"] for one in itertools.chain(*found) if any(c.channel in json.dumps(one) for c in self.callers)]
        wait_for(lambda: f"nothing is left of the calls: {left()}", lambda: not left())


def calls_hear_hello(languages, asterisk):
    """Each call is answered by one copy."""
    with Workers(languages, asterisk, example="hello_worker") as on:
        for _ in range(6):
            on.call()
        on.nothing_left()
        said = [line for one in on.copies for line in one.lines()]
        assert len([line for line in said if " calls " in line]) == len(said) == 6, said


def calls_go_on_in_other_copies(languages, asterisk):
    """Of a copy that is killed, the calls in the menu hear it again, and who talks, talks on."""
    with Workers(languages, asterisk) as on:
        callers = on.calls(6)
        talking = callers[0]
        on.connect(talking)
        wait_for("they are in the bridge", lambda: on.bridged(talking))
        owners = on.owners()
        killed = owners[talking.channel]
        killed.stop()
        others = on.running()
        on.wait("talking", talking, copies=others)
        assert on.bridged(talking)
        for caller in callers[1:]:
            if owners[caller.channel] is killed:
                on.wait("menu", caller, copies=others)
            on.connect(caller, others)
        for caller in callers:
            on.leave(caller)
        on.nothing_left()


def calls_end_in_a_copy_that_drains(languages, asterisk):
    """A copy that is told to end takes no new calls, and ends with its last one."""
    with Workers(languages, asterisk) as on:
        callers = on.calls(3)
        draining = on.owners()[callers[0].channel]
        draining.process.send_signal(signal.SIGTERM)
        with stage.blocking().Client(on.daemon.socket) as client:
            wait_for("aribusd knows it", lambda: '"draining": true' in json.dumps(client.call("group.list")))
        later = on.calls(4)
        owners = on.owners()
        assert not [caller for caller in later if owners[caller.channel] is draining]
        assert draining.process.poll() is None
        for caller in callers:
            on.connect(caller)
            on.leave(caller)
        assert draining.process.wait(20) == 0, draining.log.read_text()
        for caller in later:
            on.connect(caller)


def calls_go_on_after_a_restart_of_aribusd(languages, asterisk):
    """With its log on disk, all calls go on; who talks, talks on."""
    with Workers(languages, asterisk, True) as on:
        callers = on.calls(4)
        on.connect(callers[0])
        wait_for("they are in the bridge", lambda: on.bridged(callers[0]))
        on.daemon.restart(signal.SIGKILL)
        on.daemon.wait_ready()
        on.wait_joined()
        callers += on.calls(2)
        wait_for(lambda: f"all calls have an owner: {on.owners()}", lambda: len(on.owners()) == len(callers))
        for caller in callers[1:]:
            on.connect(caller)
        assert on.bridged(callers[0])
        for caller in callers:
            on.leave(caller)
        on.nothing_left()


def main():
    which, languages, *scenarios = sys.argv[1:]
    languages = languages.split(",")
    scenarios = scenarios or [name for name, value in globals().items() if name.startswith("calls_") and callable(value)]
    versions = os.environ.get("ARIBUS_ASTERISK_VERSIONS", "").split() if which == "real" else [which]
    if not versions:
        sys.exit("no real Asterisk to test with: run scripts/asterisk start 22, and set ARIBUS_ASTERISK_VERSIONS=22")
    failed = []
    for version, scenario in itertools.product(versions, scenarios):
        asterisk = Simulated() if version == "sim" else Real(version)
        try:
            globals()[scenario](languages, asterisk)
            print(f"{scenario}, {version}: fine", flush=True)
        except BaseException:
            failed.append(f"{scenario}, {version}")
            print(f"{failed[-1]}: FAILED\n{traceback.format_exc()}", file=sys.stderr, flush=True)
        finally:
            asterisk.stop()
    sys.exit(f"failed: {'; '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
