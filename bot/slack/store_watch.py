"""Telling admins that the database takes nothing: the one alert that cannot be kept in it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.adapters.store.database import Store
from bot.adapters.store.store_down import StoreDown, Why
from bot.services.alert_places import AlertPlaces
from bot.services.part_troubles import advice, detail
from bot.slack.blocks import notice
from bot.slack.elements import Outgoing
from bot.slack.gateway import Gateway, SlackBusy, SlackRefused, SlackUncertain
from workflows.ports import Clock

log = structlog.get_logger(__name__)

PATIENCE = timedelta(seconds=20)
"""What is over before is not worth waking somebody for."""


@dataclass(slots=True)
class StoreWatch:
    """Tries the database now and then; speaks past the outbox once when it is down, once when it is back."""

    store: Store
    alerting: AlertPlaces
    gateway: Gateway
    clock: Clock
    look_s: float = 5.0
    patience: timedelta = PATIENCE
    _places: tuple[str, ...] = ()
    """Where alerts went when that could be read last."""
    _since: datetime | None = None
    _told: tuple[str, ...] = ()

    async def run_until(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set."""
        while not stop.is_set():
            try:
                await self.look()
            except Exception:
                log.exception("store_watch.failed")
            try:
                async with asyncio.timeout(self.look_s):
                    await stop.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Try the database, and tell of what changed."""
        try:
            await self.store.probe()
        except StoreDown as error:
            await self._is_down(error.why)
        else:
            await self._is_up()

    async def _is_down(self, why: Why) -> None:
        now = self.clock.now()
        self._since = self._since or now
        if self._told or now - self._since < self.patience:
            return
        try:
            # what was granted lately can often be read where nothing can be written
            self._places = await self.alerting.places()
        except StoreDown:
            log.info("store_watch.places_as_before", places=len(self._places))
        # sentences of every room: loaded when something is wrong
        from bot.slack.alert_text import database_down

        said = database_down(detail("", why), advice("database", why))
        log.error("store.down", why=why)
        self._told = await self._tell(self._places, notice(said))

    async def _is_up(self) -> None:
        self._places = await self.alerting.places()
        since, told = self._since, self._told
        self._since, self._told = None, ()
        if since is not None and told:
            from bot.slack.alert_text import database_back

            log.info("store.back")
            await self._tell(told, notice(database_back(since, self.clock.now())))

    async def _tell(self, places: tuple[str, ...], message: Outgoing) -> tuple[str, ...]:
        """The places that heard it."""
        heard = []
        for place in places:
            try:
                is_person = place.startswith(("U", "W"))
                channel = await self.gateway.direct_channel(place) if is_person else place
                await self.gateway.post(channel, message)
                heard.append(place)
            except (SlackBusy, SlackRefused, SlackUncertain) as error:
                log.warning("store_watch.unheard", place=place, error=type(error).__name__)
        return tuple(heard)
