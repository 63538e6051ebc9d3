"""Pictures of diagrams: drawn in a child under limits, kept in memory and on disk, drawn once."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bot.adapters import diagrams
from bot.adapters.diagrams import Diagrams, NotDrawn, draw, key_of

SOURCE = "flowchart TD\n  a[One] --> b[Two]\n"
PNG = b"\x89PNG\r\n\x1a\n picture"


class Counted:
    """Stands in for the child process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, error: str = "") -> None:
        self.drawn: list[str] = []
        self.error = error
        monkeypatch.setattr(diagrams, "draw", self)

    async def __call__(self, source: str, wall_seconds: float) -> bytes:
        self.drawn.append(source)
        await asyncio.sleep(0)
        if self.error:
            raise NotDrawn(self.error)
        return PNG


async def test_a_picture_is_drawn_once_and_kept_over_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = Counted(monkeypatch)
    first = Diagrams(tmp_path / "diagrams")
    assert await asyncio.gather(*(first.png(SOURCE) for _ in range(5))) == [PNG] * 5
    assert await Diagrams(tmp_path / "diagrams").png(SOURCE) == PNG
    assert child.drawn == [SOURCE]
    assert [path.name for path in (tmp_path / "diagrams").iterdir()] == [f"{key_of(SOURCE)}.png"]


async def test_a_damaged_file_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = Counted(monkeypatch)
    (tmp_path / f"{key_of(SOURCE)}.png").write_bytes(b"half")
    assert await Diagrams(tmp_path).png(SOURCE) == PNG
    assert len(child.drawn) == 1
    assert (tmp_path / f"{key_of(SOURCE)}.png").read_bytes() == PNG


async def test_what_could_not_be_drawn_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = Counted(monkeypatch, error="too-slow")
    kept = Diagrams(tmp_path)
    with pytest.raises(NotDrawn):
        await kept.png(SOURCE)
    child.error = ""
    assert await kept.png(SOURCE) == PNG


async def test_who_stops_waiting_does_not_take_the_picture_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Counted(monkeypatch)
    kept = Diagrams(tmp_path)
    impatient = asyncio.create_task(kept.png(SOURCE))
    patient = asyncio.create_task(kept.png(SOURCE))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == PNG


async def test_the_folder_keeps_what_was_looked_at_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Counted(monkeypatch)
    monkeypatch.setattr(diagrams, "KEPT_ON_DISK", 3)
    for number in range(5):
        await Diagrams(tmp_path).png(f"{SOURCE}{number}")
        os.utime(tmp_path / f"{key_of(f'{SOURCE}{number}')}.png", (number, number))
    await Diagrams(tmp_path).png(f"{SOURCE}2")
    await Diagrams(tmp_path).png(f"{SOURCE}new")
    left = {path.stem for path in tmp_path.iterdir()}
    assert left == {key_of(f"{SOURCE}{which}") for which in ("2", "4", "new")}


async def test_a_full_disk_costs_nothing_but_the_next_drawing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Counted(monkeypatch)
    (tmp_path / "file").write_text("in the way")
    assert await Diagrams(tmp_path / "file").png(SOURCE) == PNG


async def test_what_is_too_long_is_not_begun() -> None:
    with pytest.raises(NotDrawn) as caught:
        await draw(SOURCE + " " * diagrams.MAX_SOURCE)
    assert caught.value.facts == {"why": "too-long"}


@pytest.mark.slow
async def test_the_child_draws_and_says_when_it_cannot() -> None:
    assert (await draw(SOURCE)).startswith(b"\x89PNG")
    with pytest.raises(NotDrawn) as caught:
        await draw("flowchart TD\n  a[ --> ]]\n")
    assert caught.value.facts == {"why": "not-a-diagram"}


async def test_a_child_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stuck = tmp_path / "stuck"
    stuck.write_text(f"#!{sys.executable}\nimport signal\nsignal.pause()\n")
    stuck.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stuck))
    with pytest.raises(NotDrawn) as caught:
        await draw(SOURCE, wall_seconds=0.3)
    assert caught.value.facts == {"why": "too-slow"}
