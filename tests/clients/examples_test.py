#!/usr/bin/env python3
"""Runs the examples of each language against real Asterisks: all that can happen to a call, from its beginning to its end.

Usage: examples_test.py LANGUAGES [SCENARIO ...]

LANGUAGES   python,node,blocking,cpp or some of them
SCENARIO    names of functions below whose name has no _ in front; all unless said otherwise

The Asterisks are ARIBUS_ASTERISK_VERSIONS, which scripts/asterisk has started. Scenarios run side by side.
"""
import concurrent.futures
import itertools
import json
import os
import pathlib
import signal
import sys
import tempfile
import threading
import time
import traceback

import stage
from stage import BUILD, SOURCE, Daemon, Program, Real, RealCaller, end, wait_for

AT_A_TIME = 6
PYTHON, NODE = SOURCE / "lib/python/examples", SOURCE / "lib/node/examples"
COMMANDS = {
    "python": lambda name: [sys.executable, PYTHON / f"{name}.py"],
    "blocking": lambda name: [sys.executable, PYTHON / f"{name}_blocking.py"],
    "node": lambda name: ["node", NODE / f"{name}.mjs"],
    "cpp": lambda name: [BUILD / f"lib/client/examples/aribus-{name}-example"],
}
EXAMPLES = ("click_to_call", "conference", "dialler", "hello", "test_call", "voicemail", "waiting_queue")
numbers = itertools.count(1)


class Phone:
    """Somebody who can be called: Local/<its application>@from-sip, where the test answers, or does not."""

    def __init__(self, asterisk, app):
        self.asterisk, self.app, self.seen = asterisk, app, 0
        self.events = stage.Events(asterisk.url, app)
        self.endpoint = f"Local/{app}@from-sip/n"

    def rings(self):
        """The next call; waits for it."""
        def calls():
            with self.events.changed:
                events = [json.loads(text) for text in self.events.texts]
            return [event["channel"]["id"] for event in events if event["type"] == "StasisStart"][self.seen:]
        line = Line(self.asterisk, wait_for(f"a call for {self.app}", calls)[0])
        self.seen += 1
        return line


class Line:
    """A call of a phone."""

    def __init__(self, asterisk, channel):
        self.asterisk, self.channel = asterisk, channel

    def do(self, method, what, wanted=(200, 204)):
        answer = self.asterisk.rest(method, f"/ari/channels/{self.channel}{what}")
        assert answer.status in wanted, f"{what}: {answer.status} {answer.body}"

    def answer(self):
        self.do("POST", "/answer")

    def press(self, digit):
        self.do("POST", f"/dtmf?dtmf={digit}")

    def hang_up(self, reason="normal"):
        self.do("DELETE", f"?reason={reason}", (204, 404))

    def is_gone(self):
        return self.asterisk.rest("GET", f"/ari/channels/{self.channel}").status == 404


