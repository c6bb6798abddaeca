"""What the fault suite stands on: a real Asterisk, aribusd, a link between them that can be broken, a
subscriber that keeps books, an observer at Asterisk itself, and calls.

Everything lives in a network namespace of its own, on loopback.
"""
import collections
import json
import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
import threading

SOURCE = pathlib.Path(__file__).resolve().parents[2]
for folder in ("tests/data", "tests/support/python"):
    sys.path.insert(0, str(SOURCE / folder))
from arilite import Events, PASSWORD, Rest, USER  # noqa: E402
from waiting import let_pass, wait_for  # noqa: E402

APP = "demo"
LINK_PORT = 8188    # where aribusd finds Asterisk
LISTEN_PORT = 8765  # where Asterisk finds aribusd in mode outbound
SUITES = {"22": ("sid", 18088), "16": ("bullseye", 18089)}


class Asterisk:
    """The real one, of scripts/asterisk."""

    def __init__(self, version, outbound):
        self.version, self.outbound = version, outbound
        suite, self.port = SUITES[version]
        root = pathlib.Path(os.environ.get("ARIBUS_ASTERISK_ROOT", "/var/tmp/aribus-asterisk"))
        self.folder = root / suite
        self.url = f"http://127.0.0.1:{self.port}"
        self.rest = Rest(self.url, timeout=5)

    def run(self, *arguments):
        result = subprocess.run([SOURCE / "scripts" / "asterisk", *arguments], capture_output=True, text=True,
                                timeout=120, start_new_session=True)
        if result.returncode:
            raise RuntimeError(f"scripts/asterisk {' '.join(arguments)}: {result.stderr}")
        return result.stdout

    def start(self):
        self.run("start", self.version)
        with open(self.folder / "etc/asterisk/extensions.conf", "a") as file:
            file.write("\n[calls]\nexten => _X.,1,Answer()\n same => n,Wait(3600)\n")
        modules = ["dialplan reload"]
        if self.outbound:
            with open(self.folder / "etc/asterisk/ari.conf", "a") as file:
                file.write(f"\n[{APP}-events]\ntype=outbound_websocket\nwebsocket_client_id=aribus\napps={APP}\n"
                           f"local_ari_user={USER}\nsubscribe_all=no\n")
            with open(self.folder / "etc/asterisk/websocket_client.conf", "w") as file:
                file.write(f"[aribus]\ntype=websocket_client\nconnection_type=persistent\n"
                           f"uri=ws://127.0.0.1:{LISTEN_PORT}/ari\nprotocols=ari\nusername={USER}\n"
                           f"password={PASSWORD}\nreconnect_interval=200\n")
            modules += ["module reload res_websocket_client.so", "module reload res_ari.so"]
        for command in modules:
            self.cli(command)

    def cli(self, command):
        return self.run("cli", self.version, command)

    def pid(self):
        return int((self.folder / "run/aribus-test.pid").read_text())

    def signal(self, number):
        os.kill(self.pid(), number)

    def stop(self):
        self.run("stop", self.version)

    def get(self, path):
        answer = self.rest.call("GET", "/ari" + path)
        if answer.status != 200:
            raise ConnectionError(f"{path}: {answer.status}")
        return answer.json()

    def truth(self):
        """What lives in the application by Asterisk's own answers: channels and bridges as comparable dicts."""
        application = self.get(f"/applications/{APP}")
        channels = {c["id"]: about_channel(c) for c in self.get("/channels") if heard(application, "channel", c["id"])}
        bridges = {b["id"]: sorted(b["channels"]) for b in self.get("/bridges")
                   if heard(application, "bridge", b["id"])}
        return channels, bridges


def heard(application, kind, thing):
    return thing in application[f"{kind}_ids"] or f"__AST_{kind.upper()}_ALL_TOPIC" in application[f"{kind}_ids"]


def about_channel(channel):
    """What of a channel events tell."""
    return channel["name"], channel["state"], channel["caller"]["number"], channel["connected"]["number"]


