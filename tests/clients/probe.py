"""A program that does with the Python client what it is told, line by line: for client_test.py. asyncio, or blocking
with the argument `blocking`."""
import asyncio
import json
import sys

import aribus

MAX_LINE_BYTES = 8 * 1024 * 1024


def error_of(error):
    return {"error": type(error).__name__, "message": str(error), "data": error.data}


def step(ask):
    """What to do, as a function of the client; None at the end."""
    what, *arguments = ask
    return {"call": lambda c: c.call(*arguments), "subscribe": lambda c: c.subscribe(*arguments),
            "next": lambda c: c.next(), "cursor": None}[what]


async def asynchronous():
    try:
        client = await aribus.Client(max_line_bytes=MAX_LINE_BYTES).__aenter__()
    except aribus.AribusError as error:
        return print(json.dumps(error_of(error)), flush=True)
    print("null", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        act = step(json.loads(line))
        try:
            print(json.dumps(await act(client) if act else client.cursor), flush=True)
        except aribus.AribusError as error:
            print(json.dumps(error_of(error)), flush=True)


def blocking():
    try:
        client = aribus.blocking.Client(max_line_bytes=MAX_LINE_BYTES).__enter__()
    except aribus.AribusError as error:
        return print(json.dumps(error_of(error)), flush=True)
    print("null", flush=True)
    while line := sys.stdin.readline():
        act = step(json.loads(line))
        try:
            print(json.dumps(act(client) if act else client.cursor), flush=True)
        except aribus.AribusError as error:
            print(json.dumps(error_of(error)), flush=True)


blocking() if sys.argv[1:] == ["blocking"] else asyncio.run(asynchronous())
