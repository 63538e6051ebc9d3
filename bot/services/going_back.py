"""What an earlier version would put in force again, before anybody goes back to it."""

from dataclasses import dataclass

from sqlalchemy import Connection

from bot.adapters.store.versions_log import PRODUCTION
from bot.governance.changes import Target
from bot.services.change_views import workflow_of_target
from bot.services.effects import effect_of, readable
from bot.services.targets import Targets


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where going back leads."""

    target: Target
    number: int
    """0 for what the file says, or nothing."""
    old: str
    """What stands today, as people read it."""
    new: str
    effect: str


def way_back(
    connection: Connection, targets: Targets, target: Target, number: int, label: str = PRODUCTION
) -> WayBack:
    """From what stands today to a version. Raises UnknownTarget."""
    now = targets.current(connection, target, label).text
    then = targets.text_of(connection, target, number) or ""
    workflow = workflow_of_target(connection, targets, target, label)
    if target.kind == "rules" and not number:
        where = workflow.title if workflow else target.workflow
        return WayBack(
            target, number, "", "", f"From the next run on, {where} decides by its file's rules again."
        )
    affected = targets.affected(connection, target, label)
    old, new = readable(target, now, workflow), readable(target, then, workflow)
    effect = effect_of(target, now, then, affected=affected, workflow=workflow)
    return WayBack(target, number, old, new, effect)
