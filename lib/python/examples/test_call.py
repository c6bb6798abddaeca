"""A call without a telephone: it calls an extension of the dialplan, presses digits, and waits until the other end hangs up.

Usage: test_call.py EXTENSION@CONTEXT [DIGITS]      as in: test_call.py 100@default 1
"""
import asyncio
import sys

import aribus

WHERE, DIGITS = sys.argv[1], sys.argv[2] if sys.argv[2:] else ""


async def main():
    async with aribus.Client() as client:
        try:
            # One half of a Local channel enters the dialplan like a telephone's call; this program gets the other half.
            async with await client.originate(f"Local/{WHERE}/n", timeout=20, caller_id="Test <555>") as phone:
                print("answered", flush=True)
                for digit in DIGITS:
                    await asyncio.sleep(1)
                    await phone.dtmf(digit)
                    print("pressed", digit, flush=True)
                await phone.gone()
                print("hung up by the other end", flush=True)
        except aribus.CallFailed as error:
            sys.exit(str(error))


asyncio.run(main())
