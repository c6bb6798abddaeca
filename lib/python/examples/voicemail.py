"""Voicemail: calls the owner, who accepts the call by pressing 1; otherwise the caller leaves a message.

Usage: voicemail.py APP ENDPOINT [SECONDS]      as in: voicemail.py aribus PJSIP/100 20
"""
import asyncio
import sys

import aribus

APP, OWNER, SECONDS = sys.argv[1], sys.argv[2], int(sys.argv[3] if sys.argv[3:] else 20)
ASK = ["sound:priv-callpending", "sound:vm-press", "digits:1"]


async def main():
    async with aribus.Client(wait=60) as client:
        async def voicemail(caller):
            try:
                owner = await client.originate(OWNER, timeout=SECONDS, originator=caller)
                if (await owner.play(ASK, terminate_on="any") or await owner.digit(5)) == "1":
                    await caller.answer()
                    async with await client.bridge(caller, owner) as bridge:
                        print("talking", caller.id, flush=True)
                        return await bridge.left()
                await owner.hangup()
            except aribus.CallFailed as error:
                print(error.outcome, caller.id, flush=True)
            except aribus.ChannelGone:  # the owner has hung up; if the caller has, too, the next line raises it
                print("gone", caller.id, flush=True)
            await caller.answer()
            await caller.play("sound:vm-intro")
            message = await caller.record(caller.id, beep=True, terminate_on="#", max_silence_seconds=10)
            print("message", caller.id, flush=True)
            await caller.play([f"recording:{message['name']}", "sound:vm-goodbye"])

        await client.serve(APP, voicemail)


asyncio.run(main())
