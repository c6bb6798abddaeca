"""Answers each call, says hello, and hangs up, without asyncio.

Usage: hello_blocking.py APP      as in: hello_blocking.py aribus
"""
import sys

import aribus


def hello(caller):
    print(caller.number, "calls", flush=True)
    caller.answer()
    caller.play("sound:hello-world")


with aribus.blocking.Client() as client:
    client.serve(sys.argv[1], hello)