class Link:
    """A relay between aribusd and Asterisk's HTTP server that can delay, cut, reset and garble."""

    def __init__(self, port, listen=LINK_PORT):
        """`listen`: where aribusd connects to; 0: any free port, which is `self.listen` then."""
        self.port, self.delay, self.insert = port, 0.0, collections.deque()
        self.lock, self.pairs = threading.Lock(), {}
        self.listener = socket.create_server(("127.0.0.1", listen), backlog=64)
        self.listen = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self.port), 2)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            pair = [near, far, False]
            with self.lock:
                self.pairs[id(pair)] = pair
            threading.Thread(target=self.pump, args=(near, far, pair, False), daemon=True).start()
            threading.Thread(target=self.pump, args=(far, near, pair, True), daemon=True).start()

    def pump(self, source, target, pair, from_asterisk):
        queue, rest = collections.deque(), b""
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                if self.delay:
                    let_pass(self.delay)
                if from_asterisk and b" 101 " in data[:20]:
                    pair[2] = True  # it is the event stream
                if from_asterisk and pair[2] and self.insert and not rest and data[:1] in (b"\x81", b"\x89"):
                    target.sendall(self.insert.popleft())  # in front of a frame
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        with self.lock:
            self.pairs.pop(id(pair), None)
        source.close()

    def reset(self, half_frame=True):
        """Ends every connection with RST, the event stream in the middle of a frame."""
        with self.lock:
            pairs = list(self.pairs.values())
        for near, far, is_stream in pairs:
            try:
                if is_stream and half_frame:
                    near.sendall(b"\x81\x7e\x01\x00{\"type\":\"Cha")
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                near.shutdown(socket.SHUT_RD)
                far.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def frame(payload, opcode=1, length=None):
    length = len(payload) if length is None else length
    head = bytes([0x80 | opcode])
    if length < 126:
        head += bytes([length])
    elif length < 65536:
        head += b"\x7e" + struct.pack(">H", length)
    else:
        head += b"\x7f" + struct.pack(">Q", length)
    return head + payload


class Daemon:
    """aribusd, with a log that survives it."""

    def __init__(self, binary, folder, version, mode, rest):
        self.binary, self.folder = binary, pathlib.Path(folder)
        self.socket = str(self.folder / "aribus.sock")
        self.log = self.folder / "aribusd.log"
        listen = f"    mode: outbound\n    listen: {{port: {LISTEN_PORT}}}\n" if mode == "outbound" else ""
        (self.folder / "aribusd.yaml").write_text(
            f"asterisk:\n  - name: pbx1\n    url: http://127.0.0.1:{LINK_PORT}\n    username: {USER}\n"
            f"    password: {PASSWORD}\n    apps: [{APP}]\n    rest: {rest}\n    request_timeout: 3s\n{listen}"
            f"sockets:\n  - path: {self.socket}\nbus:\n  ring_bytes: 4MiB\n  path: {self.folder}/bus.log\n")
        self.process = None

    def start(self):
        self.process = subprocess.Popen([self.binary, "--config", self.folder / "aribusd.yaml"],
                                        stderr=open(self.log, "a"))
        wait_for("aribusd listens", lambda: connects(self.socket), 20)

    def signal(self, number):
        self.process.send_signal(number)
        return self.process.wait(20)

    def resources(self):
        """Open descriptors, and resident memory in KiB without what the ring's file maps."""
        pid = self.process.pid
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))
        return len(os.listdir(f"/proc/{pid}/fd")), memory


def connects(path):
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
            return True
        except OSError:
            return False


class Connection:
    """A program on aribusd's socket: commands with their answers; notifications go to `on_line`. It connects
    again for as long as it is open."""

    def __init__(self, path, on_line=None, on_connect=None):
        self.path, self.on_line, self.on_connect = path, on_line, on_connect
        self.lock, self.changed = threading.Lock(), threading.Condition()
        self.number, self.answers, self.open, self.socket, self.generation = 0, {}, True, None, 0
        threading.Thread(target=self.read, daemon=True).start()
        wait_for("a connection", lambda: self.socket is not None)

    def read(self):
        while self.open:
            try:
                connected = socket.socket(socket.AF_UNIX)
                connected.connect(self.path)
                if self.on_connect:  # aribusd may be killed between the two
                    connected.sendall(self.on_connect().encode() + b"\n")
            except OSError:
                let_pass(0.02)
                continue
            with self.changed:
                self.socket, self.generation = connected, self.generation + 1
                self.changed.notify_all()
            try:
                for line in connected.makefile("rb"):
                    message = json.loads(line)
                    if "id" in message and message["id"] != "subscribe":
                        with self.changed:
                            self.answers[message["id"]] = message
                            self.changed.notify_all()
                    elif self.on_line:
                        self.on_line(message)
            except (OSError, ValueError):
                pass
            with self.changed:
                self.socket = None
                self.changed.notify_all()

    def call(self, method, params=None, seconds=20):
        """The whole answer; {"gone": True} when the connection ended before it came."""
        with self.lock:
            self.number += 1
            number = self.number
        with self.changed:
            if not self.changed.wait_for(lambda: self.socket is not None, 20):
                raise AssertionError("no connection to aribusd")
            connected, generation = self.socket, self.generation
        try:
            with self.lock:
                connected.sendall(json.dumps({"jsonrpc": "2.0", "id": number, "method": method,
                                              "params": params or {}}).encode() + b"\n")
        except OSError:
            return {"gone": True}
        with self.changed:
            done = self.changed.wait_for(lambda: number in self.answers or self.generation != generation or
                                         self.socket is None, seconds)
            if number in self.answers:
                return self.answers.pop(number)
            if done:
                return {"gone": True}
        raise AssertionError(f"{method} was not answered within {seconds} s")

    def result(self, method, params=None):
        answer = self.call(method, params)
        if "result" not in answer:
            raise AssertionError(f"{method} {params}: {answer}")
        return answer["result"]


