"""A client of aribusd: `Client` for asyncio, `blocking.Client` for programs that block."""
from . import blocking
from .client import Client
from .errors import (AribusError, InvalidParams, NotAllowed, NotConnected, OutcomeUnknown, Refused, TooMuch, TooOld)

__all__ = ["AribusError", "Client", "InvalidParams", "NotAllowed", "NotConnected", "OutcomeUnknown", "Refused",
           "TooMuch", "TooOld", "blocking"]
__version__ = "0.1.0"
