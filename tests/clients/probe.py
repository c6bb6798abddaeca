"""A program that does with the Python client what it is told, line by line: for client_test.py. asyncio, or blocking
with the argument `blocking`."""
import asyncio
import json
import sys

import aribus

MAX_LINE_BYTES = 8 * 1024 * 1024
for module in (aribus.client, aribus.blocking):
    module.GREETING_SECONDS = 0.5


def nested(levels):
    return [] if levels == 1 else [nested(levels - 1)]


def request_bytes(params):
    return len('{"jsonrpc":"2.0","id":1,"method":"anything","params":}') + len(json.dumps(params, separators=(",", ":")))


def long_text(size):
    """Of a request with an id of one digit that has so many bytes."""
    return {"a": "x" * (size - request_bytes({"a": ""}))}


circle = []
circle.append(circle)
WRONG = {
    "text": {"a": {"b": "M\udcfcller"}}, "name": {"M\udcfcller": 1}, "number": {"a": [float("nan")]}, "infinite": {"a": float("-inf")},
    "integer": {"a": 10**308}, "object": {"a": object()}, "bytes": {"a": b"x"}, "names": {"a": {(1, 2): 3}}, "circle": {"a": circle},
    "deep": {"a": nested(63)}, "many": {"a": [0] * 16374}, "long": long_text(1024 * 1024 + 1), "list": [0] * 16376,
}
RIGHT = {"deep": {"a": nested(62)}, "many": {"a": [0] * 16373}, "long": long_text(1024 * 1024), "integer": {"a": 10**308 - 1}}


def error_of(error):
    return {"error": type(error).__name__, "message": str(error), "data": error.data}


def seconds(milliseconds):
    return None if milliseconds is None else milliseconds / 1000


def step(what, *arguments):
    """What to do, as a function of the client."""
    def call(client, method, params=None, timeout=None):
        return client.call(method, params, seconds(timeout))

    def take(client, most, timeout):
        return (take_async if isinstance(client, aribus.Client) else take_blocking)(client, most, seconds(timeout))

    def next_item(client, timeout=None):
        if isinstance(client, aribus.Client):
            return client.next()
        return client.next(seconds(timeout))
    return {"call": call, "next": next_item, "subscribe": lambda c, *a: c.subscribe(*a), "close": lambda c: c.close(),
            "wrong": lambda c, kind: c.call("anything", WRONG[kind]), "right": lambda c, kind: c.call("anything", RIGHT[kind]),
            "cursor": lambda c: c.cursor, "hello": lambda c: c.hello, "kinds": lambda c: [list(WRONG), list(RIGHT)],
            "iterate": iterate_to_the_end, "turns": turns, "take": take}[what], arguments


async def take_async(client, most, timeout):
    """At most so many items, each with the cursor behind it, until none comes in time."""
    items = []
    while len(items) < most:
        try:
            item = await asyncio.wait_for(client.next(), timeout)
        except TimeoutError:
            break
        except aribus.AribusError as error:
            item = error_of(error)
        items.append([item, client.cursor])
    return items


def take_blocking(client, most, timeout):
    items = []
    while len(items) < most:
        try:
            item = client.next(timeout)
        except aribus.AribusError as error:
            item = error_of(error)
        if item is None:
            break
        items.append([item, client.cursor])
    return items


async def iterate_to_the_end(client):
    """Another task closes the client while this one waits for an item."""
    async def close():
        await asyncio.sleep(0.05)
        await client.close()
    closing, count = asyncio.create_task(close()), 0
    async for _ in client:
        count += 1
    await closing
    return count


async def turns(client):
    """Calls something; how many pieces were read meanwhile, and how many of them without a turn for another task before."""
    ticks, read = 0, []

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1
    received = client._session.received
    client._session.received = lambda data: (read.append(ticks), received(data))
    ticking = asyncio.create_task(tick())
    await client.call("ping")
    ticking.cancel()
    return [len(read), sum(one == another for one, another in zip(read, read[1:]))]


async def asynchronous(wait):
    try:
        client = await aribus.Client(max_line_bytes=MAX_LINE_BYTES, wait=wait).__aenter__()
    except aribus.AribusError as error:
        return print(json.dumps(error_of(error)), flush=True)
    print("null", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        act, arguments = step(*json.loads(line))
        try:
            result = act(client, *arguments)
            print(json.dumps(await result if asyncio.iscoroutine(result) else result), flush=True)
        except aribus.AribusError as error:
            print(json.dumps(error_of(error)), flush=True)


def blocking(wait):
    try:
        client = aribus.blocking.Client(max_line_bytes=MAX_LINE_BYTES, wait=wait).__enter__()
    except aribus.AribusError as error:
        return print(json.dumps(error_of(error)), flush=True)
    print("null", flush=True)
    while line := sys.stdin.readline():
        act, arguments = step(*json.loads(line))
        try:
            print(json.dumps(act(client, *arguments)), flush=True)
        except aribus.AribusError as error:
            print(json.dumps(error_of(error)), flush=True)


arguments = sys.argv[1:]
is_blocking = "blocking" in arguments
seconds_to_wait = max([float(a) for a in arguments if a != "blocking"], default=0.0)
blocking(seconds_to_wait) if is_blocking else asyncio.run(asynchronous(seconds_to_wait))
