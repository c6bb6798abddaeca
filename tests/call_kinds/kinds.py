"""The kinds of calls: what a program or a caller does in each, and what is to be said of it at its end."""
import asyncio
import collections
import json

from sip import Phone

KINDS = {}


class Expected:
    """What `call.ended` says of the call whose first leg is `root`."""

    def __init__(self, root, legs=1, how="ended", answered=True, held=False, **more):
        self.root, self.legs, self.how, self.answered, self.held, self.more = root, legs, how, answered, held, more


def kind(*, real_only=False):
    """A function of this name is a kind of call; it gets a Kit and a text that no other call has, and returns Expected."""
    def add(function):
        KINDS[function.__name__] = (function, real_only)
        return function
    return add


class Records:
    """All records of a subscription, in order, and who waits for the next ones."""

    def __init__(self):
        self.all, self.of, self.waiting = [], collections.defaultdict(list), collections.defaultdict(list)

    def take(self, record):
        self.all.append(record)
        for channel in record.get("channels", ()):
            self.of[channel].append(record)
            for matches, future in list(self.waiting[channel]):
                if not future.done() and matches(record):
                    future.set_result(record)

    async def soon(self, channel, *types):
        """The first record of one of these types about the channel, if it comes within a second; else None."""
        for _ in range(20):
            if found := [r for r in self.of[channel] if r["type"] in types]:
                return found[0]
            await asyncio.sleep(0.05)
        return None

    async def about(self, channel, *types, matches=lambda _: True):
        """The first record of one of these types about the channel."""
        def fits(record):
            return record["type"] in types and matches(record)
        for record in self.of[channel]:
            if fits(record):
                return record
        future = asyncio.get_running_loop().create_future()
        self.waiting[channel].append((fits, future))
        try:
            return await asyncio.wait_for(future, 60)
        except TimeoutError:
            told = [json.dumps(r)[:300] for r in self.of[channel][-12:]]
            raise AssertionError(f"no {types} about {channel}, but\n" + "\n".join(told)) from None
        finally:
            self.waiting[channel].remove((fits, future))


class Kit:
    """What kinds are made of. `callers`: makes somebody call the application, see calls_test.py."""

    def __init__(self, client, records, callers, app, second_app):
        self.client, self.records, self.callers = client, records, callers
        self.app, self.second_app = app, second_app

    async def call(self, method, **params):
        return await self.client.call(method, params)

    async def comes(self, channel, app=None):
        await self.records.about(channel, "StasisStart", matches=lambda r: r["app"] == (app or self.app))

    async def ends(self, channel):
        """Without subscribe_all, Asterisk does not report the end of a channel that was in an application."""
        await self.records.about(channel, "ChannelDestroyed", "state.gone")

    async def up(self, channel):
        def is_up(record):
            return record.get("channel", {}).get("state") == "Up" and record["channel"]["id"] == channel
        await self.records.about(channel, "ChannelStateChange", "StasisStart", matches=is_up)

    async def inbound(self, name):
        """Somebody calls. Returns the caller."""
        caller = await self.callers.call(name)
        await self.comes(caller.channel)
        return caller

    async def answered(self, name):
        caller = await self.inbound(name)
        await self.call("channels.answer", channelId=caller.channel)
        await self.up(caller.channel)
        return caller

    async def outbound(self, name, extension="answer", **more):
        """Somebody is called, and answers."""
        await self.call("originate", endpoint=f"Local/{extension}@default/n", channelId=name, otherChannelId=name + "-far",
                        app=self.app, timeout=30, **more)
        await self.comes(name)
        return name

    async def phone(self, *steps):
        """A SIP phone. Its steps wait for a digit (press), so that they come when the test wants them."""
        return await asyncio.to_thread(Phone, self.callers.asterisk.sip, *steps)

    async def answering(self, channel, *steps, **more):
        """A SIP phone that is called as `channel`, and answers."""
        phone = await self.phone("answer", *steps)
        await self.call("originate", endpoint=phone.endpoint, channelId=channel, app=self.app, timeout=30, **more)
        await self.comes(channel)
        return phone

    async def press(self, channel):
        await self.call("channels.sendDTMF", channelId=channel, dtmf="1")

    async def press_until(self, channel, about, event):
        """Presses until the phone at the other end of the bridge has done so; returns the event about a leg of the call."""
        while True:
            await self.press(channel)
            if record := await self.records.soon(about, event):
                return record

    async def bridge(self, name, *channels):
        await self.call("bridges.createWithId", bridgeId=name, type="mixing")
        await self.call("bridges.addChannel", bridgeId=name, channel=list(channels))
        for channel in channels:
            await self.records.about(channel, "ChannelEnteredBridge")

    async def talks(self, channel):
        """It is in a bridge with another one."""
        await self.records.about(channel, "ChannelEnteredBridge", matches=lambda r: len(r["bridge"]["channels"]) == 2)

    async def hang_up(self, *channels, **more):
        for channel in channels:
            await self.call("channels.hangup", channelId=channel, **more)
        for channel in channels:
            await self.ends(channel)

    def call_of(self, channel):
        return next(r["calls"][0] for r in self.records.of[channel] if r.get("calls"))

    @property
    def halves(self):
        """The number of legs that a Local channel of ours has: its far half may not be reported."""
        return 2 if self.callers.reports_all else 1


