#!/usr/bin/env python3
"""What docs/scale-out.md says of more than one nats-server: an aggregate stream, and leaf nodes that store beside the PBX.

topology_test.py aggregate|leaf

Ends with 77 where nats-server is too old for a stream that is filled from those of aribus-nats: before 2.10.14 it holds their
messages to the sequence that they had to expect in their own stream.
"""
import json
import pathlib
import sys
import tempfile

from nats_stage import Nats, NatsServer, Pbx, Rest, free_port, message_id, wait_for

NAMES = ("pbx1", "pbx2")


def pbx_of(folder, name, url):
    control = pathlib.Path(folder) / name / "control.sock"
    pbx = Pbx(folder, name, sockets=f"  - path: {control}\n",
              access=f"access:\n  - name: control\n    sockets: [{control}]\n    methods: [read, control]\n"
                     "  - name: records\n    methods: [read]\n")
    pbx.wait_ready()
    pbx.bridge(url, f"rules:\n  control: {control}\n")
    return pbx


def skip_if_old(client):
    version = tuple(int(part) for part in client.info["version"].split("-")[0].split("."))
    if version < (2, 10, 14):
        print(f"SKIPPED: nats-server {client.info['version']} is older than 2.10.14")
        raise SystemExit(77)


def call(pbx, count):
    """So many calls of four events each."""
    answer = Rest(pbx.url, 10).call("POST", "/sim/calls", {"app": "demo", "count": count})
    assert answer.status == 200, answer.body


def records(client, stream):
    """Of each PBX: the cursors and texts in a stream, in its order."""
    found = {name: [] for name in NAMES}
    for _, message in client.messages(stream):
        found[message.subject.split(".")[3]].append((message_id(message), message.data))
    return found


def is_whole(client, pbxs, servers):
    """Whether the aggregate has, of each PBX in its order, exactly what the PBX's own stream has."""
    together = records(client, "ARIBUS")
    for pbx, server in zip(pbxs, servers):
        own = Nats(server.port)
        alone = records(own, f"ARIBUS_{pbx.name}")[pbx.name]
        own.close()
        status = pbx.status()["bus"]
        assert [seq for (_, seq), _ in alone] == list(range(1, len(alone) + 1))
        if len(alone) != status["next"] - 1 or together[pbx.name] != alone:
            return False
    return True


def aggregate(folder, processes):
    """One stream with the records of both PBXs, in one cluster."""
    server = NatsServer(folder)
    processes.append(server)
    pbxs = [pbx_of(folder, name, server.url) for name in NAMES]
    processes += pbxs
    client = Nats(server.port)
    skip_if_old(client)
    made = client.api("STREAM.CREATE.ARIBUS", {"name": "ARIBUS", "storage": "file", "retention": "limits",
                                               "sources": [{"name": f"ARIBUS_{name}"} for name in NAMES]})
    assert "error" not in made, made
    for pbx in pbxs:
        call(pbx, 500)
    wait_for("the aggregate has all records", lambda: is_whole(client, pbxs, [server] * 2), 60, 0.5)


def leaf(folder, processes):
    """A nats-server beside each PBX stores its records; the hub copies them, also after it was away."""
    leaf_port = free_port()
    hub = NatsServer(folder, "hub", f'leafnodes {{ listen: "127.0.0.1:{leaf_port}" }}', domain="hub")
    processes.append(hub)
    leaves = [NatsServer(folder, f"leaf-{name}", f'leafnodes {{ reconnect: 1, remotes: [{{ url: "nats://127.0.0.1:{leaf_port}" }}] }}',
                         domain=name) for name in NAMES]
    processes += leaves
    pbxs = [pbx_of(folder, name, server.url) for name, server in zip(NAMES, leaves)]
    processes += pbxs
    client = Nats(hub.port)
    for name in NAMES:
        wait_for(f"commands reach {name} over the hub",
                 lambda name=name: client.rpc(f"aribus.v1.rpc.{name}.control", "ping", number=7) == {"jsonrpc": "2.0", "id": 7, "result": {}})
    assert "result" in client.rpc("aribus.v1.rpc.any.control", "ping")

    def is_there(name):
        found = json.loads(client.request(f"$JS.{name}.API.STREAM.INFO.ARIBUS_{name}").data)
        return "config" in found and found["config"]["name"] == f"ARIBUS_{name}"

    for name in NAMES:  # a program at the hub may read the PBX's own stream, as soon as the bridge has made it
        wait_for(f"the stream of {name}", lambda name=name: is_there(name))
    skip_if_old(client)
    made = client.api("STREAM.CREATE.ARIBUS", {"name": "ARIBUS", "storage": "file", "retention": "limits", "sources": [
        {"name": f"ARIBUS_{name}", "external": {"api": f"$JS.{name}.API"}} for name in NAMES]})
    assert "error" not in made, made
    for pbx in pbxs:
        call(pbx, 300)
    wait_for("the hub has all records", lambda: is_whole(client, pbxs, leaves), 60, 0.5)
    hub.kill()
    for pbx in pbxs:  # they are stored beside the PBX meanwhile
        call(pbx, 300)
        wait_for("the records are stored", lambda pbx=pbx: pbx.status()["bus"]["next"] > 2400)
    hub.start()
    hub.wait()
    client = Nats(hub.port)
    wait_for("the hub has all records again", lambda: is_whole(client, pbxs, leaves), 90, 0.5)


with tempfile.TemporaryDirectory(prefix="aribus-topology-") as temporary:
    started = []
    try:
        {"aggregate": aggregate, "leaf": leaf}[sys.argv[1]](temporary, started)
    except Exception:
        for one in started:
            for process in (one.daemon, one.nats) if isinstance(one, Pbx) else [one]:
                print(f"--- {one.name}, {process.name}\n{process.log()[-1500:]}", file=sys.stderr)
        raise
    finally:
        for one in reversed(started):
            one.stop() if isinstance(one, Pbx) else one.kill()
