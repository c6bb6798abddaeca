"""What the tests of the clients stand on: an Asterisk (simulated or real), aribusd, callers, and the IVR of each language."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ARIBUS_BUILD_DIR", SOURCE / "build/release"))
for folder in ("tests/data", "tests/support/python", "lib/python"):
    sys.path.insert(0, str(SOURCE / folder))
sys.dont_write_bytecode = True
from arilite import Events, PASSWORD, Rest, USER  # noqa: E402
from waiting import wait_for  # noqa: E402

PARTY = "Local/answer@default"  # answers
SUITES = {"22": ("sid", 18088, 15060), "16": ("bullseye", 18089, 15061)}  # ports of HTTP and SIP
IVRS = {
    "python": [sys.executable, SOURCE / "lib/python/examples/ivr.py"],
    "node": ["node", SOURCE / "lib/node/examples/ivr.mjs"],
    "cpp": [BUILD / "lib/client/examples/aribus-ivr-example"],
}


def end(process, number=signal.SIGTERM, seconds=15):
    process.send_signal(number)
    return process.wait(seconds)


class Simulated:
    """aribus-sim, on a port of its own, which it keeps when it is restarted."""

    version = "sim"

    def __init__(self):
        self.port = 0
        self.start()

    def start(self):
        self.process = subprocess.Popen([BUILD / "tests/sim/aribus-sim", "--port", str(self.port)],
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rpartition(":")[2])
        self.url = f"http://127.0.0.1:{self.port}"

    def rest(self, method, path, body=None):
        return Rest(self.url, 10).call(method, path, body)

    def restart(self):
        end(self.process, signal.SIGKILL)
        self.start()

    def stop(self):
        end(self.process, signal.SIGKILL)


class SimulatedCaller:
    """Somebody who calls the application; `channel` is the call's."""

    def __init__(self, asterisk, app):
        self.asterisk = asterisk
        self.channel = asterisk.rest("POST", "/sim/call", {"app": app}).json()["channel"]

    def press(self, digit):
        assert self.asterisk.rest("POST", f"/sim/call/{self.channel}/dtmf", {"digit": digit}).status == 200

    def hang_up(self):
        self.asterisk.rest("POST", f"/sim/call/{self.channel}/hangup", {})


class Real:
    """The Asterisk that scripts/asterisk has started."""

    def __init__(self, version):
        suite, port, sip_port = SUITES[version]
        self.version, self.url, self.sip = version, f"http://127.0.0.1:{port}", f"127.0.0.1:{sip_port}"
        self.folder = pathlib.Path(os.environ.get("ARIBUS_ASTERISK_ROOT", "/var/tmp/aribus-asterisk")) / suite

    def run(self, *arguments):
        subprocess.run([SOURCE / "scripts/asterisk", *arguments], check=True, capture_output=True, timeout=120,
                       start_new_session=True)

    def rest(self, method, path, body=None):
        return Rest(self.url, 60).call(method, path, body)

    def restart(self):
        self.run("restart", self.version)

    def stop(self):
        pass


class RealCaller:
    """A Local channel: one half enters the application through the dialplan, as a call from SIP does, and the other,
    in an application of the test's, presses the digits."""

    number = 0
    lock = threading.Lock()

    def __init__(self, asterisk, app):
        self.asterisk, self.app = asterisk, app
        with self.lock:
            RealCaller.number += 1
            self.channel = f"{app}-caller{RealCaller.number:04}"  # on 22 no id may begin with another one
        self.own, own_app = "own-" + self.channel, "callers-" + app
        self.events = Events(asterisk.url, own_app)
        answer = asterisk.rest("POST", f"/ari/channels?endpoint=Local/{app}@from-sip/n&app={own_app}"
                               f"&channelId={self.own}&otherChannelId={self.channel}")
        assert answer.status == 200, answer.body

    def press(self, digit):
        def pressed():
            return self.asterisk.rest("POST", f"/ari/channels/{self.own}/dtmf?dtmf={digit}").status == 204
        wait_for("the call is answered", pressed)

    def hang_up(self):
        self.asterisk.rest("DELETE", f"/ari/channels/{self.own}")
        self.events.close()


def blocking():
    """The client for tests that block."""
    import aribus.blocking
    return aribus.blocking


