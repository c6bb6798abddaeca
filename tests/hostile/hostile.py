#!/usr/bin/env python3
"""Attacks aribusd in every way that is known, at the same time, and measures what honest programs feel of it.

A simulated Asterisk has 1,000 live channels and sends 2,000 events a second to 20 honest subscribers, and another
program commands. Meanwhile other users, each with the rights that its attack takes, flood, stall and ask for too
much, and the Asterisk sends what none should. What must hold in the end:

  no subscriber has a gap; no honest command failed; the daemon has not grown by 192 MiB.

How long the loop's turns and the delays were is measured, too. The daemon runs before all other processes, as if the
attackers had cores of their own; on a machine that itself stands still now and then only --strict makes these figures
count: no turn over 10 ms (50 ms with what Asterisk's side does), no delay over 50 ms, and 128 MiB.

Usage: hostile.py BUILD_DIR [--seconds N] [--only ATTACK,…] [--without-asterisk-side] [--strict] [--list]
Exit status: 0; 1 when something does not hold; 77 when it can't run here (it takes root, to be other users).
"""
import argparse
import base64
import calendar
import contextlib
import http.client
import json
import multiprocessing
import os
import pathlib
import queue
import random
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support/python"))
from waiting import let_pass, wait_for  # noqa: E402

SKIPPED = 77
EVENTS_A_SECOND, CHANNELS, SUBSCRIBERS = 2000, 1000, 20
HONEST = 6000          # its user id; the rule control
CONTROLLERS = range(7001, 7050)
READERS = range(7051, 7100)
STRANGER = 7999        # no rule
MAX_GROWTH, MAX_GROWTH_STRICT = 192 << 20, 128 << 20
RING = 16 << 20

CONFIG = """
asterisk:
  - name: pbx1
    url: http://127.0.0.1:{port}
    username: aribus
    password: aribus-test-secret
    apps: [demo]
    request_timeout: 20s
sockets:
  - path: {socket}
    mode: "0666"
web:
  path: {web}
  mode: "0666"
access:
  - {{name: owner, users: [root], methods: [read, control, admin], functions: ["*"]}}
  - {{name: control, users: [{controllers}], methods: [read, control]}}
  - {{name: readers, users: [{readers}], methods: [read]}}
bus:
  ring_bytes: {ring}KiB
metrics:
  path: {metrics}
  mode: "0666"
logging:
  level: warning
"""


