"""What people say of an answer: votes, kept per run and person, the last one counting."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from bot.adapters.store import audit_log
from bot.adapters.store.database import Store
from bot.adapters.store.scores import Score, read_scores, write_score
from bot.services.access import Outsider
from bot.services.actors import Actor
from workflows.ports import Clock

Rating = Literal["up", "down"]
VOTE = "vote"


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's standing vote on a run."""

    run_id: str
    rating: Rating
    changed: bool
    """Whether it replaced another vote of the same person."""


class Feedback:
    """Records votes. Whoever can see an answer may vote on it, outsiders excepted."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def record(self, actor: Actor, run_id: str, rating: Rating, comment: str = "") -> Vote:
        """Keep a vote; a second one of the same person replaces the first. Raises Outsider."""
        if actor.is_outsider:
            raise Outsider(actor.id)
        value = 1.0 if rating == "up" else -1.0

        def act(connection: Connection) -> Vote:
            now = self._clock.now()
            score = Score(run_id, VOTE, f"person:{actor.id}", value, comment)
            before = write_score(connection, score, now)
            audit_log.append_event(
                connection,
                actor=actor.id,
                action="feedback.recorded",
                target=f"run:{run_id}",
                context={"rating": rating},
                at=now,
            )
            return Vote(run_id, rating, before is not None and before != value)

        return await self._store.write(act)

    async def of_run(self, run_id: str) -> tuple[Score, ...]:
        """Every score of a run."""
        return await self._store.read(lambda connection: read_scores(connection, run_id))
