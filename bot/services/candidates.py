"""What a candidate changes of a workflow, and the fingerprint that an approval is of."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.adapters.store.versions_log import CANDIDATE
from bot.services.catalogue import Catalogue
from bot.services.contents import PINNED_KINDS, WORKFLOW


@dataclass(frozen=True, slots=True)
class Difference:
    """One content that a candidate changes."""

    kind: str
    name: str
    old: int
    """Version in production; 0 for none."""
    new: int
    author: str
    content_hash: str
    reaches: tuple[str, ...] = ()
    """Other workflows in production that use it too."""


def differences(connection: Connection, catalogue: Catalogue, workflow: str) -> tuple[Difference, ...]:
    """What the candidate of a workflow changes, in the order of kinds. Raises UnknownWorkflow."""
    live = catalogue.versions(connection)
    old: Mapping[str, Mapping[str, int]] = {}
    if (WORKFLOW, workflow) in live:
        old = catalogue.resolve(connection, workflow).pins
    new = catalogue.resolve(connection, workflow, label=CANDIDATE).pins
    return tuple(
        _difference(connection, catalogue, workflow, kind, name, old.get(kind, {}).get(name, 0))
        for kind in PINNED_KINDS
        for name, number in sorted(new.get(kind, {}).items())
        if old.get(kind, {}).get(name) != number
    )


def fingerprint(found: Collection[Difference]) -> str:
    """What an approval is of: these versions and no others."""
    parts = sorted(f"{each.kind}:{each.name}:{each.content_hash}" for each in found)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _difference(
    connection: Connection, catalogue: Catalogue, workflow: str, kind: str, name: str, old: int
) -> Difference:
    version = catalogue.versions(connection, CANDIDATE)[kind, name]
    others = sorted({item for each, item in catalogue.versions(connection) if each == WORKFLOW} - {workflow})
    reaches = tuple(item for item in others if name in catalogue.resolve(connection, item).pins.get(kind, {}))
    return Difference(kind, name, old, version.number, version.author, version.content_hash, reaches)
