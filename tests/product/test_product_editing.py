"""Editing in a real browser, on the whole product: a prompt, a decision table, approved by another, undone.

With SCREENSHOTS set to a folder, each picture is kept there to be looked at.
"""

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from product_stage import ProductStage
from test_product_page import button, go, in_messages, picture, type_in

from bot.governance.changes import Target
from bot.services.actors import Actor
from bot.services.catalogue import Content

expect.set_options(timeout=20_000)

pytestmark = pytest.mark.browser

OWNER, APPROVER = "U0CHLOE", "U0EVA"
PROMPT = Target("prompt", "ask-policy.answer")


def become(page: Page, person: str) -> None:
    """Look at the page as somebody else."""
    page.goto(page.url.split("?")[0].split("#")[0] + f"?person={person}")
    expect(page.get_by_role("combobox", name=re.compile("^Message"))).to_be_visible()


def open_form(page: Page, workflow: str, about: str, channel: str = "general") -> Locator:
    """The menu of a workflow, and the form of what `about` names."""
    go(page, channel)
    type_in(page, f"/spanwise edit {workflow}", f"Message #{channel}")
    menu = page.get_by_role("article").filter(has_text="What you may edit of").last
    expect(menu).to_be_visible()
    menu.get_by_role("button", name=re.compile("Edit .*" + about.replace("/", "."))).click()
    dialog = page.get_by_role("dialog").last
    expect(dialog).to_contain_text("Why")
    return dialog


def live(stage: ProductStage, target: Target) -> str:
    return stage.wait(stage.product.drafting.live(target)).text


def field(dialog: Locator, label: str) -> Locator:
    return dialog.get_by_role("textbox", name=re.compile(f"^{label}"))


def test_edit_a_prompt(page: Page, stage: ProductStage) -> None:
    become(page, OWNER)
    dialog = open_form(page, "ask-policy", "ask-policy.answer")
    picture(page, "edit-prompt")
    text = field(dialog, "The prompt").first
    before = text.input_value()
    text.fill(before.replace("At most 150 words", "At most {{ words }}"))
    field(dialog, "Why").fill("Shorter answers")
    dialog.get_by_role("button", name="Propose").click()
    expect(dialog).to_contain_text("{{ words }} is no variable of this prompt")
    picture(page, "edit-prompt-error")
    text.fill(before.replace("At most 150 words", "At most 90 words"))
    dialog.get_by_role("button", name="Propose").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("article").filter(has_text="change request").last).to_be_visible()
    picture(page, "edit-prompt-proposed")
    assert "At most 150 words" in live(stage, PROMPT), "nothing changes before it is approved"


def test_edit_parameters(page: Page) -> None:
    become(page, OWNER)
    dialog = open_form(page, "ask-policy", "parameters")
    field(dialog, "Passages").fill("99")
    field(dialog, "Why").fill("More to read")
    dialog.get_by_role("button", name="Propose").click()
    expect(dialog).to_contain_text("Passages must be 20 or less, and you wrote 99")
    picture(page, "edit-parameters")


def test_edit_a_decision_table(page: Page) -> None:
    become(page, OWNER)
    dialog = open_form(page, "ask-policy", "rules ask-policy/route")
    picture(page, "edit-table")
    dialog.get_by_role("button", name="Add a rule").click()
    row = page.get_by_role("dialog").last
    expect(row).to_contain_text("Names you may use")
    field(row, "When").fill("count over tree")
    field(row, "Then").fill("covered")
    row.get_by_role("button", name="Save rule").click()
    expect(row).to_contain_text("There is no “tree”")
    picture(page, "edit-row-error")
    field(row, "When").fill("count over 3")
    row.get_by_role("button", name="Save rule").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_count(1)
    expect(dialog).to_contain_text("When count is more than 3")
    expect(dialog).to_contain_text("Rules 2 and 3 overlap: both hold when")
    picture(page, "edit-table-overlap")
    dialog.get_by_role("button", name="More actions").nth(2).click()
    page.get_by_role("menuitem", name="Move up").click()
    expect(dialog).to_contain_text(re.compile(r"2\. When count is more than 3"))
    expect(dialog).to_contain_text("so it is covered and not not covered")
    picture(page, "edit-table-moved")
    field(dialog, "Why").fill("Many passages are enough")
    dialog.get_by_role("button", name="Propose").click()
    expect(dialog).to_contain_text("rules overlap that did not before")
    dialog.get_by_role("button", name="Propose").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("article").filter(has_text="change request").last).to_be_visible()


