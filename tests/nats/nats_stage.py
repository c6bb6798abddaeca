"""What the tests of aribus-nats stand on: nats-server, a client of plain NATS, simulated PBXs with aribusd and aribus-nats."""
import collections
import json
import pathlib
import queue
import re
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))
from stage import BUILD, PASSWORD, Real, Rest, SOURCE, USER, wait_for  # noqa: E402,F401
from waiting import let_pass  # noqa: E402,F401

Message = collections.namedtuple("Message", "subject reply headers data")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Process:
    """A program that is killed, stopped and started again; its output goes to `folder`/`name`.log."""

    def __init__(self, folder, name, *command, environment=None):
        self.name, self.command, self.environment = name, [str(part) for part in command], environment
        self.log_file = pathlib.Path(folder) / f"{name}.log"
        self.start()

    def start(self):
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env=self.environment)

    def log(self):
        return self.log_file.read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.signal(signal.SIGCONT)
        self.process.wait()

    def stop(self, seconds=20):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def go_on(self):
        self.signal(signal.SIGCONT)


class NatsServer(Process):
    """nats-server with JetStream, on a port of its own, which it keeps. `more` is added to its configuration.

    `domain`: of JetStream, where there are several behind leaf nodes.
    """

    def __init__(self, folder, name="nats", more="", port=None, address="127.0.0.1", prefix=(), domain=""):
        self.port = port or free_port()
        self.url = f"nats://{address}:{self.port}"
        self.address = address
        self.store = pathlib.Path(folder) / name
        config = pathlib.Path(folder) / f"{name}.conf"
        config.write_text(f'listen: "{address}:{self.port}"\nserver_name: {name}\n'
                          f'jetstream {{ store_dir: "{self.store}"{", domain: " + domain if domain else ""} }}\n{more}\n')
        super().__init__(folder, name, *prefix, "nats-server", "-c", config)
        if not prefix:
            self.wait()

    def wait(self):
        """Until it lets clients in."""
        def answers():
            try:
                with socket.create_connection((self.address, self.port), 1) as one:
                    return one.recv(4) == b"INFO"
            except OSError:
                return False
        wait_for(lambda: "nats-server is ready: " + self.log()[-500:], answers)


class Relay:
    """The network between a program and a server: cut() holds back all that is sent, mend() lets it through."""

    def __init__(self, port):
        self.target, self.listener = port, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"nats://127.0.0.1:{self.port}"
        self.whole = threading.Event()
        self.whole.set()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.join, args=(one,), daemon=True).start()

    def join(self, one):
        self.whole.wait()
        try:
            other = socket.create_connection(("127.0.0.1", self.target), 10)
        except OSError:
            return one.close()
        other.settimeout(None)
        for source, sink in ((one, other), (other, one)):
            threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    def copy(self, source, sink):
        try:
            while data := source.recv(65536):
                self.whole.wait()
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.whole.clear()

    def mend(self):
        self.whole.set()

    def stop(self):
        self.mend()
        self.listener.close()


