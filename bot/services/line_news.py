"""Telling people in the queue how it moves: the message that moved furthest first, a few at a time."""

from collections.abc import Mapping

from sqlalchemy import Connection

from bot.adapters.store.database import Store
from bot.adapters.store.queue_line import places
from bot.adapters.store.run_log import redraw_queued
from bot.adapters.store.run_turns import Shares
from bot.adapters.store.shown_places import shown_places

AT_A_TIME = 2
"""Messages drawn again in one look: Slack takes 50 edits a minute, and most of them belong to answers."""


async def tell_places(store: Store, shares: Shares) -> int:
    """Have the messages drawn again whose runs came much nearer; how many. Harmless to repeat."""
    moved = await store.read(lambda connection: _moved(connection, shares))
    if moved:
        await store.write(lambda connection: redraw_queued(connection, moved), relaxed=True)
    return len(moved)


def _moved(connection: Connection, shares: Shares) -> list[str]:
    shown = shown_places(connection)
    if not shown:
        return []
    now = places(connection, shown, shares)
    return furthest(shown, {run_id: place.position for run_id, place in now.items()})


def furthest(shown: Mapping[str, int], now: Mapping[str, int]) -> list[str]:
    """The runs whose place changed most beside what people read: from 40 to 20 before from 100 to 90."""
    changes = {run_id: _change(shown[run_id], place) for run_id, place in now.items()}
    changed = [run_id for run_id, change in changes.items() if change > 1]
    return sorted(changed, key=lambda run_id: -changes[run_id])[:AT_A_TIME]


def _change(before: int, after: int) -> float:
    before, after = max(before, 1), max(after, 1)
    return max(before / after, after / before)
