"""An evaluation in a real browser, on the whole product: asked for, watched, read, and a run asked again.

With SCREENSHOTS set to a folder, each picture is kept there to be looked at.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from product_stage import ProductStage
from test_product_page import answer, button, in_messages, type_in

from bot.governance.roles import Role
from bot.services.access import OPERATOR
from bot.services.actors import Actor

expect.set_options(timeout=90_000)

pytestmark = pytest.mark.browser

MESSAGE = "How many paid days a year may I use for volunteering?"


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture
def editor(page: Page, stage: ProductStage) -> Iterator[Page]:
    access, held = stage.product.access, ("U0ANA", Role.EDITOR, "workflow:draft-reply")
    stage.wait(access.grant(Actor(OPERATOR), *held))
    in_messages(page)
    yield page
    # the stage is shared, and others try what happens without a role
    stage.wait(access.revoke(Actor(OPERATOR), *held))


def test_evaluate_and_look_at_every_case(editor: Page) -> None:
    type_in(editor, "/spanwise evaluate draft-reply", "Message Spanwise")
    card = editor.get_by_role("article").filter(has_text="Draft a reply").filter(has_text="evaluation").last
    expect(card.get_by_role("cell", name="Cases passing")).to_be_visible()
    expect(card).to_contain_text("8 of 8 cases pass")
    picture(editor, "evaluation-card")
    button(card, "Show every case").click()
    dialog = editor.get_by_role("dialog")
    expect(dialog).to_contain_text("holding-near-miss")
    expect(dialog.get_by_role("table")).to_have_count(0)
    picture(editor, "evaluation-cases")


def test_cases_are_listed_with_what_they_expect(editor: Page) -> None:
    type_in(editor, "/spanwise cases draft-reply", "Message Spanwise")
    listed = editor.get_by_role("article").filter(has_text="is held to 8 cases").last
    expect(button(listed, "Retire").first).to_be_visible()
    picture(editor, "cases-list")


def test_a_run_is_asked_again(editor: Page) -> None:
    type_in(editor, f"/draft-reply {MESSAGE}", "Message Spanwise")
    found = answer(editor, MESSAGE)
    expect(button(found, "Explain")).to_be_visible()
    run_id = re.search(r"run (r_\w+)", found.inner_text())
    assert run_id
    type_in(editor, f"/spanwise replay {run_id[1]}", "Message Spanwise")
    both = editor.get_by_role("article").filter(has_text="Both say the same").last
    expect(both).to_contain_text("Then")
    picture(editor, "replay")