def request(method, number, **params):
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def line(message):
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class Connection:
    """A program's connection; lines of JSON."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.settimeout(10)
        self.rest = b""

    def fileno(self):
        return self.socket.fileno()

    def send(self, data):
        self.socket.sendall(data)

    def lines(self):
        while True:
            end = self.rest.find(b"\n")
            if end >= 0:
                found, self.rest = self.rest[:end], self.rest[end + 1:]
                yield found
                continue
            data = self.socket.recv(1 << 16)
            if not data:
                raise ConnectionError("the daemon has closed the connection")
            self.rest += data

    def call(self, method, **params):
        self.send(line(request(method, 1, **params)))
        for text in self.lines():
            answer = json.loads(text)
            if "id" in answer:
                return answer

    def result(self, method, **params):
        answer = self.call(method, **params)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]


# --- attacks of local programs: each gets the socket's path, the time to end, and what the stage knows -------------

ATTACKS = {}


def attack(rights, processes=1):
    def register(function):
        ATTACKS[function.__name__.replace("_", "-")] = (rights, processes, function)
        return function
    return register


def patiently(until, step):
    """Calls step() again and again; whatever the daemon does to defend itself is no failure of the attack."""
    while time.monotonic() < until:
        try:
            step()
        except (OSError, ConnectionError):
            let_pass(0.01)


def flood(path, until, text, answers=1):
    """Sends `text` over and over on one connection, and reads so many answers each time."""
    def step():
        connection = Connection(path)
        reader = connection.lines()
        while time.monotonic() < until:
            connection.send(text)
            for _ in range(answers):
                next(reader)
    patiently(until, step)


def batch(method, **params):
    return line([request(method, i, **params) for i in range(256)])


@attack("reader")
def batches_of_descriptions(path, until, _):
    flood(path, until, batch("rpc.discover"))


@attack("reader")
def batches_of_state(path, until, _):
    flood(path, until, batch("state.channels"))


@attack("reader")
def batches_of_snapshots(path, until, _):
    flood(path, until, batch("subscribe", snapshot=True, types=["none"]))


@attack("reader")
def batches_of_status(path, until, _):
    flood(path, until, batch("status"))


@attack("reader")
def unread_answers(path, until, _):
    def step():
        held = [Connection(path) for _ in range(40)]
        for connection in held:
            connection.socket.settimeout(0.2)
            with contextlib.suppress(OSError):
                for text in (batch("rpc.discover"), batch("state.channels")) * 3:
                    connection.send(text)
        let_pass(1)
    patiently(until, step)


@attack("reader")
def many_ids(path, until, _):
    ids = [str(i) for i in range(84_000)]
    text = line(request("subscribe", 1, channels=ids)) + line(request("subscribe", 2, types=["none"], **{
        kind: ids[:1024] for kind in ("servers", "apps", "channels", "bridges", "endpoints")}))
    flood(path, until, text, 2)


@attack("reader")
def globs(path, until, _):
    hard = ["*a" * 60 + str(i) for i in range(256)]
    flood(path, until, line(request("subscribe", 1, types=hard, exclude=hard, since="x:1")))


@attack("stranger", 2)
def connects(path, until, _):
    def step():
        for _ in range(200):
            with socket.socket(socket.AF_UNIX) as s:
                s.setblocking(False)
                s.connect(path)
    patiently(until, step)


@attack("reader")
def values(path, until, _):
    texts = [b"[" + b"0," * 500_000 + b"0]\n", b"[" + b"{}," * 300_000 + b"{}]\n",
             line(request("ping", 1, x=[[]] * 300_000)), b"[" * 1_000_000 + b"\n"]
    flood(path, until, b"".join(texts), len(texts))


@attack("controller")
def functions(path, until, _):
    nested = line(request("channels.getChannelVar", 1, channelId="c", variable="VOLUME(" * 140_000))
    many = line(request("channels.originate", 2, endpoint="Local/answer@default",
                        variables={f"TIMEOUT({i})": "1" for i in range(7_000)}))
    long = line(request("channels.setChannelVar", 3, channelId="c", variable="x" * 1_000_000))
    flood(path, until, nested + many + long, 3)


@attack("reader")
def unfinished_lines(path, until, _):
    def step():
        held = [Connection(path) for _ in range(400)]
        for connection in held:
            connection.socket.settimeout(0.05)
            with contextlib.suppress(OSError):
                connection.send(b"x" * 1_000_000)
        let_pass(1)
    patiently(until, step)


@attack("reader")
def slow_reads(path, until, _):
    # The stage has Asterisk take 0.5 s for these.
    def step():
        held = [Connection(path) for _ in range(20)]
        for connection in held:
            connection.send(b"".join(line(request("sounds.list", i)) for i in range(64)))
        readers = [connection.lines() for connection in held]
        while time.monotonic() < until:
            for connection, reader in zip(held, readers):
                connection.socket.settimeout(15)
                next(reader)
                connection.send(line(request("sounds.list", 1)))
    patiently(until, step)


@attack("reader")
def keys(path, until, _):
    number = iter(range(10**9))
    def step():
        connection = Connection(path)
        reader = connection.lines()
        while time.monotonic() < until:
            connection.send(b"".join(line(request("asterisk.ping", i, key=f"order-{next(number)}")) for i in range(50)))
            for _ in range(50):
                next(reader)
    patiently(until, step)


@attack("controller")
def keys_of_commands(path, until, stage):
    number = iter(range(10**9))
    def step():
        connection = Connection(path)
        reader = connection.lines()
        while time.monotonic() < until:
            connection.send(b"".join(line(request("channels.setChannelVar", i, channelId=stage["channels"][0], variable="X",
                                                  value="1", key=f"order-{next(number)}")) for i in range(20)))
            for _ in range(20):
                next(reader)
    patiently(until, step)


@attack("controller")
def waits(path, until, stage):
    def step():
        with contextlib.closing(Connection(path).socket) as s:
            s.sendall(b"".join(line(request("play", i, channelId=stage["channels"][1], media="sound:demo-instruct", wait=True))
                               for i in range(60)))
            let_pass(0.05)
    patiently(until, step)


@attack("controller")
def commands_that_wait(path, until, stage):
    text = line(request("channels.setChannelVar", 1, channelId=stage["stuck"], variable="A", value="x" * 900_000))
    def step():
        held = [Connection(path) for _ in range(5)]
        for connection in held:
            connection.socket.settimeout(0.3)
            with contextlib.suppress(OSError):
                for _ in range(60):
                    connection.send(text)
        let_pass(1)
    patiently(until, step)


@attack("reader")
def recordings(path, until, _):
    # The stage has Asterisk answer these with 4 MiB.
    def step():
        held = [Connection(path) for _ in range(6)]
        for connection in held:
            connection.send(b"".join(line(request("recordings.getStoredFile", i, recordingName="big")) for i in range(64)))
        let_pass(2)
    patiently(until, step)


@attack("reader")
def refusals(path, until, _):
    text = b"".join(line(request("hangup", i, channelId="c1")) for i in range(100))
    flood(path, until, text, 100)


@attack("reader")
def pings(path, until, _):
    flood(path, until, b"".join(line(request("ping", i)) for i in range(200)), 200)


@attack("reader")
def many_who_read_on(path, until, _):
    """Replays from the oldest record, with a filter that nothing passes."""
    def step():
        held = [Connection(path) for _ in range(100)]
        cursor = held[0].result("hello")["cursor"].split(":")[0]
        oldest = held[0].result("status")["bus"]["first"] + 200
        for connection in held:
            connection.send(line(request("subscribe", 1, since=f"{cursor}:{oldest}", channels=["nobody"])))
        let_pass(1)
    patiently(until, step)


@attack("reader")
def deaf_subscribers(path, until, _):
    def step():
        held = [Connection(path) for _ in range(50)]
        for connection in held:
            connection.send(line(request("subscribe", 1)))
        let_pass(3)
    patiently(until, step)


@attack("stranger")
def metrics_connections(_, until, stage):
    def step():
        held = []
        for i in range(100):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(0.2)
            held.append(s)
            with contextlib.suppress(OSError):
                s.connect(stage["metrics"])
                s.sendall(random.choice([b"", b"GET /met", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                         b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"]))
        let_pass(0.2)
    patiently(until, step)


HANDSHAKE = (b"GET /rpc HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def frame(opcode, payload, length=None):
    """A frame with an empty mask; `length` is what its head says, if that is something else."""
    length = len(payload) if length is None else length
    size = bytes([0x80 | length]) if length < 126 else (b"\xfe" + length.to_bytes(2, "big") if length < 1 << 16 else
                                                        b"\xff" + length.to_bytes(8, "big"))
    return bytes([opcode]) + size + bytes(4) + payload


def websocket(path):
    """A WebSocket that is open."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(path)
    s.sendall(HANDSHAKE)
    head = b""
    while b"\r\n\r\n" not in head:
        data = s.recv(1)
        if not data:
            raise ConnectionError("no WebSocket")
        head += data
    return s