class Book(Connection):
    """A subscriber that applies the records it gets, resumes after a restart of the daemon, and complains of
    whatever it should not see."""

    def __init__(self, path):
        self.stream = self.last = None
        self.channels, self.bridges, self.ended, self.faults = {}, {}, {}, []
        self.marks = set()
        self.first = {}  # when a channel was told of first
        self.gaps, self.seen, self.types, self.resolved = [], set(), collections.Counter(), {}
        super().__init__(path, self.apply, self.subscription)

    def subscription(self):
        params = {"snapshot": True}
        if self.stream:
            params["since"] = f"{self.stream}:{self.last}"
        return json.dumps({"jsonrpc": "2.0", "id": "subscribe", "method": "subscribe", "params": params})

    def apply(self, message):
        if "result" in message:
            return self.on_subscribed(message["result"])
        if message.get("method") == "lost":
            return self.faults.append(("lost", message))
        record = message["params"]
        if record["seq"] != self.last + 1:
            self.faults.append(("seq", self.last, record["seq"]))
        self.last = record["seq"]
        self.types[record["type"]] += 1
        getattr(self, "on_" + record["type"].replace(".", "_"), self.on_any)(record)

    def on_subscribed(self, result):
        stream, seq = result["cursor"].split(":")
        if result.get("resumed") is False:
            self.faults.append(("not resumed", result))
        if result.get("resumed"):
            return
        self.stream, self.last = stream, int(seq)
        self.channels = {c["channel"]["id"]: c["channel"] for c in result["snapshot"]["channels"]}
        self.bridges = {b["bridge"]["id"]: b["bridge"] for b in result["snapshot"]["bridges"]}

    def on_any(self, record):
        ended = record["type"] == "ChannelDestroyed"
        if not record.get("synthetic"):
            self.seen.add(key_of(record))
        if record["type"] in ("BridgeAttendedTransfer", "BridgeBlindTransfer"):
            return  # they show what was before
        for name in ("channel", "peer", "caller"):
            channel = record.get(name)
            if isinstance(channel, dict) and "state" in channel:
                self.first.setdefault(channel["id"], record["time"])
                if ended:
                    if not self.is_older(self.channels, channel):
                        self.channels.pop(channel["id"], None)
                        self.ended[channel["id"]] = channel["creationtime"]
                elif self.ended.get(channel["id"]) != channel["creationtime"]:  # Asterisk's order is not strict
                    self.channels[channel["id"]] = channel
        bridge = record.get("bridge")
        if isinstance(bridge, dict):
            if self.is_older(self.bridges, bridge):
                return
            if record["type"] == "BridgeDestroyed":
                self.bridges.pop(bridge["id"], None)
                self.ended[bridge["id"]] = bridge["creationtime"]
            elif self.ended.get(bridge["id"]) != bridge["creationtime"]:
                self.bridges[bridge["id"]] = bridge

    @staticmethod
    def is_older(known, thing):
        """Something younger has its id."""
        return thing["id"] in known and thing["creationtime"] < known[thing["id"]]["creationtime"]

    def on_state_changed(self, record):
        for item in record["objects"].get("channels", []):
            self.channels[item["channel"]["id"]] = item["channel"]
        for item in record["objects"].get("bridges", []):
            self.bridges[item["bridge"]["id"]] = item["bridge"]

    def on_ChannelUserevent(self, record):
        self.marks.add(record["eventname"])

    def on_state_gone(self, record):
        for thing in record.get("channels", []):
            self.channels.pop(thing, None)
        for thing in record.get("bridges", []):
            self.bridges.pop(thing, None)

    def on_server_resynced(self, record):
        for book, name in ((self.channels, "channels"), (self.bridges, "bridges")):
            for thing in set(book) - set(record.get(name, [])):
                self.faults.append(("still in the book at server.resynced", name, thing))
                del book[thing]

    def on_server_gap(self, record):
        self.gaps.append((record["from"], record["to"], record["reason"]))

    def on_command_resolved(self, record):
        self.resolved[record["command"]] = record


