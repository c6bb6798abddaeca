"""Calls one person, then another, and connects the two.

Usage: click_to_call.py FIRST SECOND      as in: click_to_call.py PJSIP/100 PJSIP/200
"""
import asyncio
import sys

import aribus


async def call(client, first_endpoint, second_endpoint):
    async with await client.originate(first_endpoint, timeout=20) as first:
        await first.ring()  # ringback while the second person is called
        second = await client.originate(second_endpoint, timeout=20, originator=first)
        await first.ring_stop()
        async with second, await client.bridge(first, second) as bridge:
            print("talking", flush=True)
            await bridge.left()


async def main():
    async with aribus.Client() as client:
        try:
            await call(client, *sys.argv[1:])
            print("ended", flush=True)
        except (aribus.CallFailed, aribus.ChannelGone) as error:
            sys.exit(str(error))


asyncio.run(main())