# Inbound.

@kind()
async def inbound_and_the_caller_gives_up(kit, name):
    caller = await kit.inbound(name)
    await caller.hang_up()
    await kit.ends(caller.channel)
    return [Expected(caller.channel, answered=False, legs=caller.legs)]


@kind()
async def inbound_and_the_caller_hangs_up(kit, name):
    caller = await kit.answered(name)
    await caller.hang_up()
    await kit.ends(caller.channel)
    return [Expected(caller.channel, legs=caller.legs)]


@kind()
async def inbound_and_the_program_hangs_up(kit, name):
    caller = await kit.answered(name)
    await kit.hang_up(caller.channel)
    return [Expected(caller.channel, legs=caller.legs)]


@kind()
async def inbound_and_refused(kit, name):
    caller = await kit.inbound(name)
    await kit.hang_up(caller.channel, reason="busy")
    return [Expected(caller.channel, answered=False, legs=caller.legs)]


@kind()
async def inbound_that_rings_first(kit, name):
    caller = await kit.inbound(name)
    await kit.call("channels.ring", channelId=caller.channel)
    await kit.call("channels.answer", channelId=caller.channel)
    await kit.up(caller.channel)
    await kit.hang_up(caller.channel)
    return [Expected(caller.channel, legs=caller.legs)]


@kind()
async def inbound_that_hears_something(kit, name):
    caller = await kit.answered(name)
    await kit.call("channels.play", channelId=caller.channel, media="sound:tt-weasels", playbackId=name + "-p")
    await kit.hang_up(caller.channel)
    return [Expected(caller.channel, legs=caller.legs)]


@kind()
async def inbound_and_recorded(kit, name):
    caller = await kit.answered(name)
    await kit.call("channels.record", channelId=caller.channel, name=name + "-r", format="wav")
    await kit.records.about(caller.channel, "RecordingStarted")
    await kit.call("recordings.stop", recordingName=name + "-r")
    await kit.hang_up(caller.channel)
    return [Expected(caller.channel, legs=caller.legs, recordings=[name + "-r"])]


@kind(real_only=True)
async def inbound_that_moves_to_another_application(kit, name):
    caller = await kit.answered(name)
    await kit.call("channels.move", channelId=caller.channel, app=kit.second_app)
    await kit.comes(caller.channel, kit.second_app)
    await kit.hang_up(caller.channel)
    return [Expected(caller.channel, legs=caller.legs, apps=[kit.app, kit.second_app])]


