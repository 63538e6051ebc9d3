"""Waiting for one's turn at a provider whose rate is limited, with all other processes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.adapters.profiles import ModelProfile
from bot.adapters.rate import Rate
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.moments import lease_clock
from bot.adapters.store.turns_log import Turn, take_turn

MOST_WAIT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Turns:
    """The rates of all models. Times are the database's, where several machines share one."""

    store: Store
    clock: Callable[[Connection], datetime] = lease_clock

    async def take(self, profile: ModelProfile, tokens: int, patience_s: float) -> Turn:
        """When a call with so many tokens may start; what has no rate may at once, and asks nobody."""
        rates = {"requests": (profile.requests_per_minute, 1), "tokens": (profile.tokens_per_minute, tokens)}
        wanted = {
            f"{what} {profile.key}": (Rate(most), amount) for what, (most, amount) in rates.items() if most
        }
        if not wanted:
            return Turn(timedelta(0), True)
        patience = timedelta(seconds=min(patience_s, MOST_WAIT_S))
        return await self.store.write(
            lambda connection: take_turn(connection, wanted, self.clock(connection), patience), relaxed=True
        )
