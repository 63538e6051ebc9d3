"""One demo for each module that asks for it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from product_stage import ProductStage
from terminal import Ran, Terminal

from tests import chromium
from tests.handbook_vectors import HandbookVectors

QUESTION = "How many days of leave can I carry over?"


@pytest.fixture(scope="session")
def first_run(
    tmp_path_factory: pytest.TempPathFactory, handbook_vectors: HandbookVectors
) -> tuple[Terminal, Ran]:
    """`python -m bot run` on an empty data folder, and how it ended."""
    terminal = Terminal(tmp_path_factory.mktemp("first") / "var")
    handbook_vectors.lend(terminal.data_dir)
    return terminal, terminal.child("run", "ask-policy", f"question={QUESTION}")


@pytest.fixture(scope="session")
def stage(
    tmp_path_factory: pytest.TempPathFactory, handbook_vectors: HandbookVectors
) -> Iterator[ProductStage]:
    folder = tmp_path_factory.mktemp("demo")
    handbook_vectors.lend(folder / "var")
    stage = ProductStage(folder)
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.open_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, stage: ProductStage, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The workspace page as Ana sees it; an error in its console fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(20_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(error.message))
    page.goto(stage.url)
    yield page
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"end-{request.node.name}.png")
    context.close()
    assert problems == []
