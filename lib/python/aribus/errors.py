"""How commands fail: as docs/protocol.md says, under "Errors"."""
from __future__ import annotations

import errno
from typing import Any


class AribusError(Exception):
    """What the daemon answered instead of a result.

    code: JSON-RPC's number of the error; 0 where the library itself found it. message: a sentence for people. data: facts for programs, maybe none.
    """

    code = -32603

    def __init__(self, message: str, data: dict[str, Any] | None = None, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.data: dict[str, Any] = data or {}
        if code is not None:
            self.code = code


class InvalidParams(AribusError):
    """A parameter is missing, unknown or wrong; nothing was sent to Asterisk."""

    code = -32602


class Refused(AribusError):
    """Asterisk answered, and refused."""

    code = -32000

    @property
    def status(self) -> int:
        """The status of HTTP, as 404."""
        return int(self.data.get("status", 0))


class NotConnected(AribusError):
    """Nothing was sent: there is no connection to aribusd, or (then `data` has `server`) none to that Asterisk."""

    code = -32001


class OutcomeUnknown(AribusError):
    """It was sent and no answer came, from Asterisk or from aribusd: it may have been done or not."""

    code = -32002


class NotAllowed(AribusError):
    """A rule of the daemon forbids it to this program."""

    code = -32003


class TooMuch(AribusError):
    """A bound was reached; nothing was sent."""

    code = -32004


class TooOld(AribusError):
    """This Asterisk is too old for it; nothing was sent."""

    code = -32005


class ChannelGone(AribusError):
    """The channel has left the application, or ended: it can't be controlled any more. `data` has its `channelId`."""

    code = 0


class BridgeGone(AribusError):
    """The bridge was destroyed. `data` has its `bridgeId`."""

    code = 0


class PlaybackFailed(AribusError):
    """Nothing was played, or not all of it: there is no such sound, say. `data` is the playback, as ARI shows it."""

    code = 0


class RecordingFailed(AribusError):
    """Nothing was recorded. `data` is the recording, as ARI shows it; its `cause`, where it is there, says why."""

    code = 0


class CallFailed(AribusError):
    """A call that was originated was not answered.

    outcome: `busy`, `no_answer`, `refused`, `cancelled` or `failed`: docs/protocol.md, "Waiting". cause: Q.850's number of
    the reason, 0 when it is not known. `data` is what the daemon answered.
    """

    code = 0

    @property
    def outcome(self) -> str:
        return str(self.data.get("outcome", "failed"))

    @property
    def cause(self) -> int:
        return int(self.data.get("cause", 0))


_KINDS = {kind.code: kind for kind in (InvalidParams, Refused, NotConnected, OutcomeUnknown, NotAllowed, TooMuch, TooOld)}


def error_of(error: Any) -> AribusError:
    """The exception for the `error` of an answer."""
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return AribusError("aribusd answered something unexpected")
    code, data = error.get("code"), error.get("data")
    code = code if isinstance(code, int) else AribusError.code
    return _KINDS.get(code, AribusError)(error["message"], data if isinstance(data, dict) else None, code)


def cannot_connect(path: str, reason: OSError) -> NotConnected:
    """Why there is no connection to `path`, and the cure where it is known."""
    cures = {errno.ENOENT: " (is aribusd running?)", errno.ECONNREFUSED: " (is aribusd running?)",
             errno.EACCES: " (is this user in the socket's group?)"}
    return NotConnected(f"connecting to {path}: {reason.strerror or reason}{cures.get(reason.errno or 0, '')}")