@kind()
async def inbound_that_goes_on_in_the_dialplan(kit, name):
    caller = await kit.answered(name)
    await kit.call("channels.continueInDialplan", channelId=caller.channel, context="default", extension="s")
    await kit.records.about(caller.channel, "call.ended")
    return [Expected(caller.channel, legs=caller.legs, how=None)]  # by what Asterisk still reports


# Outbound.

@kind()
async def outbound_and_answered(kit, name):
    await kit.outbound(name)
    await kit.hang_up(name)
    return [Expected(name, legs=kit.halves)]


@kind()
async def outbound_and_busy(kit, name):
    await kit.call("originate", endpoint="Local/busy@default/n", channelId=name, app=kit.app, timeout=30)
    await kit.ends(name)
    return [Expected(name, answered=False, legs=kit.halves)]


@kind()
async def outbound_and_congestion(kit, name):
    await kit.call("originate", endpoint="Local/congestion@default/n", channelId=name, app=kit.app, timeout=30)
    await kit.ends(name)
    return [Expected(name, answered=False, legs=kit.halves)]


@kind()
async def outbound_and_given_up(kit, name):
    await kit.call("originate", endpoint="Local/ring@default/n", channelId=name, app=kit.app, timeout=30)
    await kit.records.about(name, "Dial", "ChannelStateChange", "ChannelCreated")
    await kit.hang_up(name)
    return [Expected(name, answered=False, legs=kit.halves)]


@kind(real_only=True)
async def outbound_to_the_dialplan(kit, name):
    await kit.call("originate", endpoint="Local/answer@default/n", channelId=name, app=None, context="default",
                   extension="s", timeout=30)
    await kit.ends(name)
    return [Expected(name, legs=kit.halves)]


@kind()
async def created_and_dialled(kit, name):
    caller = await kit.answered(name)
    leg = name + "-leg"
    await kit.call("channels.create", endpoint="Local/answer@default/n", channelId=leg, app=kit.app,
                   originator=caller.channel)
    await kit.call("channels.dial", channelId=leg, timeout=30)
    await kit.up(leg)
    await kit.hang_up(leg, caller.channel)
    return [Expected(caller.channel, legs=caller.legs + kit.halves)]


@kind()
async def an_id_used_again(kit, name):
    for _ in range(2):
        await kit.outbound(name)
        await kit.call("channels.hangup", channelId=name)
        await kit.records.about(name, "call.ended")
        kit.records.of[name + "-before"] += kit.records.of.pop(name)
    return [Expected(name, times=2, legs=kit.halves)]


# Together.

@kind()
async def two_calls_in_a_bridge(kit, name):
    caller = await kit.answered(name)
    called = await kit.outbound(name + "-b")
    await kit.call("bridges.createWithId", bridgeId=name, type="mixing")
    await kit.call("bridges.addChannel", bridgeId=name, channel=[caller.channel, called])
    for channel in (caller.channel, called):
        await kit.records.about(channel, "ChannelEnteredBridge")
    await kit.hang_up(caller.channel, called)
    await kit.call("bridges.destroy", bridgeId=name)
    return [Expected(caller.channel, legs=caller.legs), Expected(called, legs=kit.halves)]


@kind()
async def a_called_one_added_to_the_call(kit, name):
    caller = await kit.answered(name)
    called = await kit.outbound(name + "-b", call=kit.call_of(caller.channel))
    await kit.call("bridges.createWithId", bridgeId=name, type="mixing")
    await kit.call("bridges.addChannel", bridgeId=name, channel=[caller.channel, called])
    await kit.hang_up(called, caller.channel)
    await kit.call("bridges.destroy", bridgeId=name)
    return [Expected(caller.channel, legs=caller.legs + kit.halves)]


@kind()
async def a_conference_of_three(kit, name):
    channels = [await kit.outbound(f"{name}-{i}") for i in range(3)]
    await kit.call("bridges.createWithId", bridgeId=name, type="mixing")
    await kit.call("bridges.addChannel", bridgeId=name, channel=channels)
    await kit.hang_up(*channels)
    await kit.call("bridges.destroy", bridgeId=name)
    return [Expected(channel, legs=kit.halves) for channel in channels]


