"""Where each workflow stands on its way to production, and whom a pilot serves."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, Row, String, Table, Text, select, update

from bot.adapters.store.tables import JsonText, UtcDateTime, insert_or, metadata
from bot.adapters.store.transaction_memory import forget, read_once
from bot.adapters.store.versions_log import hold_labels
from bot.governance.stages import Pilot, Stage
from bot.quality.readiness import Approval, Holder

stages = Table(
    "stages",
    metadata,
    Column("workflow", String(64), primary_key=True),
    Column("stage", String(16), nullable=False),
    Column("pilot", JsonText, nullable=False),
    Column("monthly_runs", Integer, nullable=False),
    Column("why", Text, nullable=False),
    Column("moved_by", String(64), nullable=False),
    Column("moved_at", UtcDateTime, nullable=False),
)
"""No row: in production since it was released. `pilot`: people, groups, share of runs, since when, whether
paused, who approved the candidate, and who answers for the workflow. `monthly_runs` is the volume somebody
expects, 0 when nobody said."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One workflow's place on the way."""

    workflow: str
    stage: Stage
    moved_by: str
    moved_at: datetime
    pilot: Pilot | None = None
    approvals: tuple[Approval, ...] = ()
    monthly_runs: int = 0
    why: str = ""
    holders: tuple[Holder, ...] = ()
    """Who answers for it, as Slack knew them when it was last asked."""


_READ_STANDINGS = "standings"
_READ = select(stages).order_by(stages.c.workflow)


def read_standing(connection: Connection, workflow: str) -> Standing | None:
    """Where one workflow stands; None when nobody ever moved it."""
    return read_standings(connection).get(workflow)


def read_standings(connection: Connection) -> Mapping[str, Standing]:
    """Where each workflow stands that somebody moved. Read once in a transaction."""

    def read() -> Mapping[str, Standing]:
        return {row.workflow: _standing(row) for row in connection.execute(_READ)}

    return read_once(connection, _READ_STANDINGS, read)


def lock_standing(connection: Connection, otherwise: Standing) -> Standing:
    """Where a workflow stands, `otherwise` when nobody moved it yet; it is locked, and so are all labels."""
    # always before the row, as whoever changes contents: in different orders two would block each other
    hold_labels(connection)
    row = {"workflow": otherwise.workflow, **_values(otherwise)}
    forget(connection, _READ_STANDINGS)
    connection.execute(insert_or(connection, stages).values(**row).on_conflict_do_nothing())
    query = select(stages).where(stages.c.workflow == otherwise.workflow).with_for_update()
    return _standing(connection.execute(query).one())


def write_standing(connection: Connection, standing: Standing) -> None:
    """Put a workflow, which is locked, where it stands now."""
    forget(connection, _READ_STANDINGS)
    statement = update(stages).where(stages.c.workflow == standing.workflow)
    connection.execute(statement.values(**_values(standing)))


def _values(standing: Standing) -> dict[str, Any]:
    return {
        "stage": standing.stage.value,
        "pilot": _pilot_json(standing),
        "monthly_runs": standing.monthly_runs,
        "why": standing.why,
        "moved_by": standing.moved_by,
        "moved_at": standing.moved_at,
    }


def _pilot_json(standing: Standing) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if standing.pilot is not None:
        pilot = asdict(standing.pilot)
        pilot["looks"] = dict(standing.pilot.looks or {})
        kept["pilot"] = {**pilot, "since": standing.pilot.since.isoformat()}
    if standing.approvals:
        kept["approvals"] = [{**asdict(each), "at": each.at.isoformat()} for each in standing.approvals]
    if standing.holders:
        kept["holders"] = [asdict(each) for each in standing.holders]
    return kept


def _standing(row: Row[Any]) -> Standing:
    kept: Mapping[str, Any] = row.pilot
    return Standing(
        workflow=row.workflow,
        stage=Stage(row.stage),
        pilot=_pilot(kept["pilot"]) if "pilot" in kept else None,
        approvals=tuple(
            Approval(
                each["person"],
                datetime.fromisoformat(each["at"]),
                each["fingerprint"],
                tuple(each["groups"]),
            )
            for each in kept.get("approvals", ())
        ),
        monthly_runs=row.monthly_runs,
        why=row.why,
        moved_by=row.moved_by,
        moved_at=row.moved_at,
        holders=tuple(Holder(**each) for each in kept.get("holders", ())),
    )


def _pilot(kept: Mapping[str, Any]) -> Pilot:
    return Pilot(
        since=datetime.fromisoformat(kept["since"]),
        people=tuple(kept["people"]),
        groups=tuple(kept["groups"]),
        share=kept["share"],
        paused=kept["paused"],
        looks=dict(kept["looks"]),
    )
