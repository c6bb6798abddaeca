#!/usr/bin/env python3
"""The stream in NATS holds what a recorder on aribusd's socket wrote, message by message, through every fault.

exactly_once.py [--seconds 20] [--rate 2000] [--faults LIST] [--seed N] [--no-bus-path] [--ring 64MiB] [--servers 1]
                [--max-age 0] [--types GLOB] [--keep]

Faults, separated by commas, each chosen at random again and again:
  nats-kill nats-stop bridge-kill bridge-stop daemon-kill daemon-stop   kill -9 and start again; SIGSTOP for a while
  leader-kill   of --servers 3: kill -9 of the stream's leader
  cut           the network between aribus-nats and nats-server, in a namespace (root)
  purge         all messages are deleted while aribus-nats is away, killed at any time
  expire        likewise, by --max-age seconds
  rollback      nats-server is put back to an older state of its store
  away          nats-server is gone for --longest seconds; says by how much aribus-nats and aribusd grew
"""
import argparse
import array
import base64
import hashlib
import os
import pathlib
import random
import re
import shutil
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from nats_stage import Nats, NatsServer, Pbx, free_port, is_report, let_pass, message_id, wait_for
import json
import subprocess

EVENT = b'{"jsonrpc":"2.0","method":"event","params":'
SUBJECT = re.compile(r"aribus\.v1\.rec\.pbx1(\.[\w%-]+){3}")
LOST = b'{"jsonrpc":"2.0","method":"lost","params":'


def digest(text):
    """Never 0, which stands for none."""
    return int.from_bytes(hashlib.md5(text).digest()[:8], "little") | 1


def put(numbers, index, value):
    """Into an array that grows."""
    if index >= len(numbers):
        numbers.extend([0] * (index + 1 - len(numbers)))
    numbers[index] = value


