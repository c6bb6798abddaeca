#!/usr/bin/env python3
"""config/nats-server.conf: its users may do what they need, and nothing else. With aribusd and aribus-nats."""
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading

from members_test import Link
from nats_stage import BUILD, SOURCE, Nats, NatsServer, Pbx, is_report, wait_for

USERS = ("pbx1", "control", "pool", "admin", "billing", "ivr")


def sample_server(folder):
    """nats-server with config/nats-server.conf, at a place of the test's; each user's password is his name."""
    sample = (SOURCE / "config/nats-server.conf").read_text()
    for user in USERS:
        os.environ[f"{user.upper()}_PASSWORD"] = user
    more, replaced = re.subn(r'\nlisten: .*\n\njetstream \{\n.*\n\}\n', "\n", sample)
    assert replaced == 1, "listen and jetstream stand in config/nats-server.conf as this test expects them"
    return NatsServer(folder, more=more)


class Stage:
    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="aribus-nats-permissions-")
        self.folder = pathlib.Path(self.temporary.name)
        self.server = sample_server(self.folder)
        folder = self.folder / "pbx1"
        self.pbx = Pbx(self.folder, "pbx1", sockets="".join(f"  - path: {folder}/{rule}.sock\n" for rule in ("control", "ivr")),
                       access="".join(f"  - name: {rule}\n    sockets: [{folder}/{rule}.sock]\n    methods: [read, control]\n"
                                      for rule in ("control", "ivr")).join(("access:\n", "  - name: owner\n    methods: [read]\n")))
        self.pbx.wait_ready()
        self.pbx.bridge(self.server.url, "  username: pbx1\n  password: pbx1\nrules:\n"
                        f"  control: {folder}/control.sock\n  ivr: {folder}/ivr.sock\n")
        self.admin = self.user("admin")
        wait_for(lambda: "records are stored: " + self.pbx.nats.log()[-2000:], lambda: self.messages() > 0)
        control = self.user("control")
        wait_for(lambda: "commands are taken: " + self.pbx.nats.log()[-2000:],
                 lambda: "result" in (control.rpc("aribus.v1.rpc.any.control", "ping", seconds=1) or {}))

    def user(self, name):
        return Nats(self.server.port, inbox=f"_INBOX_{name}", user=name, **{"pass": name})

    def messages(self):
        return self.admin.api("STREAM.INFO.ARIBUS_pbx1").get("state", {}).get("messages", 0)

    def consumer(self, name):
        """As an administrator makes one."""
        made = self.admin.api(f"CONSUMER.DURABLE.CREATE.ARIBUS_pbx1.{name}", {
            "stream_name": "ARIBUS_pbx1", "config": {"durable_name": name, "ack_policy": "all", "deliver_policy": "all"}})
        assert "error" not in made, made

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if error:
            print(self.server.log()[-3000:], self.pbx.nats.log()[-3000:], file=sys.stderr)
        self.pbx.stop()
        self.server.kill()
        self.temporary.cleanup()


class Recorder:
    """What a program on the socket is told, from now on."""

    def __init__(self, path):
        self.records = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.socket.sendall(b'{"jsonrpc":"2.0","id":1,"method":"subscribe"}\n')
        self.file = self.socket.makefile("rb")
        self.file.readline()  # the answer
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.file:
            self.records.append(json.loads(line)["params"])

    def has(self, kind, channel):
        return any(one["type"] == kind and channel in one.get("channels", []) for one in list(self.records))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)


def denied(user, subject, data=b"", reply=""):
    """Whether NATS refuses to take a message of this user."""
    before = len(user.errors)
    user.publish(subject, data, reply)
    user.flush()
    return any("Permissions Violation" in error and subject in error for error in user.errors[before:])


def may_not_subscribe(user, subject):
    before = len(user.errors)
    user.subscribe(subject)
    user.flush()
    return any("Permissions Violation" in error and subject in error for error in user.errors[before:])


