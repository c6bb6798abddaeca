"""An IVR of which several copies share the calls: it plays a menu, and connects the caller to the endpoint of the digit pressed.

Usage: ivr_worker.py APP DIGIT=ENDPOINT ...      as in: ivr_worker.py aribus 1=PJSIP/100 2=PJSIP/200

Each call belongs to one copy. If that copy ends in any way, its calls go on in another one: what it needs to know of a call is in
Asterisk, as channels, bridges and channel variables. SIGTERM: it takes no more calls, and ends with its last one.
"""
import asyncio
import contextlib
import signal
import sys

import aribus

MENU = "sound:vm-enter-num-to-call"
TRIES = "IVR_TRIES"  # a variable of the caller's channel: how many choices were wrong
MAX_TRIES = 3


class Ivr:
    def __init__(self, client, parties):
        self.client, self.parties = client, parties

    async def handle(self, call):
        try:
            await call.accept()
            if call.reason != "new":
                print(call.reason, call.channel.id, "from", call.previous, flush=True)
            if call.channel.id == call.snapshot["channel"]:  # else the caller has hung up meanwhile
                if call.snapshot["bridges"] or await self.menu(call):  # a copy before this one may have connected the caller
                    await self.talk(call)
            await self.end(call)
        except (aribus.ChannelGone, aribus.NotOwner):
            if call.released in (None, "ended", "left"):  # else it is another copy's
                await self.end(call)
        except (aribus.NotConnected, aribus.OutcomeUnknown) as error:  # a copy that is better off may go on
            print("declined", call.channel.id, error, flush=True)
            await call.decline()

    async def menu(self, call):
        """Whether the caller was connected."""
        caller = call.channel
        for leg in call.snapshot["channels"]:  # a copy before this one was just calling it
            if leg["channel"]["id"] != caller.id:
                await call.command("channels.hangup", {"channelId": leg["channel"]["id"]})
        await caller.answer()
        tries = int(await caller.get(TRIES) or 0)
        while tries < MAX_TRIES:
            print("menu", caller.id, flush=True)
            digit = await caller.play(MENU, terminate_on="any") or await caller.digit(30)
            if digit in self.parties:
                try:
                    party = await self.client.originate(self.parties[digit], timeout=20, originator=caller)
                    await call.command("bridge", {"channels": [caller.id, party.id], "bridgeId": bridge_of(caller)})
                    return True
                except aribus.CallFailed as error:
                    print(error.outcome, caller.id, flush=True)
            tries += 1
            await caller.set(TRIES, str(tries))
        return False

    async def talk(self, call):
        """Until one of the two leaves."""
        print("talking", call.channel.id, flush=True)
        while len(call.channels) > 1 and await anext(call, None):
            pass

    async def end(self, call):
        for channel in list(call.channels):
            async with channel:  # hangs up
                pass
        with contextlib.suppress(aribus.Refused):
            await self.client.call("bridges.destroy", {"bridgeId": bridge_of(call.channel), "server": call.server})
        print("ended", call.channel.id, flush=True)


def bridge_of(caller):
    return f"{caller.id}-bridge"


async def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit("Usage: ivr_worker.py APPLICATION DIGIT=ENDPOINT…, for example ivr_worker.py aribus 1=PJSIP/200")
    app, *parties = sys.argv[1:]
    async with aribus.Client(wait=60) as client, asyncio.TaskGroup() as tasks:
        ivr = Ivr(client, dict(party.split("=", 1) for party in parties))
        group = client.group("ivr", apps=[app], capacity=100)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: tasks.create_task(group.leave(drain=True)))
        async for call in group:
            print("call", call.channel.id, flush=True)
            tasks.create_task(ivr.handle(call))


asyncio.run(main())
