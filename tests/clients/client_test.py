#!/usr/bin/env python3
"""What the clients do when a connection breaks, alike in all languages: against a daemon that does what no real one
does on request.

Usage: client_test.py LANGUAGE [unittest's arguments]      python, blocking (Python's), node, cpp
"""
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from stage import BUILD, SOURCE

PROBES = {
    "python": [sys.executable, SOURCE / "tests/clients/probe.py"],
    "blocking": [sys.executable, SOURCE / "tests/clients/probe.py", "blocking"],
    "node": ["node", SOURCE / "tests/clients/probe.mjs"],
    "cpp": [BUILD / "tests/clients/client_probe"],
}
probe_of_language = []
# Those in which others can go on while the client waits.
CONCURRENT = ("python", "node")


OPENRPC = json.loads((SOURCE / "docs/protocol/openrpc.json").read_text())


def parameters(method):
    """Whether each is required, by its name."""
    shared = OPENRPC["components"]["contentDescriptors"]
    all = [shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in method["params"]]
    return {one["name"]: one["required"] for one in all}


class Peer:
    """The daemon's end of one connection."""

    def __init__(self, listener):
        listener.settimeout(30)
        self.socket, _ = listener.accept()
        self.socket.settimeout(30)
        self.lines = self.socket.makefile("rb")

    def request(self):
        return json.loads(self.lines.readline())

    def expect(self, method):
        request = self.request()
        assert request["method"] == method, request
        return request

    def send(self, *messages):
        self.socket.sendall(b"".join(json.dumps({"jsonrpc": "2.0", **m}).encode() + b"\n" for m in messages))

    def answer(self, request, result):
        self.send({"id": request["id"], "result": result})

    def refuse(self, request, code, message, data=None):
        self.send({"id": request["id"], "error": {"code": code, "message": message, "data": data or {}}})

    def greet(self, run="2026-11-22T20:00:00.000Z", **more):
        self.answer(self.expect("hello"), {"aribus": "0.1.0", "started": run, "cursor": "a:0", "servers": [], **more})
        return self

    def records(self, first, last, pad=""):
        self.send(*({"method": "event", "params": {"seq": seq, "type": "X", "pad": pad}}
                    for seq in range(first, last + 1)))

    def is_silent(self):
        self.socket.settimeout(0.3)
        try:
            return not self.socket.recv(1)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(30)

    def __del__(self):
        if hasattr(self, "lines"):
            self.close()

    def close(self):
        self.lines.close()
        self.socket.close()


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = self.folder.name + "/aribus.sock"
        self.probe = self.listener = self.errors = None

    def tearDown(self):
        if self.probe:
            self.probe.stdin.close()
            self.probe.kill()
            self.probe.wait()
            self.probe.stdout.close()
        if self.listener:
            self.listener.close()
        if self.errors:
            self.errors.close()
        self.folder.cleanup()

    @contextlib.contextmanager
    def own_client(self):
        """What starts within is ended with it."""
        try:
            yield
        finally:
            self.tearDown()
            self.setUp()

    def listen(self):
        if self.listener:
            self.listener.close()
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()

    def start(self, wait=0):
        self.probe = subprocess.Popen([*probe_of_language, str(wait)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=self.errors, text=True, env={
            **os.environ, "ARIBUS_SOCKET": self.path, "PYTHONPATH": str(SOURCE / "lib/python")})

    def connected(self, **hello):
        """A client that is connected, and the daemon's end of it."""
        self.listen()
        self.start()
        peer = Peer(self.listener).greet(**hello)
        self.assertIsNone(self.told())
        return peer

    def subscribed(self, params=None, **hello):
        peer = self.connected(**hello)
        self.ask("subscribe", params or {})
        peer.answer(peer.expect("subscribe"), {"cursor": "a:10"})
        self.assertIsNone(self.told())
        self.assertEqual(self.next(), {"type": "subscribed", "cursor": "a:10"})
        return peer

    def ask(self, *what):
        self.probe.stdin.write(json.dumps(what) + "\n")
        self.probe.stdin.flush()

    def told(self):
        return json.loads(self.probe.stdout.readline())

    def next(self):
        self.ask("next")
        return self.told()

    def error(self, kind, *words):
        told = self.told()
        self.assertEqual(told.get("error"), kind, told)
        for word in words:
            self.assertIn(word, told["message"])

    def test_without_a_daemon_connecting_says_what_to_do(self):
        self.start()
        self.error("NotConnected", self.path, "is aribusd running?")

    def test_a_daemon_that_ends_the_connection_at_once_is_quoted(self):
        self.listen()
        self.start()
        peer = Peer(self.listener)
        peer.send({"id": None, "error": {"code": -32004, "message": "too many connections"}})
        peer.close()
        self.error("NotConnected", "too many connections")

    def test_a_refusal_tells_what_asterisk_said(self):
        peer = self.connected()
        self.ask("call", "channels.get", {"channelId": "c"})
        request = peer.expect("channels.get")
        self.assertEqual(request["params"], {"channelId": "c"})
        peer.refuse(request, -32000, "Asterisk refused: Channel not found (404)", {"status": 404})
        self.error("Refused", "404")

    def test_what_a_member_of_a_group_is_told_are_items_and_moves_the_cursor(self):
        peer = self.subscribed()
        about = {"server": "pbx1", "group": "g", "call": "c", "epoch": 7}
        for method, moves, params in (
                ("assigned", "a:11", {"seq": 11, "reason": "new", "previous": "", "snapshot": None, **about}),
                ("lost", "a:50", {"from": 12, "to": 50, "records": 39}),
                ("assigned", "a:50", {"seq": 49, "reason": "lost", "previous": "", "snapshot": None, **about}),
                ("released", "a:51", {"seq": 51, "reason": "ended", **about}),
                ("left", "a:51", {"group": "g", "member": "w1"})):
            peer.send({"method": method, "params": params})
            self.assertEqual(self.next(), {"type": method, **params})
            self.ask("cursor")
            self.assertEqual(self.told(), moves)

    def test_a_call_of_another_member_is_refused(self):
        peer = self.connected()
        self.ask("call", "channels.answer", {"channelId": "c", "epoch": 7})
        peer.refuse(peer.expect("channels.answer"), -32006, "the call belongs to 'w2'", {"owner": "w2", "epoch": 8})
        self.error("NotOwner", "w2")

    def test_a_member_whose_name_another_program_has_is_told_and_does_not_join_again(self):
        peer = self.subscribed({"types": ["*"]})
        peer.send({"id": None, "error": {"code": -32006, "message": "another connection is the member 'w1' now"}})
        peer.close()
        self.ask("next")
        self.error("NotOwner", "w1")
        self.ask("subscribe", {"types": ["X"]})
        peer = Peer(self.listener).greet()
        request = peer.expect("subscribe")
        self.assertEqual(request["params"]["types"], ["X"])
        peer.answer(request, {"cursor": "a:10"})
        self.assertIsNone(self.told())

    def test_a_subscription_waits_for_the_answer_to_one_that_was_given_up_while_many_items_wait(self):
        peer = self.subscribed()
        self.ask("call", "subscribe", {"types": ["A"]}, 50)
        first = peer.expect("subscribe")
        self.error("OutcomeUnknown", "no answer within")
        peer.records(11, 1100)  # more than are taken while nothing is waited for
        self.ask("subscribe", {"types": ["B"]})
        peer.answer(first, {"cursor": "a:1100"})
        second = peer.expect("subscribe")
        self.assertEqual(second["params"]["types"], ["B"])
        peer.answer(second, {"cursor": "a:1100"})
        self.assertIsNone(self.told())

    def test_a_command_whose_connection_breaks_has_an_unknown_outcome_and_is_not_sent_again(self):
        peer = self.connected()
        self.ask("call", "channels.answer", {"channelId": "c"})
        peer.expect("channels.answer")
        peer.close()
        self.error("OutcomeUnknown", "channels.answer", "unknown")
        self.ask("subscribe")
        peer = Peer(self.listener).greet()
        peer.answer(peer.expect("subscribe"), {"cursor": "a:0"})
        self.assertIsNone(self.told())
        self.assertTrue(peer.is_silent())

    def test_a_command_with_a_key_is_repeated_to_the_same_run_of_the_daemon(self):
        peer = self.connected()
        self.ask("call", "originate", {"endpoint": "e", "key": "k"})
        first = peer.expect("originate")
        peer.close()
        peer = Peer(self.listener).greet()
        again = peer.expect("originate")
        self.assertEqual(again["params"], first["params"])
        self.assertEqual(again["params"], {"endpoint": "e", "key": "k"})
        peer.answer(again, {"id": "c"})
        self.assertEqual(self.told(), {"id": "c"})

    def test_a_command_with_a_key_is_not_repeated_to_another_run_which_has_forgotten_it(self):
        peer = self.connected()
        self.ask("call", "originate", {"endpoint": "e", "key": "k"})
        peer.expect("originate")
        peer.close()
        peer = Peer(self.listener).greet(run="2026-11-22T21:00:00.000Z")
        self.error("OutcomeUnknown", "restarted")
        self.assertTrue(peer.is_silent())

    def test_without_a_connection_a_command_is_not_sent_and_one_with_a_key_waits(self):
        peer = self.connected()
        peer.close()
        self.listener.close()
        os.unlink(self.path)
        self.listener = None
        while True:  # until the client has noticed
            self.ask("call", "ping", {})
            told = self.told()
            self.assertIn(told["error"], ("NotConnected", "OutcomeUnknown"))
            if told["error"] == "NotConnected":
                break
        self.assertIn("not sent", told["message"])
        self.ask("call", "originate", {"endpoint": "e", "key": "k"})
        self.listen()
        peer = Peer(self.listener).greet(run="another")
        peer.answer(peer.expect("originate"), {"id": "c"})
        self.assertEqual(self.told(), {"id": "c"})

    def test_after_a_break_the_stream_goes_on_behind_what_came(self):
        peer = self.subscribed({"types": ["X"], "since": "a:3"})
        peer.records(11, 13)
        self.assertEqual(self.next()["seq"], 11)
        self.ask("cursor")
        self.assertEqual(self.told(), "a:11")
        peer.close()
        for _ in range(6):
            self.ask("next")
        peer = Peer(self.listener).greet(run="another")
        request = peer.expect("subscribe")
        self.assertEqual(request["params"]["types"], ["X"])
        # What came and was not handed out yet need not come again.
        since = int(request["params"]["since"].removeprefix("a:"))
        self.assertIn(since, (11, 12, 13))
        peer.answer(request, {"cursor": f"a:{since}", "resumed": True})
        peer.records(since + 1, 15)
        items = [self.told() for _ in range(6)]
        self.assertEqual([item["seq"] for item in items if "seq" in item], [12, 13, 14, 15])
        others = [item for item in items if "seq" not in item]
        self.assertEqual([item["type"] for item in others], ["disconnected", "subscribed"])
        self.assertTrue(others[1]["resumed"])

    def test_what_can_not_be_resumed_is_told_with_a_fresh_snapshot(self):
        peer = self.subscribed({"snapshot": True})
        peer.close()
        self.ask("next")
        self.ask("next")
        peer = Peer(self.listener).greet()
        request = peer.expect("subscribe")
        self.assertEqual(request["params"], {"snapshot": True, "since": "a:10"})
        afresh = {"cursor": "b:4", "resumed": False, "reason": "the stream started afresh", "snapshot": {"channels": []}}
        peer.answer(request, afresh)
        self.assertEqual(self.told()["type"], "disconnected")
        self.assertEqual(self.told(), {"type": "subscribed", **afresh})
        peer.records(5, 5)
        self.assertEqual(self.next()["seq"], 5)
        self.ask("cursor")
        self.assertEqual(self.told(), "b:5")

    def test_lost_records_are_told_in_their_place(self):
        peer = self.subscribed()
        peer.records(11, 11)
        peer.send({"method": "lost", "params": {"from": 12, "to": 20, "records": 9}})
        peer.records(21, 21)
        self.assertEqual(self.next()["seq"], 11)
        self.assertEqual(self.next(), {"type": "lost", "from": 12, "to": 20, "records": 9})
        self.ask("cursor")
        self.assertEqual(self.told(), "a:20")
        self.assertEqual(self.next()["seq"], 21)

    def test_a_subscription_that_is_refused_leaves_the_one_before(self):
        peer = self.subscribed({"types": ["X"]})
        self.ask("subscribe", {"types": ["[" ]})
        peer.refuse(peer.expect("subscribe"), -32602, "types: no glob")
        self.error("InvalidParams", "no glob")
        peer.records(11, 11)
        self.assertEqual(self.next()["seq"], 11)

    def test_a_subscription_that_is_refused_later_is_told(self):
        peer = self.subscribed()
        peer.close()
        self.ask("next")
        self.ask("next")
        peer = Peer(self.listener).greet()
        peer.refuse(peer.expect("subscribe"), -32003, "not allowed")
        self.assertEqual(self.told()["type"], "disconnected")
        self.error("NotAllowed", "not allowed")

    def test_more_records_than_may_wait_are_fetched_again(self):
        peer = self.subscribed()
        self.ask("call", "ping", {})
        request = peer.expect("ping")
        peer.records(11, 6010, pad="x" * 200)  # more than any client keeps while it waits for an answer
        peer.answer(request, {})
        self.assertEqual(self.told(), {})
        seen = []
        while len(seen) < 6000:
            self.ask("next")
            while self.probe.stdout not in (ready := select.select([self.probe.stdout, peer.socket], [], [], 10)[0]):
                if ready:
                    again = peer.expect("subscribe")
                    since = int(again["params"]["since"].removeprefix("a:"))
                    self.assertIn(since - len(seen), (10, 11))  # the last one may be on its way
                    peer.answer(again, {"cursor": f"a:{since}", "resumed": True})
                    threading.Thread(target=peer.records, args=(since + 1, 6010, "x" * 200)).start()
            seen.append(self.told()["seq"])
        self.assertEqual(seen, list(range(11, 6011)))

    def test_values_of_every_kind_survive(self):
        peer = self.connected()
        params = {"text": "Größe \"1\"\n\u2028 𝄞", "number": 1.5, "none": None, "list": [1, {"a": True}]}
        self.ask("call", "anything", params)
        request = peer.expect("anything")
        self.assertEqual(request["params"], params)
        line = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": params}, ensure_ascii=False).encode() + b"\n"
        for start in range(0, len(line), 7):  # in pieces, which cut letters apart
            peer.socket.sendall(line[start:start + 7])
        self.assertEqual(self.told(), params)

    def test_a_line_without_end_ends_the_connection_at_its_bound(self):
        peer = self.subscribed()
        peer.socket.settimeout(60)
        self.ask("next")
        sent, part = 0, b"x" * 65536
        with self.assertRaises(OSError):
            while sent < 64 << 20:
                peer.socket.sendall(part)
                sent += len(part)
        self.assertLess(sent, 10 << 20)  # 8 MiB is what the probes take; the rest is the kernel's
        told = self.told()
        self.assertEqual(told["type"], "disconnected")
        self.assertIn("longer than 8388608 bytes", told["reason"])
        peer.close()
        self.ask("next")
        peer = Peer(self.listener).greet()
        peer.answer(peer.expect("subscribe"), {"cursor": "a:10", "resumed": True})
        self.assertEqual(self.told()["type"], "subscribed")

    def test_what_has_another_shape_ends_a_connection_at_most(self):
        for line in ("x", "[]", "null", "1", '"x"', "{}", "[" * 100_000, '{"method":"event"}', '{"method":"event","params":1}',
                     '{"method":"event","params":[]}', '{"method":"lost","params":null}', '{"method":{},"params":{}}',
                     '{"method":"event","params":{}}', '{"id":[],"result":1}', '{"id":{},"error":1}', '{"id":null,"error":1}',
                     '{"id":%d,"error":1}', '{"id":%d,"error":null}', '{"id":%d,"error":{"code":[],"message":{}}}',
                     '{"id":%d,"error":{"code":-32000,"message":"m","data":1}}', '{"id":%d}'):
            with self.subTest(line=line[:40]), self.own_client():
                peer = self.subscribed()
                self.ask("call", "ping", {})
                number = peer.expect("ping")["id"]
                peer.socket.sendall(line.replace("%d", str(number)).encode() + b"\n")
                peer.socket.shutdown(socket.SHUT_WR)
                self.told()
                self.ask("call", "originate", {"endpoint": "e", "key": "k"})
                again = Peer(self.listener).greet()
                for _ in range(2):  # `subscribe` and `originate`
                    again.answer(again.request(), {"cursor": "a:10"})
                self.assertEqual(self.told(), {"cursor": "a:10"})
                peer.close()
                again.close()

    def test_what_can_not_be_sent_is_refused_at_once_and_nothing_is_sent(self):
        peer = self.connected()
        self.ask("kinds")
        wrong, right = self.told()
        for kind in wrong:
            with self.subTest(kind=kind):
                self.ask("wrong", kind)
                self.error("InvalidParams", "nothing was sent", "expected")
        for kind in right:  # and this is just good enough
            with self.subTest(kind=kind):
                self.ask("right", kind)
                request = peer.expect("anything")
                self.assertLess(request["id"], 10)  # or the longest would be longer
                peer.answer(request, kind)
                self.assertEqual(self.told(), kind)

    def test_the_longest_request_is_what_the_daemon_says(self):
        peer = self.connected(limits={"request_bytes": 200})
        self.ask("call", "anything", {"a": "x" * 200})
        self.error("InvalidParams", "200 bytes", "nothing was sent")
        self.ask("call", "ping", {})
        peer.answer(peer.expect("ping"), {})
        self.assertEqual(self.told(), {})

    def test_what_a_command_makes_gets_an_id_where_the_daemon_would_choose_one(self):
        methods = {method["name"]: method for method in OPENRPC["methods"]}
        chosen = {}
        for name, method in methods.items():  # ARI's operations
            if method.get("x-ari", {}).get("method") == "POST":
                chosen |= {name: id for id in ("channelId", "bridgeId", "playbackId", "snoopId")
                           if parameters(method).get(id) is False}
        for name, method in methods.items():  # and what is made of them
            id = chosen.get(method.get("x-made-of", [""])[0])
            if id and parameters(method)[id] is False:
                chosen[name] = id
        self.assertGreater(len(chosen), 8)
        peer, ids = self.connected(), set()
        for name in sorted(methods.keys() - {"hello", "subscribe", "unsubscribe"}):
            with self.subTest(name):
                self.ask("call", name, {"a": None})
                request = peer.expect(name)
                peer.answer(request, {})
                self.assertEqual(self.told(), {})
                self.assertEqual(request["params"].keys(), {"a", chosen[name]} if name in chosen else {"a"})
                if name in chosen:
                    self.assertRegex(request["params"][chosen[name]], r"^aribus-[0-9a-f]{16}$")
                    ids.add(request["params"][chosen[name]])
        self.assertEqual(len(ids), len(chosen))
        for params in ({"a": 1, "key": "k"}, {"a": 1, "channelId": "c"}, {"a": 1, "channelId": None}):
            self.ask("call", "originate", params)
            request = peer.expect("originate")
            peer.answer(request, {})
            self.assertEqual(self.told(), {})
            self.assertEqual(request["params"], params)

    def test_an_error_without_an_id_ends_the_command_of_its_line(self):
        peer = self.connected()
        self.ask("call", "ping", {}, 1)  # line 2
        peer.expect("ping")
        self.error("OutcomeUnknown")
        self.ask("call", "pong", {})
        peer.expect("pong")
        for line in (2, 4, 1):
            peer.send({"id": None, "error": {"code": -32700, "message": "of another", "data": {"line": line}}})
        peer.send({"id": None, "error": {"code": -32600, "message": "a line is too long", "data": {"line": 3}}})
        self.error("AribusError", "a line is too long")

    def test_an_error_without_an_id_and_a_line_ends_the_command_if_there_is_only_one(self):
        peer = self.connected()
        self.ask("call", "ping", {})
        peer.expect("ping")
        peer.send({"id": None, "error": {"code": -32700, "message": "no JSON"}})
        self.error("AribusError", "no JSON")
        self.ask("call", "ping", {}, 1)
        late = peer.expect("ping")
        self.error("OutcomeUnknown")
        self.ask("call", "pong", {})
        request = peer.expect("pong")
        peer.send({"id": None, "error": {"code": -32700, "message": "of one of two"}})
        peer.answer(late, {})
        peer.answer(request, 7)
        self.assertEqual(self.told(), 7)

    def test_an_error_without_an_id_is_the_reason_of_an_end_right_behind_it_alone(self):
        for code, records, words in ((-32004, 0, "too much"), (-32004, 1, "closed"), (-32600, 1, "closed")):
            with self.subTest(code=code, records=records), self.own_client():
                peer = self.subscribed()
                peer.send({"id": None, "error": {"code": code, "message": "too much"}})
                peer.records(11, 10 + records)
                peer.close()
                self.assertEqual([self.next()["type"] for _ in range(records)], ["X"] * records)
                told = self.next()
                self.assertEqual(told["type"], "disconnected")
                self.assertIn(words, told["reason"])

    def test_announcements_are_asked_for_where_there_are_some_and_are_no_records(self):
        peer = self.subscribed(features=["other", "announce"])
        peer.send({"method": "creating", "params": {"request": 3, "channelId": "c"}}, {"method": "new", "params": 7},
                  {"method": "new"})
        peer.records(11, 11)
        self.assertEqual(self.next()["seq"], 11)
        peer.close()
        self.ask("call", "ping", {"key": "k"})
        for features, announce in (["announce"], {"announce": True}), (["other"], {}):
            peer = Peer(self.listener).greet(features=features)
            self.assertEqual(peer.expect("subscribe")["params"], {"since": "a:11", **announce})
            request = peer.expect("ping")
            if announce:
                peer.close()
        peer.answer(request, {})
        self.assertEqual(self.told(), {})

    def test_what_the_daemon_says_of_itself_is_there(self):
        peer = self.connected(protocol=1, features=["announce"])
        self.ask("hello")
        told = self.told()
        self.assertEqual([told["aribus"], told["protocol"], told["features"]], ["0.1.0", 1, ["announce"]])
        self.ask("call", "hello", {})
        peer.answer(peer.expect("hello"), {"aribus": "another"})
        self.assertEqual(self.told(), {"aribus": "another"})
        self.ask("hello")
        self.assertEqual(self.told()["aribus"], "0.1.0")

    def behind(self, peer, last=6010):
        """More records came than may wait."""
        self.ask("call", "ping", {})
        request = peer.expect("ping")
        peer.records(11, last)
        peer.answer(request, {})
        self.assertEqual(self.told(), {})

    def read_until(self, kind):
        """The records up to an item of that type, and that item."""
        seen = []
        while (item := self.next())["type"] == "X":
            seen.append(item["seq"])
        self.assertEqual(item["type"], kind)
        return seen, item

    def test_unsubscribed_while_more_came_than_may_wait_it_stays_unsubscribed(self):
        peer = self.subscribed()
        self.behind(peer)
        self.ask("call", "unsubscribe", {})
        peer.answer(peer.expect("unsubscribe"), {"cursor": "a:6010"})
        end = int(self.told()["cursor"].removeprefix("a:"))
        self.assertLess(end, 6010)  # what is handed out ends there
        self.assertEqual([self.next()["seq"] for _ in range(11, end + 1)], list(range(11, end + 1)))
        self.assertTrue(peer.is_silent())
        peer.close()
        self.ask("call", "ping", {"key": "k"})
        peer = Peer(self.listener).greet()
        peer.answer(peer.expect("ping"), {})
        self.assertEqual(self.told(), {})

    def test_a_connection_that_breaks_while_more_came_than_may_wait_is_told_of_and_so_is_the_next(self):
        peer = self.subscribed()
        self.behind(peer)
        peer.close()
        self.ask("call", "ping", {"key": "k"})
        peer = Peer(self.listener).greet()
        request = peer.expect("subscribe")
        since = int(request["params"]["since"].removeprefix("a:"))
        peer.answer(request, {"cursor": f"a:{since}", "resumed": True})
        peer.answer(peer.expect("ping"), {})
        self.assertEqual(self.told(), {})
        seen, _ = self.read_until("disconnected")
        self.assertEqual(seen, list(range(11, since + 1)))
        self.assertEqual(self.next()["type"], "subscribed")

    def test_a_subscription_that_nobody_waited_for_counts_when_the_daemon_accepts_it(self):
        peer = self.subscribed({"types": ["X"]})
        self.ask("call", "subscribe", {"types": ["Y"]}, 1)
        request = peer.expect("subscribe")
        self.error("OutcomeUnknown", "subscribe")
        peer.answer(request, {"cursor": "a:20"})
        self.assertEqual(self.next(), {"type": "subscribed", "cursor": "a:20"})
        self.ask("call", "subscribe", {"types": ["Z"]}, 1)
        request = peer.expect("subscribe")
        self.error("OutcomeUnknown", "subscribe")
        peer.refuse(request, -32602, "no")
        peer.close()
        self.ask("call", "ping", {"key": "k"})
        peer = Peer(self.listener).greet()
        request = peer.expect("subscribe")
        self.assertEqual(request["params"], {"types": ["Y"], "since": "a:20"})
        peer.answer(peer.expect("ping"), {})
        self.assertEqual(self.told(), {})

    def test_subscribing_and_unsubscribing_by_name_is_the_same(self):
        peer = self.connected()
        self.ask("call", "subscribe", {"types": ["X"], "since": "a:3"})
        peer.answer(peer.expect("subscribe"), {"cursor": "a:3", "resumed": True})
        self.assertEqual(self.told()["cursor"], "a:3")
        self.assertEqual(self.next()["type"], "subscribed")
        peer.close()
        self.ask("call", "ping", {"key": "k"})
        peer = Peer(self.listener).greet()
        request = peer.expect("subscribe")
        self.assertEqual(request["params"], {"types": ["X"], "since": "a:3"})
        peer.answer(request, {"cursor": "a:3", "resumed": True})
        peer.answer(peer.expect("ping"), {})
        self.assertEqual(self.told(), {})
        self.ask("call", "unsubscribe", {})
        peer.answer(peer.expect("unsubscribe"), {"cursor": "a:4"})
        self.assertEqual(self.told(), {"cursor": "a:4"})
        peer.close()
        self.ask("call", "ping", {"key": "k"})
        peer = Peer(self.listener).greet()
        peer.answer(peer.expect("ping"), {})
        self.assertEqual(self.told(), {})

    def test_a_daemon_that_says_nothing_is_given_up(self):  # after 0.5 s, in the probes
        self.listen()
        self.start()
        self.error("NotConnected", "aribusd does not say who it is")
        self.tearDown(), self.setUp()
        self.listen()
        self.start(wait=1)
        silent = Peer(self.listener)
        self.error("NotConnected", "aribusd does not say who it is")
        silent.close()

    def test_a_later_connection_that_says_nothing_is_given_up_and_made_anew(self):
        peer = self.subscribed()
        peer.close()
        self.ask("call", "ping", {"key": "k"})
        silent = Peer(self.listener)
        peer = Peer(self.listener).greet()
        peer.answer(peer.expect("subscribe"), {"cursor": "a:10", "resumed": True})
        peer.answer(peer.expect("ping"), {})
        self.assertEqual(self.told(), {})
        self.assertEqual([self.next()["type"] for _ in range(3)], ["disconnected", "disconnected", "subscribed"])
        silent.close()

    def test_a_closed_client_ends_the_iteration(self):
        if language not in CONCURRENT:
            return
        peer = self.subscribed()
        peer.records(11, 13)
        self.ask("iterate")
        self.assertEqual(self.told(), 3)
        self.ask("next")
        self.error("NotConnected", "closed")

    def test_a_closed_client_waits_for_nothing(self):
        if language == "cpp":
            return
        self.subscribed()
        self.ask("close")
        self.assertIsNone(self.told())
        for what in (["subscribe"], ["call", "unsubscribe"], ["call", "ping", {"key": "k"}], ["call", "ping", {}]):
            self.ask(*what)
            self.error("NotConnected", "was not sent")

    def test_what_is_there_is_read_without_waiting(self):
        if language in CONCURRENT:
            return
        peer = self.subscribed()
        self.ask("next", 0)
        self.assertIsNone(self.told())
        peer.records(11, 11, pad="x" * 100_000)  # it needs several reads
        for _ in range(2 if language == "cpp" else 1):
            self.ask("next", 0)
            told = self.told()
        self.assertEqual(told["seq"], 11)

    def test_others_go_on_while_much_is_read(self):
        if language not in CONCURRENT:
            return
        peer = self.subscribed()
        self.ask("turns")
        request = peer.expect("ping")
        peer.records(11, 20_010, pad="x" * 200)
        peer.answer(request, {})
        pieces, without_a_turn = self.told()
        self.assertGreater(pieces, 20)
        self.assertEqual(without_a_turn, 0)

    def test_an_answer_of_another_shape_is_no_subscription(self):
        for result in (1, None, [], "x"):
            with self.subTest(result=result), self.own_client():
                peer = self.connected()
                self.ask("subscribe")
                peer.answer(peer.expect("subscribe"), result)
                self.error("AribusError", "unexpected")
                self.ask("call", "ping", {})
                peer.answer(peer.expect("ping"), {})
                self.assertEqual(self.told(), {})
                peer.close()

    def test_what_a_subscription_can_not_match_is_shown_once_and_is_in_the_item(self):
        self.errors = open(self.folder.name + "/errors", "w+")
        peer = self.connected()
        self.ask("subscribe", {"types": ["Stasisstart"]})
        answer = {"cursor": "a:1", "warnings": ["types: 'Stasisstart' is no known type"]}
        peer.answer(peer.expect("subscribe"), answer)
        self.assertIsNone(self.told())
        self.assertEqual(self.next(), {"type": "subscribed", **answer})
        peer.close()
        self.ask("call", "ping", {"key": "k"})
        peer = Peer(self.listener).greet()
        peer.answer(peer.expect("subscribe"), {**answer, "resumed": True})
        peer.answer(peer.expect("ping"), {})
        self.assertEqual(self.told(), {})
        for warnings in (7, None, {}, [7]):
            self.ask("subscribe", {})
            peer.answer(peer.expect("subscribe"), {"cursor": "a:1", "warnings": warnings})
            self.told()
        self.probe.stdin.close()
        self.probe.wait()
        with open(self.errors.name) as file:
            shown = file.read()
        # C++ has no place of its own for it.
        self.assertEqual(shown.count("subscribe: types: 'Stasisstart' is no known type"), 0 if language == "cpp" else 1, shown)


if __name__ == "__main__":
    language = sys.argv.pop(1)
    probe_of_language = PROBES[language]
    unittest.main()