def key_of(event):
    """What an event is known by, to the observer and in the stream."""
    when = event.get("time") or event["timestamp"][:23] + "Z"
    ids = [event[name]["id"] for name in ("channel", "peer", "bridge") if isinstance(event.get(name), dict)
           and "id" in event[name]]
    return (event["type"], when, *ids, event.get("variable", ""), event.get("value", ""))


class Calls:
    """Calls that come, sit in bridges, are played to and go, by commands over aribusd's socket. Every command
    ends in exactly one of: done, refused, not sent, unknown (then resolved), or the daemon was gone."""

    def __init__(self, path, book, run, workers=4, most=24):
        self.connection, self.book = Connection(path), book
        self.running, self.pausing, self.idle = True, False, 0
        self.outcomes, self.unknown, self.made = collections.Counter(), {}, {}
        self.lock, self.number, self.most, self.workers, self.run_name = threading.Lock(), 0, most, workers, run
        self.threads = [threading.Thread(target=self.work, args=(i,), daemon=True) for i in range(workers)]
        for thread in self.threads:
            thread.start()

    def work(self, seed):
        random_ = random.Random(seed)
        while self.running:
            if self.pausing:
                with self.lock:
                    self.idle += 1
                while self.pausing and self.running:
                    let_pass(0.02)
                with self.lock:
                    self.idle -= 1
                continue
            try:
                self.act(random_)
            except AssertionError as error:
                self.book.faults.append(("command", str(error)))
            let_pass(random_.uniform(0.0, 0.06))

    def act(self, random_):
        channels = [c for c in list(self.book.channels) if c.startswith("c-")]
        bridges = list(self.book.bridges)
        dice = random_.random()
        if len(channels) < 3 or (dice < 0.35 and len(channels) < self.most):
            with self.lock:
                self.number += 1
                token = f"{self.run_name}{self.number:06d}"
            self.command("channels.originate", {"endpoint": f"Local/{token}@calls", "app": APP,
                                                "channelId": f"c-{token}", "callerId": f'"T" <{token}>'}, token)
        elif dice < 0.45 and len(bridges) < 6:
            with self.lock:
                self.number += 1
                name = f"b-{self.run_name}{self.number:06d}"
            self.command("bridges.create", {"bridgeId": name, "type": "mixing"})
            self.command("bridges.addChannel", {"bridgeId": name, "channel": [random_.choice(channels)]})
        elif dice < 0.6 and bridges:
            self.command("bridges.addChannel", {"bridgeId": random_.choice(bridges),
                                                "channel": [random_.choice(channels)]})
        elif dice < 0.68 and bridges:
            self.command("bridges.destroy", {"bridgeId": random_.choice(bridges)})
        elif dice < 0.8:
            self.command("channels.setChannelVar", {"channelId": random_.choice(channels), "variable": "X",
                                                    "value": str(random_.random())})
        else:
            self.command("channels.hangup", {"channelId": random_.choice(channels)})

    def command(self, method, params, token=None):
        answer = self.connection.call(method, params)
        with self.lock:
            if "result" in answer:
                outcome = "done"
            elif answer.get("gone"):
                outcome = "daemon gone"
            else:
                code = answer["error"]["code"]
                outcome = {-32000: "refused", -32001: "not sent", -32002: "unknown"}.get(code, f"error {code}")
                command = answer["error"].get("data", {}).get("command")
                if outcome == "unknown" and command:
                    self.unknown[command] = token
            self.outcomes[outcome] += 1
            if token:
                self.made[token] = outcome

    def pause(self):
        self.pausing = True
        wait_for("the calls pause", lambda: self.idle == self.workers, 40)

    def go_on(self):
        self.pausing = False

    def stop(self):
        self.running = False
        for thread in self.threads:
            thread.join(30)


class Observer:
    """Another application, which hears of everything at Asterisk itself, for as long as that lives."""

    def __init__(self, asterisk):
        self.asterisk, self.events, self.made, self.stream = asterisk, [], collections.Counter(), None
        self.connect()

    def connect(self):
        self.collect()
        self.stream = Events(self.asterisk.url, "observer", subscribe_all=True)

    def collect(self):
        if self.stream:
            for event in self.stream.take():
                self.events.append(event)
                if event["type"] == "ChannelCreated":
                    name = event["channel"]["name"]
                    if name.startswith("Local/") and name.endswith(";1"):
                        self.made[name[6:].split("@")[0]] += 1
        return self.events
