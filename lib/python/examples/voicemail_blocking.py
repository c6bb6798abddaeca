"""Voicemail, without asyncio: calls the owner, who accepts the call by pressing 1; otherwise the caller leaves a message.

Usage: voicemail_blocking.py APP ENDPOINT [SECONDS]      as in: voicemail_blocking.py aribus PJSIP/100 20
"""
import sys

import aribus

APP, OWNER, SECONDS = sys.argv[1], sys.argv[2], int(sys.argv[3] if sys.argv[3:] else 20)
ASK = ["sound:priv-callpending", "sound:vm-press", "digits:1"]


def voicemail(caller):
    try:
        owner = client.originate(OWNER, timeout=SECONDS, originator=caller)
        if (owner.play(ASK, terminate_on="any") or owner.digit(5)) == "1":
            caller.answer()
            with client.bridge(caller, owner) as bridge:
                print("talking", caller.id, flush=True)
                return bridge.left()
        owner.hangup()
    except aribus.CallFailed as error:
        print(error.outcome, caller.id, flush=True)
    except aribus.ChannelGone:  # the owner has hung up; if the caller has, too, the next line raises it
        print("gone", caller.id, flush=True)
    caller.answer()
    caller.play("sound:vm-intro")
    message = caller.record(caller.id, beep=True, terminate_on="#", max_silence_seconds=10)
    print("message", caller.id, flush=True)
    caller.play([f"recording:{message['name']}", "sound:vm-goodbye"])


with aribus.blocking.Client(wait=60) as client:
    client.serve(APP, voicemail)