class Show:
    """An example that runs: Asterisk, aribusd, the program, its callers and phones."""

    def __init__(self, language, asterisk):
        self.language, self.asterisk = language, asterisk
        self.app = f"x{os.getpid()}n{next(numbers)}x"
        self.program, self.phones, self.callers = None, [], []

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="aribus-examples-")
        self.daemon = Daemon(self.folder.name, self.asterisk, self.app)
        try:
            self.daemon.wait_ready()
        except BaseException:
            self.daemon.stop()  # or it keeps connections to Asterisk, which takes no more then
            raise
        return self

    def __exit__(self, kind, error, traceback):
        try:
            if error:
                log = self.program.log.read_text() if self.program else ""
                print(f"--- {self.language}:\n{log}\n--- aribusd:\n"
                      + "\n".join((self.daemon.folder / "aribusd.log").read_text().splitlines()[-40:]), file=sys.stderr)
            if self.program and self.program.process.poll() is None:
                self.program.stop()
            for caller in self.callers:
                caller.hang_up()
            for bridge in self.asterisk.rest("GET", "/ari/bridges").json():
                if self.app in bridge["name"]:
                    self.asterisk.rest("DELETE", f"/ari/bridges/{bridge['id']}")
            for phone in self.phones:
                phone.events.close()
        finally:
            self.daemon.stop()
            self.folder.cleanup()

    def run(self, name, *arguments):
        """Starts the example and waits until it serves, if it does."""
        self.program = Program([*COMMANDS[self.language](name), *arguments], pathlib.Path(self.folder.name) / f"{name}.log",
                               self.daemon.socket)
        return self.program

    def serve(self, name, *arguments):
        self.run(name, self.app, *arguments)
        with stage.blocking().Client(self.daemon.socket) as client:
            wait_for(lambda: f"{name} is subscribed\n{self.program.log.read_text()}",
                     lambda: client.call("status")["subscribers"] == 1)
        return self.program

    def phone(self):
        self.phones.append(Phone(self.asterisk, f"{self.app}phone{len(self.phones)}"))
        return self.phones[-1]

    def call(self):
        self.callers.append(RealCaller(self.asterisk, self.app))
        return self.callers[-1]

    def said(self, what, times=1):
        self.program.wait(what, times)

    def nothing_left(self, channel=None):
        """Waits until no channel and no bridge of the call is left in Asterisk."""
        def left():
            channels = [one["id"] for one in self.asterisk.rest("GET", "/ari/channels").json()
                        if self.app in json.dumps(one)]
            bridges = [one for one in self.asterisk.rest("GET", "/ari/bridges").json() if self.app in json.dumps(one)]
            return channels + bridges
        wait_for(lambda: f"nothing is left of the call, but {left()}", lambda: not left())

    def records(self, name):
        """Waits until a live recording has begun."""
        wait_for(f"{name} is recorded", lambda: self.asterisk.rest("GET", f"/ari/recordings/live/{name}").status == 200
                 and self.asterisk.rest("GET", f"/ari/recordings/live/{name}").json()["state"] == "recording")

    def speaks(self, caller):
        """Of a recording without a sound nothing is kept."""
        with caller.events.changed:
            caller.events.texts.clear()
        answer = self.asterisk.rest("POST", f"/ari/channels/{caller.own}/play?media=sound:beep")
        assert answer.status == 201, answer.body
        assert caller.events.wait(lambda event: event["type"] == "PlaybackFinished", 20)

    def talks(self, *channels):
        """Waits until these are in one bridge, by Asterisk's own answer."""
        wait_for(f"{channels} talk", lambda: any(set(channels) <= set(bridge["channels"])
                                                 for bridge in self.asterisk.rest("GET", "/ari/bridges").json()))

    def has_stored(self, name):
        answer = self.asterisk.rest("GET", f"/ari/recordings/stored/{name}")
        self.asterisk.rest("DELETE", f"/ari/recordings/stored/{name}")
        return answer.status == 200

    def plays(self, what):
        """Waits until aribusd tells that something is played whose URI begins like that."""
        with stage.blocking().Client(self.daemon.socket) as client:
            wait_for(f"{what} is played", lambda: any(one["playback"]["media_uri"].startswith(what) and
                                                      one["playback"]["state"] == "playing"
                                                      for one in client.call("state.playbacks")["playbacks"]))


# The voicemail.

def _leaves_message(show, caller):
    show.records(caller.channel)
    caller.press("#")
    show.said(f"message {caller.channel}")
    show.nothing_left()
    assert show.has_stored(caller.channel)


def voicemail_owner_takes_the_call(show):
    owner = show.phone()
    show.serve("voicemail", owner.endpoint)
    caller = show.call()
    line = owner.rings()
    line.answer()
    show.plays("sound:")
    line.press("1")
    show.said(f"talking {caller.channel}")
    caller.hang_up()
    wait_for("the owner is hung up", line.is_gone)
    show.nothing_left()


def voicemail_owner_hangs_up(show):
    owner = show.phone()
    show.serve("voicemail", owner.endpoint)
    caller = show.call()
    line = owner.rings()
    line.answer()
    line.press("1")
    show.said(f"talking {caller.channel}")
    line.hang_up()
    show.nothing_left()


def voicemail_owner_hangs_up_when_asked(show):
    owner = show.phone()
    show.serve("voicemail", owner.endpoint)
    caller = show.call()
    line = owner.rings()
    line.answer()
    line.hang_up()
    show.said(f"gone {caller.channel}")
    _leaves_message(show, caller)


def voicemail_owner_refuses(show):
    owner = show.phone()
    show.serve("voicemail", owner.endpoint)
    caller = show.call()
    line = owner.rings()
    line.answer()
    line.press("2")
    wait_for("the owner is hung up", line.is_gone)
    _leaves_message(show, caller)