@attack("stranger", 2)
def websocket_handshakes(_, until, stage):
    def step():
        held = []
        for _ in range(200):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(0.2)
            held.append(s)
            with contextlib.suppress(OSError):
                s.connect(stage["web"])
                s.sendall(random.choice([b"", b"GET /rp", HANDSHAKE, HANDSHAKE + b"x", b"GET / HTTP/1.1\r\n\r\n",
                                         b"GET /rpc HTTP/1.1\r\nX: " + b"x" * 20_000]))
        let_pass(0.2)
    patiently(until, step)


@attack("reader")
def websocket_frames(_, until, stage):
    """Messages without an end, in large and in tiny frames, heads that lie, pings, and answers that nobody reads."""
    empty = frame(0x00, b"") * 10_000
    kinds = [frame(0x01, b"x" * 1_000_000, 60 << 20), frame(0x01, b"x") + empty, frame(0x89, b"ping") * 10_000,
             frame(0x81, batch("rpc.discover").strip()) * 3, frame(0x81, b"", 1 << 40), frame(0x81, line(request("subscribe", 1)).strip())]

    def step():
        held = []
        for i in range(60):
            s = websocket(stage["web"])
            s.settimeout(0.05)
            held.append(s)
            with contextlib.suppress(OSError):
                s.sendall(kinds[i % len(kinds)])
        let_pass(1)
    patiently(until, step)


# --- what Asterisk's side does --------------------------------------------------------------------------------------

