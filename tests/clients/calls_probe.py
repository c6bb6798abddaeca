"""Serves calls with the Python client, each as its first argument says, and prints what comes of it: for calls_test.py.
asyncio, or blocking with the argument `blocking`."""
import asyncio
import json
import sys

import aribus


async def act(client, call):
    what = call.args[0]
    if what == "play":
        return await call.play("sound:x", terminate_on=call.args[1] if call.args[1:] else "none")
    if what == "type ahead":
        await call.play("sound:x")
        return [await call.play("sound:y", terminate_on="2"), await call.digit(0), await call.digit(0)]
    if what == "digit":
        return await call.digit()
    if what == "digits":
        return await call.digits(5)
    if what == "record":
        return (await call.record("message"))["state"]
    if what == "originate":
        leg = await client.originate("PJSIP/1", caller_id="Somebody with a long name <100>", originator=call)
        print(json.dumps([call.id, "answered"]), flush=True)
        return await leg.play("sound:x")
    if what == "bridge":
        bridge = await client.bridge(call)
        return (await bridge.left()).id
    if what == "hand over":
        return await call.continue_in_dialplan("default")
    if what == "get":
        return await call.get("X")
    if what == "answer":
        return await call.answer()
    if what == "subscribe":
        return await client.subscribe({})
    if what == "fail":
        raise ValueError("on purpose")
    return await call.gone()


def tell(call, result):
    print(json.dumps([call.id, result]), flush=True)


async def main():
    async with aribus.Client(wait=10) as client:
        async def handler(call):
            try:
                tell(call, await act(client, call))
            except (aribus.AribusError, RuntimeError) as error:
                tell(call, type(error).__name__ + (f" {error.outcome} {error.cause}" if hasattr(error, "outcome") else ""))
                raise
        try:
            await client.serve("demo", handler, args=[] if "filtered" not in sys.argv else ["wanted"])
        except aribus.AribusError as error:
            print(json.dumps(type(error).__name__), flush=True)


class Blocking:
    """What blocks, as if it were awaited: so that the same calls can be made."""

    def __init__(self, of):
        self._of = of

    def __getattr__(self, name):
        found = getattr(self._of, name)
        if not callable(found):
            return found

        async def run(*arguments, **named):
            plain = lambda value: value._of if isinstance(value, Blocking) else value  # noqa: E731
            result = found(*map(plain, arguments), **{key: plain(value) for key, value in named.items()})
            return Blocking(result) if isinstance(result, (aribus.blocking.Channel, aribus.blocking.Bridge)) else result
        return run


def blocking():
    with aribus.blocking.Client(wait=10) as client:
        def handler(call):
            try:
                tell(call, asyncio.run(act(Blocking(client), Blocking(call))))
            except (aribus.AribusError, RuntimeError) as error:
                tell(call, type(error).__name__ + (f" {error.outcome} {error.cause}" if hasattr(error, "outcome") else ""))
                raise
        try:
            client.serve("demo", handler, args=[] if "filtered" not in sys.argv else ["wanted"])
        except aribus.AribusError as error:
            print(json.dumps(type(error).__name__), flush=True)


blocking() if "blocking" in sys.argv else asyncio.run(main())
