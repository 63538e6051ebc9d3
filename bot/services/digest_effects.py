"""What came of what people did about earlier findings: the change, and score and cost since."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.adapters.store import digest_facts, rollups_log
from bot.adapters.store.changes_log import ChangeRow, find_change
from bot.governance.changes import ChangeStatus, Target
from bot.quality.digest import Effect, FollowUp
from bot.quality.digest_findings import COLLECTION, Act, Decision, Finding, FindingStatus
from bot.quality.digest_slots import WEEK
from bot.quality.tallies import Tally

LOOKED_BACK = 2 * WEEK
"""From the end of the week: an action of the week before may have taken effect in this one."""
MOST = 4
JUST_BEFORE = timedelta(minutes=5)
"""A document is proposed first, and the finding settled then."""
FOLLOWED = frozenset({FindingStatus.ACTED, FindingStatus.ASSIGNED})


def follow_ups(
    connection: Connection, known: Iterable[Finding], until: datetime, now: datetime
) -> tuple[FollowUp, ...]:
    """The newest actions, those first whose effect can be told."""
    made = [
        _follow_up(connection, each, each.decision, until, now)
        for each in known
        if each.status in FOLLOWED
        and each.decision is not None
        and until - LOOKED_BACK <= each.decision.at < now
    ]
    made.sort(key=lambda each: (each.after is None, -each.at.timestamp()))
    return tuple(made[:MOST])


def _follow_up(
    connection: Connection, finding: Finding, decision: Decision, until: datetime, now: datetime
) -> FollowUp:
    change = _change(connection, finding, decision, now)
    made = FollowUp(
        finding_id=finding.id,
        workflow=finding.workflow,
        act=decision.act,
        by=decision.by,
        at=decision.at,
        result=change.id if change is not None else decision.result,
        state=change.status if change is not None else "",
    )
    if change is None or change.status != ChangeStatus.APPLIED or not _workflow(finding):
        return made
    applied: datetime = change.updated_at
    return replace(
        made,
        before=_effect(connection, finding.workflow, applied - WEEK, applied),
        after=_effect(connection, finding.workflow, applied, max(until, min(now, applied + WEEK))),
    )


def _change(connection: Connection, finding: Finding, decision: Decision, now: datetime) -> ChangeRow | None:
    """The change request that it led to: the one it names, else the first of that person about it."""
    if decision.act in (Act.CASE, Act.DISMISS):
        return None
    if decision.result.startswith("c_"):
        return find_change(connection, decision.result)
    person = decision.result if decision.act is Act.ASSIGN else decision.by
    proposed = digest_facts.proposed_by(connection, person, decision.at - JUST_BEFORE, now)
    targets = ((each, Target(each.kind, each.name)) for each in proposed)
    return next((each for each, target in targets if _concerns(target, finding, decision.act)), None)


def _concerns(target: Target, finding: Finding, act: Act) -> bool:
    """Whether a change of that target can be what somebody made of the finding."""
    is_document = target.kind == "document"
    if act is Act.FIX and _workflow(finding):
        return not is_document and target.workflow == finding.workflow
    return is_document or (act is Act.ASSIGN and target.workflow == finding.workflow)


def _workflow(finding: Finding) -> bool:
    return bool(finding.workflow) and not finding.workflow.startswith(COLLECTION)


def _effect(connection: Connection, workflow: str, since: datetime, until: datetime) -> Effect | None:
    if until - since < timedelta(hours=1):
        return None
    tally = rollups_log.tallies(connection, since, until, (workflow,)).get(workflow, Tally())
    return Effect(tally.runs, tally.votes_up, tally.votes_down, tally.cost_per_run)
