"""What people were told of their place in the queue."""

from sqlalchemy import Connection, select

from bot.adapters.store.outbox_log import SHOWN, outbox
from bot.adapters.store.run_log import runs
from workflows.run import RunStatus

LOOKED_AT = 50
"""Messages that one look goes through, those first that were not drawn for longest."""

_SHOWN = (
    select(outbox.c.run_id, outbox.c.shown_place)
    .join(runs, runs.c.id == outbox.c.run_id)
    .where(
        runs.c.status == RunStatus.QUEUED.value,
        outbox.c.state == SHOWN,
        outbox.c.kind == "run",
        # one that will be drawn anyway tells the new place by itself
        outbox.c.shown_revision == runs.c.revision,
        outbox.c.lease_until.is_(None),
    )
    .order_by(outbox.c.quiet_until)
    .limit(LOOKED_AT)
)


def shown_places(connection: Connection) -> dict[str, int]:
    """Id of each queued run whose message is posted, with the place it shows."""
    return {row.run_id: row.shown_place for row in connection.execute(_SHOWN)}
