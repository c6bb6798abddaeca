"""Answers the calls of many PBXs over NATS, says hello, and hangs up. Several copies, on any machines, share the calls.

Usage: pool_worker.py RULE APP [PBX...]      as in: pool_worker.py ivr aribus, for all PBXs that offer the rule
$NATS_URL: of nats-server, with user and password. $NATS_INBOX: the prefix of the user's inboxes.
"""
import asyncio
import os
import sys

import aribus.nats
import nats


async def hello(call):
    try:
        await call.accept()
        print(call.channel.number, "calls", call.pbx, call.reason, flush=True)
        await call.channel.answer()
        await call.channel.play("sound:hello-world")
        await call.channel.hangup()
    except (aribus.ChannelGone, aribus.NotOwner):  # the caller has hung up, or the call is another copy's
        pass


async def main(rule, app, *pbxs):
    connection = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"), max_reconnect_attempts=-1,
                                    inbox_prefix=os.environ.get("NATS_INBOX", "_INBOX"))
    async with aribus.nats.Client(connection, rule, pbxs or None) as client, asyncio.TaskGroup() as tasks:
        async for call in client.group("ivr", apps=[app], capacity=20):
            tasks.create_task(hello(call))


asyncio.run(main(*sys.argv[1:]))
