"""Members of worker groups, and an observer of the whole log, by the protocol alone."""
import asyncio
import itertools
import json
import time


class Connection:
    """A program on aribusd's socket. `on_line` gets every notification."""

    def __init__(self):
        self.numbers = itertools.count(1)
        self.waiting = {}
        self.closed = asyncio.Event()
        self.why_closed = None

    async def open(self, path):
        self.reader, self.writer = await asyncio.open_unix_connection(path, limit=64 << 20)
        self.reading = asyncio.create_task(self.read())
        return self

    async def read(self):
        try:
            while line := await self.reader.readline():
                message = json.loads(line)
                if "method" in message:
                    self.on_notification(message["method"], message["params"])
                elif message.get("id") in self.waiting:
                    self.waiting.pop(message["id"]).set_result(message)
                else:
                    self.why_closed = message.get("error")
        except (ConnectionError, asyncio.CancelledError):
            pass
        for answer in self.waiting.values():
            answer.cancel()
        self.closed.set()

    def on_notification(self, method, params):
        pass

    def send(self, method, **params):
        """Sends a request; the future gets the answer, with `result` or `error`."""
        number = next(self.numbers)
        answer = self.waiting[number] = asyncio.get_running_loop().create_future()
        self.writer.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n")
        return answer

    async def call(self, method, **params):
        answer = await self.send(method, **params)
        assert "error" not in answer, f"{method} {params}: {answer['error']}"
        return answer["result"]

    async def refused(self, method, **params):
        """The error of a request that must be refused."""
        answer = await self.send(method, **params)
        assert "error" in answer, f"{method} {params}: {answer}"
        return answer["error"]

    async def close(self):
        self.writer.close()
        self.reading.cancel()
        await asyncio.gather(self.reading, return_exceptions=True)


class Member(Connection):
    """Accepts what it is offered by a command, unless `accepts` says otherwise."""

    def __init__(self, accepts=True):
        super().__init__()
        self.accepts = accepts
        self.calls = {}  # that it owns: the last `assigned`, by call
        self.told = []  # (kind, params) in order: assigned, released, left, lost, event
        self.cursor = None
        self.name = None
        self.changed = asyncio.Event()

    async def join(self, path, group, **params):
        if not hasattr(self, "reader"):
            await self.open(path)
        result = await self.call("subscribe", group=group, **params)
        self.name, self.group = result["member"], group
        self.stream = result["cursor"].rpartition(":")[0]
        return self

    def on_notification(self, method, params):
        self.told.append((method, params))
        if method == "assigned":
            self.calls[params["call"]] = params
            if self.accepts:
                self.send("group.accept", call=params["call"], epoch=params["epoch"])
        elif method == "released":
            self.calls.pop(params["call"], None)
        if "seq" in params:
            self.cursor = f"{self.stream}:{params['seq']}" if hasattr(self, "stream") else None
        self.changed.set()

    def of(self, kind):
        return [params for told, params in self.told if told == kind]

    async def until(self, what, condition, seconds=30):
        """Waits until `condition()` holds, which is looked at whenever it is told something."""
        end = time.monotonic() + seconds
        while not condition():
            left = end - time.monotonic()
            assert left > 0, f"{self.name}: not within {seconds} s: {what}; told: {self.told[-5:]}"
            self.changed.clear()
            try:
                await asyncio.wait_for(self.changed.wait(), min(left, 0.5))
            except asyncio.TimeoutError:
                pass


class Observer(Connection):
    """Sees the whole log, and finds out from it who owned which call when."""

    def __init__(self):
        super().__init__()
        self.records = []
        self.owner = {}  # by group and call: member and epoch
        self.epochs = {}  # the latest
        self.fates = {}  # by call: accepted, fallback, ended, left …
        self.changed = asyncio.Event()

    async def watch(self, path, **params):
        """params: of `subscribe`."""
        await self.open(path)
        self.stream = (await self.call("subscribe", **params))["cursor"].rpartition(":")[0]
        return self

    @property
    def cursor(self):
        return f"{self.stream}:{self.records[-1]['seq']}"

    def on_notification(self, method, record):
        assert method == "event", f"{method}: {record}"
        record["seen"] = time.time()
        self.records.append(record)
        kind = record["type"]
        if kind.startswith("group."):
            self.take(record)
        self.changed.set()

    def take(self, record):
        """Never two owners, and epochs that grow."""
        key = record["group"], record["call"]
        if record["type"] == "group.assigned":
            assert key not in self.owner, f"two owners: {self.owner[key]} and {record}"
            assert record["epoch"] > self.epochs.get(key, 0) or record["reason"] == "held", record
            self.owner[key] = record["member"], record["epoch"]
            self.epochs[key] = record["epoch"]
        elif record["type"] == "group.accepted":
            assert self.owner.get(key) == (record["member"], record["epoch"]), record
            self.fates.setdefault(record["call"], []).append("accepted")
        else:
            owner = self.owner.pop(key, None)
            assert (owner[0] if owner else "") == record["member"], f"{owner}: {record}"
            self.fates.setdefault(record["call"], []).append(record["reason"])

    def of(self, kind, **members):
        return [r for r in self.records if r["type"] == kind and all(r.get(n) == v for n, v in members.items())]

    async def until(self, what, condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            left = end - time.monotonic()
            assert left > 0, f"not within {seconds} s: {what() if callable(what) else what}; the last records: {self.records[-4:]}"
            self.changed.clear()
            try:
                await asyncio.wait_for(self.changed.wait(), min(left, 0.5))
            except asyncio.TimeoutError:
                pass