def test_the_bridge_has_what_it_needs(stage):
    assert "Permissions Violation" not in stage.pbx.nats.log() and "permissions violation" not in stage.server.log().lower()
    bridge = stage.user("pbx1")
    for subject in ("aribus.v1.rec.pbx2.a.b.C", "$JS.API.STREAM.DELETE.ARIBUS_pbx1", "$JS.API.STREAM.PURGE.ARIBUS_pbx1",
                    "$JS.API.STREAM.UPDATE.ARIBUS_pbx1", "$JS.API.STREAM.MSG.DELETE.ARIBUS_pbx1", "$JS.API.STREAM.CREATE.ARIBUS_pbx2",
                    "$JS.API.STREAM.MSG.GET.ARIBUS_pbx2", "$JS.API.CONSUMER.DURABLE.CREATE.ARIBUS_pbx1.x",
                    "aribus.v1.rpc.pbx2.control", "_INBOX.somebody", "aribus.v1.to-member.pbx2.ivr", "aribus.v1.member.pbx1.ivr.ivr.w1"):
        assert denied(bridge, subject), subject
    for subject in ("aribus.v1.rec.>", "aribus.v1.rpc.pbx2.control", "aribus.v1.member.pbx2.>", "_INBOX_control.>", ">"):
        assert may_not_subscribe(bridge, subject), subject


def test_a_controller_controls_and_nothing_else(stage):
    control = stage.user("control")
    assert control.rpc("aribus.v1.rpc.pbx1.control", "channels.list")["result"] == []
    said = control.rpc("aribus.v1.rpc.pbx1.control", "channels.hangup", {"channelId": "nobody"})
    assert said["error"]["code"] == -32000, said  # Asterisk was asked
    assert json.loads(control.request("$SRV.INFO.aribus", b"").data)["metadata"]["pbx"] == "pbx1"
    for subject in ("aribus.v1.rpc.pbx1.ivr", "aribus.v1.rec.pbx1.a.b.C", "$JS.API.STREAM.INFO.ARIBUS_pbx1",
                    "$JS.API.STREAM.DELETE.ARIBUS_pbx1", "$JS.API.CONSUMER.MSG.NEXT.ARIBUS_pbx1.billing", "other"):
        assert denied(control, subject), subject
    for subject in ("aribus.v1.rec.>", "aribus.v1.rpc.>", "_INBOX.>", "_INBOX_billing.>"):
        assert may_not_subscribe(control, subject), subject


def test_a_worker_is_a_member_of_its_group_and_nothing_else(stage):
    pool = stage.user("pool")
    link = Link(pool, "w1", "ivr", "ivr")
    link.request("subscribe", group="ivr", member="w1", apps=["demo"])
    assert link.answer()["result"]["member"] == "w1"
    told = pool.subscribe("aribus.v1.to-member.*.ivr")
    pool.flush()
    found = json.loads(pool.request("$SRV.INFO.aribus", b"").data)
    assert "aribus.v1.rpc.pbx1.ivr" in [one["subject"] for one in found["endpoints"]]
    assert not pool.errors and told.empty(), pool.errors
    for subject in ("aribus.v1.member.pbx1.ivr.other.w1", "aribus.v1.member.pbx1.control.ivr.w1", "aribus.v1.rpc.pbx1.ivr",
                    "aribus.v1.to-member.pbx1.ivr.ivr.w1.x", "aribus.v1.rec.pbx1.a.b.C", "$SRV.STATS.aribus", "other"):
        assert denied(pool, subject), subject
    for subject in ("aribus.v1.to-member.*.control.ivr.>", "aribus.v1.to-member.*.ivr.other.>", "aribus.v1.member.>", "_INBOX.>", ">"):
        assert may_not_subscribe(pool, subject), subject


def test_who_may_lists_pbxs(stage):
    """And who may not is told why, not shown broken JSON, nor the password of anybody."""
    environment = {**os.environ, "PATH": f"{BUILD}/bridges/nats:{os.environ['PATH']}"}

    def aribus_pbx(*options):
        return subprocess.run([BUILD / "cli/aribus", "pbx", "--json", *options], env=environment, capture_output=True, text=True,
                              timeout=30)

    def url(user, password):
        return "--url", f"nats://{user}:{password}@127.0.0.1:{stage.server.port}"
    for options in (("--config", stage.pbx.folder / "nats.yaml"), url("admin", "admin"),
                    (*url("control", "control"), "--inbox-prefix", "_INBOX_control")):
        printed = aribus_pbx(*options)
        assert printed.returncode == 0 and not printed.stderr, printed
        assert [one["pbx"] for one in json.loads(printed.stdout)["pbxs"]] == ["pbx1"], printed
    for options, reason in ((url("control", "control"), "does not let aribus-nats subscribe to _INBOX."),
                            (url("control", "control"), "or use --inbox-prefix"),
                            ((*url("billing", "billing"), "--inbox-prefix", "_INBOX_billing"),
                             "does not let aribus-nats publish to $SRV.STATS.aribus"),
                            (url("control", "secret"), f"NATS at nats://127.0.0.1:{stage.server.port}: Authorization Violation")):
        printed = aribus_pbx(*options)
        assert printed.returncode == 3 and not printed.stdout and reason in printed.stderr, (printed, reason)
        assert "secret" not in printed.stderr, printed


