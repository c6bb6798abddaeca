"""What aribus-nats costs: beside a plain publisher with libnats, to the daemon's own subscribers, and to one nats-server
that a hundred daemons publish to. scripts/bench measures with it."""
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "nats"))
from nats_stage import Nats, NatsServer, Pbx, Process, wait_for  # noqa: E402
from servers import Failed, Server  # noqa: E402

RING = "512MiB"  # holds all records of a measurement, so that the bridge finds them


def cpu_s(pid):
    """The processor time of a process, of threads that ended too, in seconds."""
    return time.clock_gettime((~pid << 3) | 2)  # as clock_getcpuclockid(3) makes the number of the clock


def memory_mib(pid, name="VmRSS"):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name + ":")).split()[1]) / 1024


def disk_bytes(folder):
    return sum(file.stat().st_blocks * 512 for file in pathlib.Path(folder).rglob("*"))


def pinned(processors):
    """What starts a program on these processors alone."""
    return ["taskset", "-c", ",".join(str(number) for number in processors)]


def start_nats(folder, processors, yields=False):
    """`yields`: it runs only while no other program wants its processors (SCHED_IDLE)."""
    server = NatsServer(folder, prefix=[*pinned(processors), *(["chrt", "--idle", "0"] if yields else [])])
    server.wait()
    return server


def save_records(socket_path, count, path):
    """Writes the newest `count` records of a daemon to a file, as they are published: one JSON object a line."""
    with socket.socket(socket.AF_UNIX) as one, open(path, "wb") as out:
        one.connect(socket_path)
        one.sendall(b'{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"from":"oldest"}}\n')
        head, lines = b'{"jsonrpc":"2.0","method":"event","params":', one.makefile("rb")
        written = 0
        while written < count:
            line = lines.readline()
            if line.startswith(head):
                out.write(line[len(head):-2] + b"\n")
                written += 1


class Bridge:
    """aribus-nats beside a daemon; stopped at the end of its `with`."""

    def __init__(self, build, folder, daemon_socket, nats, processors):
        folder = pathlib.Path(folder)
        config = folder / "nats.yaml"
        config.write_text(f"name: bench\nsocket: {daemon_socket}\nstate_file: {folder}/state.json\n"
                          f"nats:\n  url: {nats.url}\n")
        self.socket = daemon_socket
        self.process = Process(folder, "aribus-nats", *pinned(processors), build / "bridges/nats/aribus-nats",
                               "--config", config)
        self.pid = self.process.process.pid
        self.client = Nats(nats.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.client.close()

    def wait_ready(self):
        """Until it has made its stream."""
        wait_for(lambda: "aribus-nats is ready: " + self.process.log()[-1000:],
                 lambda: "state" in self.client.api("STREAM.INFO.ARIBUS_bench"))

    def stored(self):
        """How many records the stream in NATS has taken."""
        answer = self.client.api("STREAM.INFO.ARIBUS_bench")
        return answer["state"]["last_seq"] if "state" in answer else 0

    def wait_stored(self, seconds):
        """Until the stream has as many records as the daemon: each of them once."""
        wait_for(lambda: f"{self.stored():,} of {daemon_seq(self.socket):,} records are stored\n{self.process.log()[-1000:]}",
                 lambda: self.stored() == daemon_seq(self.socket), seconds)


def daemon_seq(socket_path):
    """The seq of the daemon's last record."""
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(socket_path)
        one.sendall(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n')
        return json.loads(one.makefile("rb").readline())["result"]["bus"]["next"] - 1


def request(method):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}).encode()


