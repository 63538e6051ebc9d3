"""What may have mended answers: a change that was applied, or a candidate that was promoted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from bot.services.change_views import ChangeView


@dataclass(frozen=True, slots=True)
class Improvement:
    """As far as those who voted an answer down are concerned."""

    id: str
    """The same for the same one, so that hearing of it twice does nothing twice."""
    subject: str
    """What its audit events are about."""
    workflows: tuple[str, ...]
    effect: str
    """One plain sentence."""
    by: str
    target: str
    at: datetime
    """Answers before it may have been worse."""

    @classmethod
    def of(cls, change: ChangeView) -> "Improvement":
        """An applied change."""
        return cls(
            change.id,
            f"change:{change.id}",
            change.affected,
            change.effect,
            change.author,
            str(change.target),
            change.updated_at,
        )


OnImproved = Callable[[Connection, Improvement], None]
"""Hears of one in the transaction that brings it."""


def unnoted(_connection: Connection, _improvement: Improvement) -> None:
    """For where nobody is asked again."""
