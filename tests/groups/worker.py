#!/usr/bin/env python3
"""A member of a group in a process of its own, to be killed or stopped: worker.py SOCKET GROUP PARAMS, as JSON.

It accepts every call, sends `ping` five times a second, and prints a line of JSON for all that it is told.
"""
import asyncio
import json
import sys

from members import Member


class Printing(Member):
    def on_notification(self, method, params):
        super().on_notification(method, params)
        print(json.dumps([method, {k: params.get(k) for k in ("call", "epoch", "reason", "seq", "type")}]), flush=True)


async def main():
    path, group, params = sys.argv[1:]
    member = await Printing().join(path, group, **json.loads(params))
    print(json.dumps(["member", member.name]), flush=True)
    while not member.closed.is_set():
        member.send("ping")
        await asyncio.sleep(0.2)
    print(json.dumps(["closed", member.why_closed]), flush=True)


asyncio.run(main())
