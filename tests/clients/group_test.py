#!/usr/bin/env python3
"""What a member of a worker group does with the calls that it is given, alike in all languages: against a daemon that does what no
real one does on request.

Usage: group_test.py LANGUAGE [unittest's arguments]      python, node
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import unittest

from client_test import Peer
from stage import SOURCE

PROBES = {
    "python": [sys.executable, SOURCE / "tests/clients/group_probe.py"],
    "node": ["node", SOURCE / "tests/clients/group_probe.mjs"],
}
probe_of_language = []
TIME = "2099-01-01T00:00:00.000Z"
READY = {"servers": [{"name": "pbx1", "state": "ready", "apps": ["demo"]}]}
SYNCING = {"servers": [{"name": "pbx1", "state": "syncing", "apps": ["demo"]}]}


def channel(id):
    return {"id": id, "name": f"PJSIP/{id}", "state": "Ring", "caller": {"number": "100", "name": ""}, "creationtime": TIME,
            "dialplan": {"app_name": "Stasis", "app_data": "demo,sales"}}


def snapshot(id, *legs, bridge=None):
    there = {"bridge": bridge} if bridge else {}
    return {"channel": id, "args": ["sales"], "commands": [], "call": {"server": "pbx1", "call": {"id": f"call-{id}"}},
            "channels": [{"server": "pbx1", "app": "demo", **there, "channel": channel(one)} for one in (id, *legs)],
            "bridges": [{"server": "pbx1", "bridge": {"id": bridge, "channels": [id, *legs]}}] if bridge else []}


class GroupTest(unittest.TestCase):
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
            self.probe.stdin.close()
            self.probe.kill()
            self.probe.wait()
            self.probe.stdout.close()
        self.listener.close()
        self.folder.cleanup()

    def start(self, member="w1", lease_ms=None, **params):
        """lease_ms: of the group, whether the member or the daemon's configuration says so."""
        named = {"member": member} if member else {}
        self.probe = subprocess.Popen([*probe_of_language, json.dumps({"apps": ["demo"], **named, **params})],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      env={**os.environ, "ARIBUS_SOCKET": self.path, "PYTHONPATH": str(SOURCE / "lib/python")})
        self.peer = Peer(self.listener).greet(features=["groups"])
        resumed = {"resumed": True} if "since" in params else {}
        lease = {"lease_ms": lease_ms} if lease_ms else {}
        return self.answer("subscribe", {"cursor": "a:0", "member": member or "~1", **lease, **resumed})

    def answer(self, method, result=None):
        """Waits for the next command, which must be this one, and answers it. Returns its parameters."""
        request = self.peer.expect(method)
        self.peer.answer(request, result)
        return request["params"]

    def refuse(self, method, owner="", epoch=0):
        request = self.peer.expect(method)
        self.peer.refuse(request, -32006, "the call belongs to another one", {"group": "g", "owner": owner, "epoch": epoch})

    def notify(self, method, **params):
        self.seq += 1
        self.peer.send({"method": method, "params": {"seq": self.seq, "time": TIME, "server": "pbx1", **params}})

    def assign(self, id, epoch=1, reason="new", previous="", of=None):
        self.notify("assigned", group="g", call=f"call-{id}", epoch=epoch, reason=reason, previous=previous,
                    snapshot=snapshot(id) if of is None else of)

    def release(self, id, epoch=1, reason="ended"):
        self.notify("released", group="g", call=f"call-{id}", epoch=epoch, reason=reason)

    def record(self, kind, id, **fields):
        self.notify("event", app="demo", type=kind, calls=[f"call-{id}"], channel=channel(id), **fields)

    def ask(self, *what):
        self.probe.stdin.write(json.dumps(what) + "\n")
        self.probe.stdin.flush()

    def told(self, *what):
        told = json.loads(self.probe.stdout.readline())
        if what:
            self.assertEqual(told, list(what))
        return told

    def given(self, number, **fields):
        """The program is given a call."""
        kind, told, call = self.told()
        self.assertEqual((kind, told), ("call", number))
        self.assertEqual({**call, **fields}, call)
        return call

    def accepted(self, id="c1", number=0, **fields):
        """A call that the program has accepted."""
        self.assign(id, **fields)
        self.given(number)
        self.ask("accept", number)
        self.answer("group.accept")
        self.told("accept", None)

    def reconnect(self, result):
        """The connection breaks; the parameters of the subscription that is renewed."""
        self.peer.close()
        self.peer = Peer(self.listener).greet(features=["groups"])
        return self.answer("subscribe", {"cursor": f"a:{self.seq}", **result})

    def check_all(self, status, refused=None):
        """Answers the member that asks which calls are its own, until it was told so of the one that is `refused`, or is none."""
        while True:
            request = self.peer.request()
            if request["method"] == "status":
                self.peer.answer(request, status)
            elif request["method"] == "state.channels":
                self.peer.answer(request, {"channels": []})
            else:
                self.assertEqual(request["method"], "group.accept", request)
                if refused is None or request["params"]["call"] == refused:
                    return self.peer.refuse(request, -32006, "not yours", {"group": "g", "owner": "", "epoch": 0})
                self.peer.answer(request, None)

    # A call of this member.

    def test_a_call_is_given_with_what_the_daemon_told_of_it(self):
        params = self.start(capacity=20)
        self.assertEqual({**params, "announce": True}, {"group": "g", "apps": ["demo"], "member": "w1", "capacity": 20, "announce": True})
        self.assign("c1", 7, "taken_over", "w2", snapshot("c1", "leg", bridge="b"))
        self.assertEqual(self.given(0), {
            "id": "call-c1", "epoch": 7, "server": "pbx1", "reason": "taken_over", "previous": "w2", "args": ["sales"],
            "channel": "c1", "channels": ["c1", "leg"], "accepted": False})

    def test_commands_have_the_epoch_of_the_call(self):
        self.start()
        self.assign("c1", 7)
        self.given(0)
        for what, method, params in (("accept", "group.accept", {"call": "call-c1", "epoch": 7}),
                                     ("decline", "group.decline", {"call": "call-c1", "epoch": 7}),
                                     ("answer", "channels.answer", {"channelId": "c1", "server": "pbx1", "epoch": 7})):
            self.ask(what, 0)
            self.assertEqual(self.answer(method), params)
            self.told(what, None)
        self.ask("hand_over", 0, "w2")
        self.assertEqual(self.answer("group.handover"), {"call": "call-c1", "epoch": 7, "to": "w2"})
        self.told("hand_over", None)
        self.ask("command", 0, "channels.ring", {"channelId": "c1"})
        self.assertEqual(self.answer("channels.ring"), {"channelId": "c1", "server": "pbx1", "epoch": 7})
        self.told("command", None)

    def test_a_command_about_a_call_of_another_member_says_whose_it_is(self):
        self.start()
        self.accepted()
        self.ask("answer", 0)
        self.refuse("channels.answer", "w2", 8)
        self.told("answer", ["NotOwner", "w2", 8])

    def test_the_loop_of_a_call_gives_its_records_and_ends_when_it_is_released(self):
        self.start()
        self.assign("c1")
        self.given(0)
        self.assign("c2")
        self.given(1)
        self.record("StasisStart", "c1", args=["sales"])
        self.record("StasisStart", "c2", args=["sales"])
        self.record("StasisEnd", "c1")
        self.release("c1")
        told = [self.told() for _ in range(4)]
        self.assertEqual([one for one in told if one[1] == 0],
                         [["record", 0, "StasisStart", 3], ["record", 0, "StasisEnd", 5], ["released", 0, "ended"]])
        self.assertEqual([one for one in told if one[1] == 1], [["record", 1, "StasisStart", 4]])

    def test_what_waits_for_a_call_that_goes_to_another_member_fails_at_once(self):
        self.start()
        self.accepted()
        self.ask("digit", 0)
        self.release("c1", reason="handed_over")
        self.assertEqual(sorted([self.told(), self.told()]), [["digit", ["NotOwner", "", 1]], ["released", 0, "handed_over"]])
        self.ask("answer", 0)
        self.told("answer", ["NotOwner", "", 1])
        self.assertTrue(self.peer.is_silent())

    def test_a_call_that_comes_again_is_another_one(self):
        self.start()
        self.accepted()
        self.release("c1", reason="declined")
        self.told("released", 0, "declined")
        self.assign("c1", 2, "taken_over")
        self.given(1, epoch=2, reason="taken_over")
        self.ask("answer", 1)
        self.assertEqual(self.answer("channels.answer")["epoch"], 2)
        self.told("answer", None)

    def test_a_call_that_has_ended_already_is_not_given(self):
        self.start()
        self.notify("assigned", group="g", call="call-c1", epoch=1, reason="new", previous="", snapshot=None)
        self.release("c1")
        self.assign("c2")
        self.given(0, id="call-c2")

    def test_legs_belong_to_the_call_and_are_not_given(self):
        self.start()
        self.accepted()
        self.ask("originate", 0)
        request = self.peer.expect("originate")
        leg = request["params"]["channelId"]
        self.assertEqual((request["params"]["originator"], request["params"]["epoch"]), ("c1", 1))
        self.notify("event", app="demo", type="StasisStart", calls=["call-c1"], args=["aribus-leg"], channel=channel(leg))
        self.peer.answer(request, {"outcome": "answered", "channel": channel(leg)})
        self.assertEqual(sorted(map(str, (self.told(), self.told()))),
                         sorted(map(str, (["record", 0, "StasisStart", 2], ["originate", [leg, True]]))))

    def test_a_member_does_not_serve(self):
        self.start()
        self.ask("serve")
        self.told("serve", "RuntimeError")

    # Connections that break.

    def test_a_new_connection_goes_on_with_what_it_has(self):
        self.start()
        self.accepted()
        self.assign("c2")
        self.given(1)
        params = self.reconnect({"member": "w1", "resumed": True})
        self.assertEqual((params["since"], params["holds"]), ("a:2", [{"call": "call-c1", "epoch": 1}]))
        self.record("ChannelDtmfReceived", "c1", digit="1")
        self.told("record", 0, "ChannelDtmfReceived", 3)
        self.record("ChannelHold", "c2")
        self.told("record", 1, "ChannelHold", 4)

    def test_after_a_gap_calls_that_are_this_member_s_stay_and_others_end(self):
        self.start()
        for number, id in enumerate(("c1", "c2", "c3")):
            self.accepted(id, number)
        self.assign("c4")  # not accepted
        self.given(3)
        self.seq = 99
        self.reconnect({"member": "w1", "resumed": False, "reason": "not there any more"})
        self.assign("c3", reason="lost")
        self.seq -= 1
        told = sorted(self.told() for _ in range(5))
        self.assertEqual(told, sorted([["record", 0, "subscribed", None], ["record", 1, "subscribed", None],
                                       ["record", 2, "subscribed", None], ["released", 3, "lost"], ["record", 2, "assigned", 100]]))
        self.check_all(READY, refused="call-c2")
        self.told("released", 1, "lost")
        self.record("ChannelHold", "c1")
        self.told("record", 0, "ChannelHold", 100)

    def test_after_a_restart_of_aribusd_calls_are_waited_for_until_it_knows_them(self):
        self.start(member=None)
        self.accepted()
        self.accepted("c2", 1)
        params = self.reconnect({"member": "~2", "resumed": False, "reason": "another stream"})
        self.assertEqual(params["holds"], [{"call": "call-c1", "epoch": 1}, {"call": "call-c2", "epoch": 1}])
        self.assertNotIn("member", params)
        self.assertEqual(sorted([self.told(), self.told()]), [["record", 0, "subscribed", None], ["record", 1, "subscribed", None]])
        for _ in range(2):
            self.check_all(SYNCING)
        self.assign("c1", reason="held")
        self.told("record", 0, "assigned", 3)
        self.notify("event", app="", type="server.resynced")
        self.assertEqual(sorted([self.told(), self.told()]),
                         [["record", 0, "server.resynced", 4], ["record", 1, "server.resynced", 4]])
        self.check_all(READY, refused="call-c2")
        self.told("released", 1, "lost")

    def test_after_a_loss_the_calls_that_are_not_told_again_are_checked(self):
        self.start()
        self.accepted()
        self.accepted("c2", 1)
        self.peer.send({"method": "lost", "params": {"from": 3, "to": 50, "records": 48}})
        self.seq = 49
        self.assign("c1", reason="lost")
        self.assertEqual(sorted(self.told() for _ in range(3)), [
            ["record", 0, "assigned", 50], ["record", 0, "lost", None], ["record", 1, "lost", None]])
        self.check_all(READY, refused="call-c2")
        self.told("released", 1, "lost")

    def test_another_program_with_this_name_ends_the_membership(self):
        self.start()
        self.accepted()
        self.peer.send({"id": None, "error": {"code": -32006, "message": "another connection is the member 'w1' now"}})
        self.peer.close()
        self.assertEqual(sorted([self.told(), self.told()]), [["over", "NotOwner"], ["released", 0, "lost"]])
        self.peer = Peer(self.listener).greet()
        self.assertTrue(self.peer.is_silent())  # it does not join again

    def test_without_calls_it_joins_again_without_a_list_of_them(self):
        """The daemon takes no empty list, at the beginning and later."""
        self.assertNotIn("holds", self.start(holds=[]))
        self.assertNotIn("holds", self.reconnect({"resumed": True, "member": "w1"}))
        self.assign("c1")
        self.assertEqual(self.told()[0], "call")

    def test_a_program_that_was_started_again_has_the_calls_that_it_held(self):
        params = self.start(since="a:0", holds=[{"call": "call-c1", "epoch": 7}])
        self.assertEqual((params["since"], params["holds"]), ("a:0", [{"call": "call-c1", "epoch": 7}]))
        self.record("ChannelHold", "c1")
        self.answer("status", READY)
        self.assertEqual(self.answer("group.accept"), {"call": "call-c1", "epoch": 7})
        self.answer("state.calls", {"calls": [{"server": "pbx1", "call": {"id": "call-c1", "legs": [
            {"channel": "c1"}, {"channel": "gone", "ended": TIME}]}}]})
        self.assertEqual(self.answer("state.channels", {"channels": snapshot("c1")["channels"]}), {"server": "pbx1", "id": "c1"})
        self.given(0, epoch=7, reason="held", args=["sales"], channel="c1", accepted=True)
        self.told("record", 0, "ChannelHold", 1)

    # Leaving, and signs of life.

    def test_a_member_that_drains_waits_for_its_calls(self):
        self.start()
        self.accepted()
        self.ask("leave", {"drain": True, "timeout": 60})
        self.assertEqual(self.answer("group.leave", {"calls": 1}), {"drain": True, "timeout_ms": 60000})
        self.record("ChannelHold", "c1")
        self.told("record", 0, "ChannelHold", 2)
        self.release("c1")
        self.peer.send({"method": "left", "params": {"group": "g", "member": "w1"}})
        self.answer("unsubscribe", {"cursor": "a:3"})
        self.assertEqual(sorted(self.told() for _ in range(3)), [["leave", None], ["over", "w1"], ["released", 0, "ended"]])

    def test_a_member_that_drains_says_so_again_on_a_new_connection(self):
        self.start()
        self.accepted()
        self.ask("leave", {"drain": True})
        self.assertEqual(self.answer("group.leave", {"calls": 1}), {"drain": True})
        self.reconnect({"member": "w1", "resumed": True})
        self.assertEqual(self.answer("group.leave", {"calls": 1}), {"drain": True})

    def test_the_loop_that_runs_the_handlers_gives_signs_of_life(self):
        self.start(lease_ms=400)
        for _ in range(3):
            self.answer("ping", {})
        self.assign("c1")
        self.given(0)
        self.ask("block", 2)
        self.peer.socket.settimeout(1)
        with self.assertRaises(TimeoutError):
            for _ in range(20):
                self.answer("ping", {})


if __name__ == "__main__":
    probe_of_language[:] = PROBES[sys.argv.pop(1)]
    unittest.main()
