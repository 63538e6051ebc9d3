"""What the courier hands to whoever speaks to Slack, and the ways that can end."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from bot.adapters.store.database import Connection
from bot.services.run_views import RunView


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One message. Its id goes into the metadata and `client_msg_id`, so that it can be found again."""

    id: str
    run_id: str
    """Empty for a notice that belongs to no run."""
    kind: str
    """`run`, `share`, `notice`, or what else has a rendering in `bot/slack`: `change`, `cards` ..."""
    channel: str
    """A channel, or a person for their conversation with the bot."""
    thread_ts: str
    first_sent_at: datetime
    """When the first attempt to post may have begun: where to start looking for it."""
    posted_channel: str
    """Where it stands; empty until it is posted."""
    ts: str
    body: Mapping[str, Any] = field(default_factory=dict)
    """Neutral JSON of a notice, e.g. its text."""
    subject: str = ""
    """What it is about when it is drawn again without a run, e.g. `change:c_...`."""
    run: RunView | None = None
    """The run as it is now."""
    about: Any = None
    """What the subject names, as it is now; None where nothing is registered for it."""
    correlation: str = ""
    """What everything that follows from the request is known by."""
    send_by: float = math.inf
    """Loop time from which on it must not go out: whoever comes next may show something newer already."""


@dataclass(frozen=True, slots=True)
class Posted:
    """Where Slack put a message."""

    channel: str
    ts: str


Subjects: TypeAlias = Mapping[str, Callable[[Connection, str], Any]]
"""First word of a subject to what loads it by the rest: `change` of `change:c_...` is given `c_...`.

A loader answers None for what is gone; one that raises would hold up every message claimed with it.
"""


class SendAmbiguous(Exception):
    """Slack may or may not have taken it: timeout, 5xx, dropped connection."""


class SendLater(Exception):
    """Slack took nothing and wants to be asked again after `after_s` seconds.

    With `is_channel`, so must all that waits for the same channel.
    """

    def __init__(self, after_s: float, *, is_channel: bool = False) -> None:
        super().__init__(after_s)
        self.after_s = after_s
        self.is_channel = is_channel


class SendRefused(Exception):
    """Slack will never take it; `reason` is its word for why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Sender(Protocol):
    """Speaks to Slack. Each method raises SendAmbiguous, SendLater or SendRefused."""

    async def post(self, item: OutboxItem) -> Posted:
        """Post a new message."""
        ...

    async def update(self, item: OutboxItem) -> None:
        """Draw a posted message again."""
        ...

    async def find(self, item: OutboxItem) -> Posted | None:
        """The message as an earlier attempt posted it, if it did."""
        ...
