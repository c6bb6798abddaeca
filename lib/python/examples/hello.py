"""Answers each call, says hello, and hangs up.

Usage: hello.py APP      as in: hello.py aribus
"""
import asyncio
import sys

import aribus


async def hello(caller):
    print(caller.number, "calls", flush=True)
    await caller.answer()
    await caller.play("sound:hello-world")


async def main():
    async with aribus.Client() as client:
        await client.serve(sys.argv[1], hello)


asyncio.run(main())
