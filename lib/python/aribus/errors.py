"""The errors of commands; see docs/protocol.md, "Errors"."""
from __future__ import annotations

import errno
from typing import Any


class AribusError(Exception):
    """A command failed.

    code: the JSON-RPC error code; 0 for errors of this library. message: a human-readable sentence. data: details for
    programs; may be empty.
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
    """Asterisk answered with an error."""

    code = -32000

    @property
    def status(self) -> int:
        """The HTTP status, such as 404."""
        return int(self.data.get("status", 0))


class NotConnected(AribusError):
    """Nothing was sent: there is no connection to aribusd, or none to the Asterisk (then `data` has `server`)."""

    code = -32001


class OutcomeUnknown(AribusError):
    """The command was sent, but no answer came from Asterisk or aribusd: it may or may not have been carried out."""

    code = -32002


class NotAllowed(AribusError):
    """The daemon's access rule does not allow this program to do it."""

    code = -32003


class TooMuch(AribusError):
    """A limit was reached; nothing was sent."""

    code = -32004


class TooOld(AribusError):
    """This Asterisk is too old for the command; nothing was sent."""

    code = -32005


class NotOwner(AribusError):
    """The call, or the bridge, belongs to another member of its group, or the call has another epoch by now; nothing was sent.

    owner: the name of the member that it belongs to, "" for none. epoch: that of the call now. `data` also has the `group`, and
    the `call` or the `bridge`.
    """

    code = -32006

    @property
    def owner(self) -> str:
        return str(self.data.get("owner", ""))

    @property
    def epoch(self) -> int:
        return int(self.data.get("epoch", 0))


class ChannelGone(AribusError):
    """The channel has left the application or ended, and can't be controlled any more. `data` has its `channelId`."""

    code = 0


class BridgeGone(AribusError):
    """The bridge was destroyed. `data` has its `bridgeId`."""

    code = 0


class PlaybackFailed(AribusError):
    """The media was not played, or not to the end, for example because a sound does not exist. `data` is ARI's playback."""

    code = 0


class RecordingFailed(AribusError):
    """Nothing was recorded. `data` is ARI's recording; its `cause`, if present, says why."""

    code = 0


class CallFailed(AribusError):
    """An originated call was not answered.

    outcome: `busy`, `no_answer`, `refused`, `cancelled` or `failed`; see docs/protocol.md, "Waiting". cause: the Q.850 cause
    code, 0 when unknown. `data` is the daemon's answer.
    """

    code = 0

    @property
    def outcome(self) -> str:
        return str(self.data.get("outcome", "failed"))

    @property
    def cause(self) -> int:
        return int(self.data.get("cause", 0))


_KINDS = {kind.code: kind for kind in (InvalidParams, Refused, NotConnected, OutcomeUnknown, NotAllowed, TooMuch, TooOld,
                                       NotOwner)}


def error_of(error: Any) -> AribusError:
    """The exception for an answer's `error`."""
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return AribusError("aribusd answered something unexpected")
    code, data = error.get("code"), error.get("data")
    code = code if isinstance(code, int) else AribusError.code
    return _KINDS.get(code, AribusError)(error["message"], data if isinstance(data, dict) else None, code)


def cannot_connect(path: str, reason: OSError) -> NotConnected:
    """Why connecting to `path` failed, with the cure if it is known."""
    cures = {errno.ENOENT: " (is aribusd running?)", errno.ECONNREFUSED: " (is aribusd running?)",
             errno.EACCES: " (is this user in the socket's group?)"}
    return NotConnected(f"connecting to {path}: {reason.strerror or reason}{cures.get(reason.errno or 0, '')}")