@kind()
async def a_recorded_bridge(kit, name):
    caller = await kit.answered(name)
    await kit.call("bridges.createWithId", bridgeId=name, type="mixing")
    await kit.call("bridges.addChannel", bridgeId=name, channel=caller.channel)
    await kit.records.about(caller.channel, "ChannelEnteredBridge")
    await kit.call("bridges.record", bridgeId=name, name=name + "-r", format="wav")
    await kit.call("recordings.stop", recordingName=name + "-r")
    await kit.hang_up(caller.channel)
    await kit.call("bridges.destroy", bridgeId=name)
    return [Expected(caller.channel, legs=caller.legs, recordings=[name + "-r"])]


@kind()
async def snooped_as_a_part_of_the_call(kit, name):
    caller = await kit.answered(name)
    spy = name + "-spy"
    await kit.call("channels.snoopChannelWithId", channelId=caller.channel, snoopId=spy, app=kit.app, spy="both",
                   call=kit.call_of(caller.channel))
    await kit.comes(spy)
    await kit.hang_up(spy, caller.channel)
    return [Expected(caller.channel, legs=caller.legs + 1)]


@kind()
async def snooped_as_a_call_of_its_own(kit, name):
    caller = await kit.answered(name)
    spy = name + "-spy"
    await kit.call("channels.snoopChannelWithId", channelId=caller.channel, snoopId=spy, app=kit.app, spy="both")
    await kit.comes(spy)
    await kit.hang_up(spy, caller.channel)
    return [Expected(caller.channel, legs=caller.legs), Expected(spy, answered=None)]


@kind()
async def external_media(kit, name):
    caller = await kit.answered(name)
    media = name + "-media"
    await kit.call("channels.externalMedia", channelId=media, app=kit.app, external_host="127.0.0.1:19999", format="ulaw",
                   call=kit.call_of(caller.channel))
    await kit.comes(media)
    await kit.hang_up(media, caller.channel)
    return [Expected(caller.channel, legs=caller.legs + 1)]


# In the dialplan.

@kind(real_only=True)
async def local_channels_that_asterisk_optimises_away(kit, name):
    channels = []
    for i in range(2):
        channel = f"{name}-{i}"
        await kit.call("originate", endpoint="Local/answer@default", channelId=channel, otherChannelId=channel + "-far",
                       app=kit.app, timeout=30)
        await kit.comes(channel)
        channels.append(channel)
    await kit.call("bridges.createWithId", bridgeId=name, type="mixing")
    await kit.call("bridges.addChannel", bridgeId=name, channel=channels)
    for channel in channels:
        await kit.records.about(channel, "ChannelEnteredBridge")
    await kit.hang_up(*channels)
    await kit.call("bridges.destroy", bridgeId=name)
    return [Expected(channel, legs=kit.halves) for channel in channels]


@kind(real_only=True)
async def dialled_by_the_dialplan(kit, name):
    """Its far half dials another Local channel: two legs each."""
    await kit.call("originate", endpoint="Local/desk@default/n", channelId=name, otherChannelId=name + "-far", app=kit.app,
                   timeout=30)
    await kit.comes(name)
    await kit.hang_up(name)
    return [Expected(name, legs=4)]


