"""Bad answers, worked by the owners of their workflows: five at a time, each decided once."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log, outbox_log, triage_log
from bot.adapters.store.database import Store
from bot.adapters.store.run_log import RunRow, read_run, read_runs
from bot.adapters.store.triage_log import TriageItem
from bot.governance.roles import EVERYTHING, Permission
from bot.quality.complaint import TriageState, alike
from bot.services import opaque_ids, run_views
from bot.services.access import Access
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue
from bot.services.complaints import CARD, Complaint, card_subject, standing_complaints
from bot.services.discretion import Discretion
from bot.services.run_views import RunView, UnknownRun
from workflows.ports import Clock
from workflows.run import Json

Encode = Callable[[Sequence[str]], Any]
"""Texts to unit vectors, as rows of a numpy array."""

WITHHELD = "withheld"
"""In the body of a card's message: its reader may not read the documents that the answer was made from."""

AT_ONCE = 5
CONSIDERED = 100
"""Newest items that a round is chosen from."""

TAKEN_BACK = frozenset({TriageState.PROMPT, TriageState.DISMISSED})
"""Decisions that made nothing, and so can be taken back."""


class AlreadyDecided(Exception):
    """It does not wait any more; facts say what was decided, and in `ask` by whom."""

    def __init__(self, item: TriageItem) -> None:
        super().__init__(item.run_id)
        self.facts = {"run": item.run_id, "decision": item.state.value, "ask": item.decided_by}


@dataclass(frozen=True, slots=True)
class Card:
    """A bad answer as an owner sees it."""

    item: TriageItem
    run: RunView
    complaints: tuple[Complaint, ...]
    """Against the run and those that the card stands for."""
    others: tuple[RunView, ...] = ()
    """Runs with nearly the same question, which the decision counts for too."""


@dataclass(frozen=True, slots=True)
class Round:
    """What was put before an owner."""

    shown: int
    """Cards."""
    left: int
    """Cards that there would be beyond those."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Items with nearly the same question, the one to show first."""

    items: tuple[TriageItem, ...]
    complaints: tuple[Complaint, ...]

    @property
    def rank(self) -> tuple[bool, int, float]:
        """Corrections first, then by how many complained, then the newest."""
        corrected = any(one.correction for one in self.complaints)
        people = len({one.person for one in self.complaints})
        return corrected, people, max(item.created_at.timestamp() for item in self.items)


