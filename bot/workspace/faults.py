"""Planned misfortune: what should go wrong with the next calls and deliveries, for tests and drills."""

from dataclasses import dataclass, field
from typing import Literal

Effect = Literal[
    "error",  # answer this Slack error, do nothing
    "status",  # answer this HTTP status, do nothing
    "rate_limited",  # 429 with Retry-After, do nothing
    "drop",  # close the connection, do nothing; for a delivery: it never arrives
    "drop_after_store",  # do it, then close the connection without an answer
    "timeout_after_store",  # do it, then never answer
    "status_after_store",  # do it, then answer this HTTP status
    "duplicate",  # deliveries only: arrives twice
]
DELIVERIES = ("slash_commands", "interactive", "events_api")


@dataclass(slots=True)
class Fault:
    """One kind of misfortune for a method, or for a kind of delivery, the next `times` times."""

    method: str
    effect: Effect
    times: int = 1
    error: str = "internal_error"
    status: int = 500
    retry_after: int = 1
    """Seconds."""
    channel: str = ""
    """Only calls for this channel."""


@dataclass(slots=True)
class Faults:
    """The misfortunes still to come, and a record of those that came."""

    planned: list[Fault] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)

    def add(self, method: str, effect: Effect, **details: object) -> None:
        """Plan one: `workspace.faults.add("chat.postMessage", "drop_after_store")`."""
        fault = Fault(method, effect)
        for name, value in details.items():
            if name not in Fault.__slots__:
                raise ValueError(name)
            setattr(fault, name, value)
        self.planned.append(fault)

    def take(self, method: str, channel: str = "") -> Fault | None:
        """The misfortune of this call, used up once more; None when it goes well."""
        for fault in self.planned:
            if fault.method == method and fault.channel in ("", channel):
                fault.times -= 1
                if fault.times <= 0:
                    self.planned.remove(fault)
                self.happened.append(f"{method}: {fault.effect}")
                return fault
        return None
