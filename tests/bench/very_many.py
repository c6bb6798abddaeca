"""aribusd with very many channels: its longest turns, snapshots, and what its other subscribers notice.

Everything is there at once: a simulated Asterisk (tests/sim) with a crowd of channels and bridges, a flow of events to
subscribers that read everything, and what makes work over all objects: connecting, gaps, snapshots, lists.
"""
import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

from precedence import run_first

WAIT_S = 180
TURN_BOUNDS = "aribus_loop_turn_seconds_bucket"
LONGEST = "aribus_loop_longest_turn_lately_seconds"
SENT = re.compile(rb"@(\d+)@")


@dataclasses.dataclass(frozen=True)
class Size:
    channels: int = 50_000
    bridges: int = 5_000
    variables: int = 0
    listed: int = 25_000  # of channels.list
    snapshots: int = 30
    subscribers: int = 20
    rate: int = 5000  # events a second
    kept: int = 200   # channels that stay when everything is gone: the events are about them
    max_turn_ms: float = 10
    max_snapshots_s: float = 1
    max_snapshots_mib: float = 100
    max_p99_ms: float = 10


# Who takes the time of what comes has little to do and goes before aribusd. What has much to do, and is not measured, goes
# behind it: the simulated Asterisk when it lists its channels, and the readers of snapshots.
READERS, SIMULATOR, DAEMON, CLOCK = 1, 2, 3, 4


class Failed(Exception):
    pass


