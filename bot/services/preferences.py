"""What a person sets for themselves. Nobody sets anything for somebody else."""

from typing import Literal, get_args

from bot.adapters.store import audit_log
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.preferences_log import read_preference, write_preference
from bot.services.access import Outsider
from bot.services.actors import Actor
from workflows.ports import Clock

Answers = Literal["workflow", "private", "channel"]
"""Where answers go: as each workflow says, only to the person, or to the channel they ask in."""

ANSWERS = "answers"


class UnknownChoice(Exception):
    """The setting has no such value."""

    def __init__(self, setting: str, choice: str) -> None:
        super().__init__(choice)
        self.facts = {"setting": setting, "choice": choice}


def answers_of(connection: Connection, person: str) -> Answers:
    """Where this person wants answers."""
    return _known(read_preference(connection, person, ANSWERS)) or "workflow"


class Preferences:
    """Reads and keeps them in the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def answers(self, person: str) -> Answers:
        """Where this person wants answers."""
        return await self._store.read(lambda connection: answers_of(connection, person))

    async def set_answers(self, actor: Actor, choice: str) -> bool:
        """Keep the person's choice; False when it was that already. Raises Outsider, UnknownChoice."""
        if actor.is_outsider:
            raise Outsider(actor.id)
        known = _known(choice)
        if known is None:
            raise UnknownChoice(ANSWERS, choice)

        def act(connection: Connection) -> bool:
            now = self._clock.now()
            changed = write_preference(connection, actor.id, ANSWERS, known, now)
            if changed:
                audit_log.append_event(
                    connection,
                    actor=actor.id,
                    action="preference.set",
                    target=f"person:{actor.id}",
                    context={ANSWERS: known},
                    at=now,
                )
            return changed

        return await self._store.write(act)


def _known(choice: str) -> Answers | None:
    return next((value for value in get_args(Answers) if value == choice), None)
