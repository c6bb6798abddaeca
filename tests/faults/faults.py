"""The faults, and what must hold after each."""
import atexit
import random
import signal
import shutil
import subprocess
import socket
import tempfile
import time

from stage import (APP, LINK_PORT, LISTEN_PORT, SOURCE, Asterisk, Book, Calls, Connection, Daemon, Events, Link,
                   Observer, about_channel, frame, key_of, let_pass, wait_for)

SUBSCRIBED = "deviceState:Stasis:faults"  # by a program; an application that is made anew must have it again
QUIET = 0.4  # seconds without an event, before anything is compared


class Suite:
    def __init__(self, arguments):
        self.short, self.mode = arguments.short, arguments.mode
        self.random = random.Random(arguments.seed)
        self.folder = tempfile.mkdtemp(prefix="aribus-faults-")
        self.asterisk = Asterisk(arguments.version, arguments.mode == "outbound")
        self.asterisk.start()
        self.link = Link(self.asterisk.port)
        self.daemon = Daemon(SOURCE / arguments.build_dir / "daemon/aribusd", self.folder, arguments.version,
                             arguments.mode, arguments.rest)
        self.daemon.start()
        self.control = Connection(self.daemon.socket)
        self.wait_ready()
        self.observer = Observer(self.asterisk)
        self.book = Book(self.daemon.socket)
        wait_for("a subscription", lambda: self.book.stream)
        self.control.result("applications.subscribe", {"applicationName": APP, "eventSource": [SUBSCRIBED]})
        self.marks = 0
        self.calls = Calls(self.daemon.socket, self.book, "%05d" % self.random.randrange(100000))
        self.faults = {name[6:].replace("_", "-"): getattr(self, name) for name in dir(self)
                       if name.startswith("fault_")}

    # What is checked.

    def status(self):
        return self.control.result("status")["servers"][0]

    def wait_ready(self, seconds=60.0):
        wait_for(lambda: f"aribusd is ready: {self.control.call('status')}",
                 lambda: self.control.call("status").get("result", {"servers": [{}]})["servers"][0].get("state")
                 == "ready", seconds)

    def settle(self):
        """Waits until what Asterisk says now arrives, and then until no record has come for a while."""
        name = f"mark-{self.marks}"
        self.marks += 1

        def came():
            if name not in self.book.marks:
                self.asterisk.rest.call("POST", f"/ari/events/user/{name}?application={APP}")
            return name in self.book.marks
        wait_for("what Asterisk says arrives", came, 15, 0.2)
        last, since = self.book.last, time.monotonic()
        end = since + 20
        while time.monotonic() - since < QUIET and time.monotonic() < end:
            let_pass(0.02)
            if self.book.last != last:
                last, since = self.book.last, time.monotonic()

    def compare(self):
        """The daemon's state, the book and Asterisk's answers are the same."""
        def known():
            channels = {c["channel"]["id"]: about_channel(c["channel"])
                        for c in self.control.result("state.channels")["channels"]}
            bridges = {b["bridge"]["id"]: sorted(b["bridge"]["channels"])
                       for b in self.control.result("state.bridges")["bridges"]}
            return channels, bridges

        def book():
            return ({i: about_channel(c) for i, c in dict(self.book.channels).items()},
                    {i: sorted(b["channels"]) for i, b in dict(self.book.bridges).items()})

        def differences():
            truth, daemon, kept = self.asterisk.truth(), known(), book()
            found = []
            for kind, t, d, b in (("channel", truth[0], daemon[0], kept[0]), ("bridge", truth[1], daemon[1], kept[1])):
                for thing in sorted(set(t) | set(d) | set(b)):
                    if not t.get(thing) == d.get(thing) == b.get(thing):
                        found.append(f"{kind} {thing}: Asterisk {t.get(thing)}, daemon {d.get(thing)}, "
                                     f"book {b.get(thing)}")
            return found
        def still_subscribed():
            return SUBSCRIBED.split(":", 1)[1] in self.asterisk.get(f"/applications/{APP}")["device_names"]
        wait_for(f"{SUBSCRIBED} is subscribed to", still_subscribed, 8, 0.3)
        wait_for(lambda: "\n  ".join(["no difference"] + differences()[:10]), lambda: not differences(), 8, 0.3)

    def check(self):
        self.calls.pause()
        self.wait_ready()
        self.settle()
        self.compare()
        self.check_missing()
        for command, token in list(self.calls.unknown.items()):
            record = wait_for(lambda: f"{command} is resolved", lambda: self.book.resolved.get(command), 30)
            # What was made and ended within a gap can't be told from what was never made: then it is gone for
            # certain, and that is said.
            assert record["outcome"] in ("done", "not_done") or record.get("exists") is False, record
            if token:
                self.calls.made[token] = record["outcome"]
            del self.calls.unknown[command]
        self.check_made()
        assert not self.book.faults, self.book.faults[:5]
        self.calls.go_on()

    def check_missing(self):
        """What the observer saw of our things came through, or lies inside a gap."""
        missing = []
        for event in self.observer.collect():
            if not event["type"].startswith("Channel") or event["type"].endswith("Bridge"):
                continue  # an application hears of bridges only while its channels are in them
            channel = event.get("channel", {})
            if not channel.get("id", "").startswith("c-") or event["type"] == "ChannelCreated":
                continue
            key = key_of(event)
            # The application hears of a channel only from a little after its first events on.
            if event["type"] in ("ChannelDialplan", "ChannelCallerId", "ChannelConnectedLine") and \
                    key[1] <= self.book.first.get(channel["id"], "9"):
                continue
            if key not in self.book.seen and not any(a <= key[1] <= b for a, b, _ in self.book.gaps):
                missing.append(key)
        self.observer.events.clear()
        self.book.seen.clear()
        assert not missing, f"{len(missing)} events are missing outside of the gaps {self.book.gaps[-3:]}: {missing[:5]}"

    def check_made(self):
        """No call was made twice, none that was refused or not sent, and each that was done."""
        for token, count in self.observer.made.items():
            assert count <= 1, f"call {token} was made {count} times"
            outcome = self.calls.made.get(token)
            assert outcome not in ("not sent", "not_done"), f"call {token} was made, and told to be {outcome}"

    # The faults. Each breaks something while calls run, and mends it.

    def restart_asterisk(self):
        self.asterisk.start()
        self.observer.connect()

    def fault_asterisk_killed(self):
        self.observer.collect()
        self.asterisk.signal(signal.SIGKILL)
        let_pass(1)
        self.restart_asterisk()

    def fault_asterisk_stopped_3s(self):
        self.stop_for(3)

    def fault_asterisk_stopped_12s(self):
        began = time.monotonic()
        self.stop_for(12, lambda: self.saw_down_within(10, began))

    def fault_asterisk_stopped_60s(self):
        if not self.short:
            self.stop_for(60)

    def stop_for(self, seconds, meanwhile=None):
        end, before = time.monotonic() + seconds, list(self.book.gaps)
        self.asterisk.signal(signal.SIGSTOP)
        try:
            if meanwhile:
                meanwhile()
            let_pass(max(0.0, end - time.monotonic()))
        finally:
            self.asterisk.signal(signal.SIGCONT)
        if self.mode == "outbound":
            wait_for("aribusd is ready", lambda: self.status()["state"] == "ready", 20)
            assert self.book.gaps == before, self.book.gaps[len(before):]

    def saw_down_within(self, seconds, began):
        wait_for("the dead link is found", lambda: not self.status()["connected"],
                 seconds - (time.monotonic() - began))

    def fault_asterisk_shut_down_and_started(self):
        self.observer.collect()
        self.asterisk.stop()
        self.restart_asterisk()

    def fault_http_sessions_taken(self):
        """Asterisk's 100 sessions are taken by others, and the link breaks."""
        taken = []
        for _ in range(110):
            try:
                taken.append(socket.create_connection(("127.0.0.1", self.asterisk.port), 1))
            except OSError:
                break
        self.link.reset()
        let_pass(2 if self.short else 6)
        for connection in taken:
            connection.close()

    def fault_ari_unloaded_and_loaded(self):
        if self.mode == "outbound":
            return  # 22.10 damages its own memory when its outbound WebSockets are unloaded, and dies later
        self.asterisk.cli("module unload res_ari_events.so")
        self.link.reset(half_frame=False)
        let_pass(1)
        self.asterisk.cli("module load res_ari_events.so")
        self.asterisk.cli("module load res_ari.so")
        wait_for("ARI is back", lambda: self.asterisk.rest.call("GET", "/ari/asterisk/info").status == 200)
        self.observer.connect()

    def iptables(self, *rules):
        for rule in rules:
            subprocess.run(["iptables", *rule.split()], check=True)

    def link_rules(self, action, what):
        ports = [LINK_PORT] + ([LISTEN_PORT] if self.mode == "outbound" else [])
        self.iptables(*(f"-{action} INPUT -p tcp --{side}port {port} {what}" for port in ports
                        for side in ("d", "s")))

    def fault_link_silently_dropped(self):
        began = time.monotonic()
        self.link_rules("A", "-j DROP")
        try:
            self.saw_down_within(10, began)
            let_pass(0 if self.short else 5)
        finally:
            self.link_rules("D", "-j DROP")

    def fault_link_loses_30_percent(self):
        loss = "-m statistic --mode random --probability 0.3 -j DROP"
        self.link_rules("A", loss)
        let_pass(8 if self.short else 20)
        self.link_rules("D", loss)

    def fault_link_delays_500ms(self):
        self.link.delay = 0.5
        let_pass(5 if self.short else 15)
        self.link.delay = 0.0

    def fault_link_reset_in_mid_frame(self):
        for _ in range(2 if self.short else 6):
            self.link.reset()
            let_pass(self.random.uniform(0.2, 1.5))

    def fault_garbled(self):
        """Frames that no Asterisk sends, between those that it does."""
        if self.mode == "outbound":
            return  # the event stream does not pass the relay
        odd = [b'{"type":"NoSuchEvent","channel":{"id":"odd"},"x":[1,2', b'{"type":', b"\xff\xfe\x00", b"[]", b"",
               b'{"type":"ChannelStateChange","timestamp":"1970-01-01T00:00:00.000+0000","channel":5}',
               b'{"type":"ChannelVarset","timestamp":"2999-01-01T00:00:00.000+0000","variable":"X","value":"1",'
               b'"channel":{"id":7}}', b'{"type":"Odd","application":{}}']
        for payload in odd:
            self.link.insert.append(frame(payload))
            let_pass(0.3)
        self.link.insert.append(frame(b"x" * 100, length=1 << 40))  # a huge one, of which only the start comes
        let_pass(2)
        self.link.insert.append(frame(b"\x83" * 10, opcode=11))
        let_pass(1)

    def fault_application_taken(self):
        """Another client takes the application, and gives it back."""
        if self.mode == "outbound":
            return  # Asterisk gives it back only with another ari.conf
        thief = Events(self.asterisk.url, APP)
        wait_for("it is reported", lambda: self.status()["state"] == "replaced", 10)
        let_pass(1)
        thief.close()
        let_pass(0.5)
        assert "error" not in self.control.call("reclaim")
        wait_for("it is ready", lambda: self.status()["state"] == "ready", 20)

    def fault_aribusd_killed(self):
        self.daemon.signal(signal.SIGKILL)
        self.daemon.start()

    def fault_aribusd_restarted(self):
        self.daemon.signal(signal.SIGTERM)
        self.daemon.start()

    def fault_aribusd_restarted_50_times(self):
        """In mode outbound not a record is missing and none comes twice: Asterisk keeps what happens meanwhile."""
        if self.mode != "outbound":
            return
        before = list(self.book.gaps)
        for _ in range(5 if self.short else 50):
            self.daemon.signal(signal.SIGTERM)
            self.daemon.start()
            let_pass(0.3 + self.random.uniform(0, 0.4))
        assert self.book.gaps == before, self.book.gaps[len(before):]

    # Running them.

    def run_one(self, name):
        began = time.monotonic()
        print(f"{name} …", end=" ", flush=True)
        let_pass(0.5)
        self.faults[name]()
        self.check()
        descriptors, memory = self.daemon.resources()
        print(f"ok, {time.monotonic() - began:.1f} s; {descriptors} descriptors, {memory} KiB", flush=True)

    def finish(self):
        self.calls.stop()
        total = sum(self.calls.outcomes.values())
        print(f"{total} commands: " + ", ".join(f"{n} {what}" for what, n in sorted(self.calls.outcomes.items())))
        print(f"{len(self.calls.made)} calls asked for, {len(self.observer.made)} seen at Asterisk, none twice; "
              f"{len(self.book.gaps)} gaps, {sum(self.book.types.values())} records")
        errors = [what for what in self.calls.outcomes if what.startswith("error")]
        assert not errors, errors


def main(arguments):
    if arguments.list:
        print("\n".join(sorted(name[6:].replace("_", "-") for name in dir(Suite) if name.startswith("fault_"))))
        return 0
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    suite = None
    try:
        suite = Suite(arguments)
        names = arguments.only.split(",") if arguments.only else sorted(suite.faults)
        unknown = [name for name in names if name not in suite.faults]
        if unknown:
            print(f"no such fault: {', '.join(unknown)}; see --list")
            return 2
        if arguments.minutes:
            end = time.monotonic() + 60 * arguments.minutes
            descriptors, memory = suite.daemon.resources()
            while time.monotonic() < end:
                suite.run_one(suite.random.choice(names))
        else:
            for name in names:
                suite.run_one(name)
        suite.finish()
        shutil.rmtree(suite.folder)
        return 0
    except AssertionError as error:
        print(f"FAILED\n{error}")
        if suite:
            print(f"the log: {suite.daemon.log}")
            print("".join(open(suite.daemon.log).readlines()[-30:]))
        return 1
    finally:
        if suite:
            if suite.daemon.process:
                suite.daemon.process.kill()
            suite.asterisk.stop()
