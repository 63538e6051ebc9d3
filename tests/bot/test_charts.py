"""Charts as pictures: drawn by a child that is kept, nothing cut off, and by no process that acknowledges."""

import asyncio
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from chart_samples import WEEKS
from PIL import Image

from bot.adapters.charts import Charts
from bot.adapters.diagrams import NotDrawn
from bot.quality.chart_data import ChartData

USUAL = WEEKS["usual"]
SMALL = (WEEKS["no runs"][0], USUAL[1])
CHARTS = [pytest.param(chart, id=f"{name}, {chart.kind}") for name, all_ in WEEKS.items() for chart in all_]
EDGE = 24
"""Pixels around a chart that stay empty, so that it keeps a margin on a dark page."""


def one_answer(script: str, path: Path) -> str:
    """A stand-in for the interpreter that answers as the script says."""
    path.write_text(f"#!{sys.executable}\nimport sys, signal\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("chart", CHARTS)
def test_every_kind_of_week_is_drawn_with_a_margin(chart: ChartData) -> None:
    from bot.adapters.chart_look import picture_of

    picture = np.asarray(Image.open(io.BytesIO(picture_of(chart))).convert("L"))
    assert picture.shape[1] == 1440
    assert 250 < picture.shape[0] < 1500
    inside = picture[EDGE:-EDGE, EDGE:-EDGE]
    assert (picture == 255).sum() - (inside == 255).sum() == picture.size - inside.size
    assert (inside < 128).sum() > 500


@pytest.mark.slow
async def test_one_child_draws_until_it_ends_or_is_left_alone(tmp_path: Path) -> None:
    charts = Charts(tmp_path)
    first = await asyncio.gather(*(charts.draw(chart) for chart in SMALL))
    assert all(picture.startswith(b"\x89PNG") and len(picture) < 300_000 for picture in first)
    child = charts._child
    assert await charts.draw(USUAL[1]) == first[1]
    assert child is not None
    assert charts._child is child, "kept for the next chart"

    child.kill()
    await child.wait()
    assert await charts.draw(USUAL[1]) == first[1], "another one took its place"

    impatient = asyncio.create_task(charts.draw(USUAL[0]))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert await charts.draw(USUAL[1]) == first[1], "not what nobody waited for"
    await charts.close()
    assert charts._child is None


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("signal.pause()", "too-slow"),
        ("sys.exit(3)", "not-a-chart"),
        (
            "sys.stdout.buffer.write(bytes([0, 0, 0, 4]) + b'oops'); sys.stdout.flush(); signal.pause()",
            "not-a-chart",
        ),
        ("sys.stdout.buffer.write(b'x')", "not-a-chart"),
    ],
)
async def test_a_child_that_fails_is_told_by_its_name(
    script: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", one_answer(script, tmp_path / "child"))
    broken = Charts(tmp_path, wall_seconds=0.4 if why == "too-slow" else 20)
    with pytest.raises(NotDrawn) as caught:
        await broken.draw(USUAL[0])
    assert caught.value.facts == {"why": why}
    await broken.close()
    assert broken._child is None


def test_what_is_no_chart_is_refused_by_the_child(tmp_path: Path) -> None:
    question = b'{"kind": "pie"}'
    done = subprocess.run(
        [sys.executable, "-m", "bot.adapters.chart_drawing"],
        input=len(question).to_bytes(4, "big") + question + b"\x00\x00",
        capture_output=True,
        cwd=Path(__file__).parents[2],
        check=True,
    )
    assert b"ValidationError" in done.stdout
    assert not done.stdout.startswith(b"\x89PNG")


def test_only_the_child_reaches_what_draws() -> None:
    """Nothing else imports it, and test_importing_needs_nothing sees that no import loads the library."""
    root = Path(__file__).parents[2]
    using = {
        path.name
        for path in (root / "bot").rglob("*.py")
        if re.search(r"(import|adapters\.)\s*(matplotlib|chart_look|chart_sheet)", path.read_text())
    }
    assert using == {"chart_drawing.py", "chart_look.py", "chart_sheet.py"}