class Nats:
    """A connection in plain NATS (https://docs.nats.io/reference/reference-protocols/nats-protocol)."""

    def __init__(self, port, address="127.0.0.1", inbox="_INBOX", **login):
        self.inbox = inbox  # what subjects of answers begin with
        self.socket = socket.create_connection((address, port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.info = json.loads(self.file.readline()[5:])
        self.lock = threading.Lock()
        self.queues, self.next = {}, 1
        self.errors = []
        self.ended = threading.Event()
        self.pongs = queue.Queue()
        self.socket.settimeout(None)
        options = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True, **login}
        self.send(b"CONNECT " + json.dumps(options).encode() + b"\r\n")
        threading.Thread(target=self.read, daemon=True).start()
        self.flush()

    def send(self, data):
        with self.lock:
            self.socket.sendall(data)

    def read(self):
        try:
            for line in self.file:
                if line.startswith(b"PING"):
                    self.send(b"PONG\r\n")
                elif line.startswith(b"PONG"):
                    self.pongs.put(None)
                elif line.startswith(b"-ERR"):
                    self.errors.append(line.decode().strip())
                elif line.startswith((b"MSG", b"HMSG")):
                    parts = line.split()
                    total = int(parts[-1])
                    body = self.file.read(total + 2)[:-2]
                    headers, fixed = {}, 4
                    if line.startswith(b"HMSG"):
                        size, fixed = int(parts[-2]), 5
                        for header in filter(None, body[:size].decode().split("\r\n")):
                            name, colon, value = header.partition(":")
                            headers.update({name: value.strip()} if colon else {"status": header[9:]} if header[9:] else {})
                        body = body[size:]
                    reply = parts[3].decode() if len(parts) > fixed else ""
                    self.queues[int(parts[2])].put(Message(parts[1].decode(), reply, headers, body))
        except (OSError, ValueError):
            pass
        self.ended.set()

    def flush(self, seconds=10):
        """Waits until the server has taken all that was sent."""
        self.send(b"PING\r\n")
        self.pongs.get(timeout=seconds)

    def subscribe(self, subject, group=""):
        """A queue of Message."""
        number, self.next = self.next, self.next + 1
        self.queues[number] = queue.Queue()
        self.send(f"SUB {subject} {group} {number}\r\n".encode())
        self.queues[number].number = number
        return self.queues[number]

    def unsubscribe(self, messages):
        self.send(f"UNSUB {messages.number}\r\n".encode())

    def publish(self, subject, data=b"", reply="", headers=None):
        if headers:
            head = ("NATS/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n").encode()
            self.send(f"HPUB {subject} {reply} {len(head)} {len(head) + len(data)}\r\n".encode() + head + data + b"\r\n")
        else:
            self.send(f"PUB {subject} {reply} {len(data)}\r\n".encode() + data + b"\r\n")

    def request(self, subject, data=b"", seconds=5, headers=None):
        """The answer's Message; None when none comes in time. Without responders its headers' status says 503."""
        inbox = f"{self.inbox}.{id(self)}.{self.next}"
        answers = self.subscribe(inbox)
        try:
            self.publish(subject, data, inbox, headers)
            return answers.get(timeout=seconds)
        except queue.Empty:
            return None
        finally:
            self.unsubscribe(answers)

    def api(self, name, body=None, seconds=10):
        """A request to JetStream's API, as STREAM.INFO.<stream>; its answer, parsed."""
        answer = self.request("$JS.API." + name, json.dumps(body).encode() if body is not None else b"", seconds)
        assert answer is not None, f"no answer to {name}"
        assert answer.data, f"{name}: {answer.headers}"
        return json.loads(answer.data)

    def rpc(self, subject, method, params=None, seconds=5, headers=None, number=1):
        """The answer to a request in JSON-RPC, parsed; None when none comes in time."""
        body = {"jsonrpc": "2.0", "id": number, "method": method}
        if params is not None:
            body["params"] = params
        answer = self.request(subject, json.dumps(body).encode(), seconds, headers)
        if answer is None or not answer.data:
            return answer and answer.headers
        return json.loads(answer.data)

    def messages(self, stream, first=1):
        """All messages of a stream from that sequence on, in order: (sequence, Message)."""
        state = self.api("STREAM.INFO." + stream)["state"]
        end = state["last_seq"]
        if not state["messages"] or first > end:
            return
        sequence = max(first, state["first_seq"]) - 1
        while sequence < end:
            made = self.api(f"CONSUMER.CREATE.{stream}", {"stream_name": stream, "config": {
                "ack_policy": "none", "deliver_policy": "by_start_sequence", "opt_start_seq": sequence + 1,
                "replay_policy": "instant"}})
            assert "error" not in made, made
            found = self.subscribe(inbox := f"{self.inbox}.read.{self.next}")
            try:
                while sequence < end:
                    batch = min(1000, end - sequence)
                    self.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{made['name']}",
                                 json.dumps({"batch": batch, "expires": 5_000_000_000}).encode(), inbox)
                    for _ in range(batch):
                        message = found.get(timeout=6)
                        if "status" in message.headers and not message.data:
                            raise queue.Empty
                        sequence = int(message.reply.split(".")[-4])
                        yield sequence, message
            except queue.Empty:  # the consumer's leader has changed, or what it was to deliver has expired
                assert not self.ended.is_set(), "the connection to NATS has ended"
                state = self.api("STREAM.INFO." + stream)["state"]
                sequence = max(sequence, state["first_seq"] - 1)
            self.unsubscribe(found)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Pbx:
    """A simulated Asterisk, or one that is there (`url`), with aribusd and, once bridge() is called, aribus-nats.

    `rate`: the simulator replays events at that rate a second. `sockets`, `access`, `bus`: sections of aribusd.yaml.
    """

    def __init__(self, folder, name="pbx1", rate=0, url="", trace=None, access="", sockets="", bus="", more="", app="demo"):
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir(exist_ok=True)
        self.name, self.app, self.asterisk = name, app, None
        self.socket = self.folder / "aribus.sock"
        if not url:
            command = [BUILD / "tests/sim/aribus-sim", "--port", free_port()]
            url = f"http://127.0.0.1:{command[-1]}"
            if rate:
                command += ["--replay", trace or SOURCE / "tests/data/events-22.jsonl", "--rate", rate]
            self.asterisk = Process(self.folder, "asterisk", *command)
        self.url = url
        config = self.folder / "aribusd.yaml"
        config.write_text(f"asterisk:\n  - name: {name}\n    url: {url}\n    username: {USER}\n    password: {PASSWORD}\n    apps: [{app}]\n"
                          f"sockets:\n  - path: {self.socket}\n{sockets}{access}{bus}{more}")
        self.daemon = Process(self.folder, "aribusd", BUILD / "daemon/aribusd", "--config", config)
        wait_for(lambda: "aribusd listens: " + self.daemon.log()[-500:], self.listens)

    def bridge(self, nats_url, more="", prefix=()):
        """Starts aribus-nats; `more` is added to nats.yaml."""
        config = self.folder / "nats.yaml"
        config.write_text(f"name: {self.name}\nsocket: {self.socket}\nstate_file: {self.folder}/state.json\nnats:\n  url: {nats_url}\n{more}")
        self.nats = Process(self.folder, "aribus-nats", *prefix, BUILD / "bridges/nats/aribus-nats", "--config", config)
        return self.nats

    def call(self, method):
        """The result of a method without parameters, over the daemon's socket."""
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(str(self.socket))
            one.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}).encode() + b"\n")
            return json.loads(one.makefile("rb").readline())["result"]

    def status(self):
        """The daemon's `status`."""
        return self.call("status")

    def records(self):
        """All records that the daemon keeps, up to its newest one."""
        newest = self.status()["bus"]["next"] - 1
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(str(self.socket))
            one.sendall(b'{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"from":"oldest"}}\n')
            for line in one.makefile("rb"):
                message = json.loads(line)
                if message.get("method") == "event":
                    yield message["params"]
                    if message["params"]["seq"] >= newest:
                        return

    def listens(self):
        with socket.socket(socket.AF_UNIX) as one:
            return one.connect_ex(str(self.socket)) == 0

    def wait_ready(self):
        def ready():
            try:
                return all(one["state"] == "ready" for one in self.status()["servers"])
            except OSError:
                return False
        wait_for("the Asterisk is ready", ready)

    def stop(self):
        for process in (getattr(self, "nats", None), self.daemon, self.asterisk):
            if process and process.process.poll() is None:
                process.kill()


def message_id(message):
    """(stream, seq) of a message's Nats-Msg-Id."""
    stream, seq = message.headers["Nats-Msg-Id"].split(":")[:2]
    return stream, int(seq)


def is_report(text):
    """Whether a message's text is one of aribus-nats' own (`lost`, `bus.restarted`), not a record of the daemon's."""
    return re.match(rb'\{"seq":\d+,"time":"[^"]*","type":"(lost|bus\.restarted)"', text) is not None
