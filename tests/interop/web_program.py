#!/usr/bin/env python3
"""A program on aribusd's WebSocket, by Debian's python3-websockets: `web_program.py SOCKET`."""
import asyncio
import json
import sys

import websockets

PATH = sys.argv[1]


async def connect(**options):
    return await websockets.unix_connect(PATH, "ws://localhost/rpc", max_size=None, **options)


async def call(socket, method, params=None, send=None):
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}, indent=1, ensure_ascii=False)
    await (send(text) if send else socket.send(text))
    return json.loads(await socket.recv())


async def main():
    socket = await connect(ping_interval=0.05)  # pings of its own, all the time
    assert (await call(socket, "ping"))["result"] == {}
    assert (await call(socket, "hello"))["result"]["peer"]["socket"] == PATH
    for size in (1, 100, 126, 60_000, 65_536, 500_000):
        assert (await call(socket, "ping", {"no": "é" * (size // 2)}))["error"]["code"] == -32602
    assert len((await call(socket, "rpc.discover"))["result"]["methods"]) > 50

    async def in_fragments(text):
        await socket.send([text[:5], "", text[5:]])
    assert (await call(socket, "ping", send=in_fragments))["result"] == {}
    await (await socket.ping("are you there"))

    cursor = (await call(socket, "subscribe", {"types": ["StasisStart"]}))["result"]["cursor"]
    seq = int(cursor.split(":")[1])
    print("subscribed", flush=True)
    for _ in range(300):
        record = json.loads(await socket.recv())["params"]
        assert record["seq"] > seq
        seq = record["seq"]
    await socket.close(4001, "as it likes")
    assert socket.close_code == 4001, socket.close_code

    socket = await connect()
    await socket.send("{")
    assert json.loads(await socket.recv())["error"]["code"] == -32700
    await socket.send(b"binary")
    await socket.wait_closed()
    assert socket.close_code == 1003, socket.close_code
    for origin, status in (("https://evil.example", 403), ("null", 403)):
        try:
            await connect(origin=origin)
        except websockets.InvalidStatusCode as refusal:
            assert refusal.status_code == status
        else:
            raise AssertionError("a page of another host was let in")

    socket = await connect(origin="http://localhost")
    print("connected", flush=True)
    await socket.wait_closed()
    assert socket.close_code == 1001, socket.close_code
    print("all is well", flush=True)


asyncio.run(main())
