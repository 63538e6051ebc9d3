"""Who will be able to read an answer, and so which collections it may be made from."""

from collections.abc import Collection
from dataclasses import dataclass

from bot.services.actors import Actor, Origin

EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Audience:
    """Each reader as the ids they answer to: their own and those of their groups. None means everybody."""

    readers: tuple[frozenset[str], ...] | None

    @classmethod
    def of(cls, actor: Actor, origin: Origin) -> "Audience":
        """Those who can read where the answer will stand; for a private one, the person who asked."""
        asker = frozenset({actor.id, *actor.groups})
        if origin.visibility == "private":
            return cls.of_one(actor)
        if not origin.readers:
            return cls(None)
        # the groups of the others are not known here, so they count for nothing
        others = (frozenset({reader}) for reader in origin.readers if reader != actor.id)
        return cls((asker, *others))

    @classmethod
    def of_one(cls, actor: Actor) -> "Audience":
        """One person alone."""
        return cls((frozenset({actor.id, *actor.groups}),))

    def and_also(self, actor: Actor) -> "Audience":
        """These readers and one more."""
        if self.readers is None:
            return self
        return Audience((frozenset({actor.id, *actor.groups}), *self.readers))

    def may_read(self, allowed: Collection[str]) -> bool:
        """Whether every reader is among those allowed. Nobody named in the list means nobody."""
        if EVERYONE in allowed:
            return True
        return self.readers is not None and all(reader & set(allowed) for reader in self.readers)


def reads_there(actor: Actor, origin: Origin) -> bool:
    """Whether an answer stands where this person reads it."""
    if actor.is_outsider or origin.visibility != "channel":
        return False
    return not origin.readers or actor.id in origin.readers


TERMINAL = Audience(())
"""Whoever runs commands on the machine reads the store anyway."""
