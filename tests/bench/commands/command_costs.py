"""What a command costs beside a plain echo and a direct request to Asterisk, and what aribusd does when nothing happens."""
import base64
import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request

from precedence import run_first

SOURCE = pathlib.Path(__file__).resolve().parents[3]
START_TIMEOUT_S = 20
USER, PASSWORD = "aribus", "aribus-test-secret"
QUIET_CLIENTS = 10
ECHO, PING, WEB_PING, DIRECT, NPM = "echo", "ping", "web ping", "direct", "ari-client"
RESTS = ("http", "websocket")
NAMES = {ECHO: "plain epoll echo server", PING: "`ping`", WEB_PING: "`ping` by WebSocket", DIRECT: "direct, HTTP kept alive",
         "http": "`asterisk.ping`, `rest: http`", "websocket": "`asterisk.ping`, `rest: websocket`",
         NPM: "npm's ari-client"}


@dataclasses.dataclass(frozen=True)
class Commands:
    """The scale of the measurements, and what is allowed."""
    rounds: int = 15
    trips: int = 1000          # of each round, one at a time
    seconds: float = 0.2       # of each round, for each number in flight
    in_flight: tuple = (1, 16, 64)
    idle_s: float = 40
    max_ping_ratio: float = 1.3     # to the echo server
    max_added_us: float = 60        # to the direct request
    max_wake_ups: float = 2         # a second
    max_idle_share: float = 0.001   # of a processor


QUICK = Commands(rounds=5, seconds=0.1, idle_s=15)
# Only the answers are checked, and that nothing wakes the daemon all the time: a busy machine adds no wake-ups.
CHECK = Commands(rounds=1, trips=50, seconds=0.05, idle_s=8, max_ping_ratio=1000, max_added_us=1e6, max_wake_ups=4,
                 max_idle_share=1)


class Failed(Exception):
    """A program failed; the text says all."""


def placements():
    """The processor of all servers, and by name that of the program that sends to them."""
    *others, servers = sorted(os.sched_getaffinity(0))
    return servers, {"one": servers} | ({"two": others[0]} if others else {})


def request_line(method):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}, separators=(",", ":"))


def direct_request(url):
    token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return f"GET /ari/asterisk/ping HTTP/1.1\r\nHost: {url.split('//')[1]}\r\nAuthorization: Basic {token}\r\nAccept: */*"


class Programs:
    """Running programs in a folder of their own; all are stopped at the end of its `with`."""

    def __init__(self, build):
        self.build = build
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        self.folder = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="aribus-bench-")))
        return self

    def __exit__(self, *_):
        self.stack.close()

    def start(self, name, command, **options):
        log = self.folder / f"{name}.log"
        with open(log, "wb") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=out,
                                       preexec_fn=run_first([placements()[0]]), **({"stdout": out} | options))
        self.stack.callback(process.wait)
        self.stack.callback(process.send_signal, signal.SIGKILL)
        return process

    def wait_for(self, name, process, ready):
        deadline = time.monotonic() + START_TIMEOUT_S
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{name} does not start:\n{(self.folder / f'{name}.log').read_text()}")
            time.sleep(0.02)

    def echo(self):
        path = str(self.folder / "echo")
        process = self.start("echo", [self.build / "tests/bench/bench_echo", path])
        self.wait_for("echo", process, lambda: accepts(path))
        return path

    def simulator(self):
        """The URL of a simulated Asterisk."""
        process = self.start("simulator", [self.build / "tests/sim/aribus-sim", "--port", "0"], stdout=subprocess.PIPE)
        return "http://" + process.stdout.readline().decode().split()[-1]

    def daemon(self, url, rest):
        """An aribusd in its default configuration; its socket and process."""
        name = f"aribusd-{rest}-{url.rsplit(':', 1)[1]}"
        path = str(self.folder / name)
        config = self.folder / f"{name}.yaml"
        config.write_text(f"asterisk:\n  - url: {url}\n    username: {USER}\n    password: {PASSWORD}\n"
                          f"    apps: [bench-{rest}]\n    rest: {rest}\nsockets:\n  - path: {path}\nweb:\n  path: {path}.web\n")
        config.chmod(0o600)
        process = self.start(name, [self.build / "daemon/aribusd", "--config", config])
        self.wait_for(name, process, lambda: is_connected(path, rest))
        return path, process


