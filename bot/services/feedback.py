"""What people say of an answer: votes, reasons, corrections. Per run and person the last word counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log
from bot.adapters.store.database import Store
from bot.adapters.store.fixes_log import fix_answered_by
from bot.adapters.store.scores import Score, find_score, read_scores, scores_of, write_score
from bot.quality.complaint import REASONS, plain_words
from bot.services.access import Outsider
from bot.services.actors import Actor
from bot.services.complaints import CORRECTION, FIX, REASON, VOTE, Complaint, Complaints, person_source
from workflows.ports import Clock
from workflows.run import Json

Rating = Literal["up", "down"]
CORRECTION_CHARACTERS = 3000


class UnknownReason(Exception):
    """No such reason against an answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.facts = {"reason": reason}


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's standing vote on a run."""

    run_id: str
    rating: Rating
    changed: bool
    """Whether it replaced another vote of the same person."""


class Feedback:
    """Records what is said. Whoever can see an answer may vote on it, outsiders excepted.

    With `complaints`, what is said against an answer waits for the owners of its workflow. `after_vote` is
    told of each voted run within the vote's transaction.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        complaints: Complaints | None = None,
        outgoing: WakeUp | None = None,
        after_vote: Callable[[Connection, str], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._complaints = complaints
        self._outgoing = outgoing
        self._after_vote = after_vote

    async def record(self, actor: Actor, run_id: str, rating: Rating, comment: str = "") -> Vote:
        """Keep a vote; a second one of the same person replaces the first. Raises Outsider, UnknownRun."""
        if actor.is_outsider:
            raise Outsider(actor.id)
        value = 1.0 if rating == "up" else -1.0

        def act(connection: Connection) -> Vote:
            now = self._clock.now()
            score = Score(run_id, VOTE, person_source(actor.id), value, comment)
            before = write_score(connection, score, now)
            self._record(connection, actor, "feedback.recorded", run_id, {"rating": rating})
            self._judge_fix(connection, actor, run_id, value)
            self._follow(connection, actor, run_id)
            if self._after_vote is not None:
                self._after_vote(connection, run_id)
            return Vote(run_id, rating, before is not None and before != value)

        vote = await self._store.write(act)
        self._ring()
        return vote

    async def complain(self, actor: Actor, run_id: str, reason: str, correction: str) -> Complaint:
        """Keep why an answer is bad and what it should have said; the vote stays as it is.

        Raises Outsider, UnknownReason, UnknownRun.
        """
        if actor.is_outsider:
            raise Outsider(actor.id)
        if reason and reason not in REASONS:
            raise UnknownReason(reason)
        words = correction.strip()[:CORRECTION_CHARACTERS]

        def act(connection: Connection) -> Complaint:
            if not any((reason, words, *self._said(connection, actor.id, run_id))):
                return Complaint(run_id, actor.id)
            is_new = bool(words) and plain_words(words) not in {
                plain_words(score.reason) for score in scores_of(connection, (run_id,), (CORRECTION,))
            }
            source, now = person_source(actor.id), self._clock.now()
            place = REASONS.index(reason) if reason else -1
            write_score(connection, Score(run_id, REASON, source, place, reason), now)
            write_score(connection, Score(run_id, CORRECTION, source, 1.0 if words else 0.0, words), now)
            # the words stand with the run, and go when its time is over; the chain of events never changes
            said: dict[str, Json] = {"reason": reason, "is_corrected": bool(words)}
            self._record(connection, actor, "feedback.explained", run_id, said)
            self._follow(connection, actor, run_id, says_new=is_new)
            return Complaint(run_id, actor.id, reason, words)

        complaint = await self._store.write(act)
        self._ring()
        return complaint

    async def complaint(self, person: str, run_id: str) -> Complaint:
        """What a person has said against an answer so far."""

        words = await self._store.read(lambda connection: self._said(connection, person, run_id))
        return Complaint(run_id, person, *words)

    async def of_run(self, run_id: str) -> tuple[Score, ...]:
        """Every score of a run."""
        return await self._store.read(lambda connection: read_scores(connection, run_id))

    def _said(self, connection: Connection, person: str, run_id: str) -> tuple[str, str]:
        """Reason and correction as this person left them."""
        source = person_source(person)
        reason = find_score(connection, run_id, REASON, source)
        correction = find_score(connection, run_id, CORRECTION, source)
        return reason.reason if reason else "", correction.reason if correction else ""

    def _follow(self, connection: Connection, actor: Actor, run_id: str, *, says_new: bool = False) -> None:
        if self._complaints is not None:
            self._complaints.follow(connection, run_id, actor.id, self._clock.now(), says_new=says_new)

    def _judge_fix(self, connection: Connection, actor: Actor, run_id: str, value: float) -> None:
        """A vote on the answer that came after a change says whether the change helped this person."""
        fix = fix_answered_by(connection, run_id, actor.id)
        if fix is None:
            return
        score = Score(fix.run_id, FIX, person_source(actor.id), value, fix.change_id)
        write_score(connection, score, self._clock.now())
        action = "fix.confirmed" if value > 0 else "fix.refused"
        self._record(connection, actor, action, fix.run_id, {"change": fix.change_id, "run": run_id})
        self._follow(connection, actor, fix.run_id)

    def _record(
        self, connection: Connection, actor: Actor, action: str, run_id: str, context: dict[str, Json]
    ) -> None:
        audit_log.append_event(
            connection,
            actor=actor.id,
            action=action,
            target=f"run:{run_id}",
            context=context,
            at=self._clock.now(),
        )

    def _ring(self) -> None:
        if self._outgoing is not None:
            self._outgoing.ring()