def asterisks_side(port, until):
    """Events, answers and frames that no Asterisk sends."""
    def channel(name):
        return {"id": name, "name": "x", "state": "Up"}

    causes = '{"type":"ChannelHangupRequest","application":"demo","channel":{"id":"x"}' + ',"cause":1' * 60_000 + "}"
    ids = json.dumps({"type": "ApplicationRegistered", "application": "demo",
                      "things": [channel(f"{i}") for i in range(15_000)]})
    large = json.dumps({"type": "ChannelUserevent", "application": "demo", "eventname": "x",
                        "userevent": {str(i): "y" * 90 for i in range(9_000)}})
    fragments = base64.b64encode(b"\x01\x00" + b"\x00\x00" * 30_000 + b"\x80\x02{}").decode()
    pings = base64.b64encode(b"\x89\x00" * 20_000).decode()
    numbers = iter(range(10**9))
    while time.monotonic() < until:
        n = next(numbers)
        for path, body in [("/sim/event", causes), ("/sim/event", ids), ("/sim/event", large),
                           ("/sim/frames", json.dumps({"base64": fragments})),
                           ("/sim/frames", json.dumps({"base64": pings})),
                           ("/sim/event", json.dumps({"type": "x" * 100_000 + str(n), "application": "demo"})),
                           ("/sim/event", json.dumps({"type": "PlaybackFinished", "application": "demo", "playback": {
                               "id": "p" * 40_000 + str(n), "media_uri": "x", "target_uri": "channel:x", "state": "done"}}))]:
            simulate(port, "POST", path, body)
            let_pass(0.25)  # each is some megabytes for every subscriber


def simulate(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]}")
    return json.loads(text)


# --- honest programs --------------------------------------------------------------------------------------------------

def listen(path, until, report):
    """Subscribers that read everything: how many records came, gaps, and the longest delay of a record."""
    chooser = selectors.DefaultSelector()
    state = {}
    for _ in range(SUBSCRIBERS):
        connection = Connection(path)
        connection.send(line(request("subscribe", 1)))
        connection.socket.setblocking(False)
        state[connection] = [0, [], 0]  # last seq, pieces of a line, records
        chooser.register(connection, selectors.EVENT_READ)
    gaps, delays = [], []
    seconds = {}
    while time.monotonic() < until:
        for key, _ in chooser.select(0.1):
            connection, about = key.fileobj, state[key.fileobj]
            data = connection.socket.recv(1 << 20)
            now = time.time()
            if not data:
                raise ConnectionError("an honest subscriber was disconnected")
            about[1].append(data)
            if b"\n" not in data:
                continue  # joined once: a record of some megabytes comes in many pieces
            *lines, rest = b"".join(about[1]).split(b"\n")
            about[1] = [rest]
            events = [text for text in lines if text.startswith(b'{"jsonrpc":"2.0","method":"')]
            for text in events:
                if not text.startswith(b'{"jsonrpc":"2.0","method":"event","params":{"seq":'):
                    gaps.append(text[:200].decode())
                    continue
                seq = int(text[50:text.index(b",", 50)])
                if about[0] and seq != about[0] + 1:
                    gaps.append(f"{seq} behind {about[0]}")
                about[0] = seq
                about[2] += 1
            if events and b'"app":"demo"' in events[-1]:  # one of Asterisk's, which bears Asterisk's time
                stamp = events[-1].split(b'"time":"', 1)[1][:23].decode()
                day = stamp[:19]
                if day not in seconds:
                    seconds[day] = calendar.timegm(time.strptime(day, "%Y-%m-%dT%H:%M:%S"))
                delays.append(now - seconds[day] - int(stamp[20:23]) / 1000)
    delays.sort()
    report.put(("subscribers", {"records": sum(about[2] for about in state.values()), "gaps": gaps[:5],
                                "delay_ms": [round(1000 * delays[int(len(delays) * q)], 1) for q in (0.5, 0.99)] +
                                            [round(1000 * delays[-1], 1)] if delays else []}))


