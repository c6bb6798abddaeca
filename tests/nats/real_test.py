#!/usr/bin/env python3
"""aribus-nats with real Asterisks: calls made by NATS, the bridge killed between them, and all records in the stream; and workers.

The Asterisks are those of ARIBUS_ASTERISK_VERSIONS that scripts/asterisk has started.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from clients_test import ENVIRONMENT, LANGUAGES
from groups_test import WORKERS
from nats_stage import Nats, NatsServer, Pbx, Process, Real, SOURCE, message_id, wait_for
from stage import RealCaller

CALLS = 6


def takes_commands(client, subject):
    wait_for(f"{subject} is served", lambda: (client.rpc(subject, "ping") or {}).get("result") == {})


def result(client, subject, method, params):
    answer = client.rpc(subject, method, params, seconds=30)
    assert answer and "result" in answer, (method, params, answer)
    return answer["result"]


def in_nats(client, stream):
    """The records of a stream in NATS by seq; fails when one is there twice."""
    records = {}
    for _, message in client.messages(stream):
        seq = message_id(message)[1]
        assert seq not in records, seq
        records[seq] = json.loads(message.data)
    return records


def check_workers(language, asterisk, pbx, nats, folder, app):
    """Two workers on NATS share calls of a real Asterisk; one is killed, and the other goes on with its call."""
    command, is_there, library = [*WORKERS[language]], *LANGUAGES[language][1:]
    if subprocess.run(is_there, cwd=SOURCE / "lib/node", env=ENVIRONMENT, capture_output=True).returncode != 0:
        print(f"workers in {language} are not tested, {library} is missing")
        return
    workers = [Process(folder, f"{language}-{pbx.name}-{number}", *command, "nats", nats.url, "control", pbx.name, json.dumps(
        {"apps": [app], "member": f"w{number}", "lease": 2, "accept_ms": 30_000}), environment=ENVIRONMENT) for number in range(2)]

    def lines(worker, kind):
        return [line[1:] for line in map(json.loads, filter(None, worker.log().split("\n"))) if line[0] == kind]

    callers = []
    try:
        wait_for(lambda: "both are members: " + workers[0].log(), lambda: sum(
            member["connection"] is not None for group in pbx.call("group.list")["groups"] for member in group["members"]) == 2)
        for count in (1, 2):
            callers.append(RealCaller(asterisk, app))
            wait_for("it is accepted", lambda count=count: len({line[1] for worker in workers for line in lines(worker, "command")
                                                                 if line[4] == "ok"}) == count)
        victim, other = workers
        call = lines(victim, "assigned")[0][1]
        victim.kill()
        wait_for(lambda: "the other goes on: " + other.log(), lambda: [line[3] for line in lines(other, "assigned") if line[1] == call])
        epoch = [line[2] for line in lines(other, "assigned") if line[1] == call][0]
        wait_for("with commands", lambda: any(line[1:3] == [call, epoch] and line[4] == "ok" for line in lines(other, "command")))
        for caller in callers:
            caller.hang_up()
        callers.clear()
        wait_for(lambda: "it is told of both ends: " + other.log()[-1000:], lambda: [line[3] for line in lines(other, "released")] == ["ended"] * 2)
        print(f"workers in {language}: a call was taken over")
    finally:
        for caller in callers:
            caller.hang_up()
        for worker in workers:
            if worker.process.poll() is None:
                worker.kill()


def check(version, folder):
    asterisk, name = Real(version), f"real{version}"
    app = f"{name}-{os.getpid()}"
    nats = NatsServer(folder, f"nats{version}")
    control = pathlib.Path(folder) / name / "control.sock"
    pbx = Pbx(folder, name, url=asterisk.url, app=app, sockets=f"  - path: {control}\n",
              access=f"access:\n  - name: control\n    sockets: [{control}]\n    methods: [read, control]\n"
                     "  - name: records\n    methods: [read]\n")
    try:
        pbx.wait_ready()
        pbx.bridge(nats.url, f"rules:\n  control: {control}\n")
        client = Nats(nats.port)
        subjects = [f"aribus.v1.rpc.{to}.control" for to in ("any", name)]
        for subject in subjects:
            takes_commands(client, subject)
        channels = [f"{app}-{i:03}" for i in range(CALLS)]
        for i, channel in enumerate(channels):
            if i == CALLS // 2:
                pbx.nats.kill()
                pbx.nats.start()
                for subject in subjects:
                    takes_commands(client, subject)
            made = result(client, subjects[i % 2], "originate",
                          {"endpoint": "Local/answer@default", "app": app, "channelId": channel, "wait": "answer"})
            assert made["outcome"] == "answered", made
            played = result(client, subjects[1], "play", {"channelId": channel, "media": "sound:beep", "wait": True})
            assert played["state"] == "done", played
            result(client, subjects[1], "hangup", {"channelId": channel})
        not_allowed = client.rpc(subjects[1], "daemon.reload")
        assert not_allowed["error"]["code"] == -32003, not_allowed

        def ended():
            return {one["channels"][0] for one in pbx.records() if one["type"] == "StasisEnd"} >= set(channels)
        wait_for("all calls have ended", ended)
        expected = {one["seq"]: one for one in pbx.records()}
        stream = f"ARIBUS_{name}"
        wait_for(lambda: f"all of {len(expected)} records are in NATS: {pbx.nats.log()[-1000:]}",
                 lambda: client.api(f"STREAM.INFO.{stream}")["state"]["last_seq"] >= len(expected))
        stored = in_nats(client, stream)
        different = [seq for seq in expected if stored.get(seq) != expected[seq]]
        assert not different, (different, pbx.nats.log()[-2000:])
        print(f"Asterisk {version}: {CALLS} calls, {len(expected)} records")
        for language in WORKERS:
            check_workers(language, asterisk, pbx, nats, folder, app)
    finally:
        pbx.stop()
        nats.kill()


def main():
    versions = os.environ.get("ARIBUS_ASTERISK_VERSIONS", "").split()
    if not versions:
        sys.exit("no real Asterisk to test with: run scripts/asterisk start 22, and set ARIBUS_ASTERISK_VERSIONS=22")
    for version in versions:
        with tempfile.TemporaryDirectory(prefix="aribus-nats-") as folder:
            check(version, folder)


if __name__ == "__main__":
    main()
