"""What a data folder holds after its first commands: workflows, model profiles, and whose handbook."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from terminal import Terminal

from bot.bootstrap import build
from bot.settings_reading import settings_from
from bot.shipped import load_shipped

QUESTION = "question=How many places has the car park in Leeds?"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "var")


@pytest.fixture(autouse=True)
def handbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shipped handbook that is loaded in no time."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "parking.md").write_text("# Parking\n\nThe car park in Leeds has 40 places.\n")
    (folder / "bikes.md").write_text("# Bikes\n\nThe shed in Lisbon has 12 places.\n")
    monkeypatch.setattr("bot.shipped.HANDBOOK", folder)
    return folder


def live_profiles(terminal: Terminal) -> str:
    """The models.yaml that the next run pins."""
    query = "SELECT content FROM versions JOIN labels USING (kind, name, number) WHERE kind = 'models'"
    with closing(sqlite3.connect(terminal.data_dir / "spanwise.db")) as database:
        return str(database.execute(query).fetchone()[0])


@pytest.mark.parametrize("command", [("run", "ask-policy", QUESTION), ("explain", "ask-policy")])
def test_other_model_profiles_hold_from_the_next_command_on(
    terminal: Terminal, tmp_path: Path, command: tuple[str, ...]
) -> None:
    assert terminal("run", "ask-policy", QUESTION).code == 0
    own = "default: {model: spanwise/quote}\ncareful: {model: spanwise/quote}\n"
    (tmp_path / "models.yaml").write_text(own)
    ran = terminal(*command, SPANWISE_MODELS=str(tmp_path / "models.yaml"))
    assert ran.code == 0, ran.err
    assert live_profiles(terminal) == own


def cut_short(terminal: Terminal) -> None:
    """A first command whose process ends after one document."""

    class Killed(BaseException):
        pass

    def end(done: int, total: int, path: str) -> None:
        raise Killed

    async def load() -> None:
        product = build(settings_from(SPANWISE_DATA_DIR=terminal.data_dir))
        try:
            await load_shipped(product, end)
        finally:
            await product.close()

    with pytest.raises(Killed):
        asyncio.run(load())


def documents(terminal: Terminal) -> list[str]:
    """Paths in the collection that the shipped handbook fills."""
    return re.findall(r"^(\S+\.md) ", terminal("knowledge", "list", "people").out, re.MULTILINE)


def test_a_handbook_whose_loading_was_cut_short_is_loaded_on(terminal: Terminal) -> None:
    cut_short(terminal)
    assert documents(terminal) == ["bikes.md"]
    ran = terminal("run", "ask-policy", QUESTION)
    assert ran.code == 0 and "40 places" in ran.out, ran.out + ran.err
    assert documents(terminal) == ["bikes.md", "parking.md"]


def test_a_whole_handbook_is_not_read_again_nor_is_what_was_taken_out_brought_back(
    terminal: Terminal, handbook: Path
) -> None:
    terminal("run", "ask-policy", QUESTION)
    terminal("knowledge", "remove", "bikes.md", "--collection", "people")
    (handbook / "parking.md").write_text("# Parking\n\nThe car park in Leeds has 55 places.\n")
    assert "40 places" in terminal("run", "ask-policy", QUESTION).out
    assert documents(terminal) == ["parking.md"]
