"""Answers each call, says hello, and hangs up, without asyncio."""
import aribus

with aribus.blocking.Client() as client:
    client.subscribe({"types": ["StasisStart"]})
    for item in client:
        if item["type"] != "StasisStart":
            continue
        caller = item["channel"]
        print(caller["caller"]["number"], "calls", flush=True)
        try:
            client.call("channels.answer", {"channelId": caller["id"]})
            client.call("play", {"channelId": caller["id"], "media": "sound:hello-world", "wait": True})
            client.call("hangup", {"channelId": caller["id"]})
        except aribus.Refused as error:  # the caller has gone
            print(error, flush=True)
