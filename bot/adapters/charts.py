"""Charts as PNG pictures, drawn in a child process that is kept for the next one and ends when it is idle.

The child is `python -m bot.adapters.chart_drawing`. What a strange chart can exhaust is that process only,
and processes that acknowledge never load the library that draws.
"""

import asyncio
import os
import struct
import sys
from pathlib import Path

import structlog

from bot.adapters.diagrams import NotDrawn
from bot.quality.chart_data import ChartData, packed

log = structlog.get_logger(__name__)

WALL_SECONDS = 30.0
"""For one chart, the start of the child process and its wait for others included."""
LENGTH = struct.Struct("!I")
"""How long what follows is: a picture, or in its place what went wrong."""
MOST_BYTES = 20_000_000
_PNG = b"\x89PNG\r\n"
_GONE = (asyncio.IncompleteReadError, ConnectionError)


class Charts:
    """Draws charts one after the other. `folder` keeps what the drawing library learns about fonts."""

    def __init__(self, folder: Path, wall_seconds: float = WALL_SECONDS) -> None:
        self._folder = folder
        self._wall_seconds = wall_seconds
        self._child: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def draw(self, chart: ChartData) -> bytes:
        """The chart as a picture. Raises NotDrawn."""
        question = packed(chart).encode()
        if len(question) > MOST_BYTES:
            raise NotDrawn("too-long")
        try:
            async with asyncio.timeout(self._wall_seconds), self._turn:
                drawn = await self._ask_undisturbed(question)
        except TimeoutError:
            raise NotDrawn("too-slow") from None
        if not drawn.startswith(_PNG):
            said = drawn[:300].decode(errors="replace")
            log.warning("chart.not_drawn", kind=chart.kind, said=said)
            raise NotDrawn("not-a-chart")
        return drawn

    async def close(self) -> None:
        """End the child process, if there is one."""
        async with self._turn:
            await self._end()

    async def _ask_undisturbed(self, question: bytes) -> bytes:
        """An answer broken off halfway would be read as the next one's: that child is ended."""
        try:
            return await self._ask_twice(question)
        except BaseException:
            await asyncio.shield(self._end())
            raise

    async def _ask_twice(self, question: bytes) -> bytes:
        """A child that was kept may have ended just now; a new one that ends did so because of the chart."""
        if self._child is not None:
            try:
                return await _ask(self._child, question)
            except _GONE:
                await self._end()
        self._child = await self._start()
        try:
            return await _ask(self._child, question)
        except _GONE:
            await self._end()
            return b""

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot.adapters.chart_drawing",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "MPLCONFIGDIR": str(self._folder.absolute()), "OPENBLAS_NUM_THREADS": "1"},
        )

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            if child.returncode is None:
                child.kill()
            # what it still wrote is read, or it would never be over
            await child.communicate()


async def _ask(child: asyncio.subprocess.Process, question: bytes) -> bytes:
    if child.stdin is None or child.stdout is None:
        raise ConnectionError
    child.stdin.write(LENGTH.pack(len(question)) + question)
    await child.stdin.drain()
    (length,) = LENGTH.unpack(await child.stdout.readexactly(LENGTH.size))
    return await child.stdout.readexactly(length)
