"""The state of a client's subscription and the requests that it needs: docs/clients.md, "The subscription"."""
from __future__ import annotations

import enum
import json
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .errors import AribusError

if TYPE_CHECKING:
    from ._session import Call


logger = logging.getLogger("aribus")


def log_warnings(result: Any) -> None:
    """Logs the `warnings` in the daemon's answer to `subscribe`."""
    warnings = result.get("warnings") if isinstance(result, dict) else None
    for text in warnings if isinstance(warnings, list) else ():
        logger.warning("subscribe: %s", text)


class State(enum.Enum):
    NONE = "none"  # not subscribed
    DUE = "due"  # the program is subscribed, but the daemon does not know it yet
    IN_FORCE = "in force"  # the daemon knows it, and every record is queued
    BEHIND = "behind"  # records were dropped: those after `place` must be fetched again
    REFUSED = "refused"  # fetching them was refused: the client must unsubscribe


class Subscription:
    """At most one request is in progress, and only its answer changes the state: so client and daemon change it together."""

    def __init__(self, tell: Callable[[dict[str, Any] | AribusError], None], own_call: Callable[[str, Any], Call]) -> None:
        self.place: str | None = None  # the cursor of the last record queued
        self.asked: Call | None = None  # the request in progress
        # What the client adds to a subscription that it renews.
        self.renewal: Callable[[], dict[str, Any]] = dict
        self._state = State.NONE
        self._wanted: dict[str, Any] = {}  # the parameters, without `since`
        self._waiting: deque[Call] = deque()  # the program's requests that are not sent yet
        self._tell, self._own_call = tell, own_call

    @property
    def is_in_force(self) -> bool:
        """Whether records are queued."""
        return self._state is State.IN_FORCE

    @property
    def has_waiting(self) -> bool:
        """Whether requests of the program wait for the answer to an earlier one."""
        return bool(self._waiting)

    @property
    def is_expected(self) -> bool:
        """Whether the program waits for records."""
        return self._state is not State.NONE or any(call.method == "subscribe" for call in self._calls())

    # Called for the program.

    def ask(self, call: Call) -> None:
        """`subscribe` or `unsubscribe`."""
        self._waiting.append(call)

    def forget(self, call: Call) -> None:
        """The program gave the request up. If it was already sent, its answer still takes effect."""
        if call in self._waiting:
            self._waiting.remove(call)

    def shut(self) -> list[Call]:
        """Ends everything; returns the program's requests that will not be answered."""
        left = [call for call in self._calls() if not call.internal]
        self.asked = None
        self._waiting.clear()
        return left

    def ended(self, error: AribusError) -> None:
        """The daemon has ended it, and it is not to be renewed: another program is this member of the group now."""
        if self._state is not State.NONE:
            self._state = State.NONE
            self._tell(error)

    # Called for the connection.

    def disconnected(self) -> None:
        if self.asked and not self.asked.internal and not self.asked.done:
            self._waiting.appendleft(self.asked)
        self.asked = None
        if self._state in (State.IN_FORCE, State.BEHIND):
            self._state = State.DUE
        elif self._state is State.REFUSED:
            self._state = State.NONE

    def next_request(self, is_read: bool) -> Call | None:
        """The request to send now, if any. is_read: the program has taken all queued items."""
        if self.asked is not None:
            return None
        if self._state is State.DUE or (self._state is State.BEHIND and is_read and not self._waiting):
            params: dict[str, Any] = {**self._wanted, **self.renewal(), "since": self.place}
            # The daemon takes no empty list.
            self.asked = self._own_call("subscribe", {
                name: value for name, value in params.items() if value is not None and value != []})
        elif self._state is State.REFUSED:
            self.asked = self._own_call("unsubscribe", {})
        elif self._waiting:
            self.asked = self._waiting.popleft()
        return self.asked

    def fell_behind(self) -> None:
        """A record was dropped because the queue is full."""
        if self._state is State.IN_FORCE:
            self._state = State.BEHIND

    def answered(self, result: Any, error: AribusError | None) -> None:
        """Handles the answer to the request in progress."""
        call, self.asked = self.asked, None
        assert call
        if call.method == "unsubscribe":
            if self._state is State.BEHIND and isinstance(result, dict):
                result["cursor"] = self.place  # later records were not handed out
            if call.internal or error is None:
                self._state = State.NONE
        elif error is None:
            fetched = self._state is State.BEHIND and call.internal and result.get("resumed")
            if not call.internal:
                self._wanted = {name: value for name, value in json.loads(call.text).items() if name != "since"}
            self._state, self.place = State.IN_FORCE, str(result.get("cursor", ""))
            if not fetched:
                self._tell({"type": "subscribed", **result})
        elif call.internal:  # no call of the program gets this error
            self._state = State.REFUSED if self._state is State.BEHIND else State.NONE
            self._tell(error)

    def _calls(self) -> list[Call]:
        return [*self._waiting, *([self.asked] if self.asked else [])]
