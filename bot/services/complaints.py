"""What stands against an answer, kept in step with what waits for the owners of its workflow."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bot.adapters.store import audit_log, outbox_log, triage_log
from bot.adapters.store.run_log import RunRow, read_run
from bot.adapters.store.scores import scores_of
from bot.governance.roles import EVERYTHING, Grant, Role
from bot.quality.complaint import DECISIONS, TriageState, fingerprint
from bot.services import opaque_ids
from bot.services.access import Access
from bot.services.run_views import UnknownRun

VOTE, REASON, CORRECTION, FIX = "vote", "reason", "correction", "fix"
"""Names of what people say of a run; FIX is what they say of the answer that replaced it."""

NUDGE, CARD = "triage-nudge", "triage"
"""Kinds of outbox messages; cards have the subject `triage:<run>`."""

_PERSON = re.compile(r"[UW][A-Z0-9]{2,30}")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What one person holds against an answer."""

    run_id: str
    person: str
    reason: str = ""
    """A Reason; empty when none was given."""
    correction: str = ""
    """What it should have said, in the person's words."""


def is_person(name: str) -> bool:
    """Whether this is the id of somebody who can be written to, not of a group or of the terminal."""
    return bool(_PERSON.fullmatch(name))


def person_source(person: str) -> str:
    """The source of a person's scores."""
    return f"person:{person}"


def card_subject(run_id: str) -> str:
    """What the messages about a bad answer are about."""
    return f"triage:{run_id}"


def standing_complaints(connection: Connection, run_ids: Collection[str]) -> dict[str, tuple[Complaint, ...]]:
    """By run, of everybody whose vote stands against it and who was not content with a later answer."""
    said: dict[tuple[str, str], dict[str, Any]] = {}
    for score in scores_of(connection, run_ids, (VOTE, REASON, CORRECTION, FIX)):
        said.setdefault((score.run_id, score.source), {})[score.name] = score
    found: dict[str, list[Complaint]] = {run_id: [] for run_id in run_ids}
    for (run_id, source), names in said.items():
        if VOTE in names and names[VOTE].value < 0 and not (FIX in names and names[FIX].value > 0):
            words = [names[name].reason if name in names else "" for name in (REASON, CORRECTION)]
            found[run_id].append(Complaint(run_id, source.partition(":")[2], *words))
    return {run_id: tuple(complaints) for run_id, complaints in found.items()}


def owners_of(grants: Iterable[Grant], workflow: str) -> tuple[str, ...]:
    """The people who own a workflow; where nobody does, the admins."""
    scopes = (EVERYTHING, f"workflow:{workflow}")
    held = [grant for grant in grants if grant.scope in scopes and is_person(grant.grantee)]
    owners = [grant.grantee for grant in held if grant.role is Role.OWNER]
    return tuple(dict.fromkeys(owners or [grant.grantee for grant in held if grant.role is Role.ADMIN]))


def admins_of(grants: Iterable[Grant]) -> tuple[str, ...]:
    """The people who are admins of everything; where nobody else is told, they are."""
    everywhere = [each for each in grants if each.scope == EVERYTHING and each.role is Role.ADMIN]
    return owners_of(everywhere, "")


class Complaints:
    """Lets answers wait that somebody holds something against, and tells the owners, once a week at most."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def follow(
        self, connection: Connection, run_id: str, by: str, at: datetime, *, says_new: bool = False
    ) -> None:
        """Bring what waits in step with what people say of a run. Raises UnknownRun.

        `says_new`: somebody wrote what nobody had written before, which counts against any decision.
        """
        row = read_run(connection, run_id)
        if row is None:
            raise UnknownRun(run_id)
        item = triage_log.find_item(connection, run_id)
        if not standing_complaints(connection, (run_id,))[run_id]:
            self._withdraw(connection, run_id, by, at)
        elif item is None:
            self._take_up(connection, row, by, at, says_new)
        elif item.state is TriageState.WITHDRAWN or (says_new and item.state in DECISIONS):
            triage_log.wait_again(connection, run_id, at)
            self._record(connection, by, "triage.reopened", row, at)
            self._nudge(connection, row, at)
        for shown in {run_id, item.leader if item and item.leader else run_id}:
            outbox_log.redraw(connection, card_subject(shown))

    def _withdraw(self, connection: Connection, run_id: str, by: str, at: datetime) -> None:
        if triage_log.end_waiting(connection, run_id, TriageState.WITHDRAWN, by=by, result="", at=at):
            audit_log.append_event(
                connection, actor=by, action="triage.withdrawn", target=f"run:{run_id}", at=at
            )

    def _take_up(self, connection: Connection, row: RunRow, by: str, at: datetime, says_new: bool) -> None:
        mark = fingerprint(row.workflow, row.inputs, str((row.answer or {}).get("text", "")))
        remembered = None if says_new else triage_log.find_dismissed(connection, mark)
        triage_log.insert_item(
            connection, run_id=row.id, workflow=row.workflow, fingerprint=mark, at=at, remembered=remembered
        )
        if remembered is None:
            self._record(connection, by, "triage.waiting", row, at)
            self._nudge(connection, row, at)

    def _nudge(self, connection: Connection, row: RunRow, at: datetime) -> None:
        year, week, _ = at.isocalendar()
        waiting = triage_log.count_waiting(connection).get(row.workflow, 0)
        body = {"workflow": row.workflow, "title": row.title, "waiting": waiting}
        for owner in owners_of(self._access.grants(connection), row.workflow):
            key = opaque_ids.message_id(row.workflow, f"{NUDGE}:{owner}:{year}-{week}")
            if not outbox_log.is_known(connection, key):
                item = outbox_log.NewItem(id=key, kind=NUDGE, channel=owner, body=body)
                outbox_log.insert_item(connection, item, at)

    def _record(self, connection: Connection, by: str, action: str, row: RunRow, at: datetime) -> None:
        audit_log.append_event(
            connection,
            actor=by,
            action=action,
            target=f"run:{row.id}",
            context={"workflow": row.workflow},
            at=at,
        )