def test_approve_by_another_and_undo(page: Page, stage: ProductStage) -> None:
    become(page, OWNER)
    dialog = open_form(page, "summarise-thread", "summarise-thread.summary")
    text = field(dialog, "The prompt").first
    before = text.input_value()
    text.fill(before + "\n\nName nobody who did not write in the thread.")
    field(dialog, "Why").fill("A colleague was named who had said nothing")
    dialog.get_by_role("button", name="Propose").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    target = Target("prompt", "summarise-thread.summary")
    assert "Name nobody" not in live(stage, target)
    become(page, APPROVER)
    go(page, "general")
    request = page.get_by_role("article").filter(has_text="Name nobody").last
    expect(request).to_contain_text("A colleague was named who had said nothing")
    expect(button(request, "Approve").first).to_be_visible(timeout=240_000)
    picture(page, "change-in-review")
    button(request, "Approve").first.click()
    confirm_if_asked(page)
    expect(button(request, "Undo")).to_be_visible(timeout=60_000)
    assert "Name nobody" in live(stage, target)
    picture(page, "change-applied")
    become(page, OWNER)
    go(page, "general")
    request = page.get_by_role("article").filter(has_text="Name nobody").last
    button(request, "Undo").click()
    confirm_if_asked(page)
    expect(request).to_contain_text("Undone")
    assert "Name nobody" not in live(stage, target)
    picture(page, "change-undone")


def test_somebody_else_was_first_and_the_draft_is_there(page: Page, stage: ProductStage) -> None:
    become(page, OWNER)
    dialog = open_form(page, "draft-reply", "draft-reply.body")
    target = Target("prompt", "draft-reply.body")
    text = field(dialog, "The prompt").first
    text.fill(text.input_value().replace("At most 120 words", "At most 80 words"))
    field(dialog, "Why").fill("Shorter drafts")
    theirs = live(stage, target).replace("At most 120 words", "At most 110 words")
    admin = Actor("U0DEV", "Dev Patel")
    stage.wait(stage.product.catalogue.add(admin, [Content("prompt", target.name, theirs)]))
    dialog.get_by_role("button", name="Propose").click()
    expect(dialog).to_contain_text("Dev Patel changed this after you began")
    expect(dialog.get_by_text("The top of this form shows how")).to_be_in_viewport()
    picture(page, "edit-prompt-moved")
    dialog.get_by_role("button", name="Close").last.click()
    type_in(page, "/spanwise drafts", "Message #general")
    listed = page.get_by_role("article").filter(has_text="Only you see them").last
    expect(listed).to_contain_text("somebody changed it meanwhile")
    picture(page, "drafts")
    opening = listed.get_by_role("button", name=re.compile("Open draft")).first
    opening.click()
    dialog = page.get_by_role("dialog")
    expect(field(dialog, "The prompt").first).to_have_value(re.compile("At most 80 words"))
    dialog.get_by_role("button", name="Edit as a file instead").click()
    expect(dialog).to_contain_text("in our direct messages, as a file")
    dialog.get_by_role("button", name="Close").last.click()
    in_messages(page)
    offer = page.get_by_role("article").filter(has_text="download it, edit it").last
    offer.get_by_role("button", name=re.compile("repl")).first.click()
    thread = page.get_by_role("complementary", name=re.compile("Thread"))
    expect(thread).to_contain_text("draft-reply.body.md")
    picture(page, "edit-as-file")


def confirm_if_asked(page: Page) -> None:
    """Press the first button of the question that a button may ask."""
    question = page.get_by_role("alertdialog")
    if question.count():
        question.get_by_role("button", name=re.compile("Approve|Undo")).click()


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_dark_and_narrow(page: Page, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    become(page, OWNER)
    dialog = open_form(page, "triage-request", "rules triage-request/route")
    page.set_viewport_size({"width": width, "height": 820})
    expect(dialog).to_contain_text("Otherwise")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture(page, f"edit-table-{scheme}-{width}")