def voicemail_busy(show):
    show.serve("voicemail", "Local/busy@default")
    caller = show.call()
    show.said(f"busy {caller.channel}")
    _leaves_message(show, caller)


def voicemail_no_answer(show):
    show.serve("voicemail", "Local/ring@default", "1")
    caller = show.call()
    show.said(f"no_answer {caller.channel}")
    _leaves_message(show, caller)


def voicemail_no_such_phone(show):
    show.serve("voicemail", "PJSIP/nobody")
    caller = show.call()
    show.said(f"failed {caller.channel}")
    _leaves_message(show, caller)


def voicemail_caller_hangs_up_while_it_rings(show):
    owner = show.phone()
    show.serve("voicemail", owner.endpoint)
    caller = show.call()
    line = owner.rings()
    caller.hang_up()
    wait_for("it rings no more", line.is_gone)
    show.nothing_left()


def voicemail_caller_hangs_up_while_the_owner_is_asked(show):
    owner = show.phone()
    show.serve("voicemail", owner.endpoint)
    caller = show.call()
    line = owner.rings()
    line.answer()
    show.plays("sound:")
    caller.hang_up()
    wait_for("the owner is hung up", line.is_gone)
    show.nothing_left()


def voicemail_caller_hangs_up_in_the_intro(show):
    show.serve("voicemail", "Local/busy@default")
    caller = show.call()
    show.plays("sound:vm-intro")
    caller.hang_up()
    show.nothing_left()
    second = show.call()  # others are served still
    show.said(f"busy {second.channel}")
    assert not any("Traceback" in line for line in show.program.lines())


def voicemail_caller_hangs_up_in_the_message(show):
    show.serve("voicemail", "Local/busy@default")
    caller = show.call()
    show.records(caller.channel)
    show.speaks(caller)
    caller.hang_up()
    show.said(f"message {caller.channel}")
    show.nothing_left()
    assert show.has_stored(caller.channel)


def voicemail_aribusd_restarts(show):
    """In mid-message, and while two talk."""
    owner = show.phone()
    show.serve("voicemail", owner.endpoint)
    talking = show.call()
    line = owner.rings()
    line.answer()
    line.press("1")
    show.said(f"talking {talking.channel}")
    caller = show.call()
    second = owner.rings()
    second.hang_up("busy")
    show.records(caller.channel)
    show.daemon.restart(signal.SIGKILL)
    show.daemon.wait_ready()
    caller.press("#")
    show.said(f"message {caller.channel}")
    show.talks(talking.channel)
    line.hang_up()
    show.nothing_left()


# The queue.

def waiting_queue_serves_one_after_the_other(show):
    agent = show.phone()
    show.serve("waiting_queue", agent.endpoint)
    first = show.call()
    line = agent.rings()
    second = show.call()
    show.said(f"waits {second.channel}")
    line.answer()
    show.said(f"talking {first.channel}")
    show.talks(first.channel)
    first.hang_up()
    wait_for("the agent is hung up", line.is_gone)
    line = agent.rings()
    line.answer()
    show.said(f"talking {second.channel}")
    line.hang_up()
    show.program.stop()


def waiting_queue_agent_is_busy(show):
    agent = show.phone()
    show.serve("waiting_queue", "Local/busy@default", agent.endpoint)
    caller = show.call()
    show.said("busy Local/busy@default")
    line = agent.rings()
    caller.hang_up()
    wait_for("it rings no more", line.is_gone)


# Click to call.

def click_to_call_connects_two(show):
    first, second = show.phone(), show.phone()
    show.run("click_to_call", first.endpoint, second.endpoint)
    one = first.rings()
    one.answer()
    other = second.rings()
    other.answer()
    show.said("talking")
    one.hang_up()
    wait_for("the other is hung up", other.is_gone)
    show.said("ended")
    assert show.program.process.wait(10) == 0
    show.nothing_left()


def click_to_call_first_hangs_up(show):
    first, second = show.phone(), show.phone()
    show.run("click_to_call", first.endpoint, second.endpoint)
    one = first.rings()
    one.answer()
    other = second.rings()
    one.hang_up()
    wait_for("the other rings no more", other.is_gone)
    assert show.program.process.wait(10) == 1
    show.nothing_left()


