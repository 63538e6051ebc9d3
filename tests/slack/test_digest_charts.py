"""Charts in messages, as the local workspace takes them: pictures, Slack's own charts, or words."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slack_checks import shown
from slack_scene import Scene, open_scene

from bot.adapters.diagrams import NotDrawn
from bot.quality import chart_words
from bot.quality.chart_data import ChartData, packed
from bot.slack import digest_charts, pictures
from bot.slack.digest_charts import ChartShow, Files, chart_blocks
from bot.slack.elements import Outgoing
from bot.slack.gateway import Placed, SlackRefused
from bot.slack.native_charts import native_block
from bot.workspace.blockkit import check_blocks
from tests.bot.chart_samples import WEEKS

CHANNEL = "C0PEOPLE"
USUAL = WEEKS["usual"]
ALL = [pytest.param(charts, id=name) for name, charts in WEEKS.items()]


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(pictures, "PATIENCE_S", (0.01, 0.01))
    made, close = await open_scene(tmp_path, workflows=())
    yield made
    await close()


class Undrawable:
    """Stands in for the child process that fails."""

    async def draw(self, _chart: ChartData) -> bytes:
        raise NotDrawn("too-slow")


async def post(
    scene: Scene, show: ChartShow, charts: tuple[ChartData, ...] = USUAL
) -> list[dict[str, object]]:
    """Post the charts as one message; its blocks as they stand in the workspace."""

    async def send(files: Files) -> Placed:
        made = chart_blocks(charts, files, native=show.native)
        return await scene.desk.gateway.post(CHANNEL, Outgoing("Charts", tuple(made)))

    placed = await show.shown(charts, send)
    message = next(m for m in scene.person("U0ANA").messages(CHANNEL) if m.ts == placed.ts)
    return list(message.blocks)


async def test_charts_are_uploaded_once_and_shown_with_their_numbers_in_words(scene: Scene) -> None:
    first = await post(scene, scene.desk.charts)
    assert [block["type"] for block in first] == ["image"] * 4
    assert [block["alt_text"] for block in first] == [chart_words.alt(chart) for chart in USUAL]
    again = await post(scene, scene.desk.charts)
    assert [block["slack_file"] for block in again] == [block["slack_file"] for block in first]
    assert set(scene.desk.charts.known(USUAL)) == {packed(chart) for chart in USUAL}


async def test_what_cannot_be_drawn_is_said(scene: Scene) -> None:
    told = await post(scene, ChartShow(Undrawable(), scene.desk.pictures))  # type: ignore[arg-type]
    assert [block["type"] for block in told] == ["section"] * 4
    assert all(chart_words.gist(chart) in shown([block]) for chart, block in zip(USUAL, told, strict=True))


async def test_a_picture_that_slack_does_not_show_at_once_is_waited_for(scene: Scene) -> None:
    scene.workspace.faults.add("chat.postMessage", "error", error="invalid_blocks", times=2)
    assert [block["type"] for block in await post(scene, scene.desk.charts)] == ["image"] * 4
    assert len(scene.workspace.faults.happened) == 2


async def test_a_picture_that_slack_never_shows_is_left_out_and_forgotten(scene: Scene) -> None:
    scene.workspace.faults.add("chat.postMessage", "error", error="invalid_blocks", times=3)
    assert [block["type"] for block in await post(scene, scene.desk.charts)] == ["section"] * 4
    assert scene.desk.charts.known(USUAL) == {}


async def test_a_message_that_is_refused_for_its_place_is_not_tried_without_pictures(scene: Scene) -> None:
    scene.workspace.faults.add("chat.postMessage", "error", error="is_archived", times=5)
    with pytest.raises(SlackRefused, match="is_archived"):
        await post(scene, scene.desk.charts)
    assert len(scene.workspace.faults.happened) == 1


async def test_an_upload_that_fails_costs_that_picture_only(scene: Scene) -> None:
    scene.workspace.faults.add("files.getUploadURLExternal", "error", error="storage_limit_reached")
    told = await post(scene, scene.desk.charts)
    assert [block["type"] for block in told] == ["section", "image", "image", "image"]


async def test_slack_draws_two_itself_where_that_is_wanted(scene: Scene) -> None:
    show = ChartShow(scene.desk.charts.charts, scene.desk.pictures, native=True)
    told = await post(scene, show)
    assert [block["type"] for block in told] == ["data_visualization"] * 2 + ["image"] * 2
    assert len(show.known(USUAL)) == 2, "nothing is uploaded that is not shown"


@pytest.mark.parametrize("charts", ALL)
def test_slacks_own_charts_keep_its_limits(charts: tuple[ChartData, ...]) -> None:
    for chart in charts:
        block = native_block(chart)
        if chart_words.is_empty(chart) or len(getattr(chart, "days", ())) > 20:
            assert block is None
        else:
            assert block is not None
            assert check_blocks([block]) == ()
            json.dumps(block, allow_nan=False)


@pytest.mark.parametrize("charts", ALL)
def test_the_blocks_of_every_kind_of_week_are_taken(charts: tuple[ChartData, ...]) -> None:
    files = {packed(chart): "F0CHART" for chart in charts[::2]}
    for native in (False, True):
        made = chart_blocks(charts, files, native=native)
        assert len(made) == len(charts)
        assert check_blocks(made) == ()
    assert len(digest_charts.natives_of(charts)) <= 2
