"""Answers the calls of many PBXs, from any machine, over NATS.

Usage: many_pbxs.py NAME PBX...      as in: many_pbxs.py ivr pbx1 pbx2
NAME: of its consumers and of the access rule. $NATS_URL: of nats-server, with user and password. $NATS_PREFIX: of JetStream's
API, if not the default.
"""
import asyncio
import os
import sys

import aribus.nats
import nats


async def greet(commands, pbx, channel):
    try:
        await commands.call(pbx, "channels.answer", {"channelId": channel})
        await commands.call(pbx, "play", {"channelId": channel, "media": "sound:hello-world", "wait": True})
        await commands.call(pbx, "channels.hangup", {"channelId": channel})
    except aribus.AribusError as error:  # for example: the caller has hung up
        print(pbx, channel, error, flush=True)


async def main(name, *pbxs):
    connection = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"), max_reconnect_attempts=-1,
                                    inbox_prefix=f"_INBOX_{name}")
    commands = aribus.nats.Commands(connection, name)
    prefix = os.environ.get("NATS_PREFIX", "$JS.API")
    async with asyncio.TaskGroup() as calls, aribus.nats.Records(connection, name, pbxs, types="StasisStart",
                                                                 prefix=prefix) as records:
        async for pbx, item, cursor in records:
            if item["type"] == "StasisStart":
                print(item["channel"]["caller"]["number"], "calls", pbx, flush=True)
                calls.create_task(greet(commands, pbx, item["channel"]["id"]))
            else:
                print(pbx, item, flush=True)  # records are missing: their calls are not answered


asyncio.run(main(*sys.argv[1:]))