def test_a_reader_reads_and_nothing_else(stage):
    stage.consumer("billing")
    stage.consumer("ivr")
    billing, count = stage.user("billing"), stage.messages()
    assert json.loads(billing.request("aribus.js.STREAM.INFO.ARIBUS_pbx1").data)["state"]["messages"] == count
    assert json.loads(billing.request("aribus.js.CONSUMER.INFO.ARIBUS_pbx1.billing").data)["num_pending"] == count
    first = json.loads(billing.request("aribus.js.STREAM.MSG.GET.ARIBUS_pbx1", b'{"seq":1}').data)
    assert first["message"]["subject"].startswith("aribus.v1.rec.pbx1."), first
    message = billing.request("aribus.js.CONSUMER.MSG.NEXT.ARIBUS_pbx1.billing", b"1")
    assert json.loads(message.data)["seq"] > 0 or is_report(message.data), message
    billing.publish(message.reply, b"+ACK")
    wait_for("it is acknowledged", lambda: stage.admin.api(
        "CONSUMER.INFO.ARIBUS_pbx1.billing")["ack_floor"]["stream_seq"] == 1)
    assert not billing.errors, billing.errors

    for subject in (
            "aribus.v1.rpc.pbx1.control", "aribus.v1.rpc.any.control", "aribus.v1.rpc.pbx1.ivr",  # no hangup
            "aribus.v1.rec.pbx1.a.b.C",  # no record
            *(f"{api}.{what}" for api in ("$JS.API", "aribus.js") for what in (
                "STREAM.DELETE.ARIBUS_pbx1", "STREAM.PURGE.ARIBUS_pbx1", "STREAM.UPDATE.ARIBUS_pbx1", "STREAM.MSG.DELETE.ARIBUS_pbx1",
                "STREAM.CREATE.MINE", "CONSUMER.DURABLE.CREATE.ARIBUS_pbx1.billing", "CONSUMER.DELETE.ARIBUS_pbx1.billing",
                "CONSUMER.MSG.NEXT.ARIBUS_pbx1.ivr")),
            "$JS.ACK.ARIBUS_pbx1.ivr.1.2.2.0.0"):
        assert denied(billing, subject), subject
    for subject in ("aribus.v1.rec.>", "aribus.v1.rpc.>", "_INBOX_ivr.>", "_INBOX.>", ">"):
        assert may_not_subscribe(billing, subject), subject


def test_no_answer_becomes_a_record(stage):
    """NATS checks no reply subjects."""
    stage.consumer("billing")
    billing, control, count = stage.user("billing"), stage.user("control"), stage.messages()
    victim = stage.admin.subscribe("victim")
    for reply in ("aribus.v1.rec.pbx1.a.b.C", "victim", "$JS.API.STREAM.PURGE.ARIBUS_pbx1"):
        for subject, data in (("aribus.js.STREAM.INFO.ARIBUS_pbx1", b""), ("aribus.js.STREAM.MSG.GET.ARIBUS_pbx1", b'{"seq":1}'),
                              ("aribus.js.CONSUMER.INFO.ARIBUS_pbx1.billing", b""),
                              ("aribus.js.CONSUMER.MSG.NEXT.ARIBUS_pbx1.billing", b"1")):
            billing.publish(subject, data, reply)
        billing.flush()
    for reply in ("aribus.v1.rec.pbx1.a.b.C", "$JS.API.STREAM.PURGE.ARIBUS_pbx1"):
        request = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
        control.publish("aribus.v1.rpc.pbx1.control", request, reply)
        control.publish("$SRV.INFO", b"", reply)
    # Whatever came before is dealt with when this is answered.
    assert control.rpc("aribus.v1.rpc.pbx1.control", "ping")["result"] == {}
    stage.admin.flush()
    assert stage.messages() == count and victim.empty()


def main(*names):
    with Stage() as stage:
        for name, test in list(globals().items()):
            if name.startswith("test_") and (not names or name in names):
                print(name, flush=True)
                test(stage)


if __name__ == "__main__":
    main(*sys.argv[1:])
