"""Calls many numbers, a limited number at a time, and plays a message to everyone who answers.

Usage: dialler.py AT_A_TIME ENDPOINT ...      as in: dialler.py 2 PJSIP/100 PJSIP/200 PJSIP/300
"""
import asyncio
import sys

import aribus

AT_A_TIME, *ENDPOINTS = sys.argv[1:]


async def main():
    lines = asyncio.Semaphore(int(AT_A_TIME))

    async with aribus.Client() as client:
        async def dial(endpoint):
            async with lines:
                try:
                    async with await client.originate(endpoint, timeout=20, caller_id="Dentist <100>") as callee:
                        await callee.play("sound:hello-world")
                        print("reached", endpoint, flush=True)
                except aribus.ChannelGone:
                    print("hung up", endpoint, flush=True)
                except aribus.CallFailed as error:
                    print(error.outcome, endpoint, flush=True)

        await asyncio.gather(*map(dial, ENDPOINTS))


asyncio.run(main())