def accepts(path):
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def ask(path, method):
    """The answer of the daemon at `path`."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(request_line(method).encode() + b"\n")
        return json.loads(connection.makefile().readline())


def is_connected(path, rest):
    try:
        [asterisk] = ask(path, "status")["result"]["servers"]
    except OSError:
        return False
    return asterisk["connected"] and asterisk["rest"] == rest


def why_no_npm(url):
    """Why npm's ari-client can't be measured; "" when it can."""
    if not shutil.which("node") or not (SOURCE / "node_modules/ari-client").exists():
        return "it is not installed (scripts/install-dependencies --bench)"
    request = urllib.request.Request(f"{url}/ari/api-docs/resources.json")
    request.add_header("Authorization", "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())
    try:
        urllib.request.urlopen(request, timeout=5).read()
    except OSError as error:
        return f"it needs Asterisk's own description of ARI ({error})"
    return ""


def rests(asterisk):
    """The kinds of `rest` that it has: requests over the WebSocket came with Asterisk 20.14, 21.9 and 22.4."""
    return ("http",) if asterisk == "Asterisk 16" else RESTS


class Measure:
    def __init__(self, build, scale, say):
        self.build, self.scale, self.say = build, scale, say

    def all(self):
        affinity = os.sched_getaffinity(0)
        os.sched_setaffinity(0, range(os.cpu_count()))
        try:
            with Programs(self.build) as programs:
                asterisks = {"a simulated Asterisk": programs.simulator()} | real_asterisks()
                results = {name: self.asterisk(programs, name, url) for name, url in asterisks.items()}
        finally:
            os.sched_setaffinity(0, affinity)
        result = {**dataclasses.asdict(self.scale), "asterisks": results}
        return result | {"missed": missed(result), "passed": not missed(result)}

    def asterisk(self, programs, name, url):
        daemons = {rest: programs.daemon(url, rest) for rest in rests(name)}
        found = self.round_trips(programs, url, {rest: path for rest, (path, _) in daemons.items()})
        for place, it in found["compared"].items():
            self.say(f"commands, {name}, {on(place)}: ping {it['ping_ratio']:.2f}× the echo; above a direct request: "
                     + ", ".join(f"{rest} {added:.0f} µs" for rest, added in it["added_us"].items()))
        path, process = daemons["http"]
        idle = self.idle(path, process.pid)
        self.say(f"commands, {name}: idle: {idle['wake_ups']:.2f} wake-ups a second, {idle['share']:.4%} of a processor")
        return found | {"idle": idle}

    def round_trips(self, programs, url, daemons):
        scale = self.scale
        port = url.rsplit(":", 1)[1]
        if not hasattr(programs, "echo_path"):
            programs.echo_path = programs.echo()
        targets = [(ECHO, "lines", programs.echo_path, request_line("ping")),
                   (PING, "lines", daemons["http"], request_line("ping")),
                   (WEB_PING, "websocket", daemons["http"] + ".web", request_line("ping")),
                   (DIRECT, "http", port, direct_request(url)),
                   *((rest, "lines", daemons[rest], request_line("asterisk.ping")) for rest in daemons)]
        _, places = placements()
        command = [self.build / "tests/bench/bench_round_trips", ",".join(map(str, places.values())), str(scale.rounds),
                   str(scale.trips), str(scale.seconds), ",".join(map(str, scale.in_flight)),
                   *(text for target in targets for text in target)]
        run = subprocess.run(command, capture_output=True, text=True, preexec_fn=run_first())
        if run.returncode != 0:
            raise Failed(f"bench_round_trips: {run.stderr}")
        by_processor = json.loads(run.stdout)
        found = {place: by_processor[str(processor)] for place, processor in places.items()}
        if why := why_no_npm(url):
            self.say(f"commands: npm's ari-client is left out: {why}")
        else:
            last = list(places)[-1]
            found[last][NPM] = self.npm(url, places[last])
        return {"rows": {place: {name: row(it) for name, it in targets.items()} for place, targets in found.items()},
                "compared": {place: compare(targets, daemons) for place, targets in found.items()}}

    def npm(self, url, processor):
        """A few rounds, behind those of the others: it is slower by far."""
        scale = self.scale
        run = subprocess.run(["node", SOURCE / "tests/bench/commands/ari_client.cjs", url, USER, PASSWORD,
                              str(min(scale.rounds, 5)), str(min(scale.trips, 200)), str(scale.seconds),
                              ",".join(map(str, scale.in_flight))], capture_output=True, text=True,
                             preexec_fn=run_first([processor]))
        if run.returncode != 0:
            raise Failed(f"ari_client.cjs: {run.stderr}")
        return json.loads(run.stdout.splitlines()[-1])  # it warns on stdout

    def idle(self, path, pid):
        with contextlib.ExitStack() as stack:
            for i in range(QUIET_CLIENTS):
                client = stack.enter_context(socket.socket(socket.AF_UNIX))
                client.connect(path)
                client.sendall(request_line("subscribe" if i % 2 else "ping").encode() + b"\n")
                client.recv(4096)
            time.sleep(min(5, self.scale.idle_s))  # what follows the start and the commands before is over
            before, began = activity(pid), time.monotonic()
            time.sleep(self.scale.idle_s)
            after, took = activity(pid), time.monotonic() - began
        return {"wake_ups": (after[0] - before[0]) / took, "share": (after[1] - before[1]) / 1e9 / took}


def on(place):
    return f"all on {place} processor" if place == "one" else f"on {place} processors"


def row(target):
    """Of all rounds of a target."""
    middle = lambda name: statistics.median(it[name] for it in target["rounds"]) / 1000
    return {"p50_us": middle("p50"), "p99_us": middle("p99"), "per_second": target["per_second"]}


def compare(targets, rests):
    """Each with another one of the same round: what disturbs the machine disturbs both."""
    rounds = lambda name: [it["p50"] for it in targets[name]["rounds"]]
    return {"ping_ratio": statistics.median(a / b for a, b in zip(rounds(PING), rounds(ECHO))),
            "added_us": {rest: statistics.median(a - b for a, b in zip(rounds(rest), rounds(DIRECT))) / 1000 for rest in rests}}


def activity(pid):
    """How often the threads of a process have gone to sleep, and their time on a processor in nanoseconds."""
    sleeps = busy = 0
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        status = dict(line.split(":\t", 1) for line in (thread / "status").read_text().splitlines() if ":\t" in line)
        sleeps += int(status["voluntary_ctxt_switches"])
        busy += int((thread / "schedstat").read_text().split()[0])
    return sleeps, busy


def real_asterisks():
    """The URLs of those in ARIBUS_ASTERISK_VERSIONS, which are started if they don't run."""
    found = {}
    for version in os.environ.get("ARIBUS_ASTERISK_VERSIONS", "").split():
        script = SOURCE / "scripts/asterisk"
        subprocess.run([script, "start", version], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        info = subprocess.run([script, "info", version], check=True, capture_output=True, text=True).stdout
        values = dict(line.split("=", 1) for line in info.splitlines())
        found[f"Asterisk {version}"] = values["ASTERISK_URL"]
    return found


def missed(result):
    """The bounds that do not hold, in words."""
    texts = []
    for name, it in result["asterisks"].items():
        for place, compared in it["compared"].items():
            if compared["ping_ratio"] > result["max_ping_ratio"]:
                texts.append(f"{name}, {on(place)}: `ping` takes {compared['ping_ratio']:.2f}× the time of the echo")
            texts += [f"{name}, {on(place)}: `rest: {rest}` adds {added:.0f} µs"
                      for rest, added in compared["added_us"].items() if added > result["max_added_us"]]
        if it["idle"]["wake_ups"] > result["max_wake_ups"]:
            texts.append(f"{name}: {it['idle']['wake_ups']:.2f} wake-ups a second when idle")
        if it["idle"]["share"] > result["max_idle_share"]:
            texts.append(f"{name}: {it['idle']['share']:.2%} of a processor when idle")
    return texts
