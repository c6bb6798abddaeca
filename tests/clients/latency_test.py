#!/usr/bin/env python3
"""Events never wait for a command, through each library.

A program originates 25 times a second, which Asterisk answers after 60 ms, and has a command under way that Asterisk does
not answer at all. Meanwhile keys are pressed in other calls. A second connection of the same program only takes records:
over the one with the commands they must come as soon as over that. (A library that blocks takes no record while it waits
for an answer, and this program does not wait for long: what came meanwhile it must get at once, while its commands are
under way in the daemon still.)

The two connections are compared, in one process, and no clock is asked: so a busy machine does not matter, except that the
process may be stopped just between the two. A few events may therefore be late. Commands that hold events up make most
of them late, and an unanswered one all.

Usage: latency_test.py LANGUAGE [--own-ids]      python, blocking (Python's), node, cpp
                                                 --own-ids: the program chooses the ids of what it makes
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

from stage import BUILD, SOURCE, Daemon, Simulated, SimulatedCaller
from waiting import let_pass

PROBES = {
    "python": [sys.executable, SOURCE / "tests/clients/latency_probe.py"],
    "blocking": [sys.executable, SOURCE / "tests/clients/latency_probe.py"],
    "node": ["node", SOURCE / "tests/clients/latency_probe.mjs"],
    "cpp": [BUILD / "tests/clients/latency_probe"],
}
EVENTS, PER_SECOND = 200, 50
LATE_MS = 20
MOST_LATE = 0.05  # of all events


def run(language, own_ids):
    """When each event was sent, and what the probe says (latency_probe.py); all times in ns of CLOCK_MONOTONIC."""
    with tempfile.TemporaryDirectory(prefix="aribus-latency-") as folder:
        asterisk = Simulated()
        # No command ends by Asterisk's silence as long as this runs.
        daemon = Daemon(folder, asterisk, "demo", "    request_timeout: 60s\n", bus_path=False)
        probe = None
        try:
            daemon.wait_ready()
            caller = SimulatedCaller(asterisk, "demo")
            asterisk.rest("POST", "/sim/fault", {"match": "POST /ari/channels/*/play*", "delay_ms": 60_000})
            asterisk.rest("POST", "/sim/fault", {"match": "POST /ari/channels*", "answer_delay_ms": 60, "times": -1})
            probe = subprocess.Popen(
                [*PROBES[language], caller.channel, str(EVENTS), "yes" if own_ids else "no",
                 *(["blocking"] if language == "blocking" else [])],
                stdout=subprocess.PIPE, text=True,
                env={**os.environ, "ARIBUS_SOCKET": daemon.socket, "PYTHONPATH": str(SOURCE / "lib/python")})
            assert probe.stdout.readline() == "ready\n"
            sent = {}
            began = time.monotonic()
            for number in range(1, EVENTS + 1):
                let_pass(max(0.0, began + number / PER_SECOND - time.monotonic()))
                sent[number] = time.monotonic_ns()
                press(asterisk, number)
            told = json.loads(probe.stdout.readline())
            log = asterisk.rest("GET", "/sim/log").json()
            told["originates"] = sum(r["method"] == "POST" and r["target"].split("?")[0] == "/ari/channels" for r in log)
            told["plays"] = sum(r["method"] == "POST" and "/play" in r["target"] for r in log)
            return sent, told
        finally:
            if probe:
                probe.kill()
                probe.wait()
            asterisk.stop()
            daemon.stop()


def press(asterisk, number):
    """A key is pressed in another call; the duration tells which it was."""
    channel = {"id": "other-call", "name": "PJSIP/100-1", "state": "Up", "caller": {"name": "", "number": ""},
               "connected": {"name": "", "number": ""}, "accountcode": "", "language": "en", "protocol_id": "",
               "dialplan": {"context": "", "exten": "", "priority": 1, "app_name": "", "app_data": ""},
               "creationtime": "2026-11-22T21:46:17.690+0000"}
    event = {"type": "ChannelDtmfReceived", "timestamp": "2026-11-22T21:46:17.690+0000", "application": "demo",
             "digit": "5", "duration_ms": number, "channel": channel}
    assert asterisk.rest("POST", "/sim/event", event).status == 200


def row(name, nanoseconds):
    ordered = sorted(nanoseconds)

    def at(share):
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1e6
    return f"  {name:<44} {at(.5):9.2f} {at(.99):9.2f} {at(1):9.2f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("language", choices=PROBES)
    parser.add_argument("--own-ids", action="store_true")
    options = parser.parse_args()
    sent, told = run(options.language, options.own_ids)
    idle = {int(event): at for event, at in told["idle"].items()}
    busy = {int(event): at for event, at in told["busy"].items()}
    after = {event: busy[event] - idle[event] for event in busy}
    missing = len(sent) - len(busy)

    print(f"{options.language}{', own ids' if options.own_ids else ''}: {told['originates']} originates, {len(sent)} events"
          f"\n  ms {'':<41} {'p50':>9} {'p99':>9} {'max':>9}")
    print(row("from Asterisk to the idle connection", [idle[event] - sent[event] for event in idle]))
    if busy:
        print(row("from Asterisk to the one with commands", [busy[event] - sent[event] for event in busy]))
        print(row("later there than at the idle one", after.values()))

    assert len(idle) == len(sent), f"only {len(idle)} of {len(sent)} events came at all"
    assert told["plays"] == 1 and told["originates"] >= 20, f"that was no busy program: {told['originates']} originates"
    late = sum(delay > LATE_MS * 1e6 for delay in after.values())
    if missing or late > MOST_LATE * len(sent):
        sys.exit(f"{late} of {len(sent)} events are more than {LATE_MS} ms late, and {missing} did not come before the "
                 "commands under way are answered")


if __name__ == "__main__":
    main()
