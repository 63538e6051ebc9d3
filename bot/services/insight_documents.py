"""Which documents the answers of some workflows stood on, which on none, and which are old and still used."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.adapters.store import document_log
from bot.adapters.store.explain_facts import documents_in
from bot.adapters.store.rollups_log import document_uses
from bot.quality.week_insights import DocumentUse, StaleDocument
from bot.services.readers import Audience

LOOKED_BACK = timedelta(weeks=8)
"""Before the end of the week: in how long a document must ground no answer to count as not used."""

ENOUGH_ANSWERS = 20
"""With fewer in all that time, nothing follows from a document that is not among their sources."""

STALE_AFTER = timedelta(days=180)
"""Since its text last changed: harm grows with age, so what is younger is of no interest."""

SHOWN = 10
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Documents:
    """What is said of the documents that some workflows search, as far as the readers may read them."""

    used: tuple[DocumentUse, ...] = ()
    unused: tuple[DocumentUse, ...] = ()
    stale: tuple[StaleDocument, ...] = ()
    count: int = 0


def documents(
    connection: Connection,
    workflows: Collection[str],
    collections: Collection[str],
    since: datetime,
    until: datetime,
    audience: Audience,
) -> Documents:
    """Used in that time; unused and stale by the weeks before its end."""
    known = _live(connection, collections, audience)
    week = _uses(connection, workflows, since, until)
    longer = _uses(connection, workflows, until - LOOKED_BACK, until)
    used = [_use(known[each], *uses) for each, uses in week.items() if each in known]
    grounded = [_use(known[each], *uses) for each, uses in longer.items() if each in known]
    answers = sum(count for count, _ in longer.values())
    unused = [one for each, one in known.items() if each not in longer] if answers >= ENOUGH_ANSWERS else []
    return Documents(
        tuple(sorted(used, key=lambda one: (-one.answers, one.path))[:SHOWN]),
        tuple(sorted(unused, key=lambda one: (one.updated_at, one.path))),
        _stale(grounded, until),
        len(known),
    )


def _stale(grounded: Sequence[DocumentUse], now: datetime) -> tuple[StaleDocument, ...]:
    old = [_aged(one, now) for one in grounded if now - one.updated_at > STALE_AFTER]
    return tuple(sorted(old, key=lambda one: (-one.harm, one.document.path))[:SHOWN])


def _aged(one: DocumentUse, now: datetime) -> StaleDocument:
    age = now - one.updated_at
    share = one.votes_down / one.answers if one.answers else 0.0
    return StaleDocument(one, age.days, one.answers * (age / YEAR) * (1 + share))


def _uses(
    connection: Connection, workflows: Collection[str], since: datetime, until: datetime
) -> dict[str, tuple[int, int]]:
    """By document, of all these workflows together."""
    found: dict[str, tuple[int, int]] = {}
    for (_, document_id), (answers, down) in document_uses(connection, since, until, workflows).items():
        before = found.get(document_id, (0, 0))
        found[document_id] = (before[0] + answers, before[1] + down)
    return found


def _live(
    connection: Connection, collections: Collection[str], audience: Audience
) -> Mapping[str, DocumentUse]:
    readable = [
        row.name
        for row in document_log.list_collections(connection)
        if row.name in collections and audience.may_read(row.audience)
    ]
    return {
        each.id: DocumentUse(each.id, name, each.path, each.title, each.owner, each.updated_at, 0, 0)
        for name in readable
        for each in documents_in(connection, name)
    }


def _use(one: DocumentUse, answers: int, votes_down: int) -> DocumentUse:
    return replace(one, answers=answers, votes_down=votes_down)
