"""What App Home asks of the run log about one person."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.adapters.store.run_log import own_runs, runs


def runs_by_workflow(connection: Connection, actor_id: str, since: datetime) -> dict[str, int]:
    """How often a person asked each workflow since a moment."""
    query = (
        select(runs.c.workflow, func.count())
        .where(own_runs(actor_id), runs.c.created_at >= since)
        .group_by(runs.c.workflow)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
