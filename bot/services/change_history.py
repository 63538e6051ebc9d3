"""Every version of a target, with who moved it there and when."""

from dataclasses import dataclass

from sqlalchemy import Connection

from bot.governance.changes import Target
from bot.governance.roles import Permission
from bot.services.actors import Actor
from bot.services.change_errors import NothingToRollBack
from bot.services.change_releases import LabelMove, Releases

_READERS = (Permission.PROPOSE, Permission.APPROVE, Permission.SEE_AUDIT, Permission.EDIT_KNOWLEDGE)


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version of a target, for its history."""

    number: int
    author: str
    moves: tuple[LabelMove, ...]
    """Each time the target was moved to it, newest first."""
    is_live: bool


@dataclass(frozen=True, slots=True)
class History:
    """Everything a target ever said, newest first."""

    target: Target
    versions: tuple[VersionLine, ...]
    moves: tuple[LabelMove, ...]
    """Every time it was moved, to no version of its own as well, newest first."""
    can_go_back: bool
    """Whether an earlier version stood before the one that stands now."""

    @property
    def is_as_filed(self) -> bool:
        """Whether what its workflow's file says stands today, though there are versions of it."""
        return bool(self.versions) and self.target.kind in ("parameters", "rules") and not self._has_live

    @property
    def _has_live(self) -> bool:
        return any(line.is_live for line in self.versions)


def read_history(connection: Connection, releases: Releases, actor: Actor, target: Target) -> History:
    """The history of a target. Raises NotAuthorized, UnknownTarget."""
    targets = releases.targets
    if not any(targets.access.may(connection, actor, each, target.scope) for each in _READERS):
        targets.access.authorise(connection, actor, Permission.PROPOSE, target.scope)
    current = targets.current(connection, target)
    moves = releases.moves(connection, target)
    lines = tuple(
        VersionLine(
            number,
            author,
            tuple(each for each in moves if each.number == number),
            number == current.number,
        )
        for number, author, _at in targets.versions_of(connection, target)
    )
    try:
        releases.previous(connection, target, current)
    except NothingToRollBack:
        return History(target, lines, moves, can_go_back=False)
    return History(target, lines, moves, can_go_back=True)
