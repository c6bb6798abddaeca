"""A client of aribusd: `Client` for asyncio, `blocking.Client` for programs that block."""
from . import blocking
from ._request import new_id
from .channel import Bridge, Channel
from .client import Client
from .errors import (AribusError, BridgeGone, CallFailed, ChannelGone, InvalidParams, NotAllowed, NotConnected, NotOwner,
                     OutcomeUnknown, PlaybackFailed, RecordingFailed, Refused, TooMuch, TooOld)
from .group import Group, GroupCall

__all__ = ["AribusError", "Bridge", "BridgeGone", "CallFailed", "Channel", "ChannelGone", "Client", "Group", "GroupCall",
           "InvalidParams", "NotAllowed", "NotConnected", "NotOwner", "OutcomeUnknown", "PlaybackFailed", "RecordingFailed",
           "Refused", "TooMuch", "TooOld", "blocking", "new_id"]
__version__ = "0.1.0"