@kind(real_only=True)
async def transferred_by_the_one_who_was_called(kit, name):
    """Somebody at a desk talks to another one, and transfers that one to extension 700 with the codes of features.conf."""
    keys, desk = name + "-keys", name
    await kit.call("originate", endpoint=f"Local/{kit.app}@from-sip/n", channelId=desk, otherChannelId=keys, app=None,
                   context="default", extension="desk", timeout=30)
    await kit.comes(keys)
    await kit.call("channels.answer", channelId=keys)
    await kit.records.about(desk, "ChannelEnteredBridge")
    await kit.call("channels.sendDTMF", channelId=keys, dtmf="*2700")

    def is_second(record):
        return record["type"] == "ChannelEnteredBridge" and record["channel"]["id"] == desk
    entered = [r for r in kit.records.of[desk] if is_second(r)][0]["bridge"]["id"]
    await kit.records.about(desk, "ChannelEnteredBridge", matches=lambda r: r["bridge"]["id"] != entered)
    # Hanging up would do as well; but when it comes while the third one is about to answer, Asterisk 16.28 crashes.
    transfer = None
    while not transfer:
        await kit.call("channels.sendDTMF", channelId=keys, dtmf="*2")  # is heard once the third one has answered
        transfer = await kit.records.soon(desk, "BridgeAttendedTransfer")
    assert transfer["result"] == "Success", transfer
    call = kit.call_of(desk)

    def talk(record):
        return record.get("calls") and call in record["calls"]
    live = {c for r in kit.records.all if talk(r) for c in r.get("channels", ())}
    for channel in live:
        if not any(r["type"] == "ChannelDestroyed" for r in kit.records.of[channel]):
            try:
                await kit.call("hangup", channelId=channel)
            except Exception:  # one of the others has ended it
                pass
    return [Expected(desk, legs=6, held=None, transfers=["attended"])]  # on hold while the third one is asked


# SIP phones.

@kind(real_only=True)
async def a_phone_holds_and_resumes(kit, name):
    caller = await kit.answered(name)
    desk = name + "-desk"
    phone = await kit.answering(desk, "digit", "hold", "digit", "resume", "end")
    await kit.bridge(name, caller.channel, desk)
    await kit.press(desk)
    await kit.records.about(desk, "ChannelHold")
    await kit.press(desk)
    await kit.records.about(desk, "ChannelUnhold")
    await kit.hang_up(caller.channel, desk)
    await kit.call("bridges.destroy", bridgeId=name)
    await asyncio.to_thread(phone.end)
    return [Expected(desk, held=True), Expected(caller.channel, legs=caller.legs)]


@kind(real_only=True)
async def a_phone_is_hung_up_while_it_holds(kit, name):
    phone = await kit.answering(name, "digit", "hold", "end")
    await kit.press(name)
    await kit.records.about(name, "ChannelHold")
    await kit.hang_up(name)
    await asyncio.to_thread(phone.end)
    return [Expected(name, held=True)]


@kind(real_only=True)
async def a_phone_forwards_what_the_dialplan_dials(kit, name):
    phone = await kit.phone("forward=700")
    await kit.call("originate", endpoint=f"Local/sip{phone.port}@default/n", channelId=name, otherChannelId=name + "-far",
                   app=kit.app, timeout=30)
    await kit.comes(name)
    await kit.hang_up(name)
    await asyncio.to_thread(phone.end)
    return [Expected(name, legs=5, ways=["first", "local", "dial", "forward", "local"])]


@kind(real_only=True)
async def a_phone_forwards_what_is_originated(kit, name):
    phone = await kit.phone("forward=700")
    await kit.call("originate", endpoint=phone.endpoint, channelId=name, app=kit.app, timeout=30)
    forwarded = await kit.records.about(name, "Dial", matches=lambda r: "forwarded" in r)
    await kit.comes(forwarded["forwarded"]["id"])
    await kit.ends(name)
    await kit.hang_up(forwarded["forwarded"]["id"])
    await asyncio.to_thread(phone.end)
    return [Expected(name, legs=3, ways=["first", "forward", "local"], cause=16)]


@kind(real_only=True)
async def a_phone_forwards_what_is_dialled(kit, name):
    caller = await kit.answered(name)
    phone, leg = await kit.phone("forward=700"), name + "-leg"
    await kit.call("channels.create", endpoint=phone.endpoint, channelId=leg, app=kit.app, originator=caller.channel)
    await kit.call("channels.dial", channelId=leg, timeout=30)
    await kit.ends(leg)
    await kit.hang_up(caller.channel)
    await asyncio.to_thread(phone.end)
    return [Expected(caller.channel, legs=caller.legs + 1)]


