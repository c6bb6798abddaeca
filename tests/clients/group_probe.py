"""A member of a group with the Python client, which prints what it is given and does what it is told: for group_test.py.

Usage: group_probe.py PARAMS, as JSON. Lines of input: [what, call's number, …].
"""
import asyncio
import json
import pathlib
import sys

import aribus

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support/python"))
from waiting import let_pass  # noqa: E402

calls = []  # in the order in which they were given


def tell(*what):
    print(json.dumps(what), flush=True)


def named(error):
    return type(error).__name__


async def read(number, call):
    async for item in call:
        tell("record", number, item["type"], item.get("seq"))
    tell("released", number, call.released)


async def give(group):
    try:
        async for call in group:
            calls.append(call)
            number = len(calls) - 1
            tell("call", number, {
                "id": call.id, "epoch": call.epoch, "server": call.server, "reason": call.reason, "previous": call.previous,
                "args": call.args, "channel": call.channel.id, "channels": [one.id for one in call.channels],
                "accepted": call.accepted})
            tasks.append(asyncio.create_task(read(number, call)))
        tell("over", group.member)
    except aribus.AribusError as error:
        tell("over", named(error))


async def act(client, group, what, first=None, *more):
    if what == "leave":
        return await group.leave(**first)
    if what == "block":
        return let_pass(first)  # all that the event loop does
    if what == "serve":
        return await client.serve("demo", None)
    call = calls[first]
    if what == "command":
        return await call.command(*more)
    if what == "answer":
        return await call.channel.answer()
    if what == "digit":
        return await call.channel.digit()
    if what == "originate":
        leg = await client.originate("PJSIP/1", originator=call.channel)
        return [leg.id, leg.call is call]
    return await getattr(call, what)(*more)  # accept, decline, hand_over


async def run(client, group, what):
    try:
        tell(what[0], await act(client, group, *what))
    except aribus.NotOwner as error:
        tell(what[0], ["NotOwner", error.owner, error.epoch])
    except (aribus.AribusError, RuntimeError) as error:
        tell(what[0], named(error))

tasks = []


async def main():
    async with aribus.Client(wait=10) as client:
        group = client.group("g", **json.loads(sys.argv[1]))
        tasks.append(asyncio.create_task(give(group)))
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            tasks.append(asyncio.create_task(run(client, group, json.loads(line))))


asyncio.run(main())