class Daemon:
    """aribusd, with a socket and a log of its own."""

    def __init__(self, folder, asterisk, app, more="", bus_path=True):
        self.folder = pathlib.Path(folder)
        self.socket = str(self.folder / "aribus.sock")
        config = self.folder / "aribusd.yaml"
        config.write_text(f"asterisk:\n  - url: {asterisk.url}\n    username: {USER}\n    password: {PASSWORD}\n"
                          f"    apps: [{app}]\n{more}sockets:\n  - path: {self.socket}\n"
                          + (f"bus:\n  path: {self.folder}/bus.log\n" if bus_path else ""))
        config.chmod(0o600)
        self.start()

    def start(self):
        with open(self.folder / "aribusd.log", "a") as log:
            self.process = subprocess.Popen([BUILD / "daemon/aribusd", "--config", self.folder / "aribusd.yaml"],
                                            stderr=log)
        wait_for("aribusd listens", self.listens)

    def listens(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.socket) == 0

    def wait_ready(self):
        with blocking().Client(self.socket) as client:
            wait_for(lambda: f"aribusd is ready: {client.call('status')}",
                     lambda: all(s["state"] == "ready" for s in client.call("status")["servers"]), 40)

    def restart(self, number=signal.SIGTERM):
        status = end(self.process, number)
        assert status == (0 if number == signal.SIGTERM else -number), f"aribusd ends with {status}"
        self.start()

    def stop(self):
        end(self.process)


class Program:
    """A program with the socket of aribusd, and what it printed so far."""

    def __init__(self, command, log, socket_path):
        self.command, self.log, self.socket = command, pathlib.Path(log), socket_path
        self.start()

    def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env={
                **os.environ, "ARIBUS_SOCKET": self.socket, "PYTHONPATH": str(SOURCE / "lib/python")})

    def lines(self):
        return self.log.read_text().splitlines()

    def count(self, line):
        return self.lines().count(line)

    def wait(self, line, times=1, seconds=20.0):
        """Waits until it has printed `line` so often."""
        wait_for(lambda: f"{times} × '{line}' in\n" + "\n".join(self.lines()[-40:]),
                 lambda: self.count(line) >= times, seconds)

    def restart(self, number=signal.SIGKILL):
        assert self.process.poll() is None, "\n".join(self.lines()[-20:])
        end(self.process, number)
        self.start()

    def stop(self):
        assert self.process.poll() is None, "\n".join(self.lines()[-20:])
        end(self.process, signal.SIGKILL)


class Ivr(Program):
    """The IVR of a language."""

    def __init__(self, language, folder, socket_path, app):
        folder = pathlib.Path(folder)
        super().__init__([*IVRS[language], app, str(folder / "ivr.state"), f"1={PARTY}"], folder / "ivr.log", socket_path)

    def digits(self, channel):
        """The digits of `channel` that it was told of, in their order; one told again, as its work on it may have been
        cut short, counts once."""
        told = [line.split() for line in self.lines() if line.startswith("digit ")]
        return "".join(digit for digit, _ in dict.fromkeys((digit, int(seq)) for _, digit, of, seq in told
                                                           if of == channel))


class Stage:
    """All of it for one IVR."""

    def __init__(self, language, asterisk, more="", bus_path=True):
        self.folder = tempfile.TemporaryDirectory(prefix="aribus-clients-")
        self.asterisk = asterisk
        self.app = "demo" if asterisk.version == "sim" else f"ivr{language}{os.getpid()}"
        self.more, self.bus_path, self.language = more, bus_path, language

    def __enter__(self):
        self.daemon = Daemon(self.folder.name, self.asterisk, self.app, self.more, self.bus_path)
        try:
            self.ivr = Ivr(self.language, self.folder.name, self.daemon.socket, self.app)
        except OSError:
            self.daemon.stop()
            raise
        return self

    def __exit__(self, kind, error, traceback):
        try:
            if error:
                print(f"--- the IVR in {self.language}:\n{self.ivr.log.read_text()}\n--- aribusd:\n"
                      + "\n".join((self.daemon.folder / "aribusd.log").read_text().splitlines()[-40:]), file=sys.stderr)
            self.ivr.stop()
        finally:
            self.daemon.stop()
            self.folder.cleanup()

    def call(self):
        return (SimulatedCaller if self.asterisk.version == "sim" else RealCaller)(self.asterisk, self.app)

    def bridged(self, channel):
        """Whether the caller and his party are in a bridge, by Asterisk's own answer."""
        answer = self.asterisk.rest("GET", f"/ari/bridges/{channel}-bridge")
        return answer.status == 200 and sorted(answer.json()["channels"]) == sorted([channel, channel + "-party"])

    def gone(self, channel):
        """Whether nothing of the call is left."""
        left = json.dumps([self.asterisk.rest("GET", f"/ari/{what}").json() for what in ("channels", "bridges")])
        return channel not in left