def command(path, until, stage, report):
    """A program that controls calls: how long commands take, and which failed."""
    connection = Connection(path)
    took, failed, number = [], [], 0
    while time.monotonic() < until:
        channel = random.choice(stage["channels"][10:])
        for method, params in (("channels.setChannelVar", {"channelId": channel, "variable": "HONEST", "value": "1"}),
                               ("channels.get", {"channelId": channel}), ("ping", {}),
                               ("channels.ring", {"channelId": channel, "key": f"honest-{number}"}),
                               ("state.channels", {"id": channel})):
            number += 1
            began = time.monotonic()
            try:
                answer = connection.call(method, **params)
                if "error" in answer:
                    failed.append(f"{method}: {answer['error']['message'][:150]}")
            except OSError as error:
                failed.append(f"{method}: {error}")
                connection = Connection(path)
            took.append((time.monotonic() - began, method))
        let_pass(0.02)
    took.sort()
    report.put(("commands", {"commands": len(took), "failed": failed[:5],
                             "ms": [round(1000 * took[int(len(took) * q)][0], 1) for q in (0.5, 0.99)] +
                                   [round(1000 * took[-1][0], 1), took[-1][1]]}))


def watch_health(path, until, report):
    """Asks for health, as a monitor does."""
    asked = bad = 0
    while time.monotonic() < until:
        asked += 1
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(5)
                s.connect(path)
                s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                bad += not s.recv(1000).startswith(b"HTTP/1.1 200")
        except OSError:
            bad += 1
        let_pass(0.5)
    report.put(("health", {"asked": asked, "bad": bad}))


# --- the stage ------------------------------------------------------------------------------------------------------

def as_user(uid, niceness, function, *arguments):
    def run():
        os.nice(niceness)
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        function(*arguments)
    process = multiprocessing.get_context("fork").Process(target=run, daemon=True)
    process.start()
    return process


def before_all_others(pid):
    """As far as that is allowed. (Under a real-time policy the kernel would stop it for 50 ms in a busy second.)"""
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.setpriority(os.PRIO_PROCESS, int(thread), -20)
        return True
    return False