class Triage:
    """What owners may do with what waits. Each act needs TRIAGE over the workflow."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        access: Access,
        clock: Clock,
        outgoing: WakeUp,
        encode: Encode,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._access = access
        self._clock = clock
        self._outgoing = outgoing
        self._encode = encode

    async def open_round(self, actor: Actor, key: str, workflow: str = "") -> Round:
        """Send the actor the five cards that matter most; `key` tells one request from the next.

        Raises Outsider, NotAuthorized, UnknownWorkflow.
        """

        def look(connection: Connection) -> tuple[list[_Group], list[str]]:
            return self._waiting(connection, self._workflows(connection, actor, workflow))

        singles, questions = await self._store.read(look)
        groups = await asyncio.to_thread(self._grouped, singles, questions)
        chosen, left = groups[:AT_ONCE], len(groups[AT_ONCE:])

        def act(connection: Connection) -> Round:
            # a right that was taken away since the look counts
            self._workflows(connection, actor, workflow)
            self._show(connection, actor, chosen, key, {"workflow": workflow, "left": left})
            return Round(len(chosen), left)

        made = await self._store.write(act)
        self._outgoing.ring()
        return made

    async def card(self, actor: Actor, run_id: str) -> Card:
        """One that waits, for whoever may decide it, with as much of it as they may read.

        Raises Outsider, NotAuthorized, UnknownRun, AlreadyDecided.
        """

        def look(connection: Connection) -> Card:
            self.waiting_in(connection, actor, run_id)
            found = load_card(connection, run_id)
            if found is None:
                raise UnknownRun(run_id)
            return as_read(connection, actor, found)

        return await self._store.read(look)

    async def decide(self, actor: Actor, run_id: str, decision: TriageState, result: str = "") -> None:
        """Decide one that waits, with all that its card stands for.

        Raises Outsider, NotAuthorized, UnknownRun, AlreadyDecided.
        """
        await self._store.write(
            lambda connection: self.decide_in(connection, actor, run_id, decision, result)
        )
        self._outgoing.ring()

    def decide_in(
        self, connection: Connection, actor: Actor, run_id: str, decision: TriageState, result: str = ""
    ) -> None:
        """As `decide`, within the caller's transaction."""
        item = self.waiting_in(connection, actor, run_id)
        now, decided = self._clock.now(), []
        for one in triage_log.group_of(connection, run_id):
            if triage_log.end_waiting(connection, one.run_id, decision, by=actor.id, result=result, at=now):
                decided.append(one.run_id)
                outbox_log.redraw(connection, card_subject(one.run_id))
        if run_id not in decided:
            # somebody else decided between the look and the write
            raise AlreadyDecided(self._found(connection, actor, run_id))
        said: dict[str, Json] = {"decision": decision.value, "result": result, "runs": list(decided)}
        self._record(connection, actor, "triage.decided", item, said)

    async def take_back(self, actor: Actor, run_id: str) -> None:
        """Let wait again what was dismissed, or what somebody took on and gave up.

        Raises Outsider, NotAuthorized, UnknownRun, AlreadyDecided.
        """

        def act(connection: Connection) -> None:
            item = self._found(connection, actor, run_id)
            if item.state not in TAKEN_BACK:
                raise AlreadyDecided(item)
            for one in triage_log.group_of(connection, run_id):
                if (one.state, one.decided_at) == (item.state, item.decided_at):
                    triage_log.wait_again(connection, one.run_id, self._clock.now())
                    outbox_log.redraw(connection, card_subject(one.run_id))
            self._record(connection, actor, "triage.reopened", item, {"decision": item.state.value})

        await self._store.write(act)
        self._outgoing.ring()

    def _workflows(self, connection: Connection, actor: Actor, workflow: str) -> tuple[str, ...]:
        """Whose bad answers the actor may see."""
        waiting = triage_log.count_waiting(connection)
        if workflow:
            if workflow not in waiting:
                self._catalogue.find_in(connection, workflow)
            self._access.authorise(connection, actor, Permission.TRIAGE, f"workflow:{workflow}")
            return (workflow,)
        released = (item.name for item in self._catalogue.released_in(connection))
        mine = [
            name
            for name in dict.fromkeys([*waiting, *released])
            if self._access.may(connection, actor, Permission.TRIAGE, f"workflow:{name}")
        ]
        if not mine:
            self._access.authorise(connection, actor, Permission.TRIAGE, EVERYTHING)
        return tuple(mine)

    def _waiting(self, connection: Connection, workflows: Collection[str]) -> tuple[list[_Group], list[str]]:
        """What waits, each alone, in the order in which it may lead others; with what was asked."""
        items = triage_log.waiting_items(connection, workflows, CONSIDERED)
        against = standing_complaints(connection, [item.run_id for item in items])
        rows = read_runs(connection, [item.run_id for item in items])
        singles = [_Group((item,), against[item.run_id]) for item in items if item.run_id in rows]
        singles.sort(key=lambda group: group.rank, reverse=True)
        return singles, [_question(rows[group.items[0].run_id]) for group in singles]

    def _grouped(self, singles: Sequence[_Group], questions: Sequence[str]) -> list[_Group]:
        if not singles:
            return []
        vectors = self._encode(questions)
        names = [group.items[0].workflow for group in singles]
        similarities = [
            [value if names[row] == names[column] else 0.0 for column, value in enumerate(values)]
            for row, values in enumerate((vectors @ vectors.T).tolist())
        ]
        groups = [_joined([singles[index] for index in group]) for group in alike(similarities)]
        return sorted(groups, key=lambda group: group.rank, reverse=True)

    def _show(
        self,
        connection: Connection,
        actor: Actor,
        chosen: Sequence[_Group],
        key: str,
        more: Mapping[str, Json],
    ) -> None:
        now, discretion = self._clock.now(), Discretion(connection, actor)
        rows = read_runs(connection, [group.items[0].run_id for group in chosen])
        for number, group in enumerate(chosen, 1):
            leader, *members = (item.run_id for item in group.items)
            triage_log.gather(connection, leader, members, now)
            is_read = leader in rows and discretion.reads(rows[leader])
            item = outbox_log.NewItem(
                id=opaque_ids.message_id(leader, f"{CARD}:{actor.id}:{key}"),
                kind=CARD,
                channel=actor.id,
                subject=card_subject(leader),
                body={
                    "person": actor.id,
                    **({} if is_read else {WITHHELD: True}),
                    **(more if number == len(chosen) else {}),
                },
            )
            if not outbox_log.is_known(connection, item.id):
                outbox_log.insert_item(connection, item, now)
        audit_log.append_event(
            connection,
            actor=actor.id,
            action="triage.shown",
            target=f"person:{actor.id}",
            context={"runs": [item.run_id for group in chosen for item in group.items]},
            at=now,
        )

    def _found(self, connection: Connection, actor: Actor, run_id: str) -> TriageItem:
        item = triage_log.find_item(connection, run_id)
        # whoever may not see what waits learns nothing of which runs there are
        scope = f"workflow:{item.workflow}" if item else EVERYTHING
        self._access.authorise(connection, actor, Permission.TRIAGE, scope)
        if item is None:
            raise UnknownRun(run_id)
        return item

    def waiting_in(self, connection: Connection, actor: Actor, run_id: str) -> TriageItem:
        """The item, for whoever may decide it. Raises Outsider, NotAuthorized, UnknownRun, AlreadyDecided."""
        item = self._found(connection, actor, run_id)
        if item.state is not TriageState.WAITING:
            raise AlreadyDecided(item)
        return item

    def _record(
        self, connection: Connection, actor: Actor, action: str, item: TriageItem, said: Mapping[str, Json]
    ) -> None:
        audit_log.append_event(
            connection,
            actor=actor.id,
            action=action,
            target=f"run:{item.run_id}",
            context={"workflow": item.workflow, **said},
            at=self._clock.now(),
        )


