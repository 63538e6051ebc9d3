"""What happened, told once to whoever counts, traces or logs it. Listeners can neither change nor fail it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import structlog

from bot.adapters.ledger_entry import LedgerEntry
from workflows.run import StepRun

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RequestTaken:
    """Slack sent something and has our acknowledgement."""

    kind: str
    """command, action, view, shortcut or event."""
    name: str
    seconds: float
    outcome: str
    """`ok`, or the name of the error that the person was told."""


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run is over, and that is on record."""

    run_id: str
    fence: int
    workflow: str
    version: int
    surface: str
    ending: str
    failure: str
    """Name of the error class; empty unless it failed."""
    created_at: datetime
    started_at: datetime
    finished_at: datetime
    steps: tuple[StepRun, ...]

    @property
    def seconds(self) -> float:
        """From the request to the end, as the person who asked felt it."""
        return (self.finished_at - self.created_at).total_seconds()

    @property
    def waited_s(self) -> float:
        """From the request until a worker took it."""
        return max((self.started_at - self.created_at).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class RunRefused:
    """A request was not taken because too much waits."""

    workflow: str
    why: str
    """`person`, `queue` or `wait`: whose limit it was."""


@dataclass(frozen=True, slots=True)
class ModelCalled:
    """One call to a provider, as the ledger has it."""

    entry: LedgerEntry
    workflow: str
    fence: int


@dataclass(frozen=True, slots=True)
class SlackCalled:
    """One call of Slack's Web API."""

    method: str
    outcome: str
    """`ok`, `busy`, `uncertain`, or Slack's own word for its refusal."""


@dataclass(frozen=True, slots=True)
class MessageTried:
    """The courier tried to bring one message of the outbox."""

    item_id: str
    kind: str
    run_id: str
    outcome: str
    """`posted`, `updated`, `found`, `later`, `uncertain` or `refused`."""
    seconds: float


Happening: TypeAlias = RequestTaken | RunRefused | RunEnded | ModelCalled | SlackCalled | MessageTried
Listener: TypeAlias = Callable[[Happening], None]


@dataclass(slots=True)
class Observers:
    """Everybody who listens. One that fails is named in the log and the others hear it all the same."""

    listeners: tuple[Listener, ...] = ()
    _failed: set[str] = field(default_factory=set)

    def tell(self, happening: Happening) -> None:
        """Pass on what happened; never raises."""
        for listener in self.listeners:
            try:
                listener(happening)
            except Exception:
                self._note(getattr(listener, "__name__", type(listener).__name__))

    def _note(self, name: str) -> None:
        # once: what fails for one run will mostly fail for each
        if name not in self._failed:
            self._failed.add(name)
            log.exception("observer.failed", observer=name)
