"""An IVR: it answers calls, plays a menu, and connects the caller to the endpoint of the digit that was pressed.

Usage: ivr.py APP STATE_FILE DIGIT=ENDPOINT ...      as in: ivr.py aribus ivr.json 1=PJSIP/100 2=PJSIP/200

It can be restarted while calls are in progress, and so can aribusd and Asterisk: STATE_FILE holds the state of the calls
at a cursor, from which it resumes. The program chooses the ids of each step, so that a step can be repeated.
"""
import asyncio
import json
import os
import sys

import aribus

MENU = ["sound:vm-enter-num-to-call"]
PARTY = "-party"


class Ivr:
    def __init__(self, client, app, state_file, parties):
        self.client, self.app, self.state_file, self.parties = client, app, state_file, parties
        # The calls by the caller's channel: {"step": "menu" | "calling" | "talking" | "ended", "done": whether that
        # step's commands went through, "menus": how many were played, "digit": what was pressed}
        self.calls, self.cursor = {}, None
        if os.path.exists(state_file):
            with open(state_file) as file:
                self.calls, self.cursor = json.load(file)

    async def run(self):
        wanted = {"types": ["StasisStart", "StasisEnd", "ChannelDestroyed", "ChannelDtmfReceived", "server.gap",
                            "server.resynced", "state.gone", "command.resolved"], "apps": [self.app, ""]}
        if self.cursor:
            wanted["since"] = self.cursor
        await self.client.subscribe(wanted)
        async for item in self.client:
            await self.handle(item)
            with open(self.state_file + ".new", "w") as file:
                json.dump([self.calls, self.client.cursor], file)
            os.replace(self.state_file + ".new", self.state_file)

    async def handle(self, item):
        kind = item["type"]
        if kind == "subscribed":
            if item.get("resumed") is False:
                self.missed(item["reason"])
            if not item.get("resumed"):
                await self.take_over()
            await self.go_on()
        elif kind == "disconnected":
            print("disconnected:", item["reason"], flush=True)
        elif kind in ("server.gap", "lost"):
            self.missed(item.get("reason", kind))
            if kind == "lost":
                await self.go_on()
        elif kind == "server.resynced":
            self.forget_all_but(item.get("channels", []))
            await self.go_on()
        elif kind == "state.gone":  # their end was found out later
            for channel in item.get("channels", []):
                await self.left(channel)
        elif kind == "command.resolved":
            await self.go_on()
        elif kind == "StasisStart":
            await self.entered(item["channel"]["id"])
        elif kind == "ChannelDtmfReceived":
            await self.pressed(item["channel"]["id"], item["digit"], item["seq"])
        else:
            await self.left(item["channel"]["id"])

    def missed(self, why):
        """A digit may have been missed: plays the menu again."""
        print("missed something:", why, flush=True)
        for call in self.calls.values():
            if call["step"] == "menu":
                call["done"] = False

    async def take_over(self):
        """Asks for the live channels. If an Asterisk is not ready, server.resynced follows later."""
        try:
            status = await self.client.call("status")
            channels = (await self.client.call("state.channels"))["channels"]
        except (aribus.NotConnected, aribus.OutcomeUnknown):
            return  # the client reconnects
        if any(server["state"] != "ready" for server in status["servers"]):
            return
        self.forget_all_but([channel["channel"]["id"] for channel in channels])
        for channel in channels:
            if channel.get("app") == self.app and "bridge" not in channel:
                await self.entered(channel["channel"]["id"])

    def forget_all_but(self, living):
        for channel, call in self.calls.items():
            if channel not in living:
                self.turn(call, "ended")
            elif channel + PARTY not in living and call["done"]:
                self.party_left(call)

    async def entered(self, channel):
        caller = channel.removesuffix(PARTY)
        if caller == channel and caller not in self.calls:
            print("call", caller, flush=True)
            self.calls[caller] = {"step": "menu", "done": False, "menus": 0}
        elif caller != channel and caller not in self.calls:
            self.calls[caller] = {"step": "ended", "done": False}
        elif caller != channel and self.calls[caller]["step"] in ("menu", "calling"):
            self.turn(self.calls[caller], "talking")
        await self.advance(caller)

    async def pressed(self, channel, digit, seq):
        print("digit", digit, channel, seq, flush=True)
        call = self.calls.get(channel)
        if call and call["step"] == "menu":
            self.turn(call, "calling" if digit in self.parties else "menu")
            call["digit"] = digit
            await self.advance(channel)

    async def left(self, channel):
        caller = channel.removesuffix(PARTY)
        call = self.calls.get(caller)
        if call and caller == channel:
            self.turn(call, "ended")
        elif call:
            self.party_left(call)
        if call:
            await self.advance(caller)

    def party_left(self, call):
        if call["step"] == "calling":
            self.turn(call, "menu")
        elif call["step"] == "talking":
            self.turn(call, "ended")

    def turn(self, call, step):
        call["step"], call["done"] = step, False

    async def go_on(self):
        """Repeats the steps that did not succeed."""
        for caller in list(self.calls):
            await self.advance(caller)

    async def advance(self, caller):
        call = self.calls[caller]
        if call["done"]:
            return
        try:
            await getattr(self, call["step"])(caller, call)
            call["done"] = True
            print(call["step"], caller, flush=True)
        except (aribus.NotConnected, aribus.OutcomeUnknown) as error:
            print(f"{call['step']} {caller} has to wait: {error}", flush=True)  # repeated by go_on()
            return
        except aribus.Refused as error:
            print(f"{call['step']} {caller} failed: {error}", flush=True)
            if call["step"] == "calling":
                self.turn(call, "menu")
                return await self.advance(caller)
            call["done"] = True  # the caller has left; an event will report it
        if call["step"] == "ended":
            del self.calls[caller]

    async def menu(self, caller, call):
        await self.stop_menu(caller, call)
        await self.client.call("channels.answer", {"channelId": caller})
        call["menus"] += 1
        await self.client.call("channels.play", {"channelId": caller, "media": MENU,
                                                 "playbackId": f"{caller}-menu-{call['menus']}"})

    async def calling(self, caller, call):
        await self.stop_menu(caller, call)
        try:
            await self.client.call("channels.originate", {
                "endpoint": self.parties[call["digit"]], "channelId": caller + PARTY, "app": self.app, "timeout": 20})
        except aribus.Refused as error:
            if error.status != 409:  # the channel exists already
                raise

    async def talking(self, caller, call):
        await self.stop_menu(caller, call)
        await self.client.call("bridge", {"channels": [caller, caller + PARTY], "bridgeId": caller + "-bridge"})

    async def ended(self, caller, call):
        for method, params in (("channels.hangup", {"channelId": caller}),
                               ("channels.hangup", {"channelId": caller + PARTY}),
                               ("bridges.destroy", {"bridgeId": caller + "-bridge"})):
            await self.unless_gone(method, params)

    async def stop_menu(self, caller, call):
        await self.unless_gone("playbacks.stop", {"playbackId": f"{caller}-menu-{call['menus']}"})

    async def unless_gone(self, method, params):
        try:
            await self.client.call(method, params)
        except aribus.Refused:
            pass


async def main():
    if len(sys.argv) < 3 or sys.argv[1].startswith("-"):
        sys.exit("Usage: ivr.py APPLICATION STATE_FILE DIGIT=ENDPOINT…, for example ivr.py aribus ivr.json 1=PJSIP/200")
    app, state_file, *parties = sys.argv[1:]
    async with aribus.Client(wait=60) as client:
        await Ivr(client, app, state_file, dict(party.split("=", 1) for party in parties)).run()


asyncio.run(main())
