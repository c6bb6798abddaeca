"""A queue: callers wait with music on hold for the next free agent.

Usage: waiting_queue.py APP ENDPOINT ...      as in: waiting_queue.py aribus PJSIP/100 PJSIP/200
"""
import asyncio
import sys

import aribus

APP, *AGENTS = sys.argv[1:]


async def main():
    free, room, making = asyncio.Queue(), None, asyncio.Lock()
    for agent in AGENTS:
        free.put_nowait(agent)

    async with aribus.Client(wait=60) as client:
        async def wait(caller):
            nonlocal room
            async with making:
                if room is None or room.is_gone:
                    room = await client.bridge(type="holding", name=f"{APP} queue")
                    await room.start_moh()
            await room.add(caller)

        async def queue(caller):
            await caller.answer()
            await wait(caller)
            print("waits", caller.id, flush=True)
            while True:
                agent = await free.get()  # the longest waiting caller gets the next agent
                try:
                    line = await client.originate(agent, timeout=15, originator=caller)
                    async with await client.bridge(caller, line) as bridge:
                        print("talking", caller.id, flush=True)
                        return await bridge.left()
                except aribus.CallFailed as error:
                    print(error.outcome, agent, flush=True)
                    await asyncio.sleep(1)
                finally:
                    free.put_nowait(agent)

        await client.serve(APP, queue)


asyncio.run(main())
