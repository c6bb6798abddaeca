#!/usr/bin/env python3
"""aribus-nats as a program: its arguments, its checks, monitoring, signals, and streams of another installation.

program_test.py [NAME...]
"""
import base64
import binascii
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

from nats_stage import BUILD, SOURCE, Nats, NatsServer, Pbx, free_port, wait_for

PROGRAM = BUILD / "bridges/nats/aribus-nats"
LIMITS = "stream: {max_age: 1d}\n"


def run(*arguments):
    """(exit status, standard output, standard error)"""
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def ask(port, path):
    """(status, text) of an HTTP GET."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def figures(port):
    """The figures of /metrics, by name and labels as they stand there."""
    lines = ask(port, "/metrics")[1].splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}


def publishes(pbx):
    return "publishing to the stream" in pbx.nats.log()


def wait_published(pbx):
    wait_for(lambda: "it publishes: " + pbx.nats.log()[-1000:], lambda: publishes(pbx))


def arguments(folder):
    for option in ("--help", "-h", "--version"):
        status, out, err = run(option)
        assert status == 0 and out and not err, (option, status, out, err)
    for wrong in (["--no-such"], ["x"], ["--config"], ["--check-config", "--adopt"], ["--url", "nats://a"], ["--config", folder / "none"]):
        status, out, err = run(*wrong)
        assert status == 2 and err and not out, (wrong, status, out, err)
    broken = folder / "broken.yaml"
    broken.write_text("name: a b\n")
    status, out, err = run("--config", broken)
    assert status == 2 and err.startswith(f"aribus-nats: {broken}:1:7: name: "), err
    unwritable = folder / "unwritable.yaml"
    unwritable.write_text("name: a\nstate_file: /proc/none/state.json\n")
    status, out, err = run("--config", unwritable)
    assert status == 1 and "/proc/none/state.json" in err, (status, err)


def check(folder):
    """--check-config asks aribusd and NATS."""
    nats = NatsServer(folder)
    port = free_port()
    pbx = Pbx(folder, sockets=f"  - path: {folder}/pbx1/control.sock\n  - path: {folder}/pbx1/other.sock\n",
              access=f"access:\n  - name: control\n    sockets: [{folder}/pbx1/control.sock]\n    methods: [read, control]\n"
                     "  - name: owner\n    methods: [read, control, admin]\n")
    pbx.wait_ready()
    config = folder / "nats.yaml"

    def told(more, url=nats.url):
        config.write_text(f"name: pbx1\nsocket: {pbx.socket}\nstate_file: {folder}/state.json\nnats:\n  url: {url}\n{more}")
        return run("--config", config, "--check-config")

    good = LIMITS + f"rules:\n  control: {folder}/pbx1/control.sock\nmetrics:\n  listen: 127.0.0.1:{port}\n"
    status, out, err = told(good)
    assert (status, out, err) == (0, f"{config}: fine (pbx1, stream ARIBUS_pbx1)\n", ""), (status, out, err)
    assert not (folder / "state.json").exists(), "a check makes a state file"
    client = Nats(nats.port)
    assert client.api("STREAM.NAMES")["total"] == 0, "a check makes a stream"

    status, out, err = told(LIMITS + f"rules:\n  operator: {folder}/pbx1/other.sock\n")
    assert status == 2 and "rules.operator: the access rule for this socket is 'owner', not 'operator'" in err, err
    status, out, err = told(LIMITS + "publish:\n  types: [StasisStrat]\n")
    assert status == 0 and "publish" in err and "StasisStrat" in err, err
    status, out, err = told(LIMITS, "nats://127.0.0.1:1")
    assert status == 0 and "no connection to NATS at nats://127.0.0.1:1" in err, err
    status, out, err = told(LIMITS, "nats://no-such-host.invalid")
    assert status == 2 and "nats.url: the host no-such-host.invalid has no address" in err, err
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        status, out, err = told(LIMITS + f"metrics:\n  listen: 127.0.0.1:{other.getsockname()[1]}\n")
        assert status == 2 and "metrics.listen: another program listens at 127.0.0.1" in err, err

    # Its own port is no other program's.
    pbx.bridge(nats.url, good)
    wait_published(pbx)
    status, out, err = run("--config", pbx.folder / "nats.yaml", "--check-config")
    assert (status, err) == (0, ""), err

    pbx.daemon.kill()
    status, out, err = told(LIMITS)
    assert status == 0 and "socket: " in err, err
    pbx.socket.unlink()
    status, out, err = told(LIMITS)
    assert status == 2 and f"socket: there is no socket {pbx.socket}" in err, err
    pbx.stop()
    nats.kill()


def monitoring(folder):
    """/metrics, /healthz, /readyz and what systemd hears; all figures are documented, and those that alerts need are there."""
    nats = NatsServer(folder)
    pbx = Pbx(folder, rate=200)
    port = free_port()
    pbx.wait_ready()
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(folder / "notify"))
    heard = []

    def listen():
        """Always: where nobody reads, the kernel keeps ten messages, and aribus-nats does not wait for room."""
        while True:
            heard.extend(notify.recv(4096).decode().split("\n"))
    threading.Thread(target=listen, daemon=True).start()

    def hear(text):
        wait_for(lambda: f"{text} in {heard[-20:]}", lambda: text in heard)

    os.environ["NOTIFY_SOCKET"] = str(folder / "notify")
    os.environ["WATCHDOG_USEC"] = "200000"
    try:
        pbx.bridge(nats.url, LIMITS + f"metrics:\n  listen: 127.0.0.1:{port}\nrules:\n  default: {pbx.socket}\n")
    finally:
        del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
    hear("READY=1")
    hear("STATUS=publishing to the stream ARIBUS_pbx1")
    hear("WATCHDOG=1")
    assert ask(port, "/healthz")[0] == 200
    wait_for("ready", lambda: ask(port, "/readyz") == (200, "ready\n"))
    assert ask(port, "/x")[0] == 404
    wait_for("records are stored", lambda: figures(port)["aribus_nats_records_stored_total"] > 100)
    wait_for("both sides are connected",
             lambda: all(figures(port)[f'aribus_nats_connected{{to="{side}"}}'] == 1 for side in ("nats", "aribusd")))
    wait_for("how far it is behind is known", lambda: "aribus_nats_records_behind" in figures(port))
    now = figures(port)
    assert now["aribus_nats_publishing"] == 1 and now["aribus_nats_stored_seq"] > 0 and now["aribus_nats_records_lost_total"] == 0, now

    text = ask(port, "/metrics")[1]
    names = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    documented = (SOURCE / "docs/nats-operations.md").read_text()
    for name in names:
        assert f"`{name}`" in documented, f"{name} is not documented"
    for file in ("docs/nats-operations.md", "config/nats-alerts.yaml"):
        for name in set(re.findall(r"\b(?:aribus_nats|process)_[a-z_]*[a-z]\b", (SOURCE / file).read_text())):
            assert name in names, f"{file} names {name}"
    for alert in re.findall(r"alert: (\w+)", (SOURCE / "config/nats-alerts.yaml").read_text()):
        assert f"| `{alert}` |" in documented, f"{alert} is not documented"

    nats.kill()
    wait_for("not ready", lambda: ask(port, "/readyz")[0] == 503)
    status, reason = ask(port, "/readyz")
    assert reason.startswith("not publishing: "), reason
    wait_for("systemd hears why", lambda: any(one.startswith("STATUS=not publishing: ") for one in heard))
    assert figures(port)["aribus_nats_publishing"] == 0
    nats.start()
    wait_for("ready again", lambda: ask(port, "/readyz")[0] == 200)
    assert figures(port)["aribus_nats_restarts_total"] > 0

    pbx.nats.signal(signal.SIGHUP)
    wait_for("SIGHUP is logged", lambda: "SIGHUP is ignored: aribus-nats reads its configuration only at startup" in pbx.nats.log())
    assert pbx.nats.stop() == 0
    hear("STOPPING=1")
    assert pbx.nats.log().rstrip().endswith("stopped"), pbx.nats.log()[-500:]
    pbx.stop()
    nats.kill()


def adopted(folder):
    """A stream of another installation is refused until it is adopted; then publishing goes on behind its last record."""
    nats = NatsServer(folder)
    pbx = Pbx(folder)
    pbx.wait_ready()
    pbx.bridge(nats.url, LIMITS)
    wait_published(pbx)
    client = Nats(nats.port)
    wait_for("the first record", lambda: client.api("STREAM.INFO.ARIBUS_pbx1")["state"]["messages"] > 0)
    pbx.nats.stop()
    (pbx.folder / "state.json").unlink()
    pbx.nats.log_file.unlink()
    pbx.bridge(nats.url, LIMITS)
    wait_for("it is refused", lambda: "it belongs to another installation" in pbx.nats.log())
    before = client.api("STREAM.INFO.ARIBUS_pbx1")["state"]["last_seq"]
    status, out, err = run("--config", pbx.folder / "nats.yaml", "--adopt")
    installation = json.loads((pbx.folder / "state.json").read_text())["installation"]
    assert status == 0 and f"belongs to this installation ({installation}) now" in out, (status, out, err)
    wait_published(pbx)
    assert "after record" in pbx.nats.log(), pbx.nats.log()
    pbx.asterisk.kill()  # which makes a record
    wait_for("it goes on", lambda: client.api("STREAM.INFO.ARIBUS_pbx1")["state"]["last_seq"] > before)
    ids = [message.headers["Nats-Msg-Id"] for _, message in client.messages("ARIBUS_pbx1")]
    assert len(ids) == len(set(ids)), ids
    status, out, err = run("--config", pbx.folder / "nats.yaml", "--adopt")
    assert status == 0 and "already" in out, (status, out, err)

    config = folder / "other.yaml"
    config.write_text(f"name: pbx2\nstate_file: {folder}/other.json\nnats: {{url: {nats.url}}}\n")
    status, out, err = run("--config", config, "--adopt")
    assert status == 1 and "does not exist" in err, (status, err)
    client.api("STREAM.CREATE.ARIBUS_pbx2", {"name": "ARIBUS_pbx2", "subjects": ["some.other"]})
    status, out, err = run("--config", config, "--adopt")
    assert status == 1 and "was not made by aribus-nats" in err, (status, err)
    pbx.stop()
    nats.kill()


def tls(folder):
    """Records travel by TLS where it is asked for, or not at all; a server may ask for a certificate."""
    def openssl(*command):
        subprocess.run(["openssl", *map(str, command)], check=True, cwd=folder, capture_output=True)

    def certificate(name, alternative):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / "extensions").write_text(f"subjectAltName={alternative}\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", "extensions", "-out", f"{name}.pem")

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem")
    certificate("server", "IP:127.0.0.1")
    certificate("elsewhere", "DNS:elsewhere.example")
    certificate("client", "DNS:client")
    pbx = Pbx(folder)

    def server(name, shown, more=""):
        return NatsServer(folder, name, f'tls {{ cert_file: "{folder}/{shown}.pem", key_file: "{folder}/{shown}.key", {more} }}')

    def ends_with(url, more, expected):
        bridge = pbx.bridge(url, "".join(f"  {key}: {folder}/{file}\n" for key, file in more.items()) + LIMITS)
        wait_for(lambda: f"{expected!r} with {url} and {more}: {bridge.log()}", lambda: expected in bridge.log())
        assert expected == "publishing to the stream" or "publishing to the stream" not in bridge.log(), bridge.log()
        assert bridge.stop() == 0
        bridge.log_file.unlink()

    ca, shown = {"ca_file": "ca.pem"}, {"certificate_file": "client.pem", "key_file": "client.key"}
    plain = NatsServer(folder, "plain")
    ends_with(plain.url.replace("nats://", "tls://"), {}, "the server has no TLS")
    ends_with(plain.url, ca, "the server has no TLS")
    plain.kill()
    nats = server("tls", "server")
    ends_with(nats.url.replace("nats://", "tls://"), {}, "compare the server's certificate with")
    ends_with(nats.url, {}, "compare the server's certificate with")  # which asks for TLS
    ends_with(nats.url.replace("nats://", "tls://"), ca, "publishing to the stream")
    nats.kill()
    nats = server("elsewhere", "elsewhere")
    ends_with(nats.url.replace("nats://", "tls://"), ca, "compare the server's certificate with")
    nats.kill()
    nats = server("verifying", "server", f'ca_file: "{folder}/ca.pem", verify: true')
    ends_with(nats.url.replace("nats://", "tls://"), ca, "not publishing")
    ends_with(nats.url.replace("nats://", "tls://"), {**ca, **shown}, "publishing to the stream")
    nats.kill()
    pbx.stop()


def dead_name_server(folder):
    """A name server that does not answer keeps neither monitoring from answering nor the program from ending."""
    pbx = Pbx(folder)
    port = free_port()
    slow = next((BUILD / "tests/support").glob("*slow_lookup.so"))
    pbx.bridge("nats://name.slow:4222", LIMITS + f"metrics:\n  listen: 127.0.0.1:{port}\n", prefix=("env", f"LD_PRELOAD={slow}"))

    def alive():
        try:
            return ask(port, "/healthz")[0] == 200
        except OSError:
            return False
    wait_for(lambda: "monitoring answers: " + pbx.nats.log(), alive)
    assert ask(port, "/readyz") == (503, "connecting\n")
    wait_for("aribusd is known", lambda: figures(port)['aribus_nats_connected{to="aribusd"}'] == 1)
    assert pbx.nats.stop(30) == 0
    assert "not all threads ended within 10 s" in pbx.nats.log(), pbx.nats.log()
    pbx.stop()


class Identity:
    """A key of NATS' decentralised accounts (https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt):
    what nsc makes."""
    PREFIXES = {"operator": 14 << 3, "account": 0, "user": 20 << 3}

    def __init__(self, folder, kind, name):
        self.folder, self.kind, self.key = folder, kind, folder / f"{name}.key"
        self.openssl("genpkey", "-algorithm", "ED25519", "-out", self.key)
        prefix = self.PREFIXES[kind]
        self.public = self.encoded(bytes([prefix]), self.openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")[-32:])
        seed = self.openssl("pkey", "-in", self.key, "-outform", "DER")[-32:]
        self.seed = self.encoded(bytes([18 << 3 | prefix >> 5, (prefix & 31) << 3]), seed)

    @staticmethod
    def openssl(*command):
        return subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True).stdout

    @staticmethod
    def encoded(prefix, key):
        checksum = binascii.crc_hqx(prefix + key, 0).to_bytes(2, "little")
        return base64.b32encode(prefix + key + checksum).decode().rstrip("=")

    def sign(self, other, claims):
        """The JWT that this one gives to `other`."""
        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        text = b".".join(part(json.dumps(one).encode()) for one in (
            {"typ": "JWT", "alg": "ed25519-nkey"},
            {"jti": other.kind, "iat": 1, "iss": self.public, "name": other.kind, "sub": other.public,
             "nats": {"type": other.kind, "version": 2, **claims}}))
        (self.folder / "text").write_bytes(text)
        signature = self.openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.key, "-in", self.folder / "text")
        return (text + b"." + part(signature)).decode()


def credentials(folder):
    """A login with a file as nsc makes it."""
    operator, user = Identity(folder, "operator", "operator"), Identity(folder, "user", "user")
    account, system = Identity(folder, "account", "account"), Identity(folder, "account", "system")
    limits = dict.fromkeys(["subs", "conn", "leaf", "imports", "exports", "data", "payload"], -1)
    storage = dict.fromkeys(["mem_storage", "disk_storage", "streams", "consumer"], -1)
    nats = NatsServer(folder, more=f"operator: {operator.sign(operator, {})}\nsystem_account: {system.public}\nresolver: MEMORY\n"
                                   f"resolver_preload: {{\n  {system.public}: {operator.sign(system, {'limits': limits})}\n"
                                   f"  {account.public}: {operator.sign(account, {'limits': {**limits, **storage}})}\n}}\n")
    file = folder / "pbx.creds"
    file.write_text(f"-----BEGIN NATS USER JWT-----\n{account.sign(user, {'subs': -1, 'data': -1, 'payload': -1})}\n"
                    f"------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n")
    file.chmod(0o600)
    pbx = Pbx(folder)
    pbx.bridge(nats.url, LIMITS)
    wait_for(lambda: "nobody is let in without: " + pbx.nats.log(), lambda: "compare username and password, or credentials" in pbx.nats.log())
    pbx.nats.stop()
    pbx.bridge(nats.url, f"  credentials: {file}\n" + LIMITS)
    wait_published(pbx)
    assert run("--config", pbx.folder / "nats.yaml", "--check-config")[::2] == (0, "")
    pbx.stop()
    nats.kill()


CASES = {"arguments": arguments, "check": check, "monitoring": monitoring, "adopted": adopted, "tls": tls,
         "dead_name_server": dead_name_server, "credentials": credentials}

if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        with tempfile.TemporaryDirectory(prefix="aribus-nats-") as temporary:
            CASES[name](pathlib.Path(temporary))
        print(name, "passed", flush=True)
