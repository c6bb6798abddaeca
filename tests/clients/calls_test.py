#!/usr/bin/env python3
"""What the channels, bridges and serve() of the clients do, alike in all languages: against a daemon that does what no real
one does on request.

Usage: calls_test.py LANGUAGE [unittest's arguments]      python, blocking (Python's), node, cpp
"""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from client_test import Peer
from stage import BUILD, SOURCE
from waiting import let_pass

PROBES = {
    "python": [sys.executable, SOURCE / "tests/clients/calls_probe.py"],
    "blocking": [sys.executable, SOURCE / "tests/clients/calls_probe.py", "blocking"],
    "node": ["node", SOURCE / "tests/clients/calls_probe.mjs"],
    "cpp": [BUILD / "tests/clients/calls_probe"],
}
probe_of_language = []
READY = {"servers": [{"name": "pbx1", "state": "ready", "apps": ["demo"]}]}
SYNCING = {"servers": [{"name": "pbx1", "state": "syncing", "apps": ["demo"]}]}
CALLER = "Somebody with a long name <100>"
LATER, BEFORE = "2099-01-01T00:00:00.000Z", "2001-01-01T00:00:00.000Z"


def channel(id, created=LATER, data="demo"):
    return {"id": id, "name": f"PJSIP/{id}", "state": "Ring", "caller": {"number": "100", "name": ""}, "creationtime": created,
            "dialplan": {"app_name": "Stasis", "app_data": data}}


class CallsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = self.folder.name + "/aribus.sock"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.probe = self.peer = None
        self.seq = 0

    def tearDown(self):
        if self.probe:
            self.probe.kill()
            if self.probe.wait() in (-signal.SIGSEGV, -signal.SIGABRT):
                print(self.probe.stderr.read(), file=sys.stderr)
            self.probe.stdout.close()
            self.probe.stderr.close()
        self.listener.close()
        self.folder.cleanup()

    def start(self, *arguments, status=READY, meanwhile=lambda: None):
        self.probe = subprocess.Popen([*probe_of_language, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      text=True, env={**os.environ, "ARIBUS_SOCKET": self.path,
                                                      "PYTHONPATH": str(SOURCE / "lib/python")})
        first = Peer(self.listener).greet()
        if "blocking" in probe_of_language:  # it has a second connection for this
            self.other, first = first, Peer(self.listener).greet()
        self.peer = first
        self.answer("subscribe", {"cursor": "a:0"})
        request = self.peer.expect("status")
        meanwhile()
        self.peer.answer(request, status)

    def answer(self, method, result=None):
        """Waits for the next command, which must be this one, and answers it. Returns its parameters."""
        request = self.peer.expect(method)
        self.peer.answer(request, result)
        return request["params"]

    def refuse(self, method, status, message, path="/channels/{channelId}"):
        request = self.peer.expect(method)
        self.peer.refuse(request, -32000, message, {"status": status, "message": message, "path": path})

    def tell(self, kind, **fields):
        self.seq += 1
        self.peer.send({"method": "event", "params": {"seq": self.seq, "time": LATER, "server": "pbx1", "app": "demo",
                                                      "type": kind, **fields}})

    def comes(self, id, *args, **fields):
        self.tell("StasisStart", args=list(args), channel={**channel(id), **fields})

    def leaves(self, id):
        self.tell("StasisEnd", channel=channel(id))

    def press(self, id, digits):
        for digit in digits:
            self.tell("ChannelDtmfReceived", digit=digit, channel=channel(id))

    def plays(self, method="channels.play"):
        """Something is to be played; its playback's id."""
        request = self.peer.expect(method)
        self.peer.answer(request, {"id": request["params"]["playbackId"], "state": "queued"})
        return request["params"]["playbackId"]

    def played(self, playback, state="done"):
        self.tell("PlaybackFinished", playback={"id": playback, "state": state})

    def told(self, id, result):
        self.assertEqual(json.loads(self.probe.stdout.readline()), [id, result])

    def hung_up(self, id):
        self.assertEqual(self.answer("channels.hangup")["channelId"], id)
        self.leaves(id)

    def reconnect(self, result):
        self.peer.close()
        self.peer = Peer(self.listener).greet()
        params = self.answer("subscribe", {"cursor": f"a:{self.seq}", **result})
        self.assertEqual(params["since"], f"a:{self.seq}")

    # A call's beginning and end.

    def test_a_call_is_hung_up_when_its_handler_ends(self):
        self.start()
        self.comes("c1", "answer")
        self.assertEqual(self.answer("channels.answer"), {"channelId": "c1", "server": "pbx1"})
        self.told("c1", None)
        self.hung_up("c1")

    def test_a_call_that_comes_while_serving_begins_is_served(self):
        def meanwhile():
            self.comes("c1", "answer")
            let_pass(0.1)  # it is taken before serve() goes on; a client that is slower passes in any case

        self.start(meanwhile=meanwhile)
        self.assertEqual(self.answer("channels.answer"), {"channelId": "c1", "server": "pbx1"})
        self.told("c1", None)
        self.hung_up("c1")

    def test_a_handler_that_fails_is_logged_and_disturbs_no_other(self):
        self.start()
        self.comes("c1", "digit")
        self.comes("c2", "fail")
        self.hung_up("c2")
        self.press("c1", "5")
        self.told("c1", "5")
        self.hung_up("c1")
        self.probe.kill()
        log = self.probe.stderr.read()
        self.assertIn("c2", log)
        self.assertIn("on purpose", log)

    def test_who_waits_is_told_at_once_that_the_channel_has_gone_and_nothing_is_hung_up(self):
        self.start()
        for id, what in (("c1", "digit"), ("c2", "play"), ("c3", "record"), ("c4", "gone")):
            self.comes(id, what)
            if what == "play":
                self.plays()
            elif what == "record":
                self.answer("channels.record", {"name": "message", "state": "queued"})
            self.leaves(id)
            self.told(id, None if what == "gone" else "ChannelGone")
        self.comes("c5", "answer")
        self.answer("channels.answer")  # no hangup came before
        self.probe.kill()
        self.assertEqual(self.probe.stderr.read(), "")

    def test_a_command_that_asterisk_refuses_because_the_channel_has_gone_raises_that(self):
        self.start()
        for status, message in ((404, "Channel not found"), (409, "Channel not in Stasis application")):
            self.comes(f"c{status}", "answer")
            self.refuse("channels.answer", status, message)
            self.told(f"c{status}", "ChannelGone")
            self.hung_up(f"c{status}")

    def test_a_channel_that_was_sent_to_the_dialplan_is_not_hung_up(self):
        self.start()
        self.comes("c1", "hand over")
        self.answer("channels.continueInDialplan")
        self.told("c1", None)
        self.comes("c2", "answer")
        self.answer("channels.answer")

    def test_only_calls_of_the_application_with_the_arguments_are_served(self):
        self.start("filtered")
        self.comes("c1", "unwanted")
        self.tell("StasisStart", args=["wanted"], channel=channel("c2"), app="other")
        self.comes("c3", "wanted", "yes")
        self.leaves("c3")
        self.told("c3", None)

    def test_calls_are_hung_up_when_the_program_is_interrupted(self):
        if probe_of_language not in (PROBES["python"], PROBES["blocking"]):
            return  # in Node and C++ programs end at once, or catch it themselves
        self.start()
        self.comes("c1", "digit")
        self.comes("c2", "play")
        self.plays()
        self.probe.send_signal(signal.SIGINT)
        hung_up = set()
        while len(hung_up) < 2:
            request = self.peer.request()
            self.peer.answer(request, None)
            if request["method"] == "channels.hangup":
                hung_up.add(request["params"]["channelId"])
        self.assertEqual(hung_up, {"c1", "c2"})
        self.probe.wait(10)

    def test_an_application_that_aribusd_does_not_hold_is_refused(self):
        self.start(status={"servers": [{"name": "pbx1", "state": "ready", "apps": ["other"]}]})
        self.assertEqual(json.loads(self.probe.stdout.readline()), "InvalidParams")

    def test_the_subscription_can_t_be_taken_away(self):
        if "blocking" in probe_of_language or probe_of_language == PROBES["cpp"]:
            return  # its own is another one; the object has it that serves
        self.start()
        self.comes("c1", "subscribe")
        self.told("c1", "RuntimeError")

    # Waiting.

    def test_a_digit_ends_a_playback_and_the_end_is_waited_for(self):
        self.start()
        self.comes("c1", "play", "12")
        playback = self.plays()
        self.press("c1", "92")
        self.assertEqual(self.answer("playbacks.stop")["playbackId"], playback)
        self.comes("c2", "answer")
        self.answer("channels.answer")  # nothing else was sent for c1
        self.told("c2", None)
        self.hung_up("c2")
        self.played(playback)
        self.told("c1", "2")

    def test_digits_that_nobody_waits_for_are_kept(self):
        self.start()
        self.comes("c1", "type ahead")
        playback = self.plays()
        self.press("c1", "12")
        self.played(playback)
        self.told("c1", ["2", "1", None])  # the second playback was ended before it began

    def test_digits_end_with_the_terminator(self):
        self.start()
        self.comes("c1", "digits")
        self.press("c1", "12#3")
        self.told("c1", "12")

    def test_a_playback_that_fails_raises(self):
        self.start()
        self.comes("c1", "play")
        self.played(self.plays(), "failed")
        self.told("c1", "PlaybackFailed")

    def test_a_playback_that_fails_as_the_caller_hangs_up_says_so(self):
        self.start()
        self.comes("c1", "play")
        playback = self.plays()
        self.tell("ChannelHangupRequest", channel=channel("c1"))
        self.played(playback, "failed")
        self.told("c1", "ChannelGone")

    def test_a_playback_that_never_began_raises(self):
        self.start()
        self.comes("c1", "play")
        playback = self.plays()
        self.tell("state.changed", objects={"playbacks": [{"playback": {"id": playback, "state": "failed"}}]})
        self.told("c1", "PlaybackFailed")

    def test_a_playback_that_ends_before_its_command_is_answered(self):
        self.start()
        self.comes("c1", "play")
        request = self.peer.expect("channels.play")
        self.played(request["params"]["playbackId"])
        self.peer.answer(request, {"id": request["params"]["playbackId"], "state": "queued"})
        self.told("c1", None)

    def test_what_was_recorded_when_the_caller_hangs_up_is_returned(self):
        self.start()
        self.comes("c1", "record")
        self.answer("channels.record", {"name": "message", "state": "queued"})
        self.tell("RecordingFinished", recording={"name": "message", "format": "wav", "target_uri": "channel:c1", "state": "done"})
        self.leaves("c1")
        self.told("c1", "done")

    def test_a_recording_that_fails_raises(self):
        self.start()
        self.comes("c1", "record")
        self.answer("channels.record", {"name": "message", "state": "queued"})
        self.tell("RecordingFailed", recording={"name": "message", "state": "failed"})
        self.told("c1", "RecordingFailed")

    def test_a_variable_that_is_not_set_is_empty(self):
        self.start()
        self.comes("c1", "get")
        self.refuse("channels.getChannelVar", 404, "Provided variable was not found")
        self.told("c1", "")

    # Channels that the client makes.

    def rings(self):
        """c1 has somebody called; the request, whose answer is to come."""
        self.start()
        self.comes("c1", "originate")
        request = self.peer.expect("originate")
        self.assertEqual({**request["params"], "channelId": ""}, {
            "endpoint": "PJSIP/1", "app": "demo", "appArgs": "aribus-leg", "callerId": CALLER, "originator": "c1", "server": "pbx1", "channelId": "", "wait": "answer"})
        return request, request["params"]["channelId"]

    def talks(self):
        request, leg = self.rings()
        self.comes(leg, "digit")  # which is not served
        self.peer.answer(request, {"outcome": "answered", "channel": channel(leg)})
        self.told("c1", "answered")
        return leg

    def test_a_leg_is_no_call_and_is_hung_up_with_the_handler(self):
        leg = self.talks()
        self.played(self.plays())
        self.told("c1", None)
        self.hung_up(leg)
        self.hung_up("c1")

    def test_a_leg_is_hung_up_when_its_originator_goes(self):
        leg = self.talks()
        self.plays()
        self.leaves("c1")
        self.hung_up(leg)
        self.told("c1", "ChannelGone")

    def test_a_handler_that_ends_because_a_leg_has_gone_is_reported(self):
        leg = self.talks()
        self.plays()
        self.leaves(leg)
        self.told("c1", "ChannelGone")
        self.hung_up("c1")
        self.comes("c2", "play")
        self.plays()
        self.leaves("c2")
        self.told("c2", "ChannelGone")
        self.probe.terminate()
        log = self.probe.stderr.read()
        self.assertIn(f"channel {leg} has left the application", log)
        self.assertIn("call c1", log)
        self.assertNotIn("call c2", log)  # ids of legs are random: two figures alone may be in them

    def test_a_leg_that_rings_is_hung_up_when_its_originator_goes(self):
        request, leg = self.rings()
        self.leaves("c1")
        self.told("c1", "ChannelGone")
        self.assertEqual(self.answer("channels.hangup")["channelId"], leg)
        self.peer.answer(request, {"outcome": "cancelled", "cause": 16, "cause_txt": "Normal Clearing"})
        self.tell("ChannelDestroyed", channel=channel(leg))
        self.comes("c2", "answer")
        self.answer("channels.answer")

    def test_a_leg_that_comes_when_nobody_wants_it_any_more_is_hung_up(self):
        request, leg = self.rings()
        self.leaves("c1")
        self.told("c1", "ChannelGone")
        self.refuse("channels.hangup", 404, "Channel not found")
        self.comes(leg)
        self.hung_up(leg)

    def test_a_call_that_fails_says_how(self):
        for result, words in (({"outcome": "busy", "cause": 17, "cause_txt": "User busy"}, "busy 17"),
                              ({"outcome": "no_answer", "cause": 19, "cause_txt": "No answer"}, "no_answer 19")):
            with self.subTest(words):
                request, _ = self.rings()
                self.peer.answer(request, result)
                self.told("c1", f"CallFailed {words}")
                self.hung_up("c1")
                self.tearDown()
                self.setUp()
        request, _ = self.rings()
        self.peer.refuse(request, -32000, "Asterisk can make no channel for endpoint 'PJSIP/1'", {"status": 500})
        self.told("c1", "CallFailed failed 0")
        self.hung_up("c1")

    def test_a_leg_of_another_program_is_not_served(self):
        self.start()
        self.comes("other", "aribus-leg")
        self.comes("c1", "answer")
        self.answer("channels.answer")

    def test_who_leaves_a_bridge_is_told(self):
        self.start()
        self.comes("c1", "bridge")
        bridge = self.answer("bridges.create", {})["bridgeId"]
        self.assertEqual(self.answer("bridges.addChannel"), {"bridgeId": bridge, "server": "pbx1", "channel": ["c1"]})
        self.tell("ChannelLeftBridge", channel=channel("c1"), bridge={"id": bridge})
        self.told("c1", "c1")

    # When connections break, and records are missed.

    def test_waiting_goes_on_over_a_new_connection(self):
        self.start()
        self.comes("c1", "play")
        playback = self.plays()
        self.reconnect({"resumed": True})
        self.played(playback)
        self.told("c1", None)

    def test_a_command_waits_for_a_connection(self):
        self.start()
        self.comes("c1", "answer")
        request = self.peer.expect("channels.answer")
        self.peer.refuse(request, -32001, "Asterisk 'pbx1': not connected; nothing was sent", {"server": "pbx1"})
        self.answer("channels.answer")
        self.told("c1", None)

    def test_a_playback_whose_command_was_not_answered_is_looked_for(self):
        self.start()
        self.comes("c1", "play")
        playback = self.peer.expect("channels.play")["params"]["playbackId"]
        self.reconnect({"resumed": True})
        self.assertEqual(self.answer("playbacks.get", {"id": playback, "state": "playing"})["playbackId"], playback)
        self.played(playback)
        self.told("c1", None)

    def miss(self, status, *there):
        """Records were missed; the client asks what is there."""
        self.reconnect({"resumed": False, "reason": "gone", "cursor": f"b:{self.seq}"})
        self.answer("status", status)
        self.answer("state.channels", {"cursor": f"b:{self.seq}", "channels": [
            {"server": "pbx1", "app": "demo", "channel": one} for one in there]})

    def test_calls_that_ended_and_came_unseen(self):
        self.start()
        self.comes("c1", "digit")
        self.comes("c2", "digit")
        self.comes("c3", "gone")
        self.miss(READY, channel("c2"), channel("c3"), channel("old", BEFORE), channel("new", data="demo,answer"))
        self.told("c1", "ChannelGone")
        self.assertEqual(self.answer("channels.answer")["channelId"], "new")
        self.told("new", None)
        self.hung_up("new")
        self.press("c2", "7")
        self.told("c2", "7")

    def test_nothing_has_ended_as_long_as_an_asterisk_is_not_ready(self):
        self.start()
        self.comes("c1", "digit")
        self.comes("c2", "digit")
        self.miss(SYNCING)
        self.press("c1", "7")
        self.told("c1", "7")
        self.assertEqual(self.answer("channels.hangup")["channelId"], "c1")
        self.tell("server.resynced", channels=["c1"])
        self.told("c2", "ChannelGone")

    def test_a_playback_that_ended_unseen(self):
        self.start()
        self.comes("c1", "play")
        playback = self.plays()
        self.peer.send({"method": "lost", "params": {"from": 2, "to": 9, "records": 8}})
        self.answer("status", READY)
        self.answer("state.channels", {"cursor": "a:9", "channels": [
            {"server": "pbx1", "app": "demo", "channel": channel("c1")}]})
        self.refuse("playbacks.get", 404, "Playback not found", "/playbacks/{playbackId}")
        self.told("c1", None)
        self.assertNotEqual(playback, "")

    def test_a_removed_asterisk_ends_its_calls(self):
        self.start()
        self.comes("c1", "digit")
        self.tell("server.removed")
        self.told("c1", "ChannelGone")

    def test_a_call_that_was_there_before_is_left_alone(self):
        self.start()
        self.tell(
            "StasisStart", args=["answer"], channel=channel("old", BEFORE), synthetic=True)
        self.tell("StasisStart", args=["answer"], channel=channel("new"), synthetic=True)
        self.assertEqual(self.answer("channels.answer")["channelId"], "new")

    # Many.

    def test_many_calls_at_once_stay_below_the_daemon_s_limit_of_commands(self):
        self.start()
        for number in range(300):
            self.comes(f"c{number}", "answer")
        open_requests, answered = [], set()
        while len(answered) < 300:
            while len(open_requests) < 32 and len(open_requests) + len(answered) < 300:
                request = self.peer.request()
                if request["method"] == "channels.hangup":
                    self.peer.answer(request, None)
                else:
                    open_requests.append(request)
            self.assertTrue(answered or self.peer.is_silent())  # the first time, when 32 wait
            request = open_requests.pop(0)
            answered.add(request["params"]["channelId"])
            self.peer.answer(request, None)


if __name__ == "__main__":
    probe_of_language[:] = PROBES[sys.argv.pop(1)]
    unittest.main()
