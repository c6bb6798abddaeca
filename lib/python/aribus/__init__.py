"""A client of aribusd: `Client` for asyncio, `blocking.Client` for programs that block."""
from . import blocking
from ._request import new_id
from .client import Client
from .errors import (AribusError, InvalidParams, NotAllowed, NotConnected, OutcomeUnknown, Refused, TooMuch, TooOld)

__all__ = ["AribusError", "Client", "InvalidParams", "NotAllowed", "NotConnected", "OutcomeUnknown", "Refused",
           "TooMuch", "TooOld", "blocking", "new_id"]
__version__ = "0.1.0"
