"""Conferences: the caller chooses a room by pressing a digit, and talks to everyone in it. * mutes and unmutes.

Usage: conference.py APP
"""
import asyncio
import sys

import aribus


async def main():
    rooms = {}  # room -> the task that creates its bridge

    async with aribus.Client(wait=60) as client:
        async def conference(caller):
            await caller.answer()
            number = await caller.play("sound:conf-getconfno", terminate_on="0123456789") or await caller.digit(10)
            if number is None:
                return
            if number not in rooms:
                rooms[number] = asyncio.create_task(client.bridge(name=f"room {number}"))
            room = await rooms[number]
            try:
                await room.add(caller)
                print("room", number, len(room.channels), flush=True)
                await room.play("sound:confbridge-join")
                is_muted = False
                while True:
                    if await caller.digit() == "*":
                        await (caller.unmute("in") if is_muted else caller.mute("in"))
                        is_muted = not is_muted
                        print("muted" if is_muted else "unmuted", flush=True)
            finally:
                if not room.channels and rooms.pop(number, None):
                    await room.destroy()
                    print("room", number, "closed", flush=True)

        await client.serve(sys.argv[1], conference)


asyncio.run(main())