def waited_ms(pid):
    """How long the process was ready to run and was not let: what the machine adds to each turn."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e6


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def run(build, options, folder):
    simulator = subprocess.Popen([build / "tests/sim/aribus-sim"], stdout=subprocess.PIPE, text=True)
    port = int(simulator.stdout.readline().rsplit(":", 1)[1])
    path, metrics = f"{folder}/aribus.sock", f"{folder}/metrics.sock"
    config = folder / "aribusd.yaml"
    config.write_text(CONFIG.format(port=port, socket=path, web=path + ".web", metrics=metrics, ring=RING >> 10,
                                    controllers=",".join(map(str, [HONEST, *CONTROLLERS])),
                                    readers=",".join(map(str, READERS))))
    log = open(folder / "log", "w")
    daemon = subprocess.Popen([build / "daemon/aribusd", "--config", config], stderr=log)
    try:
        return measure(options, port, path, metrics, daemon)
    finally:
        daemon.terminate()
        daemon.wait()
        simulator.kill()
        lines = (folder / "log").read_text().splitlines()
        print(f"the daemon's log has {len(lines)} lines")
        if options.verbose:
            print("\n".join(lines[-20:]))


def measure(options, port, path, metrics, daemon):
    wait_for("the socket", lambda: os.path.exists(path))
    root = Connection(path)
    wait_for("ready", lambda: root.result("status")["servers"][0]["state"] == "ready")
    for _ in range(CHANNELS):
        simulate(port, "POST", "/sim/call")
    channels = wait_for("the channels", lambda: (found := root.result("state.channels")["channels"]) and
                        len(found) == CHANNELS and found)
    stage = {"channels": [item["channel"]["id"] for item in channels], "metrics": metrics, "web": path + ".web"}
    stage["stuck"] = stage["channels"].pop()
    # Before anything is measured the ring is full, and nothing is left of what filled it.
    def received():
        return root.result("status")["servers"][0]["received"]
    earlier = received()
    sent = simulate(port, "POST", "/sim/calls", json.dumps({"count": 1 + RING // 300 // 4}))["events"]
    wait_for("what fills the ring", lambda: received() >= earlier + sent, 120)
    bus = root.result("status")["bus"]
    if bus["used_bytes"] < bus["ring_bytes"] * 0.9:
        raise RuntimeError(f"{sent} events do not fill the ring: {bus}")
    for fault in ({"match": "GET /ari/sounds*", "delay_ms": 500}, {"match": f"*{stage['stuck']}*", "delay_ms": 4000},
                  {"match": "GET /ari/recordings/stored/big*", "status": 200, "body": "x" * (4 << 20)}):
        simulate(port, "POST", "/sim/fault", json.dumps({**fault, "times": -1}))
    calm = before_all_others(daemon.pid)
    before = root.result("status")
    memory, waited = resident(daemon.pid), waited_ms(daemon.pid)
    until = time.monotonic() + options.seconds
    simulate(port, "POST", "/sim/calls", json.dumps({"count": EVENTS_A_SECOND * options.seconds // 4,
                                                     "interval_ms": 4000 // EVENTS_A_SECOND}))
    report = multiprocessing.get_context("fork").Queue()
    honest = [as_user(HONEST, -10, listen, path, until, report), as_user(HONEST, -10, command, path, until, stage, report),
              as_user(HONEST, -10, watch_health, metrics, until, report)]
    controllers, readers = iter(CONTROLLERS), iter(READERS)
    hostile = []
    for name, (rights, processes, function) in ATTACKS.items():
        if options.only and name not in options.only:
            continue
        for _ in range(processes):
            uid = {"controller": lambda: next(controllers), "reader": lambda: next(readers),
                   "stranger": lambda: STRANGER}[rights]()
            hostile.append(as_user(uid, 5, function, path, until, stage))
    if not options.without_asterisk_side:
        hostile.append(as_user(STRANGER, 5, asterisks_side, port, until))
    peak = memory
    while time.monotonic() < until:
        let_pass(0.2)
        if daemon.poll() is not None:
            raise RuntimeError(f"the daemon has ended: {daemon.returncode}")
        peak = max(peak, resident(daemon.pid))
    found = {}
    while len(found) < len(honest):
        try:
            name, value = report.get(timeout=30)
        except queue.Empty:
            raise RuntimeError(f"an honest program has not ended; these have: {found}") from None
        found[name] = value
    after = root.result("status")
    for process in hostile + honest:
        process.kill()
    found["turns"] = {"longest_ms": round(after["loop"]["longest_turn_us"] / 1000, 1),
                      "longest_before_ms": round(before["loop"]["longest_turn_us"] / 1000, 1),
                      "turns": after["loop"]["turns"] - before["loop"]["turns"], "before all others": calm,
                      "waited_ms": round(waited_ms(daemon.pid) - waited)}
    found["memory"] = {"before_mib": memory >> 20, "peak_mib": peak >> 20, "growth_mib": (peak - memory) >> 20}
    return found


def judge(found, options):
    wrong = []
    def check(holds, what):
        if not holds:
            wrong.append(what)
    check(not found["subscribers"]["gaps"], "a subscriber has a gap")
    check(found["subscribers"]["records"] > 0, "no record came")
    check(not found["commands"]["failed"], "honest commands failed")
    check(found["health"]["bad"] == 0, "health did not answer")
    growth = MAX_GROWTH_STRICT if options.strict else MAX_GROWTH
    check(found["memory"]["growth_mib"] < growth >> 20, "the daemon has grown too much")
    if options.strict:
        turn = 10 if options.without_asterisk_side else 50
        check(found["turns"]["longest_ms"] <= max(turn, found["turns"]["longest_before_ms"]), "a turn was too long")
        check(found["subscribers"]["delay_ms"][2] <= 50, "a record was too late")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, nargs="?")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--only", type=lambda text: text.split(","), help="these attacks alone; see --list")
    parser.add_argument("--without-asterisk-side", action="store_true", help="the Asterisk is a good one")
    parser.add_argument("--strict", action="store_true", help="turns and delays count")
    parser.add_argument("--list", action="store_true", help="the attacks")
    parser.add_argument("--verbose", action="store_true", help="the end of the daemon's log, too")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{name}: {rights}" for name, (rights, _, _) in ATTACKS.items()))
        return 0
    time.strptime("2026", "%Y")  # loads its module, which other users may not be able to read
    if os.geteuid() != 0:
        print("left out: only root can be other users")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="aribus-hostile-") as name:
        os.chmod(name, 0o755)
        found = run(options.build.resolve(), options, pathlib.Path(name))
    for name, value in found.items():
        print(f"{name}: {value}")
    wrong = judge(found, options)
    for what in wrong:
        print(f"DOES NOT HOLD: {what}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
