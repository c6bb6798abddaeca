#!/usr/bin/env python3
"""What the clients take for the daemon's limits are its limits: the largest requests that they send are read, and larger
ones are not.

Usage: limits_test.py LANGUAGE      python, node, cpp
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import types
import unittest

from client_test import PROBES
from stage import SOURCE, Daemon

language = ""


class LimitsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.daemon = Daemon(self.folder.name, types.SimpleNamespace(url="http://127.0.0.1:1"), "demo", bus_path=False)

    def tearDown(self):
        self.daemon.stop()
        self.folder.cleanup()

    def test_the_largest_requests_are_read(self):
        environment = {**os.environ, "ARIBUS_SOCKET": self.daemon.socket, "PYTHONPATH": str(SOURCE / "lib/python")}
        with subprocess.Popen(PROBES[language], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as probe:
            def ask(*what):
                probe.stdin.write(json.dumps(what) + "\n")
                probe.stdin.flush()
                return json.loads(probe.stdout.readline())
            self.assertIsNone(json.loads(probe.stdout.readline()))
            for kind in ask("kinds")[1]:
                with self.subTest(kind=kind):
                    self.assertIn("no method 'anything'", ask("right", kind)["message"])
            probe.stdin.close()

    def test_larger_ones_are_not(self):
        nested = "[" * 63 + "]" * 63
        rest = len('{"jsonrpc":"2.0","id":1,"method":"anything","params":{"a":""}}')
        for value, words in ((nested, "64 levels"), (json.dumps([0] * 16374), "16384 values"), ("1" + "0" * 308, "double"),
                             (json.dumps("x" * (1024 * 1024 + 1 - rest)), "1048576 bytes")):
            with self.subTest(words), socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(30)
                peer.connect(self.daemon.socket)
                peer.sendall(b'{"jsonrpc":"2.0","id":1,"method":"anything","params":{"a":%s}}\n' % value.encode())
                error = json.loads(peer.makefile("rb").readline())["error"]
                self.assertIn(error["code"], (-32700, -32600))
                self.assertIn(words, error["message"])


if __name__ == "__main__":
    language = sys.argv.pop(1)
    unittest.main()
