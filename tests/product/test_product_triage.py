"""The feedback loop in a real browser, on the whole product: vote down, correct, triage, and the new answer.

With SCREENSHOTS set to a folder, each picture is kept there to be looked at.
"""

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from product_stage import ProductStage
from test_product_page import answer, ask, button, in_messages, picture, type_in

from bot.slack import change_blocks
from bot.workspace.town_records import Message

pytestmark = pytest.mark.browser


def become(page: Page, name: str) -> None:
    """Look through somebody else's eyes."""
    page.get_by_role("button", name=re.compile("Switch person")).click()
    page.get_by_role("menuitemradio", name=re.compile(name)).click()
    in_messages(page)


def complain(page: Page, question: str, reason: str, correction: str, name: str = "") -> None:
    """Vote an answer down and say why."""
    found = ask(page, question)
    found.get_by_role("button", name="This answer did not help").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("is kept")
    dialog.get_by_text(reason, exact=True).click()
    dialog.get_by_role("textbox", name=re.compile("What should it have said")).fill(correction)
    if name:
        picture(page, name)
    dialog.get_by_role("button", name="Send").click()
    expect(dialog).to_have_count(0)


def card(page: Page, question: str) -> Locator:
    """The newest card about a question."""
    return page.get_by_role("article").filter(has_text=question).filter(has_text="voted down by").last


def test_vote_down_correct_and_triage(page: Page) -> None:
    leave, hotel = "How many days of leave can I carry over?", "What can I spend on a hotel in London?"
    complain(page, leave, "It is out of date", "Twelve days since October, see Annual leave.", "complaint")
    complain(page, hotel, "The tone is off", "")
    become(page, "Chloe")
    expect(page.get_by_role("article").filter(has_text="waits for you")).to_be_visible()
    picture(page, "nudge")
    button(page.get_by_role("article").filter(has_text="waits for you"), "Open triage").click()
    expect(card(page, leave)).to_contain_text("Ana Costa")
    expect(card(page, hotel)).not_to_contain_text("Ana Costa")
    picture(page, "cards")
    button(card(page, hotel), "Not a problem").click()
    expect(card(page, hotel)).to_contain_text("Chloe Martin: not a problem")
    button(card(page, leave), "Add case").click()
    dialog = page.get_by_role("dialog")
    contain = dialog.get_by_role("textbox", name=re.compile("must contain"))
    expect(contain).to_have_value("Twelve days")
    expect(dialog).to_contain_text("Annual leave")
    picture(page, "case-form")
    contain.fill("twelve days")
    dialog.get_by_role("button", name="Add case").click()
    expect(dialog).to_have_count(0)
    expect(card(page, leave)).to_contain_text("Chloe Martin added the case")
    picture(page, "cards-decided")


def test_what_was_missing_comes_back_to_who_asked(page: Page, stage: ProductStage) -> None:
    question = "Which day may I bring my parrot to the office?"
    correction = "You may bring your parrot to the office every Friday. Keep the parrot in a cage."
    complain(page, question, "It should have known this", correction)
    become(page, "Chloe")
    type_in(page, "/spanwise triage ask-policy", "Message Spanwise")
    button(card(page, question), "Add knowledge").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("textbox", name=re.compile("^Text"))).to_have_value(re.compile("every Friday"))
    dialog.get_by_role("textbox", name=re.compile("^Title")).fill("Parrots in the office")
    picture(page, "document-form")
    dialog.get_by_role("button", name="Propose").click()
    expect(card(page, question)).to_contain_text("proposed a document")
    eva = stage.person("U0EVA")

    def request() -> Message | None:
        found = [each for each in eva.messages(eva.dm) if each.bot_id and "arrot" in str(each.blocks)]
        return found[-1] if found and change_blocks.APPROVE in str(found[-1].blocks) else None

    async def approve() -> bool:
        return (await eva.click(await eva.wait_for(request, 240), change_blocks.APPROVE)).ok

    assert stage.wait(approve(), 260)
    become(page, "Ana")
    message = answer(page, "You voted this answer down")
    expect(message).to_contain_text("every Friday", timeout=60_000)
    expect(message).to_contain_text("Parrots in the office")
    expect(message).to_contain_text(question)
    message.scroll_into_view_if_needed()
    picture(page, "fixed")
    message.get_by_role("button", name="This answer helped").click()
    expect(page.get_by_text("Noted: thumbs up").last).to_be_visible()
