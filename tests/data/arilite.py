"""A small ARI client for the recorder and for the comparison of the simulator with the real thing.

Standard library only, one thread for the WebSocket. Not a model of how to talk to ARI: that is lib/ari.
"""
import base64
import json
import os
import socket
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse

USER, PASSWORD = "aribus", "aribus-test-secret"


def authorization():
    return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Answer:
    """One HTTP answer: status (int), reason, headers (dict, lower-case names), body (bytes)."""

    def __init__(self, status, reason, headers, body):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body

    def json(self):
        return json.loads(self.body) if self.body else None


class Rest:
    """One keep-alive connection to http://host:port, opened when needed and again after it was closed."""

    def __init__(self, base, timeout=20):
        parts = urllib.parse.urlsplit(base)
        self.address, self.timeout = (parts.hostname, parts.port or 80), timeout
        self.sock = self.file = None

    def raw(self, data):
        """Sends `data` as it is and reads one answer."""
        if not self.sock:
            self.sock = socket.create_connection(self.address, self.timeout)
            self.file = self.sock.makefile("rb")
        self.sock.sendall(data)
        status_line = self.file.readline().decode("latin-1").strip()
        if not status_line:
            self.close()
            raise ConnectionError("closed without an answer")
        _, status, reason = (status_line + " ").split(" ", 2)
        headers = {}
        while True:
            line = self.file.readline().decode("latin-1").strip()
            if not line:
                break
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        body = self.file.read(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(int(status), reason.strip(), headers, body)

    def call(self, method, target, body=None, headers=None, auth=True):
        """`body`: None, bytes, or something to send as JSON."""
        lines = {"Host": f"{self.address[0]}:{self.address[1]}"}
        if auth:
            lines["Authorization"] = authorization()
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            lines["Content-Type"] = "application/json"
        if body is not None:
            lines["Content-Length"] = str(len(body))
        lines.update(headers or {})
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n"
        data = head.encode() + (body or b"")
        fresh = self.sock is None
        try:
            return self.raw(data)
        except (ConnectionError, OSError):
            self.close()
            if fresh:
                raise
            return self.raw(data)

    def close(self):
        if self.sock:
            self.file.close()
            self.sock.close()
        self.sock = self.file = None


class Events:
    """A WebSocket to /ari/events that collects every text as it came, with the time of its arrival."""

    def __init__(self, base, app, subscribe_all=False):
        parts = urllib.parse.urlsplit(base)
        self.sock = socket.create_connection((parts.hostname, parts.port or 80), 10)
        target = f"/ari/events?app={app}" + ("&subscribeAll=true" if subscribe_all else "")
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall((f"GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                           f"Sec-WebSocket-Protocol: ari\r\nAuthorization: {authorization()}\r\n\r\n").encode())
        self.file = self.sock.makefile("rb")
        self.handshake = b""
        while not self.handshake.endswith(b"\r\n\r\n"):
            line = self.file.readline()
            if not line:
                raise ConnectionError(self.handshake.decode())
            self.handshake += line
        if b" 101 " not in self.handshake.split(b"\r\n")[0]:
            raise ConnectionError(self.handshake.decode())
        self.sock.settimeout(None)
        self.texts, self.closed, self.last = [], None, time.monotonic()
        self.changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        text = b""
        try:
            while True:
                first, second = self.file.read(2)
                length = second & 127
                if length == 126:
                    length, = struct.unpack(">H", self.file.read(2))
                elif length == 127:
                    length, = struct.unpack(">Q", self.file.read(8))
                payload = self.file.read(length)
                opcode = first & 15
                if opcode == 9:
                    self.send(10, payload)
                elif opcode == 8:
                    self._close(payload)
                    return
                elif opcode in (0, 1):
                    text += payload
                    if first & 128:
                        with self.changed:
                            self.texts.append(text)
                            self.last = time.monotonic()
                            self.changed.notify_all()
                        text = b""
        except (ValueError, OSError, struct.error):
            self._close(None)

    def _close(self, payload):
        with self.changed:
            self.closed = payload if payload is not None else b"eof"
            self.changed.notify_all()

    def send(self, opcode, payload=b""):
        mask = os.urandom(4)
        head = bytes([0x80 | opcode])
        head += bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
        self.sock.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def wait(self, condition, seconds=5):
        """Waits until some event from now on or before fulfils `condition`; the event, or None in the end."""
        end, seen = time.monotonic() + seconds, 0
        with self.changed:
            while True:
                while seen < len(self.texts):
                    event = json.loads(self.texts[seen])
                    seen += 1
                    if condition(event):
                        return event
                left = end - time.monotonic()
                if left <= 0 or self.closed is not None:
                    return None
                self.changed.wait(left)

    def settle(self, quiet=0.25, at_most=6):
        """Waits until nothing has come for `quiet` seconds."""
        end = time.monotonic() + at_most
        start = time.monotonic()
        while time.monotonic() < end and time.monotonic() - max(self.last, start) < quiet:
            time.sleep(0.02)

    def take(self):
        """The events so far, parsed, and forgets them."""
        with self.changed:
            texts, self.texts = self.texts, []
        return [json.loads(text) for text in texts]

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


class Caller:
    """A SIP call by sipp to sip:`service`@`sip`; the caller leaves after `hold_ms` unless it is hung up before."""

    def __init__(self, sip, service, hold_ms=60000):
        self.folder = tempfile.TemporaryDirectory()
        path = os.path.join(self.folder.name, "caller.xml")
        with open(path, "w") as file:
            file.write(SCENARIO.replace("@HOLD@", str(hold_ms)))
        self.process = subprocess.Popen(
            ["sipp", "-sf", path, "-s", service, sip, "-m", "1", "-i", "127.0.0.1", "-nostdin"],
            cwd=self.folder.name, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self, seconds=5):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()


SCENARIO = """<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="a caller">
  <send retrans="500"><![CDATA[
    INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
    From: "Alice" <sip:100@[local_ip]:[local_port]>;tag=[call_number]
    To: <sip:[service]@[remote_ip]:[remote_port]>
    Call-ID: [call_id]
    CSeq: 1 INVITE
    Contact: <sip:100@[local_ip]:[local_port]>
    Max-Forwards: 70
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=- 1 1 IN IP4 [local_ip]
    s=-
    c=IN IP4 [media_ip]
    t=0 0
    m=audio [media_port] RTP/AVP 0 101
    a=rtpmap:0 PCMU/8000
    a=rtpmap:101 telephone-event/8000
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="603" optional="true" next="refused"/>
  <recv response="486" optional="true" next="refused"/>
  <recv response="480" optional="true" next="refused"/>
  <recv response="200" rrs="true"/>
  <send><![CDATA[
    ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
    From: "Alice" <sip:100@[local_ip]:[local_port]>;tag=[call_number]
    [last_To:]
    Call-ID: [call_id]
    CSeq: 1 ACK
    Max-Forwards: 70
    Content-Length: 0
  ]]></send>
  <recv request="BYE" timeout="@HOLD@" ontimeout="leave"/>
  <send next="end"><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0
  ]]></send>
  <label id="leave"/>
  <send retrans="500"><![CDATA[
    BYE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
    From: "Alice" <sip:100@[local_ip]:[local_port]>;tag=[call_number]
    [last_To:]
    Call-ID: [call_id]
    CSeq: 2 BYE
    Max-Forwards: 70
    Content-Length: 0
  ]]></send>
  <recv response="200" next="end"/>
  <label id="refused"/>
  <send><![CDATA[
    ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
    From: "Alice" <sip:100@[local_ip]:[local_port]>;tag=[call_number]
    [last_To:]
    Call-ID: [call_id]
    CSeq: 1 ACK
    Max-Forwards: 70
    Content-Length: 0
  ]]></send>
  <label id="end"/>
  <pause milliseconds="10"/>
</scenario>
"""
