"""Documents are held to the code: generated pages are current, links lead somewhere, pictures exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot import reference
from bot.governance.changes import CHANGE_TRANSITIONS, FIRST
from bot.governance.roles import Permission, Role
from workflows.definition import load_workflow
from workflows.run import RUN_TRANSITIONS
from workflows.steps import KINDS
from workflows.steps.check import CHECKS

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")] if ".venv" not in path.parts
)
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


@pytest.mark.parametrize("name", reference.pages())
def test_generated_pages_are_current(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == reference.pages()[name], "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures(page: Path) -> None:
    for picture, words, target in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            continue
        assert (page.parent / target.split("#")[0]).exists(), f"{target} does not exist"
        assert not picture or len(words) > 20, f"{target} has no alt text that describes it"


def test_the_picture_of_a_run_is_its_table() -> None:
    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE))
    assert drawn == {(source, target) for source, targets in RUN_TRANSITIONS.items() for target in targets}


def test_the_picture_of_a_change_request_is_its_table() -> None:
    text = (ROOT / "docs" / "governance.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^    (\w+|\[\*\]) --> (\w+)$", text, re.MULTILINE))
    moves = {(source, target) for source, targets in CHANGE_TRANSITIONS.items() for target in targets}
    assert drawn == moves | {("[*]", first) for first in FIRST}


def test_every_step_kind_is_described() -> None:
    text = (ROOT / "docs" / "workflow-files.md").read_text(encoding="utf-8")
    assert {kind for kind in KINDS if f"`{kind}`" not in text} == set()


def test_every_check_of_a_check_step_is_described() -> None:
    text = (ROOT / "docs" / "step-kinds.md").read_text(encoding="utf-8")
    said = (means.partition(" {")[0] for _, means in CHECKS.values())
    assert not [words for words in (*CHECKS, *said) if words not in text]


def test_the_sample_of_a_workflow_can_be_loaded() -> None:
    text = (ROOT / "docs" / "workflow-files.md").read_text(encoding="utf-8")
    sample = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[0]
    assert load_workflow(sample).name == "ask-policy"


def test_shipped_workflows_are_named_by_where_they_are() -> None:
    shipped = {path.name for path in (ROOT / "workflows" / "library").glob("*.yaml")}
    for page in PAGES:
        for path in re.findall(r"\bworkflows/[\w/-]+\.yaml", page.read_text(encoding="utf-8")):
            is_there = Path(path).name not in shipped or (ROOT / path).is_file()
            assert is_there, f"{page.name}: no file {path}"


def test_every_role_and_permission_is_listed() -> None:
    text = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")
    assert not [word for word in (*Role, *Permission) if word not in text]


def test_commands_in_the_documents_exist() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "bot", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    for page in PAGES:
        for command in re.findall(r"python -m bot (\w[\w-]*)", page.read_text(encoding="utf-8")):
            assert re.search(rf"\b{re.escape(command)}\b", listed), f"{page.name}: no command {command}"


def test_the_map_names_what_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`([a-z_]+\.py)`", text))
    there = {
        path.name
        for package in ("bot", "knowledge", "workflows", "tests")
        for path in (ROOT / package).rglob("*.py")
    }
    assert names - there == set()


def test_nothing_names_a_registry_or_this_machine() -> None:
    hosts = re.compile("py" + r"pi\.org|python" + "hosted|registry" + r"\.npmjs", re.IGNORECASE)
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    for name in listed.splitlines():
        path = ROOT / name
        if (
            path.suffix in {".py", ".md", ".toml", ".txt", ".in", ".yaml", ".json", ".js", ".css", ".html"}
            and path.exists()
        ):
            text = path.read_text(encoding="utf-8")
            assert not hosts.search(text), name
            assert "/" + "work/" not in text, name