def load_card(connection: Connection, run_id: str) -> Card | None:
    """A card as it stands now; None when nothing waits or waited for that run."""
    group = triage_log.group_of(connection, run_id)
    rows = read_runs(connection, [item.run_id for item in group])
    if not group or group[0].run_id != run_id or run_id not in rows:
        return None
    views = run_views.load_views(connection, [rows[item.run_id] for item in group if item.run_id in rows])
    against = standing_complaints(connection, [view.id for view in views])
    complaints = tuple(one for view in views for one in against[view.id])
    return Card(group[0], views[0], complaints, views[1:])


def card_of(connection: Connection, run_id: str) -> Card | None:
    """As `load_card`, or a card of an answer that nobody complained about; None without the run."""
    row, found = read_run(connection, run_id), load_card(connection, run_id)
    if row is None or found is not None:
        return found
    item = TriageItem(
        run_id=run_id,
        workflow=row.workflow,
        state=TriageState.WITHDRAWN,
        fingerprint="",
        leader="",
        decided_by="",
        result="",
        created_at=row.created_at,
        shown_at=None,
        decided_at=None,
    )
    return Card(item, run_views.load_view(connection, run_id), ())


def as_read(connection: Connection, actor: Actor, card: Card) -> Card:
    """The same, without what it answered and what people wrote about that where the actor may not read it."""
    row = read_run(connection, card.run.id)
    if row is None or Discretion(connection, actor).reads(row):
        return card
    return without_answer(card)


def without_answer(card: Card) -> Card:
    """The same with its question and nothing that was said to it."""
    return replace(card, run=replace(card.run, answer=None), complaints=())


def _question(row: RunRow) -> str:
    return " ".join(str(value) for value in row.inputs.values())[:2000]


def _joined(groups: Sequence[_Group]) -> _Group:
    return _Group(
        tuple(item for group in groups for item in group.items),
        tuple(one for group in groups for one in group.complaints),
    )
