"""A busy program with the Python client, for latency_test.py: asyncio, or blocking with `blocking` as last argument.

Usage: latency_probe.py CHANNEL EVENTS OWN_IDS [blocking]

It plays on CHANNEL, which is not answered, originates 25 times a second, and takes records, until EVENTS of
ChannelDtmfReceived have come to a second connection that only takes records, and to the first one as well; 3 s later it
gives up. Then it prints {"busy": times, "idle": times}: when the connection with the commands and the other one gave each
event (by its duration_ms), in ns of CLOCK_MONOTONIC.

The blocking one waits 20 ms for the answer to an originate, and 100 ms for that of the play; then it goes on, and so does
the command in the daemon. It takes records of both connections between two commands.
"""
import asyncio
import json
import math
import os
import sys
import time

import aribus

CHANNEL, EVENTS, OWN_IDS = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "yes"
BETWEEN = 0.04  # seconds from one originate to the next
PATIENCE = 3.0
busy, idle = {}, {}


def note(times, item):
    if item and item["type"] == "ChannelDtmfReceived":
        times[item["duration_ms"]] = time.monotonic_ns()


def play():
    return "play", {"channelId": CHANNEL, "media": "sound:hello", **({"playbackId": "own-play"} if OWN_IDS else {})}


def originate(number):
    return "originate", {"endpoint": "Local/answer@default", **({"channelId": f"own-{number}"} if OWN_IDS else {})}


async def asynchronous():
    async def take(client, times):
        async for item in client:
            note(times, item)

    async def until(condition, seconds):
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            await asyncio.sleep(0.01)

    def ended(task):
        if not task.cancelled() and task.exception():
            print(repr(task.exception()), file=sys.stderr, flush=True)
            os._exit(1)

    def start(task):
        started.add(task := asyncio.create_task(task))
        task.add_done_callback(ended)

    async def commands(client):
        start(client.call(*play()))
        for number in range(1_000_000):
            start(client.call(*originate(number)))
            await asyncio.sleep(BETWEEN)

    started = set()  # asyncio keeps no reference to its tasks
    client, other = aribus.Client(), aribus.Client()
    await asyncio.gather(client.open(), other.open())
    await asyncio.gather(client.subscribe(), other.subscribe())
    for task in (take(client, busy), take(other, idle), commands(client)):
        start(task)
    print("ready", flush=True)
    await until(lambda: len(idle) == EVENTS, 60)
    await until(lambda: len(busy) == EVENTS, PATIENCE)
    print(json.dumps({"busy": busy, "idle": idle}), flush=True)


def blocking():
    def call(client, method, params, timeout):
        try:
            client.call(method, params, timeout=timeout)
        except aribus.OutcomeUnknown:
            pass  # it goes on in the daemon

    with aribus.blocking.Client() as client, aribus.blocking.Client() as other:
        client.subscribe()
        other.subscribe()
        print("ready", flush=True)
        call(client, *play(), 0.1)
        number, give_up = 0, math.inf
        while len(idle) < EVENTS or (len(busy) < EVENTS and time.monotonic() < give_up):
            end = time.monotonic() + BETWEEN
            call(client, *originate(number), 0.02)
            number += 1
            while time.monotonic() < end:  # the one with commands last, so that it has what the other one has
                for one, times in ((other, idle), (client, busy)):
                    while item := one.next(0.002):
                        note(times, item)
            if len(idle) == EVENTS and give_up == math.inf:
                give_up = time.monotonic() + PATIENCE
        print(json.dumps({"busy": busy, "idle": idle}), flush=True)


blocking() if sys.argv[4:] == ["blocking"] else asyncio.run(asynchronous())
