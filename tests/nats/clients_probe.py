#!/usr/bin/env python3
"""aribus.nats for Python in the hands of a test: reads records or sends a command, and prints lines of JSON.

clients_probe.py URL read NAME PBX[,PBX…] [OPTIONS]   each record; OPTIONS are Records' own; `hold`: stays with the
                                                     record of that cursor; `close`: closes the connection at it; `count`:
                                                     closes Records at the record of that number
clients_probe.py URL call RULE PBX METHOD [PARAMS] [SECONDS]
"""
import asyncio
import json
import sys

import aribus.nats
import nats


def say(**what):
    print("\n" + json.dumps(what), flush=True)  # a kill may have cut the line before


async def told(error):
    say(nats=str(error))


async def main(url, what, name, pbx, *rest):
    connection = await nats.connect(url, reconnect_time_wait=0.2, max_reconnect_attempts=-1, error_cb=told,
                                    inbox_prefix=f"_INBOX_{name}")
    try:
        if what == "call":
            commands, (method, *more) = aribus.nats.Commands(connection, name), rest
            params = json.loads(more[0]) if more else {}
            timeout = float(more[1]) if len(more) > 1 else 30.0
            if pbx == "any":
                answer = await commands.call_any(method, params, timeout)
                say(pbx=answer.pbx, result=answer.result)
            else:
                say(result=await commands.call(pbx, method, params, timeout))
        else:
            options = json.loads(rest[0]) if rest else {}
            hold, count, close = (options.pop(name, None) for name in ("hold", "count", "close"))
            async with aribus.nats.Records(connection, name, pbx.split(","), **options) as records:
                say(opened=True)
                async for where, item, cursor in records:
                    say(pbx=where, item=item, cursor=cursor)
                    if cursor == hold:
                        await asyncio.sleep(3600)
                    if cursor == close:
                        await connection.close()
                    count = count and count - 1
                    if count == 0:
                        await records.close()
        await connection.close()
    except aribus.AribusError as error:
        say(error=type(error).__name__, code=error.code, message=error.message)


asyncio.run(main(*sys.argv[1:]))