class SocketCommands:
    """Commands over a connection to the daemon's socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")

    def ask(self, method):
        self.socket.sendall(request(method) + b"\n")
        return json.loads(self.lines.readline())


class NatsCommands:
    """Commands over a connection to NATS: one inbox, and no thread that would have to be woken."""

    def __init__(self, port, subject):
        self.subject = subject.encode()
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB _INBOX.bench 1\r\n')

    def ask(self, method):
        """None when nobody listens."""
        data = request(method)
        self.socket.sendall(b"PUB %s _INBOX.bench %d\r\n%s\r\n" % (self.subject, len(data), data))
        while True:
            line = self.file.readline()
            if line.startswith(b"PING"):
                self.socket.sendall(b"PONG\r\n")
            elif line.startswith(b"HMSG"):
                *_, head, total = line.split()
                body = self.file.read(int(total) + 2)[int(head):-2]
                return json.loads(body) if body else None
            elif line.startswith(b"-ERR") or not line:
                raise Failed(f"nats-server says {line.decode()}")


class Measure:
    """`bench`: scripts/bench's own. `say(text)` tells how it goes."""

    def __init__(self, bench, say):
        self.bench, self.build, self.say = bench, bench.build, say
        self.scale = bench.sizes.bridge
        # The program that is measured has one processor to itself, as far as there are two.
        self.one = [bench.processor]
        self.others = sorted(os.sched_getaffinity(0))

    def all(self):
        return {"cost": self.cost(), "steady": self.steady(), "subscribers": self.subscribers(),
                "commands": self.commands(), "daemons": self.daemons()}

    def publish(self, nats, records, processors, **options):
        """What bench_nats_publish measures."""
        command = [*pinned(processors), self.build / "tests/bench/bench_nats_publish", "--url", nats.url, "--records",
                   records]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            raise Failed(f"{run.stderr}\nThe log of nats-server:\n{nats.log()[-2000:]}")
        return json.loads(run.stdout)

    def cost(self):
        """Processor time for a record, as fast as it goes: the bridge finds all records in the daemon's ring."""
        runs = {"aribus-nats": [], "plain": []}
        for i in range(self.scale.repeat):
            with tempfile.TemporaryDirectory(prefix="aribus-bench-") as folder, \
                 Server("aribus", self.build, folder, self.bench.processor, ring=RING) as daemon:
                self.bench.run_traffic(daemon, subscribers=1, events=self.scale.records, window=2000)
                records = pathlib.Path(folder) / "records"
                save_records(daemon.socket, min(self.scale.records, self.bench.trace_events), records)
                count = daemon_seq(daemon.socket)
                nats = start_nats(folder, self.others)
                try:
                    begin = time.monotonic()
                    with Bridge(self.build, folder, daemon.socket, nats, self.one) as bridge:
                        bridge.wait_stored(120)
                        seconds = time.monotonic() - begin
                        spent = cpu_s(bridge.pid)
                    runs["aribus-nats"].append({"record_us": spent * 1e6 / count, "records_per_s": count / seconds})
                    it = self.publish(nats, records, self.one, name="plain", count=count)
                    runs["plain"].append({"record_us": it["cpu_ns"] / 1000 / count,
                                          "records_per_s": count / it["seconds"]})
                finally:
                    nats.kill()
            self.say("bridge: cost " + ", ".join(f"{name} {results[-1]['record_us']:.2f} µs a record"
                                                for name, results in runs.items()) + f" ({i + 1}/{self.scale.repeat})")
        return {name: self.middle(results) for name, results in runs.items()}

    @staticmethod
    def middle(results):
        return {name: statistics.median(it[name] for it in results) for name in results[0]}

    def steady(self):
        """Processor time for a record at a steady rate, and whether the bridge keeps up."""
        runs = {"aribus-nats": [], "plain": []}
        rate, events = self.scale.rate, int(self.scale.rate * self.scale.seconds)
        for i in range(self.scale.repeat):
            with tempfile.TemporaryDirectory(prefix="aribus-bench-") as folder, \
                 Server("aribus", self.build, folder, self.bench.processor, ring=RING) as daemon:
                nats = start_nats(folder, self.others)
                try:
                    with Bridge(self.build, folder, daemon.socket, nats, self.one) as bridge:
                        bridge.wait_ready()
                        before, spent_before = daemon_seq(daemon.socket), cpu_s(bridge.pid)
                        server_before = cpu_s(nats.process.pid)
                        self.bench.run_traffic(daemon, subscribers=1, events=events, rate=rate)
                        count = daemon_seq(daemon.socket)
                        behind, ended = count - bridge.stored(), time.monotonic()
                        bridge.wait_stored(60)
                        spent = cpu_s(bridge.pid) - spent_before
                        runs["aribus-nats"].append({
                            "record_us": spent * 1e6 / (count - before), "behind": behind,
                            "behind_s": time.monotonic() - ended, "rss_mib": memory_mib(bridge.pid, "VmHWM"),
                            "server_record_us": (cpu_s(nats.process.pid) - server_before) * 1e6 / (count - before)})
                    records = pathlib.Path(folder) / "records"
                    save_records(daemon.socket, min(events, self.bench.trace_events), records)
                    server_before = cpu_s(nats.process.pid)
                    it = self.publish(nats, records, self.one, name="plain", count=events, rate=rate)
                    runs["plain"].append({
                        "record_us": it["cpu_ns"] / 1000 / events,
                        "server_record_us": (cpu_s(nats.process.pid) - server_before) * 1e6 / events})
                finally:
                    nats.kill()
            self.say(f"bridge: {rate:,} a second, " + ", ".join(
                f"{name} {results[-1]['record_us']:.2f} µs a record" for name, results in runs.items())
                + f", {runs['aribus-nats'][-1]['behind']:,} behind at the end ({i + 1}/{self.scale.repeat})")
        return {"rate": rate, **{name: self.middle(results) for name, results in runs.items()}}

    def subscribers(self):
        """What the daemon's own subscribers notice of the bridge, at a steady rate.

        nats-server has a machine of its own where it matters. So it yields to all others here; in the other runs it competes
        with the subscribers for their processor, fed by aribus-nats and by a plain publisher.
        """
        variants = ("without", "with", "beside", "plain")
        runs = {name: [] for name in variants}
        rate = self.scale.latency_rate
        with tempfile.TemporaryDirectory(prefix="aribus-bench-") as folder:
            records = pathlib.Path(folder) / "records"  # for the plain publisher
            with Server("aribus", self.build, folder, self.bench.processor, ring=RING) as daemon:
                self.bench.run_traffic(daemon, subscribers=1, events=self.bench.trace_events, window=2000)
                save_records(daemon.socket, self.bench.trace_events, records)
            for _ in range(self.scale.latency_repeat):
                for name in variants:
                    runs[name].append(self.latency_of_subscribers(rate, name, records))
                    it = runs[name][-1]
                    self.say(f"bridge: {rate:,} a second ({name}), p50 {it['p50']:.0f} µs, p99 {it['p99']:.0f} µs")
        return {"rate": rate, **{name: self.middle(results) for name, results in runs.items()}}

    def latency_of_subscribers(self, rate, variant, records):
        with tempfile.TemporaryDirectory(prefix="aribus-bench-") as folder, \
             Server("aribus", self.build, folder, self.bench.processor) as daemon:
            def measure():
                result = self.bench.run_traffic(daemon, subscribers=10, warm_up=self.bench.trace_events, rate=rate,
                                                events=rate * self.scale.latency_s, window=2000)
                return result["latency_us"]
            if variant == "without":
                return measure()
            nats = start_nats(folder, self.others, yields=variant == "with")
            try:
                if variant == "plain":
                    return self.beside_plain(nats, rate, records, measure)
                with Bridge(self.build, folder, daemon.socket, nats, self.others) as bridge:
                    bridge.wait_ready()
                    latency = measure()
                    bridge.wait_stored(60)
                    return latency
            finally:
                nats.kill()

    def beside_plain(self, nats, rate, records, measure):
        """What `measure` returns while a plain publisher sends as many records a second to NATS as the daemon publishes."""
        publisher = subprocess.Popen([*pinned(self.others), self.build / "tests/bench/bench_nats_publish", "--url", nats.url,
                                      "--records", records, "--name", "plain", "--rate", str(rate),
                                      "--count", str(rate * 600)], stdout=subprocess.DEVNULL)
        try:
            latency = measure()
            if publisher.poll() is not None:
                raise Failed(f"the plain publisher ended with {publisher.returncode}")
            return latency
        finally:
            publisher.kill()
            publisher.wait()

    def commands(self):
        """How long a command takes by the socket and by NATS, in turns, of one that Asterisk has a part in and one of the
        daemon's own. Both clients are as plain as can be: what they take themselves is as little as possible."""
        with tempfile.TemporaryDirectory(prefix="aribus-bench-") as folder:
            nats = start_nats(folder, self.others)
            control = pathlib.Path(folder) / "bench/control.sock"
            pbx = Pbx(folder, "bench", sockets=f"  - path: {control}\n",
                      access=f"access:\n  - name: control\n    sockets: [{control}]\n    methods: [read, control]\n"
                             "  - name: records\n    methods: [read]\n")
            try:
                pbx.wait_ready()
                pbx.bridge(nats.url, f"rules:\n  control: {control}\n")
                by_socket, by_nats = SocketCommands(control), NatsCommands(nats.port, "aribus.v1.rpc.bench.control")
                wait_for("aribus-nats takes commands", lambda: by_nats.ask("ping") is not None)
                times = {method: {by: [] for by in (by_socket, by_nats)} for method in ("ping", "channels.list")}
                for i in range(self.scale.commands):
                    for method, of in times.items():
                        for by, taken in of.items():
                            begin = time.perf_counter()
                            answer = by.ask(method)
                            taken.append(time.perf_counter() - begin)
                            if answer is None or "result" not in answer:
                                raise Failed(f"{method} is answered {answer}\n{pbx.nats.log()[-2000:]}")
            finally:
                pbx.stop()
                nats.kill()
        def quantiles(taken):
            taken = sorted(taken)
            return {name: taken[int(share * (len(taken) - 1))] * 1e6 for name, share in (("p50", .5), ("p99", .99))}
        results = {method: {"socket": quantiles(of[by_socket]), "nats": quantiles(of[by_nats])} for method, of in times.items()}
        for method, of in results.items():
            self.say(f"bridge: {method}, p50 {of['socket']['p50']:.0f} µs by the socket, {of['nats']['p50']:.0f} µs by NATS")
        return results

    def daemons(self):
        """What one nats-server has to do when many daemons publish to it, each into its own stream."""
        with tempfile.TemporaryDirectory(prefix="aribus-bench-") as folder:
            records = pathlib.Path(folder) / "records"
            with Server("aribus", self.build, folder, self.bench.processor) as daemon:
                self.bench.run_traffic(daemon, subscribers=1, events=self.bench.trace_events, window=2000)
                save_records(daemon.socket, self.bench.trace_events, records)
            return {"daemons": self.scale.daemons,
                    "rates": [self.many(rate, records) for rate in self.scale.daemon_rates]}

    def many(self, rate, records):
        with tempfile.TemporaryDirectory(prefix="aribus-bench-") as folder:
            nats = start_nats(folder, self.one)
            pid = nats.process.pid
            try:
                count = max(1, int(rate * self.scale.daemons_s / self.scale.daemons))
                total = count * self.scale.daemons
                it = self.publish(nats, records, self.others, name="pbx", streams=self.scale.daemons, count=count,
                                  rate=rate)
                result = {"rate": rate, "records_per_s": total / it["seconds"], "stored_ms": it["stored_ms"],
                          "late_ms": it["late_ms"], "cpu_share": cpu_s(pid) / it["seconds"],
                          "record_us": cpu_s(pid) * 1e6 / total, "rss_mib": memory_mib(pid, "VmHWM"),
                          "disk_bytes": disk_bytes(nats.store) / total}
            finally:
                nats.kill()
        self.say(f"bridge: {self.scale.daemons} daemons, {rate:,} records a second: nats-server takes "
                 f"{result['cpu_share']:.0%} of a processor, stored after {result['stored_ms']['p99']:.1f} ms (p99)")
        return result
