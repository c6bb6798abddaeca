"""Answers each call, says hello, and hangs up. Several copies share the calls.

Usage: hello_worker.py APP      as in: hello_worker.py aribus
"""
import asyncio
import sys

import aribus


async def hello(call):
    try:
        await call.accept()
        print(call.channel.number, "calls", call.reason, flush=True)
        await call.channel.answer()
        await call.channel.play("sound:hello-world")
        await call.channel.hangup()
    except (aribus.ChannelGone, aribus.NotOwner):  # the caller has hung up, or the call is another copy's
        pass


async def main():
    async with aribus.Client(wait=60) as client, asyncio.TaskGroup() as tasks:
        async for call in client.group("hello", apps=[sys.argv[1]], capacity=20):
            tasks.create_task(hello(call))


asyncio.run(main())