def resident_kib(process):
    status = pathlib.Path(f"/proc/{process.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


class Recorder(threading.Thread):
    """What a program on the socket is told: of each stream the digests of the records by seq, and what it was told to be
    lost."""

    def __init__(self, path, types):
        super().__init__(daemon=True)
        self.path, self.types = str(path), types
        self.streams, self.lost, self.last = {}, [], None
        self.count = 0
        self.ends = False
        self.start()

    def run(self):
        cursor = None
        while not self.ends:
            try:
                with socket.socket(socket.AF_UNIX) as one:
                    one.connect(self.path)
                    one.settimeout(1)
                    params = {"from": "oldest"}
                    if cursor:
                        params["since"] = cursor
                    if self.types:
                        params["types"] = self.types
                    one.sendall((json.dumps({"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": params}) + "\n").encode())
                    rest, stream = b"", None
                    while not self.ends:
                        try:
                            got = one.recv(1 << 20)
                        except TimeoutError:
                            continue
                        if not got:
                            break
                        *lines, rest = (rest + got).split(b"\n")
                        for line in lines:
                            if line.startswith(EVENT):
                                text = line[len(EVENT):-1]
                                seq = int(text[7:text.index(b",")])
                                if seq < len(self.streams[stream]):
                                    raise AssertionError(f"the recorder was sent {stream}:{seq} out of order")
                                put(self.streams[stream], seq, digest(text))
                                self.count += 1
                                cursor = self.last = f"{stream}:{seq}"
                            elif line.startswith(LOST):
                                lost = json.loads(line[len(LOST):-1])
                                self.lost.append((stream, lost["from"], lost["to"]))
                                cursor = f"{stream}:{lost['to']}"
                            else:
                                begin = json.loads(line)["result"]["cursor"]
                                stream = begin.split(":")[0]
                                if stream not in self.streams:
                                    self.streams[stream] = array.array("Q")
                                    self.last = begin
            except OSError:
                let_pass(0.05)


class Reader(threading.Thread):
    """What the stream in NATS held, by sequence. Where it expires or is purged, it is read again and again (start())."""

    def __init__(self, servers, stream):
        super().__init__(daemon=True)
        self.servers, self.stream = servers, stream
        self.streams = []  # in the order in which they came
        self.stream_of, self.seq_of, self.digest_of = array.array("Q"), array.array("Q"), array.array("Q")  # by sequence
        self.reports, self.bad_subjects = {}, []
        self.next, self.ends = 1, False
        self.lock = threading.Lock()

    def last(self):
        """The place of the last message; None when there is none, or it can't be read now."""
        if self.is_alive():
            return f"{self.streams[self.stream_of[-1]]}:{self.seq_of[-1]}" if self.seq_of else None
        try:
            nats = self.connect()
            try:
                last = nats.api("STREAM.INFO." + self.stream)["state"]["last_seq"]
                got = nats.api("STREAM.MSG.GET." + self.stream, {"seq": last})
                return re.search(r"Nats-Msg-Id: *(\S+)", base64.b64decode(got["message"]["hdrs"]).decode())[1]
            finally:
                nats.close()
        except (OSError, ValueError, AssertionError, KeyError):
            return None

    def connect(self):
        for server in self.servers:
            try:
                return Nats(server.port, server.address)
            except (OSError, ValueError):
                pass
        raise OSError("no nats-server")

    def read(self):
        """Everything that came since."""
        with self.lock:
            nats = self.connect()
            try:
                for sequence, message in nats.messages(self.stream, self.next):
                    stream, seq = message_id(message)
                    if stream not in self.streams:
                        self.streams.append(stream)
                    put(self.stream_of, sequence, self.streams.index(stream))
                    put(self.seq_of, sequence, seq)
                    put(self.digest_of, sequence, digest(message.data))
                    self.reports.pop(sequence, None)
                    if is_report(message.data):
                        self.reports[sequence] = json.loads(message.data)
                    if not SUBJECT.fullmatch(message.subject):
                        self.bad_subjects.append(message.subject)
                    self.next = sequence + 1
            finally:
                nats.close()

    def read_all(self):
        self.next = 1
        self.read()

    def run(self):
        while not self.ends:
            try:
                self.read()
            except Exception:  # nats-server is away, or the stream is not there yet
                pass
            let_pass(0.3)


class Run:
    def __init__(self, options, folder):
        self.options, self.random = options, random.Random(options.seed)
        self.folder = folder
        address, prefix = "127.0.0.1", []
        if "cut" in options.faults:
            self.make_namespace()
            address, prefix = "10.213.7.1", ["ip", "netns", "exec", self.namespace]
        more = [""] * options.servers
        ports = [free_port() for _ in more]
        if options.servers > 1:
            routes = ", ".join(f"nats://127.0.0.1:{port}" for port in ports)
            more = [f'cluster {{ name: c, listen: "127.0.0.1:{port}", routes: [{routes}] }}' for port in ports]
        self.servers = [NatsServer(folder, f"nats{i}", more[i], address=address) for i in range(options.servers)]
        bus = f"bus:\n  ring_bytes: {options.ring}\n"
        if not options.no_bus_path:
            bus += f"  path: {folder}/bus.ring\n"
        self.pbx = Pbx(folder, "pbx1", rate=options.rate, bus=bus, trace=options.trace)
        yaml = ""
        if options.servers > 1 or options.max_age:
            yaml += "stream:\n"
            if options.servers > 1:
                yaml += "  replicas: 3\n"
            if options.max_age:
                yaml += f"  max_age: {options.max_age}s\n"
        if options.types:
            yaml += f"publish:\n  types: [{options.types}]\n"
        self.recorder = Recorder(self.pbx.socket, options.types)
        self.bridge = self.pbx.bridge("[" + ", ".join(server.url for server in self.servers) + "]", yaml, prefix)
        self.reader = Reader(self.servers, "ARIBUS_pbx1")
        self.is_emptied = bool(options.max_age) or "purge" in options.faults
        if self.is_emptied:
            self.reader.start()
        self.copy = None
        self.pausing = {}

    def make_namespace(self):
        self.namespace = f"aribus-nats-{os.getpid()}"
        self.link = f"abn{os.getpid()}"
        def ip(*arguments):
            subprocess.run(["ip", *arguments], check=True)
        ip("netns", "add", self.namespace)
        ip("link", "add", self.link, "type", "veth", "peer", "name", self.link + "n", "netns", self.namespace)
        ip("addr", "add", "10.213.7.1/24", "dev", self.link)
        ip("link", "set", self.link, "up")
        ip("-n", self.namespace, "addr", "add", "10.213.7.2/24", "dev", self.link + "n")
        ip("-n", self.namespace, "link", "set", self.link + "n", "up")
        ip("-n", self.namespace, "link", "set", "lo", "up")

    def pause(self, process, most):
        process.pause()
        let_pass(self.random.uniform(0, most))
        process.go_on()

    def restart(self, process, most=1.0):
        process.kill()
        let_pass(self.random.uniform(0, most))
        process.start()

    def fault(self, name):
        nats = self.servers[0]
        if name == "nats-kill":
            self.restart(nats)
        elif name == "nats-stop":
            self.pause(nats, self.options.longest)
        elif name == "bridge-kill":
            self.restart(self.bridge)
        elif name == "bridge-stop":
            self.pause(self.bridge, self.options.longest)
        elif name == "daemon-kill":
            self.restart(self.pbx.daemon)
        elif name == "daemon-stop":
            self.pause(self.pbx.daemon, 2)
        elif name == "leader-kill":
            self.kill_leader()
        elif name == "cut":
            subprocess.run(["ip", "link", "set", self.link, "down"], check=True)
            let_pass(self.random.uniform(0, self.options.longest))
            subprocess.run(["ip", "link", "set", self.link, "up"], check=True)
        elif name == "purge":
            self.bridge.kill()
            nats.wait()
            self.reader.read()
            connection = self.reader.connect()
            connection.api("STREAM.PURGE.ARIBUS_pbx1")
            assert connection.api("STREAM.INFO.ARIBUS_pbx1")["state"]["messages"] == 0
            connection.close()
            self.bridge.start()
        elif name == "expire":
            self.bridge.kill()
            self.reader.read()
            let_pass(self.options.max_age + 1.5)
            self.bridge.start()
        elif name == "away":
            before = resident_kib(self.bridge), resident_kib(self.pbx.daemon)
            nats.kill()
            let_pass(self.options.longest)
            nats.start()
            after = resident_kib(self.bridge), resident_kib(self.pbx.daemon)
            print(f"nats-server was gone for {self.options.longest:g} s: aribus-nats {before[0]} → {after[0]} KiB, "
                  f"aribusd {before[1]} → {after[1]} KiB", flush=True)
        elif name == "rollback":
            if self.copy is None:
                nats.stop()
                self.copy = self.folder / "copy"
                shutil.copytree(nats.store, self.copy)
                nats.start()
            else:
                nats.kill()
                shutil.rmtree(nats.store)
                shutil.copytree(self.copy, nats.store)
                self.copy = shutil.rmtree(self.copy)
                nats.start()
                nats.wait()
                with self.reader.lock:
                    self.reader.next = 1

    def kill_leader(self):
        def leading():
            try:
                connection = self.reader.connect()
                name = connection.api("STREAM.INFO.ARIBUS_pbx1", seconds=2)["cluster"].get("leader")
                connection.close()
                return name
            except (AssertionError, OSError, KeyError):
                return None
        name = wait_for("a leader", leading, 120, 0.2)
        leader = next(server for server in self.servers if server.name == name)
        self.restart(leader, 3)
        leader.wait()

    def play(self):
        end = time.monotonic() + self.options.seconds
        wait_for("the first record is in NATS", self.reader.last, 40, 0.5)
        while time.monotonic() < end:
            let_pass(self.random.uniform(*self.options.between))
            if self.options.faults:
                self.fault(self.random.choice(self.options.faults))
        if self.copy:
            self.fault("rollback")
        self.pbx.asterisk.kill()  # nothing comes any more but what the daemon says of that
        recorded, since = None, time.monotonic()

        def quiet():
            nonlocal recorded, since
            if recorded != self.recorder.count:
                recorded, since = self.recorder.count, time.monotonic()
            if time.monotonic() - since < 3:
                return False
            return self.reader.last() == self.recorder.last
        try:
            wait_for("the last record is in NATS", quiet, 180, 0.5)
        finally:
            self.reader.ends = self.recorder.ends = True
        if self.is_emptied:
            self.reader.join()
            self.reader.read()
        else:
            self.reader.read_all()

    def compare(self):
        """What is wrong; nothing when all is right."""
        wrong, reader, recorder = [], self.reader, self.recorder
        filtered, published, lost = bool(self.options.types), 0, []
        found = {stream: array.array("Q") for stream in reader.streams}
        stream, seq = None, 0
        first = next(sequence for sequence, one in enumerate(reader.digest_of) if one)
        for sequence in range(first, len(reader.digest_of)):
            before, seq_before = stream, seq
            if not reader.digest_of[sequence]:
                wrong.append(f"there is no message {sequence}")
                break
            stream, seq = reader.streams[reader.stream_of[sequence]], reader.seq_of[sequence]
            report = reader.reports.get(sequence)
            if report and report["type"] == "lost":
                lost.append((stream, report["from"], report["to"]))
                if report["records"] != report["to"] - report["from"] + 1 or report["seq"] != report["to"] or seq != report["to"]:
                    wrong.append(f"{report}")
                if stream == before and not filtered and report["from"] != seq_before + 1:
                    wrong.append(f"behind {before}:{seq_before} comes {report}")
            elif not report:
                published += 1
                if seq < len(found[stream]):
                    wrong.append(f"{stream}:{seq} comes behind {before}:{seq_before}")
                    continue
                put(found[stream], seq, reader.digest_of[sequence])
                if stream == before and not filtered and seq != seq_before + 1:
                    wrong.append(f"behind {before}:{seq_before} comes {stream}:{seq}")
            if before and stream != before and not report:
                wrong.append(f"behind {before}:{seq_before} comes {stream}:{seq} without a report")
        told = 0
        for name, records in recorder.streams.items():
            there = found.get(name, array.array("Q"))
            excused = set()
            for kind, ranges in (("NATS", lost), ("recorder", recorder.lost)):
                for of, begin, end in ranges:
                    if of == name:
                        excused.update(range(begin, end + 1))
                        told += (end - begin + 1) * (kind == "NATS")
            # A daemon that was killed and began another stream may have delivered more to one of the two.
            cut = self.options.no_bus_path and recorder.last.partition(":")[0] != name
            length = min(len(records), len(there)) if cut else max(len(records), len(there))
            for one in (records, there):
                one.extend([0] * max(0, length - len(one)))
            differ = [number for number in range(1, length) if records[number] != there[number] and number not in excused]
            if differ:
                number = differ[0]
                wrong.append(f"{len(differ)} records of {name} differ, from {number} on: recorder "
                             f"{'has it' if records[number] else 'has not'}, NATS {'has it' if there[number] else 'has not'}")
        for name in found:
            if name not in recorder.streams and not self.options.no_bus_path:
                wrong.append(f"the recorder knows no stream {name}")
        if reader.bad_subjects:
            wrong.append(f"subjects: {reader.bad_subjects[:3]}")
        print(f"recorder: {recorder.count} records; NATS: {published} records, {len(reader.reports)} reports, {told} told to be lost")
        return wrong

    def stop(self):
        self.pbx.stop()
        for server in self.servers:
            server.kill()
        if hasattr(self, "namespace"):
            subprocess.run(["ip", "link", "del", self.link])
            subprocess.run(["ip", "netns", "del", self.namespace])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--faults", type=lambda text: [one for one in text.split(",") if one], default=[])
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--no-bus-path", action="store_true")
    parser.add_argument("--ring", default="64MiB")
    parser.add_argument("--servers", type=int, default=1, choices=(1, 3))
    parser.add_argument("--max-age", type=int, default=0)
    parser.add_argument("--types", default="")
    parser.add_argument("--trace")
    parser.add_argument("--longest", type=float, default=8, help="seconds of a pause or a cut")
    parser.add_argument("--between", type=lambda text: tuple(float(part) for part in text.split("-")), default=(0.3, 2.0),
                        help="seconds between faults, as 0.3-2")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    options = parser.parse_args()
    if "cut" in options.faults and subprocess.run(["ip", "netns", "add", "aribus-nats-try"], capture_output=True).returncode != 0:
        print("skipped: no network namespace can be made here; run it as root, with iproute2")
        return 77
    subprocess.run(["ip", "netns", "del", "aribus-nats-try"], capture_output=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="aribus-exactly-once-"))
    print(f"seed {options.seed}, {folder}", flush=True)
    run = Run(options, folder)
    wrong = ["it did not come to an end"]
    try:
        run.play()
        wrong = run.compare()
    finally:
        run.stop()
        if wrong:
            print((folder / "pbx1/aribus-nats.log").read_text()[-3000:])
        if not options.keep and not wrong:
            shutil.rmtree(folder)
    for one in wrong[:20]:
        print(one)
    print("exactly what the recorder wrote" if not wrong else "NOT what the recorder wrote")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