@kind(real_only=True)
async def a_phone_transfers_out_of_a_bridge(kit, name):
    """A Local channel takes its place in the bridge."""
    caller = await kit.answered(name)
    desk = name + "-desk"
    phone = await kit.answering(desk, "digit", "refer=sip:700@127.0.0.1", "bye")
    await kit.bridge(name, caller.channel, desk)
    await kit.press(desk)
    transfer = await kit.records.about(desk, "BridgeBlindTransfer")
    await kit.ends(desk)
    await kit.hang_up(caller.channel, transfer["replace_channel"]["id"])
    await kit.call("bridges.destroy", bridgeId=name)
    await asyncio.to_thread(phone.end)
    return [Expected(desk, legs=3, ways=["first", "transfer", "local"], transfers=["blind"]),
            Expected(caller.channel, legs=caller.legs, transfers=["blind"])]


@kind(real_only=True)
async def a_phone_transfers_in_the_dialplan(kit, name):
    phone = await kit.phone("answer", "digit", "refer=sip:700@127.0.0.1", "bye")
    await kit.call("originate", endpoint=f"Local/sip{phone.port}@default/n", channelId=name, otherChannelId=name + "-far",
                   app=kit.app, timeout=30)
    await kit.comes(name)
    await kit.talks(name + "-far")
    await kit.press_until(name, name + "-far", "BridgeBlindTransfer")
    await kit.hang_up(name)
    await asyncio.to_thread(phone.end)
    return [Expected(name, legs=3, ways=["first", "local", "dial"], transfers=["blind"])]


@kind(real_only=True)
async def a_phone_transfers_to_whom_it_asked(kit, name):
    """In the dialplan: the two that it talks to are connected."""
    async def talks_to(channel, *steps):
        phone = await kit.phone("answer", *steps)
        await kit.call("originate", endpoint=f"Local/sip{phone.port}@default/n", channelId=channel,
                       otherChannelId=channel + "-far", app=kit.app, timeout=30)
        await kit.comes(channel)
        await kit.talks(channel + "-far")
        return phone
    first, second = name + "-a", name + "-b"
    asked = await talks_to(second, "end")
    phone = await talks_to(first, "digit", f"refer=sip:700@127.0.0.1?{asked.replaces()}", "bye")
    transfer = await kit.press_until(first, first + "-far", "BridgeAttendedTransfer")
    assert transfer["result"] == "Success", transfer
    await asyncio.to_thread(phone.end)
    await asyncio.to_thread(asked.end)
    await kit.hang_up(first)
    await kit.ends(second)  # its far half was alone in the bridge
    return [Expected(one, legs=3, ways=["first", "local", "dial"], transfers=["attended"]) for one in (first, second)]


@kind(real_only=True)
async def a_phone_transfers_out_of_two_bridges(kit, name):
    """The same in bridges of the application: Asterisk connects these with a Local channel, one half in the place of each leg."""
    caller = await kit.answered(name)
    other = await kit.outbound(name + "-other")
    desk, second = name + "-desk", name + "-second"
    asked = await kit.answering(second, "end")
    await kit.bridge(name + "-2", second, other)
    phone = await kit.answering(desk, "digit", f"refer=sip:700@127.0.0.1?{asked.replaces()}", "bye")
    await kit.bridge(name, caller.channel, desk)
    await kit.press(desk)
    transfer = await kit.records.about(desk, "BridgeAttendedTransfer")
    assert transfer["result"] == "Success", transfer
    await asyncio.to_thread(phone.end)
    await asyncio.to_thread(asked.end)
    await kit.hang_up(caller.channel, other, transfer["destination_link_first_leg"]["id"])
    for bridge in (name, name + "-2"):
        await kit.call("bridges.destroy", bridgeId=bridge)
    return [Expected(desk, legs=None, transfers=["attended"]), Expected(second, legs=None, transfers=["attended"]),
            Expected(caller.channel, legs=caller.legs, transfers=["attended"]),
            Expected(other, legs=kit.halves, transfers=["attended"])]
