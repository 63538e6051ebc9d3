"""The machine's clock, as the core's Clock port."""

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """Aware UTC, and waiting on the event loop."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait without holding a thread."""
        await asyncio.sleep(seconds)
