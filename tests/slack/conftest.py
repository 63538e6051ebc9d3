"""The scene that most tests of Slack play in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slack_scene import Scene, open_scene


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """The whole product with two released workflows, a channel and its people."""
    made, close = await open_scene(tmp_path)
    yield made
    await close()