class Program:
    """A connection to aribusd's socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.settimeout(WAIT_S)
        self.file = self.socket.makefile("rb")

    def send(self, method, **params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self.socket.sendall(json.dumps(request).encode() + b"\n")

    def call(self, method, **params):
        self.send(method, **params)
        while "id" not in (line := json.loads(self.file.readline())):
            pass
        return line

    def await_record(self, record_type):
        mark = f'"type":"{record_type}"'.encode()
        while mark not in (line := self.file.readline()):
            if not line:
                raise Failed(f"aribusd has ended before {record_type}")

    def count_line(self):
        """The length of the next line; nothing of it is kept."""
        buffer, size = bytearray(1 << 18), 0
        while True:
            count = self.socket.recv_into(buffer)
            if count == 0:
                raise Failed("aribusd has closed the connection")
            end = buffer.find(b"\n", 0, count)
            if end >= 0:
                return size + end + 1
            size += count

    def close(self):
        self.file.close()
        self.socket.close()


def read_latencies(path, count):
    """Subscribes `count` times; for each line on stdin writes the latencies since the last one as a line of JSON, in µs."""
    import selectors
    selector = selectors.DefaultSelector()
    for _ in range(count):
        program = Program(path)
        if "error" in program.call("subscribe", types=["ChannelVarset"]):
            sys.exit("subscribe fails")
        program.socket.setblocking(False)
        selector.register(program.socket, selectors.EVENT_READ, program)
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)
    buffer, latencies = bytearray(1 << 18), []
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                if not os.read(sys.stdin.fileno(), 4096):
                    return
                latencies.sort()
                at = lambda share: latencies[min(len(latencies) - 1, int(share * len(latencies)))] if latencies else 0
                print(json.dumps({"count": len(latencies), "p50": at(0.5), "p99": at(0.99), "max": at(1)}), flush=True)
                latencies = []
                continue
            count = key.data.socket.recv_into(buffer)
            now = time.monotonic_ns()
            if count == 0:
                sys.exit("aribusd has closed a subscriber")
            latencies += [(now - int(sent)) / 1000 for sent in SENT.findall(memoryview(buffer)[:count])]


class Daemon:
    def __init__(self, build, folder, port, name):
        self.socket, self.metrics = f"{folder}/{name}.sock", f"{folder}/{name}.metrics"
        file = pathlib.Path(folder, f"{name}.yaml")
        file.write_text(f"asterisk:\n  - url: http://127.0.0.1:{port}\n    username: aribus\n    password: aribus-test-secret\n"
                        f"    apps: [bench]\nsockets:\n  - path: {self.socket}\nmetrics:\n  path: {self.metrics}\n"
                        "limits:\n  user_bytes: 4GiB\n")
        file.chmod(0o600)
        self.log = open(f"{folder}/{name}.log", "w+b")
        self.process = subprocess.Popen([build / "daemon/aribusd", "--config", file], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, preexec_fn=run_first(priority=DAEMON))
        until = time.monotonic() + 10
        while not (os.path.exists(self.socket) and os.path.exists(self.metrics)):
            if self.process.poll() is not None or time.monotonic() > until:
                self.log.seek(0)
                raise Failed(f"aribusd does not start: {self.log.read().decode()}")
            time.sleep(0.01)

    def figures(self):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.metrics)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        turns = {float(bound): int(float(count)) for bound, count in
                 re.findall(TURN_BOUNDS + r'\{le="([0-9.]+)"\} (\S+)', text)}
        return turns, float(re.search(rf"^{LONGEST} (\S+)", text, re.M)[1]) * 1000

    def waited_s(self):
        """How long it was ready to run and other programs had its processor."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[1]) / 1e9

    def cpu_s(self):
        return int(pathlib.Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) / 1e9

    def memory_mib(self, name):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1]) / 1024

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class Simulator:
    def __init__(self, build):
        self.process = subprocess.Popen([build / "tests/sim/aribus-sim"], stdout=subprocess.PIPE, text=True,
                                        preexec_fn=run_first(priority=SIMULATOR))
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def control(self, what, **params):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        connection.request("POST", f"/sim/{what}", json.dumps(params), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise Failed(f"/sim/{what}: {answer.read().decode()}")
        connection.close()

    def stop(self):
        self.process.kill()
        self.process.wait()


class Measure:
    def __init__(self, build, size, say):
        self.build, self.size, self.say = build, size, say
        self.phases = {}

    def all(self):
        size = self.size
        with tempfile.TemporaryDirectory(prefix="aribus-scale-") as folder, contextlib.ExitStack() as ends:
            simulator = Simulator(self.build)
            ends.callback(simulator.stop)
            crowd = {"app": "bench", "channels": size.channels, "bridges": size.bridges, "variables": size.variables}
            simulator.control("crowd", **crowd)
            first = Daemon(self.build, folder, simulator.port, "first")
            try:
                self.connect(first)
            finally:
                first.stop()
            simulator.control("reset")
            daemon = Daemon(self.build, folder, simulator.port, "second")
            ends.callback(daemon.stop)
            self.daemon, self.simulator = daemon, simulator
            self.readers = subprocess.Popen([sys.executable, __file__, daemon.socket, str(size.subscribers)],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                            preexec_fn=run_first(priority=CLOCK))
            ends.callback(self.readers.wait)
            ends.callback(self.readers.stdin.close)
            if self.readers.stdout.readline() != "ready\n":
                raise Failed("the subscribers do not start")
            simulator.control("crowd", app="bench", channels=size.kept)
            simulator.control("crowd/talk", rate=size.rate)
            self.phase("nothing else", lambda: time.sleep(2))
            # As long as an answer may be (16 MiB); that of all channels would be refused.
            simulator.control("crowd", app="bench", channels=size.listed)
            self.phase("channels.list", lambda: self.answer("channels.list", 300 * size.listed))
            self.gap("gap, all are new", "crowd", **crowd)
            self.gap("gap, a tenth changed", "crowd/change", kept=size.kept, nth=10)
            snapshots = {}
            self.phase("snapshots", lambda: snapshots.update(self.snapshots()))
            self.phase("state.channels", lambda: self.answer("state.channels", 300 * size.channels))
            self.gap("gap, all are gone", "crowd/lose", kept=size.kept)
        worst = max(it["turn_ms"] for it in self.phases.values())
        p99 = max(it["p99"] for it in self.phases.values() if "p99" in it) / 1000
        passed = (worst <= size.max_turn_ms and p99 <= size.max_p99_ms and snapshots["seconds"] <= size.max_snapshots_s
                  and snapshots["mib"] <= size.max_snapshots_mib)
        return {**dataclasses.asdict(size), "phases": self.phases, "taken": snapshots, "passed": passed}

    def connect(self, daemon):
        before, waited, cpu = time.monotonic(), daemon.waited_s(), daemon.cpu_s()
        program = Program(daemon.socket)
        while program.call("status")["result"]["servers"][0]["state"] != "ready":
            if time.monotonic() > before + WAIT_S:
                raise Failed("aribusd does not become ready")
            time.sleep(0.05)
        seconds = time.monotonic() - before
        time.sleep(1)  # for the first look
        program.close()
        self.phases["connect"] = {"turn_ms": daemon.figures()[1], "exact": True, "seconds": seconds,
                                  **self.shares(daemon, waited, cpu)}
        self.told("connect")

    @staticmethod
    def shares(daemon, waited, cpu):
        waited, cpu = daemon.waited_s() - waited, daemon.cpu_s() - cpu
        return {"waited_s": waited, "cpu_s": cpu}

    def told(self, name):
        it = self.phases[name]
        self.say(f"scale: {name}: {it['seconds']:.2f} s, longest turn {'' if it['exact'] else 'up to '}{it['turn_ms']:.1f} ms"
                 + (f", p99 {it['p99'] / 1000:.1f} ms of {it['count']:,}" if "p99" in it else "")
                 + f"; other programs had its processor for {it['waited_s']:.2f} s")

    def phase(self, name, act):
        daemon = self.daemon
        turns, longest = daemon.figures()
        self.latencies()
        waited, cpu, before = daemon.waited_s(), daemon.cpu_s(), time.monotonic()
        act()
        seconds = time.monotonic() - before
        latencies = self.latencies()
        after, longest_now = daemon.figures()
        # The exact figure is of the last minutes; when it has not grown, the buckets bound this phase's.
        exact = longest_now > longest
        added = {bound: after[bound] - turns[bound] for bound in after}
        total = max(added.values())
        bound = next((bound for bound, count in sorted(added.items()) if count == total), float("inf")) * 1000
        self.phases[name] = {"turn_ms": longest_now if exact else min(bound, longest_now), "exact": exact, "seconds": seconds, **latencies,
                             **self.shares(daemon, waited, cpu)}
        self.told(name)

    def latencies(self):
        self.readers.stdin.write("\n")
        self.readers.stdin.flush()
        return json.loads(self.readers.stdout.readline())

    def gap(self, name, control, **params):
        def act():
            program = Program(self.daemon.socket)
            program.call("subscribe", types=["server.resynced"])
            self.simulator.control(control, **params)
            self.simulator.control("drop", mode="rst")
            program.await_record("server.resynced")
            program.close()
            time.sleep(1)  # for the first look
        self.phase(name, act)

    def snapshots(self):
        """Of many at once; who reads them only counts bytes."""
        before = os.sched_getaffinity(0), os.sched_getscheduler(0), os.sched_getparam(0)
        run_first(priority=READERS)()
        try:
            return self.take_snapshots()
        finally:
            os.sched_setaffinity(0, before[0])
            os.sched_setscheduler(0, before[1], before[2])

    def take_snapshots(self):
        daemon, count = self.daemon, self.size.snapshots
        programs = [Program(daemon.socket) for _ in range(count)]
        daemon.forget_peak()
        rss = daemon.memory_mib("VmRSS")
        sizes, threads = [0] * count, []
        def read(i):
            sizes[i] = programs[i].count_line()
        for i in range(count):
            threads.append(threading.Thread(target=read, args=(i,)))
        before = time.monotonic()
        for thread in threads:
            thread.start()
        for program in programs:
            program.send("subscribe", types=["server.*"], snapshot=True)
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - before
        peak = daemon.memory_mib("VmHWM")
        for program in programs:
            program.close()
        if min(sizes) < 300 * self.size.channels:
            raise Failed(f"a snapshot has {min(sizes)} bytes only")
        self.say(f"scale: {count} snapshots of {max(sizes) / 2**20:.1f} MiB: {seconds:.2f} s, {peak - rss:.0f} MiB")
        return {"seconds": seconds, "mib": peak - rss, "snapshot_mib": max(sizes) / 2**20}

    def answer(self, method, least):
        program = Program(self.daemon.socket)
        program.send(method)
        count = program.count_line()
        program.close()
        if count < least:
            raise Failed(f"{method} has {count} bytes only")


if __name__ == "__main__":
    read_latencies(sys.argv[1], int(sys.argv[2]))
