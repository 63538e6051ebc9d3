"""Telling admins that the database takes nothing: the one alert that cannot be kept in it.

Several processes see it at once and cannot agree through the database. They take turns in an order that all
of them knew before, and who comes later looks in Slack whether it has been said.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.adapters.store.database import Connection, Store
from bot.adapters.store.heartbeats_log import names_alive
from bot.adapters.store.store_down import StoreDown, Why
from bot.services.alert_places import AlertPlaces
from bot.services.part_troubles import advice, detail
from bot.slack.blocks import notice
from bot.slack.gateway import Gateway
from bot.slack.notices import Notices
from workflows.ports import Clock

log = structlog.get_logger(__name__)

PATIENCE = timedelta(seconds=20)
"""What is over before is not worth waking somebody for."""
TURN = timedelta(seconds=30)
"""How much later each further process speaks: longer than noticing and a call to Slack may differ."""
PART = "slack"
"""What the processes do that watch."""
DOWN, BACK = "down", "back"


@dataclass(slots=True)
class StoreWatch:
    """Tries the database now and then; has it said once that it is down, and once that it is back."""

    store: Store
    alerting: AlertPlaces
    gateway: Gateway
    clock: Clock
    process: str
    """The name that it beats by."""
    look_s: float = 5.0
    patience: timedelta = PATIENCE
    _places: tuple[str, ...] = ()
    """Where alerts went when that could be read last."""
    _turn: timedelta = timedelta(0)
    """How much later than the first it speaks."""
    _since: datetime | None = None
    _back_since: datetime | None = None
    _told: tuple[str, ...] = ()
    """The places that know that it is down, by whomever."""
    _has_begun: bool = False

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
        now, self._back_since, self._has_begun = self.clock.now(), None, True
        self._since = self._since or now
        if self._told or now - self._since < self.patience + self._turn:
            return
        try:
            # what was granted lately can often be read where nothing can be written
            self._places = await self.alerting.places()
        except StoreDown:
            log.info("store_watch.places_as_before", places=len(self._places))
        # sentences of every room: loaded when something is wrong
        from bot.slack.alert_text import database_down

        log.error("store.down", why=why)
        self._told = await self._say(
            DOWN, self._places, database_down(detail("", why), advice("database", why))
        )

    async def _is_up(self) -> None:
        self._places = await self.alerting.places()
        if self._since is None:
            # afterwards it takes a while until all beat again
            self._turn = await self.store.read(self._own_turn)
        if not self._has_begun:
            await self._take_up()
            self._has_begun = True
        if self._since is None or not self._told:
            self._since = None
            return
        now = self.clock.now()
        self._back_since = self._back_since or now
        if now - self._back_since < self._turn:
            return
        from bot.slack.alert_text import database_back

        log.info("store.back")
        await self._say(BACK, self._told, database_back(self._since, self._back_since))
        self._since, self._back_since, self._told = None, None, ()

    async def _take_up(self) -> None:
        """What processes said that have all ended since is ended by the next that begins."""
        for place in self._places:
            newest = await self._notices.newest(place)
            if newest is not None and newest.state == DOWN:
                self._told = (*self._told, place)
                self._since = min(self._since or newest.at, newest.at)

    def _own_turn(self, connection: Connection) -> timedelta:
        names = names_alive(connection, PART)
        return TURN * (names.index(self.process) if self.process in names else max(len(names), 1))

    @property
    def _notices(self) -> Notices:
        return Notices(self.gateway, self.clock, "database")

    async def _say(self, state: str, places: tuple[str, ...], words: str) -> tuple[str, ...]:
        """The places that know it now."""
        return tuple([place for place in places if await self._notices.say(place, state, notice(words))])
