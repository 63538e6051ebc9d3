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
from bot.shipped import OnProgress, load_shipped

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


def test_a_command_that_names_no_file_leaves_the_models_of_the_others_alone(
    terminal: Terminal, tmp_path: Path
) -> None:
    own = "default: {model: spanwise/quote}\ncareful: {model: spanwise/quote}\n"
    (tmp_path / "models.yaml").write_text(own)
    assert terminal("run", "ask-policy", QUESTION, SPANWISE_MODELS=str(tmp_path / "models.yaml")).code == 0
    assert terminal("run", "ask-policy", QUESTION).code == 0
    assert live_profiles(terminal) == own
    load(terminal)
    assert live_profiles(terminal) != own, "what is started to stay says what it finds"


def load(terminal: Terminal, on_progress: OnProgress | None = None) -> None:
    """What a worker does as it starts."""

    async def whole() -> None:
        product = build(settings_from(SPANWISE_DATA_DIR=terminal.data_dir))
        try:
            await load_shipped(product, on_progress)
        finally:
            await product.close()

    asyncio.run(whole())


class KilledHere(BaseException):
    """Nothing of the process goes on after it."""


def end(done: int, total: int, path: str) -> None:
    """The process ends after one document."""
    raise KilledHere


def documents(terminal: Terminal) -> list[str]:
    """Paths in the collection that the shipped handbook fills."""
    return re.findall(r"^(\S+\.md) ", terminal("knowledge", "list", "people").out, re.MULTILINE)


def test_a_handbook_whose_loading_was_cut_short_is_loaded_on(terminal: Terminal) -> None:
    with pytest.raises(KilledHere):
        load(terminal, end)
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


def add_own(terminal: Terminal, folder: Path) -> None:
    folder.mkdir()
    (folder / "canteen.md").write_text("# Canteen\n\nLunch is served from noon.\n")
    added = terminal("knowledge", "add", folder, "--collection", "people")
    assert added.code == 0, added.err


def test_beside_a_handbook_of_ones_own_the_workflows_ship_and_the_handbook_does_not(
    terminal: Terminal, tmp_path: Path
) -> None:
    add_own(terminal, tmp_path / "own")
    ran = terminal("run", "ask-policy", "question=When is lunch served?")
    assert ran.code == 0 and "Lunch is served from noon" in ran.out, ran.err
    load(terminal)
    assert documents(terminal) == ["canteen.md"]


def test_what_was_added_to_the_shipped_handbook_ends_its_updates(
    terminal: Terminal, tmp_path: Path, handbook: Path
) -> None:
    load(terminal)
    add_own(terminal, tmp_path / "own")
    (handbook / "desks.md").write_text("# Desks\n\nEach desk has a lamp.\n")
    load(terminal)
    assert terminal("explain", "ask-policy").code == 0
    assert documents(terminal) == ["bikes.md", "canteen.md", "parking.md"]


def test_a_newer_handbook_is_taken_up_at_a_start_where_nobody_added_to_it(
    terminal: Terminal, handbook: Path
) -> None:
    load(terminal)
    (handbook / "desks.md").write_text("# Desks\n\nEach desk has a lamp.\n")
    load(terminal)
    assert documents(terminal) == ["bikes.md", "desks.md", "parking.md"]
