"""Answers each call, says hello, and hangs up."""
import asyncio

import aribus


async def main():
    async with aribus.Client() as client:
        await client.subscribe({"types": ["StasisStart"]})
        async for item in client:
            if item["type"] != "StasisStart":
                continue
            caller = item["channel"]
            print(caller["caller"]["number"], "calls", flush=True)
            try:
                await client.call("channels.answer", {"channelId": caller["id"]})
                await client.call("play", {"channelId": caller["id"], "media": "sound:hello-world", "wait": True})
                await client.call("hangup", {"channelId": caller["id"]})
            except aribus.Refused as error:  # the caller has gone
                print(error, flush=True)


asyncio.run(main())