def click_to_call_second_is_busy(show):
    first = show.phone()
    show.run("click_to_call", first.endpoint, "Local/busy@default")
    one = first.rings()
    one.answer()
    wait_for("the first is hung up", one.is_gone)
    assert show.program.process.wait(10) == 1
    assert "busy" in show.program.lines()[-1]
    show.nothing_left()


# The conference.

def conference_of_three(show):
    show.serve("conference")
    callers = [show.call() for _ in range(3)]
    for number, caller in enumerate(callers, 1):
        caller.press("7")
        show.said(f"room 7 {number}")
    show.talks(*(caller.channel for caller in callers))
    callers[0].press("*")
    show.said("muted")
    callers[0].press("*")
    show.said("unmuted")
    other = show.call()
    other.press("8")
    show.said("room 8 1")
    for caller in (*callers, other):
        caller.hang_up()
    show.said("room 7 closed")
    show.said("room 8 closed")
    show.nothing_left()


# The dialler.

def dialler_calls_so_many_at_a_time(show):
    phone = show.phone()
    show.run("dialler", "2", *[phone.endpoint] * 4, "Local/busy@default", "PJSIP/nobody")
    for _ in range(3):
        phone.rings().answer()
    phone.rings().hang_up("busy")
    assert show.program.process.wait(30) == 0
    assert sorted(line.split()[0] for line in show.program.lines()) == ["busy", "busy", "failed"] + ["reached"] * 3
    ringing = most = 0
    for text in phone.events.texts:
        ringing += {"StasisStart": 1, "StasisEnd": -1}.get(json.loads(text)["type"], 0)
        most = max(most, ringing)
    # The end of one may be told behind the beginning of the next; without a limit all four would ring at once.
    assert 2 <= most <= 3, most
    show.nothing_left()


# A call without a telephone.

def test_call_presses_digits(show):
    other = show.phone()
    show.run("test_call", f"{other.app}@from-sip", "42")
    line = other.rings()
    line.answer()
    show.said("pressed 2")
    for digit in "42":
        assert other.events.wait(lambda event: event["type"] == "ChannelDtmfReceived" and event["digit"] == digit)
    line.hang_up()
    show.said("hung up by the other end")
    assert show.program.process.wait(10) == 0
    show.nothing_left()


def hello_is_called_without_a_telephone(show):
    """The two programs share the application."""
    show.serve("hello")
    hello = show.program
    show.language = "python"  # the other program's
    show.run("test_call", f"{show.app}@from-sip")
    show.said("hung up by the other end")
    assert show.program.process.wait(10) == 0
    assert hello.lines() == ["555 calls"], hello.lines()
    show.nothing_left()
    hello.stop()


def _scenarios():
    return {name: what for name, what in globals().items() if callable(what) and getattr(what, "__module__", "") == __name__
            and not name.startswith("_") and not isinstance(what, type) and name != "main"}


def main():
    languages, *names = sys.argv[1:]
    versions = os.environ.get("ARIBUS_ASTERISK_VERSIONS", "").split()
    if not versions:
        sys.exit("no real Asterisk to test with: run scripts/asterisk start 22, and set ARIBUS_ASTERISK_VERSIONS=22")
    failed = []

    # As scripts/run-ctest does with whole tests.
    tries = 2 if os.environ.get("CI") == "true" else 1

    def run(name, language, version, left=tries - 1):
        began = time.monotonic()
        try:
            with Show(language, Real(version)) as show:
                _scenarios()[name](show)
            print(f"{name}, {language}, {version}: fine, {time.monotonic() - began:.1f} s", flush=True)
        except BaseException:
            what = f"{name}, {language}, {version}"
            print(f"{what}: FAILED\n{traceback.format_exc()}", file=sys.stderr, flush=True)
            if left == 0:
                return failed.append(what)
            print(f"{what}: is run once more", flush=True)
            run(name, language, version, left - 1)

    def wanted(language):
        """The scenarios of the examples that the language has."""
        examples = [example for example in EXAMPLES if pathlib.Path(COMMANDS[language](example)[-1]).exists()]
        return [name for name in _scenarios() if name.startswith(tuple(example + "_" for example in examples))]
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        for version in versions:
            for language in languages.split(","):
                for name in names or wanted(language):
                    pool.submit(run, name, language, version)
    sys.exit(f"failed: {'; '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
