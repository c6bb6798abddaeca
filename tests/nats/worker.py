#!/usr/bin/env python3
"""A worker of the group `g`, in the hands of a test, for each transport; prints a line of JSON for all that it is told.

worker.py nats URL RULE PBX[,PBX…]|all PARAMS     PARAMS: of Client.group(), as JSON; `lease`: of the Client
worker.py unix SOCKET PBX PARAMS

It accepts each call, and then sets the variable OWNER on its channel, each time to another value, every PACE seconds until the
call is released, and once more after that. SIGTERM: leaves the group and ends. SIGINT: closes the client and ends.
"""
import asyncio
import itertools
import json
import os
import signal
import sys

import aribus

PACE = 0.25


def say(*what):
    print("\n" + json.dumps(what), flush=True)  # a kill may have cut the line before


numbers = itertools.count(1)


async def command(pbx, member, call):
    """Not by the channel, whose commands end with the call's release: as a program that does not know of that yet."""
    value, outcome = f"{member}:{os.getpid()}-{next(numbers)}", "ok"
    try:
        await call.client.call("channels.setChannelVar", {"channelId": call.channel.id, "variable": "OWNER", "value": value,
                                                          "epoch": call.epoch})
    except aribus.AribusError as error:
        outcome = type(error).__name__
    say("command", pbx, call.id, call.epoch, value, outcome)


async def serve(pbx, member, call):
    say("assigned", pbx, call.id, call.epoch, call.reason)
    setting = asyncio.create_task(set_again(pbx, member, call))
    async for record in call:
        say("record", pbx, call.id, call.epoch, record.get("seq"), record["type"])
    say("released", pbx, call.id, call.epoch, call.released)
    if call.released not in ("ended", "left"):
        await command(pbx, member, call)  # it is another one's: this must be refused
    setting.cancel()


async def set_again(pbx, member, call):
    try:
        await call.accept()
        while call.released is None:
            await command(pbx, member, call)
            await asyncio.sleep(PACE)
    except aribus.AribusError as error:
        say("refused", pbx, call.id, call.epoch, type(error).__name__)


async def run(client, pbx, params):
    group = client.group("g", **params)
    tasks = set()
    try:
        await group.join()
        say("joined", group.transport, group.member)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, lambda: tasks.add(loop.create_task(group.leave())))
        async for call in group:
            task = loop.create_task(serve(call.pbx or pbx, group.member, call))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        say("left")
    except aribus.AribusError as error:
        say("error", type(error).__name__, error.message)


async def main(transport, address, *rest):
    params = json.loads(rest[-1])
    if transport == "unix":
        async with aribus.Client(address, wait=60) as client:
            await run(client, rest[0], params)
        return
    from aribus import nats as many
    import nats
    rule, pbxs = rest[:2]
    lease = params.pop("lease", 10.0)

    async def told(error):
        say("nats", str(error))
    connection = await nats.connect(address, reconnect_time_wait=0.1, max_reconnect_attempts=-1, ping_interval=1, error_cb=told)
    async with many.Client(connection, rule, None if pbxs == "all" else pbxs.split(","), lease=lease) as client:
        await run(client, "", params)
    await connection.close()


try:
    asyncio.run(main(*sys.argv[1:]))
except KeyboardInterrupt:
    pass
