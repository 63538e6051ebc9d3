"""Runs that end because not all who would read the answer may read a collection: stated, and no fault."""

from collections.abc import Iterable
from dataclasses import replace

from bot.adapters.store.run_log import RunRow
from bot.governance.roles import Grant
from bot.services.complaints import admins_of, owners_of
from workflows.ports import UnknownCollection
from workflows.run import Failure


def is_closed(failure: Failure) -> bool:
    """Whether that is why there is no answer, also in a workflow within: trying again changes nothing."""
    return UnknownCollection.__name__ in (failure.kind, failure.facts.get("failure"))


def naming_owners(failure: Failure, row: RunRow, grants: Iterable[Grant]) -> Failure:
    """With whom to ask: owners of the workflow, as those of the collection would say whether it exists."""
    held = tuple(grants)
    ask = dict.fromkeys((*owners_of(held, row.workflow), *admins_of(held)))
    ask.pop(row.actor_id, None)
    return replace(failure, facts={**failure.facts, "ask": ",".join(ask)})
