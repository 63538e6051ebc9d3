"""After a change: the questions people voted the answers of down are asked again, each for its own person."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log, changes_log, fixes_log, outbox_log
from bot.adapters.store.database import Store
from bot.adapters.store.fixes_log import Fix, FixState
from bot.adapters.store.run_log import RunRow, read_runs
from bot.adapters.store.scores import find_score, scores_of, voted_down
from bot.adapters.store.versions_log import PRODUCTION
from bot.governance.changes import ChangeStatus
from bot.quality.complaint import plain_words, says_the_same
from bot.services import opaque_ids
from bot.services.access import NotAuthorized, Outsider
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Catalogue, UnknownWorkflow
from bot.services.change_views import ChangeView
from bot.services.complaints import FIX, VOTE, is_person, person_source
from bot.services.improvements import Improvement
from bot.services.placement import NotInPilot, WorkflowRetired
from bot.services.run_views import RunView, load_view
from bot.services.runs import RunRequest, Runs
from bot.services.work import ITSELF
from workflows.inputs import InvalidInputs
from workflows.ports import Clock
from workflows.run import Answer, Json, RunStatus

log = structlog.get_logger(__name__)

GAP = "gap"
"""In what a person is told of a change: that it answers what nothing did, and mends no bad answer."""

FIXED = "fix"
"""Kind of the outbox message with the new answer."""

LOOKED_AT = 1000
"""Votes looked through after one change, newest first."""


class ChangeUndone(Exception):
    """The change that a question was to be asked again after is no longer in force."""


REFUSALS = (
    Outsider,
    NotAuthorized,
    UnknownWorkflow,
    WorkflowRetired,
    NotInPilot,
    InvalidInputs,
    ChangeUndone,
)
"""Why a question is not asked again for a person."""


class Identify(Protocol):
    """Who a person is now."""

    async def __call__(self, person: str, /) -> Actor:
        """The person as an actor, outsiders flagged. Raises when that cannot be learned."""
        ...


@dataclass(frozen=True, slots=True)
class FixPace:
    """How far the asking again goes, and how fast."""

    days: int = 60
    """How old a vote may be."""
    most: int = 50
    """Questions asked again after one change."""
    at_once: int = 4
    """Of them under way together: those who ask today come first."""
    look_s: float = 1.0
    patience: timedelta = timedelta(days=1)
    """After which a person whom Slack does not name is left out."""
    first_pause: timedelta = timedelta(seconds=2)
    """Before Slack is asked again for such a person; doubles each time."""
    longest_pause: timedelta = timedelta(minutes=10)


@dataclass(slots=True)
class Fixing:
    """Notes what is to be asked again, and the loop of a worker process that does it. Any number may run."""

    store: Store
    runs: Runs
    catalogue: Catalogue
    clock: Clock
    outgoing: WakeUp
    pace: FixPace = field(default_factory=FixPace)
    _unnamed: dict[str, tuple[datetime, timedelta]] = field(default_factory=dict)
    """People whom Slack did not name: when to ask again, and how long that pause is."""

    async def after_applied(self, change: ChangeView) -> None:
        """Note whose questions are to be asked again; hearing of a change twice notes nothing twice."""
        if change.label == PRODUCTION and change.affected:
            await self.store.write(lambda connection: self.note(connection, Improvement.of(change)))

    def note(self, connection: Connection, change: Improvement) -> None:
        """As `after_applied`, for whatever may have mended answers, within the caller's transaction."""
        now = self.clock.now()
        since = now - timedelta(days=self.pace.days)
        said = {"effect": change.effect, "by": change.by, "target": change.target}
        found = voted_down(connection, VOTE, change.workflows, since, limit=LOOKED_AT)
        rows = read_runs(connection, {run_id for run_id, _ in found})
        content = {
            (score.run_id, score.source)
            for score in scores_of(connection, list(rows), (FIX,))
            if score.value > 0
        }
        seen: set[tuple[str, ...]] = set()
        noted = left_out = 0
        for run_id, source in found:
            row, person = rows[run_id], source.partition(":")[2]
            if (run_id, source) in content or not _concerns(row, person, change):
                continue
            question = (person, row.workflow, *sorted(plain_words(str(v)) for v in row.inputs.values()))
            if question in seen:
                # the newest of their answers to the same question stands for all
                continue
            seen.add(question)
            if len(seen) > self.pace.most:
                left_out += 1
            elif fixes_log.insert_fix(connection, run_id, person, change.id, said, now):
                noted += 1
        if noted:
            context: dict[str, Json] = {"questions": noted, "left_out": left_out}
            self._record(connection, "fix.planned", change.subject, context)

    async def run_until(self, stop: asyncio.Event, identify: Identify) -> None:
        """Ask and send until `stop` is set."""
        while not stop.is_set():
            try:
                await self.step(identify)
            except Exception:
                log.exception("fixes.round_failed")
            try:
                async with asyncio.timeout(self.pace.look_s):
                    await stop.wait()
            except TimeoutError:
                continue

    async def step(self, identify: Identify) -> None:
        """Send what is answered, and ask what there is room for."""
        done, room, due = await self.store.read(self._open)
        for fix in done:
            await self._settle(fix)
        for fix in due:
            if room <= 0:
                break
            room -= await self._ask(fix, identify)

    def _open(self, connection: Connection) -> tuple[tuple[Fix, ...], int, tuple[Fix, ...]]:
        """What is answered, how many more may be under way, and more than so many to choose from."""
        asked = fixes_log.fixes_in(connection, FixState.ASKED, self.pace.most)
        rows = read_runs(connection, [fix.new_run_id for fix in asked])
        done = tuple(fix for fix in asked if rows[fix.new_run_id].finished_at is not None)
        room = self.pace.at_once - (len(asked) - len(done))
        return done, room, fixes_log.fixes_in(connection, FixState.DUE, self.pace.most)

    async def _ask(self, fix: Fix, identify: Identify) -> bool:
        """Ask again in the person's name and under their rights of today; the answer stays unseen so far."""
        actor = await self._named(fix, identify)
        if actor is None:
            return False
        try:
            request = await self.store.read(lambda connection: self._request(connection, fix, actor))
            accepted = await self.runs.accept(request)
        except REFUSALS as error:
            await self._end(fix, FixState.SKIPPED, type(error).__name__)
            return False
        return await self.store.write(
            lambda connection: fixes_log.move_fix(connection, fix, FixState.ASKED, new_run_id=accepted.run_id)
        )

    async def _named(self, fix: Fix, identify: Identify) -> Actor | None:
        """The person; None when Slack does not say who that is, or is not to be asked again yet."""
        now = self.clock.now()
        until, pause = self._unnamed.get(fix.person, (now, self.pace.first_pause))
        if now < until:
            return None
        try:
            actor = await identify(fix.person)
        except Exception as error:
            self._unnamed[fix.person] = (now + pause, min(pause * 2, self.pace.longest_pause))
            log.info("fix.person_unknown", person=fix.person, error=type(error).__name__)
            if now - fix.created_at > self.pace.patience:
                await self._end(fix, FixState.SKIPPED, "PersonUnknown")
            return None
        self._unnamed.pop(fix.person, None)
        return actor

    def _request(self, connection: Connection, fix: Fix, actor: Actor) -> RunRequest:
        if _is_undone(connection, fix):
            raise ChangeUndone
        view = load_view(connection, fix.run_id)
        taken = self.catalogue.find_in(connection, view.workflow).workflow.inputs
        return RunRequest(
            dedupe_key=f"fix:{fix.change_id}:{fix.run_id}:{fix.person}",
            actor=actor,
            workflow=view.workflow,
            inputs={name: value for name, value in view.inputs.items() if name in taken},
            origin=Origin(view.origin.surface, view.origin.team_id, readers=(fix.person,)),
            follows=fix.run_id,
            is_unseen=True,
        )

    async def _settle(self, fix: Fix) -> None:
        """Send the new answer when it is another one, to whoever still thinks the old one bad."""

        def act(connection: Connection) -> FixState:
            if _is_undone(connection, fix):
                return self._end_in(connection, fix, FixState.SKIPPED, ChangeUndone.__name__)
            old, new = load_view(connection, fix.run_id), load_view(connection, fix.new_run_id)
            if new.status is not RunStatus.SUCCEEDED or new.answer is None:
                return self._end_in(connection, fix, FixState.FAILED, new.status.value)
            vote = find_score(connection, fix.run_id, VOTE, person_source(fix.person))
            if not fix.change.get(GAP) and (vote is None or vote.value >= 0):
                return self._end_in(connection, fix, FixState.SKIPPED, "VoteChanged")
            if not _is_better(self._seen_last(connection, fix, old), new.answer):
                return self._end_in(connection, fix, FixState.SAME, "")
            return self._send(connection, fix, old, new)

        if await self.store.write(act) is FixState.SENT:
            self.outgoing.ring()

    def _seen_last(self, connection: Connection, fix: Fix, old: RunView) -> Answer | None:
        """The answer this person was shown last: the old one, or what an earlier change made of it."""
        sent = fixes_log.sent_fixes(connection, fix.run_id, fix.person)
        return load_view(connection, sent[0].new_run_id).answer if sent else old.answer

    def _send(self, connection: Connection, fix: Fix, old: RunView, new: RunView) -> FixState:
        now = self.clock.now()
        if not fixes_log.move_fix(connection, fix, FixState.SENT, at=now):
            return FixState.SKIPPED
        answer = old.answer
        item = outbox_log.NewItem(
            id=opaque_ids.message_id(fix.new_run_id, FIXED),
            kind=FIXED,
            channel=fix.person,
            run_id=new.id,
            body={
                **fix.change,
                "change": fix.change_id,
                "old": answer.text if answer else "",
                "abstained": bool(answer and answer.abstained),
                "person": fix.person,
            },
        )
        outbox_log.insert_item(connection, item, now)
        context: dict[str, Json] = {"change": fix.change_id, "person": fix.person, "run": new.id}
        self._record(connection, "fix.sent", f"run:{fix.run_id}", context)
        return FixState.SENT

    async def _end(self, fix: Fix, state: FixState, why: str) -> None:
        await self.store.write(lambda connection: self._end_in(connection, fix, state, why))

    def _end_in(self, connection: Connection, fix: Fix, state: FixState, why: str) -> FixState:
        now = self.clock.now()
        if fixes_log.move_fix(connection, fix, state, why=why, at=now):
            context: dict[str, Json] = {"change": fix.change_id, "person": fix.person, "why": why}
            self._record(connection, f"fix.{state.value}", f"run:{fix.run_id}", context)
        return state

    def _record(self, connection: Connection, action: str, target: str, context: Mapping[str, Json]) -> None:
        audit_log.append_event(
            connection, actor=ITSELF, action=action, target=target, context=context, at=self.clock.now()
        )


def _concerns(row: RunRow, person: str, change: Improvement) -> bool:
    """Whether this person got that answer before the change, and reads it still."""
    if not is_person(person) or row.answer is None or row.created_at >= change.at:
        return False
    is_open = row.shared_at is not None or Origin.from_json(row.origin).visibility == "channel"
    return person == row.actor_id or is_open


def _is_undone(connection: Connection, fix: Fix) -> bool:
    change = changes_log.find_change(connection, fix.change_id)
    return change is not None and change.status == ChangeStatus.UNDONE.value


def _is_better(old: Answer | None, new: Answer) -> bool:
    """Whether a person gains by reading it: another text, and not once more that nothing is known."""
    if old is None:
        return not new.abstained
    if old.abstained and new.abstained:
        return False
    return old.abstained != new.abstained or not says_the_same(old.text, new.text)
