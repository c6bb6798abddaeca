"""Private instances of the systems that are measured: in a folder of their own, on one processor, keeping nothing."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

SYSTEMS = ("aribus", "redis", "nats", "relay")
PROGRAMS = {"redis": "redis-server", "nats": "nats-server"}
START_TIMEOUT_S = 10


class Failed(Exception):
    """A server or a measurement failed; the text says all."""


class Server:
    """One running server; stopped at the end of its `with`.

    upstream: where events go in, for bench_traffic. asterisk: the listening socket behind it, for the systems that come
    to Asterisk.
    """

    def __init__(self, system, build, folder, processor, lanes=1, ring=None):
        self.system, self.folder, self.asterisk = system, pathlib.Path(folder), None
        self.socket = str(self.folder / "socket")
        if system in ("aribus", "relay"):
            self.asterisk = socket.create_server(("127.0.0.1", 0))
            self.upstream = str(self.asterisk.fileno())
            port = self.asterisk.getsockname()[1]
        if system == "aribus":
            command = [build / "daemon/aribusd", "--config", self._configuration(port, ring)]
        elif system == "relay":
            command = [build / "tests/bench/bench_relay", str(port), self.socket, str(lanes)]
        elif system == "redis":
            self.upstream = self.socket
            command = ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.folder, "--save", "",
                       "--appendonly", "no", "--client-output-buffer-limit", "pubsub", "0", "0", "0"]
        else:
            command = ["nats-server", "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", self.folder]
        self.log = self.folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=lambda: os.sched_setaffinity(0, {processor}))
        try:
            self._await()
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _configuration(self, port, ring):
        file = self.folder / "aribusd.yaml"
        file.write_text(f"asterisk:\n  - url: http://127.0.0.1:{port}\n    username: bench\n    password: none\n"
                        f"    apps: [bench]\nsockets:\n  - path: {self.socket}\nweb:\n  path: {self.socket}.web\n"
                        + (f"bus:\n  ring_bytes: {ring}\n" if ring else ""))
        file.chmod(0o600)
        return file

    def _is_ready(self):
        if self.system == "nats":
            ports = self.folder / f"nats-server_{self.process.pid}.ports"
            if not ports.exists() or not ports.read_text().strip():
                return False
            self.upstream = self.socket = json.loads(ports.read_text())["nats"][0].rsplit(":", 1)[1]
            return True
        with socket.socket(socket.AF_UNIX) as probe:
            # The relay counts its subscribers from the first one: it is not probed.
            return os.path.exists(self.socket) if self.system == "relay" else probe.connect_ex(self.socket) == 0

    def _await(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{self.system} does not start:\n{self.log.read_text()}")
            time.sleep(0.01)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)  # it keeps nothing
        self.process.wait()
        if self.asterisk:
            self.asterisk.close()


def versions(names):
    """Of those of Redis and NATS that are named, as they say."""
    def first_line(program):
        return subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split("\n")[0]
    found = {}
    if "redis" in names and "v=" in (line := first_line("redis-server")):
        found["Redis"] = line.split("v=")[1].split()[0]
    if "nats" in names:
        found["NATS"] = first_line("nats-server").rsplit("v", 1)[1]
    return found
