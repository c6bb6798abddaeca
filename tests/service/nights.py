"""Six nights of an operator: something breaks, and in the morning the journal, `aribus clients`, `aribus status` and
`aribus doctor` alone say what happened."""
import contextlib
import itertools
import pathlib
import re
import subprocess
import sys
import time

from asterisk import ARI_PORT, PASSWORD
from container import wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "data"))
from arilite import Events, Rest  # noqa: E402

ASTERISK = f"http://127.0.0.1:{ARI_PORT}"
CONFIG = "/etc/aribus/aribusd.yaml"
SECRET = "/etc/aribus/ari.secret"
STATE = "/var/lib/aribus"

# Sends commands as fast as it can, and reads what is answered. In perl-base, which every Debian has.
FLOOD = """
use IO::Socket::UNIX;
my $socket = IO::Socket::UNIX->new(Peer => "/run/aribus/aribus.sock") or die;
my $request = qq({"jsonrpc":"2.0","id":1,"method":"ping"}\\n);
while (1) {
  syswrite($socket, $request x 50) or exit;
  sysread($socket, my $answer, 65536) or exit;
}
"""


class Nights:
    """Each begins and ends with a service that works. `session` is that of tests/service/run."""

    def __init__(self, session):
        self.session, self.box, self.asterisk = session, session.box, session.asterisk
        self.rest = Rest(ASTERISK, 10)
        self.numbers = itertools.count()

    def steps(self):
        return (self.a_program_loses_records, self.another_client_takes_the_application, self.asterisk_is_restarted,
                self.the_password_is_another_one, self.the_disk_is_full, self.a_program_floods)

    # What the operator can ask in the morning.

    def journal(self):
        """What has been logged since the evening."""
        return "\n".join(line["MESSAGE"] for line in self.session.journal(
            "--unit", "aribusd", "--after-cursor", self.evening) if "ARIBUS_AUDIT" not in line)

    def ask(self, *command):
        """What a command of the tool says to people, whatever its exit status."""
        return self.box("sh", "-c", "aribus " + " ".join(command) + " 2>&1 || true")

    def says(self, ask, *texts):
        """Waits until the answer has all of these (regular expressions), and returns it."""
        def all_there():
            self.answer = ask()
            return all(re.search(text, self.answer) for text in texts)
        wait_for(lambda: f"{texts} in\n{self.answer}", all_there)
        return self.answer

    def falls(self):
        shown = self.box("journalctl", "--lines", "1", "--show-cursor")
        self.evening = re.search(r"^-- cursor: (.*)$", shown, re.MULTILINE)[1]

    # What the nights need.

    @contextlib.contextmanager
    def configured(self, old, new):
        """With this in place of what is in the configuration, from a restart on."""
        before = self.box.path(CONFIG).read_text()
        assert re.search(old, before), (old, before)
        self.box.path(CONFIG).write_text(re.sub(old, new, before, count=1))
        try:
            self.restart()
            yield
        finally:
            self.box.path(CONFIG).write_text(before)
            self.restart()

    def restart(self):
        self.box("systemctl", "restart", "aribusd")
        self.session.wait_connected()

    def calls(self, number):
        """The ids of calls that enter the application and stay, made past aribusd."""
        ids = [f"night{next(self.numbers):06}" for _ in range(number)]
        for id in ids:
            answer = self.rest.call("POST", f"/ari/channels?endpoint=Local/answer@default&app=aribus&channelId={id}")
            assert answer.status == 200, answer.body
        return ids

    @staticmethod
    def at_once(what, step):
        """`step` takes less than half of the ten seconds after which systemd is told to wait no longer: on a busy machine
        not the first time. Returns how often it was tried."""
        for tries in range(1, 6):
            began = time.monotonic()
            step()
            if time.monotonic() - began < 5:
                return tries
        raise AssertionError(f"{what}, but not at once")

    # The nights.

    def a_program_loses_records(self):
        with self.configured("ring_bytes: 64MiB", "ring_bytes: 64KiB"):
            self.falls()
            self.box("cp", "/usr/bin/aribus", "/tmp/wallboard")
            wallboard = subprocess.Popen(self.box.command("/tmp/wallboard", "tail", "--json"), stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE)  # which nobody reads
            self.says(lambda: self.ask("clients", "--text"), r"wallboard +\d+ root")

            def lost():
                for id in self.calls(20):
                    self.rest.call("DELETE", f"/ari/channels/{id}")
                return re.search(r"wallboard \(pid \d+, user root\) reads too slowly, and has lost", self.journal())
            wait_for("a loss", lost, 60)
            self.says(lambda: self.ask("clients", "--text"), r"wallboard +\d+ root .* [1-9]\d*\n +subscribed to all records")
            wallboard.stdout.close()
            wallboard.wait(20)
            self.says(self.journal, r"wallboard \(pid \d+, user root\) has left; it read too slowly, and lost [1-9]\d* records")
            self.says(lambda: self.ask("clients", "--text"), r"(?s)LEFT.*\nwallboard +\d+ root .* ago +\d+ +[1-9]\d*\n")

    def another_client_takes_the_application(self):
        self.falls()
        thief = Events(ASTERISK, "aribus")
        try:
            self.says(self.journal, "another client has taken over the application 'aribus', and its events go there now")
            self.says(lambda: self.ask("status", "--text"), "another client has taken")
            self.says(self.session.doctor, "wrong .*another client has taken its application")
        finally:
            thief.close()
        self.box("aribus", "call", "reclaim")
        self.says(lambda: self.ask("status", "--text"), "pbx1: ready")

    def asterisk_is_restarted(self):
        self.falls()
        last = self.calls(3)[-1]
        wait_for("the calls", lambda: last in self.box("aribus", "calls"))
        self.asterisk.unlink()
        self.asterisk.script("restart")
        self.asterisk.link()
        self.session.wait_connected()
        self.says(self.journal, r"pbx1: connected to Asterisk 22\S+ at \S+ again, after \d+",
                  r"pbx1: Asterisk was restarted at 20\S+, and the calls on its [1-9]\d* channels have ended")
        self.says(lambda: self.ask("status", "--text"), "pbx1: ready")

    def the_password_is_another_one(self):
        self.falls()
        self.box("sh", "-c", f"echo another > {SECRET}")
        self.at_once("the first attempt has failed", lambda: self.box("systemctl", "restart", "aribusd"))
        assert "or its password is wrong (401)" in self.session.show("aribusd", "StatusText"), "systemctl status says why"
        self.says(self.journal, r"user 'aribus' or its password is wrong \(401\)")
        self.says(lambda: self.ask("status", "--text"), r"(?s)pbx1: down.*password\s+is\s+wrong\s+\(401\)")
        self.says(self.session.doctor, "wrong  the user 'aribus' or its password is wrong")
        self.box("sh", "-c", f"echo {PASSWORD} > {SECRET}")
        self.restart()

    def the_disk_is_full(self):
        self.falls()
        with self.configured(r"(?m)^  # path: .*", f"  path: {STATE}/bus.log"):
            self.box("systemctl", "stop", "aribusd.socket", "aribusd.service")
            self.box("mount", "-t", "tmpfs", "-o", "size=1m,uid=aribus,gid=aribus,mode=0750", "tmpfs", STATE)
            try:
                began = time.monotonic()
                tries = self.at_once("the failure is told", lambda: self.box.fails("systemctl", "start", "aribusd"))
                self.says(self.journal, rf"bus\.path {STATE}/bus\.log: .*No space left on device")
                self.says(lambda: self.ask("status"), "journalctl -u aribusd", "aribus doctor")
                self.says(self.session.doctor, "wrong .*bus.path: there is not enough room")
                starts = self.journal().count("No space left on device")
                assert starts <= tries + (time.monotonic() - began) / 9, f"the journal is not filled: {starts} starts"
            finally:
                self.box("systemctl", "stop", "aribusd.socket", "aribusd.service")
                self.box("umount", "--lazy", STATE)
            self.restart()
        self.box("rm", "-f", f"{STATE}/bus.log")

    def a_program_floods(self):
        self.box("useradd", "--groups", "aribus-read", "mallory")
        flooded = "access:\n  - {name: flooded, users: [mallory], methods: [read], commands_per_second: 100}\n"
        with self.configured(r"(?m)^access:\n", flooded):
            self.falls()
            flood = self.box.start("runuser", "-u", "mallory", "--", "perl", "-e", FLOOD)
            self.says(self.journal, r"a request of perl \(pid \d+, user mallory\) was refused: the access rule 'flooded' allows a "
                                    r"user 100 requests a second")
            there = self.says(lambda: self.ask("clients", "--text"), r"perl +\d+ mallory +flooded", r"\d{4,} requests")
            self.box("sh", "-c", "kill " + re.search(r"perl +(\d+) mallory", there)[1])
            flood.wait(20)
            lines = [line for line in self.journal().splitlines() if "was refused" in line]
            assert len(lines) <= 10, lines
            self.says(lambda: self.ask("clients", "--text"), r"(?s)LEFT.*perl +\d+ mallory")
        self.box("userdel", "mallory")
