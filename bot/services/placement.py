"""Whose versions a person gets: those of production or the candidate's, and who gets none."""

from sqlalchemy import Connection

from bot.adapters.store.stages_log import Standing, read_standing
from bot.adapters.store.versions_log import CANDIDATE, PRODUCTION, find_labelled
from bot.governance.roles import Permission, who_may
from bot.governance.stages import Stage
from bot.services.access import Access, Outsider
from bot.services.actors import Actor


class WorkflowRetired(Exception):
    """Nobody runs it any more; facts `workflow`, `why` and `ask`, who answers for it."""

    def __init__(self, workflow: str, why: str, ask: tuple[str, ...]) -> None:
        super().__init__(workflow)
        self.facts = {"workflow": workflow, "why": why, "ask": ",".join(ask)}


class NotInPilot(Exception):
    """It serves only some people so far; facts `workflow`, `stage`, `paused` and `ask`."""

    def __init__(self, workflow: str, stage: Stage, paused: str, ask: tuple[str, ...]) -> None:
        super().__init__(workflow)
        self.facts = {"workflow": workflow, "stage": stage.value, "paused": paused, "ask": ",".join(ask)}


def label_for(connection: Connection, access: Access, workflow: str, actor: Actor) -> str:
    """The label whose versions this person runs. Raises Outsider, WorkflowRetired, NotInPilot."""
    if actor.is_outsider:
        raise Outsider(actor.id)
    standing = read_standing(connection, workflow)
    if standing is None or standing.stage is Stage.PRODUCTION:
        return PRODUCTION
    if standing.stage is Stage.RETIRED:
        raise WorkflowRetired(workflow, standing.why, owners_of(connection, access, workflow))
    if _serves(standing, actor):
        return CANDIDATE
    if has_production(connection, workflow):
        return PRODUCTION
    if access.may(connection, actor, Permission.PROPOSE, f"workflow:{workflow}"):
        # who may change it may try it
        return CANDIDATE
    paused = standing.pilot.paused if standing.pilot else ""
    raise NotInPilot(workflow, standing.stage, paused, owners_of(connection, access, workflow))


def label_at_start(connection: Connection, workflow: str, label: str) -> str:
    """The label at the moment a run starts: a candidate that was withdrawn since is not begun."""
    if label != CANDIDATE:
        return label
    standing = read_standing(connection, workflow)
    is_on = standing is not None and standing.stage in (Stage.DRAFT, Stage.PILOT)
    is_resting = standing is not None and standing.pilot is not None and bool(standing.pilot.paused)
    return CANDIDATE if is_on and not (is_resting and has_production(connection, workflow)) else PRODUCTION


def owners_of(connection: Connection, access: Access, workflow: str) -> tuple[str, ...]:
    """Who answers for a workflow: those who may promote it, nearest first."""
    return who_may(access.grants(connection), permission=Permission.PROMOTE, scope=f"workflow:{workflow}")


def has_production(connection: Connection, workflow: str) -> bool:
    """Whether anything of it was ever released to everybody."""
    return find_labelled(connection, "workflow", workflow) is not None


def _serves(standing: Standing, actor: Actor) -> bool:
    pilot = standing.pilot
    if standing.stage is not Stage.PILOT or pilot is None:
        return False
    return pilot.serves(standing.workflow, actor.id, actor.groups)
