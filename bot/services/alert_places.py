"""Who is told when something is wrong with the installation."""

from sqlalchemy import Connection

from bot.adapters.store.database import Store
from bot.services.access import Access
from bot.services.complaints import admins_of


class AlertPlaces:
    """The channel of alerts where one is set, else each admin."""

    def __init__(self, store: Store, access: Access, channel: str) -> None:
        self._store = store
        self._access = access
        self._channel = channel

    async def places(self) -> tuple[str, ...]:
        """Where alerts go: the channel, or each admin."""
        return (self._channel,) if self._channel else await self._store.read(self._admins)

    def _admins(self, connection: Connection) -> tuple[str, ...]:
        return admins_of(self._access.grants(connection))
