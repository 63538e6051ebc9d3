"""Mermaid to PNG, offline: drawn in a child process, kept in memory and in the data folder.

Started by itself as `python -m bot.adapters.diagrams`: the source comes on standard input, the picture goes
to standard output. What a strange diagram can exhaust is that process only, and acknowledgements do not wait.
"""

import asyncio
import hashlib
import os
import resource
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger(__name__)

MAX_SOURCE = 200_000
WALL_SECONDS = 30.0
"""For one picture, the start of the child process included."""
CPU_SECONDS = 25
MEMORY_BYTES = 2 * 1024**3
"""Address space, libraries included."""
AT_ONCE = 1
KEPT_IN_MEMORY, KEPT_ON_DISK = 64, 1000
SCALE = 1.5
STYLE = "1"
"""Part of each picture's key: change it with what is below."""
LOOK: dict[str, Any] = {
    "theme": "base",
    "themeVariables": {
        "fontFamily": "DejaVu Sans",
        "fontSize": "16px",
        "lineColor": "#475569",
        "edgeLabelBackground": "#ffffff",
    },
    "flowchart": {
        "curve": "basis",
        "nodeSpacing": 24,
        "rankSpacing": 26,
        "padding": 9,
        "diagramPadding": 24,
        "wrappingWidth": 320,
    },
}
_PNG = b"\x89PNG\r\n"


class NotDrawn(Exception):
    """The picture could not be made; fact `why`: too-long, too-slow or not-a-diagram."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.facts = {"why": why}


class Diagrams:
    """Draws and keeps pictures. The same source is drawn once, however often it is asked for."""

    def __init__(self, folder: Path, wall_seconds: float = WALL_SECONDS) -> None:
        self._folder = folder
        self._wall_seconds = wall_seconds
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._drawing: dict[str, asyncio.Task[bytes]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def png(self, source: str) -> bytes:
        """The picture of a Mermaid diagram. Raises NotDrawn."""
        key = key_of(source)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        task = self._drawing.get(key)
        if task is None:
            task = self._drawing[key] = asyncio.create_task(self._find_or_draw(key, source))
            task.add_done_callback(lambda done: self._drawn(key, done))
        # who gives up waiting must not take the picture from the others
        return await asyncio.shield(task)

    def _drawn(self, key: str, task: asyncio.Task[bytes]) -> None:
        self._drawing.pop(key, None)
        if not task.cancelled():
            # everybody may have given up: the error is then nobody's
            task.exception()

    async def _find_or_draw(self, key: str, source: str) -> bytes:
        path = self._folder / f"{key}.png"
        found = await asyncio.to_thread(_read, path)
        if not found:
            async with self._turns:
                found = await draw(source, self._wall_seconds)
            await asyncio.to_thread(_keep, path, found)
        self._kept[key] = found
        while len(self._kept) > KEPT_IN_MEMORY:
            self._kept.popitem(last=False)
        return found


def key_of(source: str) -> str:
    """A picture's name: the hash of what it shows and how."""
    return hashlib.sha256(f"{STYLE}\n{source}".encode()).hexdigest()[:40]


async def draw(source: str, wall_seconds: float = WALL_SECONDS) -> bytes:
    """One picture from a child process. Raises NotDrawn."""
    if len(source) > MAX_SOURCE:
        raise NotDrawn("too-long")
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.adapters.diagrams",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        async with asyncio.timeout(wall_seconds):
            drawn, said = await child.communicate(source.encode())
    except TimeoutError:
        raise NotDrawn("too-slow") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode or not drawn.startswith(_PNG):
        log.warning("diagram.not_drawn", code=child.returncode, said=said.decode(errors="replace")[-300:])
        raise NotDrawn("not-a-diagram")
    return drawn


def _read(path: Path) -> bytes:
    try:
        found = path.read_bytes()
        # what was looked at last is thrown away last
        os.utime(path)
    except OSError:
        return b""
    return found if found.startswith(_PNG) else b""


def _keep(path: Path, picture: bytes) -> None:
    """Keep a picture whole or not at all; a full disk costs the next drawing and nothing else."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(picture)
        unfinished.replace(path)
        kept = sorted(path.parent.glob("*.png"), key=lambda each: each.stat().st_mtime)
        for old in kept[:-KEPT_ON_DISK]:
            old.unlink(missing_ok=True)
    except OSError as error:
        log.warning("diagram.not_kept", error=type(error).__name__)


def serve() -> None:
    """The child: one diagram in, one picture out."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    source = sys.stdin.buffer.read().decode()
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # libraries that print must not garble the picture
    sys.stdout = sys.stderr
    import mermaidx

    drawn = mermaidx.render(source, config=LOOK).png(scale=SCALE, background="#ffffff")
    with answer:
        answer.write(drawn)
    # the library prepares for a next picture, which would be waited for
    os._exit(0)


if __name__ == "__main__":
    serve()
