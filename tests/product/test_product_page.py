"""The main job in a real browser, on the whole product: ask, read sources, vote, share, follow up, cancel.

With SCREENSHOTS set to a folder, each picture is kept there to be looked at.
"""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from processes_desk import wait_until
from product_stage import ProductStage

expect.set_options(timeout=20_000)

pytestmark = pytest.mark.browser

QUESTION = "How many days of leave can I carry over?"


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def go(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=re.compile(name)).or_(
        page.get_by_role("navigation").get_by_role("button", name=re.compile(name))
    ).first.click()


def type_in(page: Page, text: str, where: str) -> None:
    """Into the box of that name, once it is there: another may still be shown."""
    box = page.get_by_role("combobox", name=re.compile(f"^{where}"))
    box.fill(text)
    box.press("Enter")


def answer(page: Page, question: str) -> Locator:
    """The newest message that answers the question."""
    return page.get_by_role("article").filter(has_text=question).last


def button(place: Locator, words: str) -> Locator:
    """By what stands on it; its accessible name may say more."""
    return place.locator("button", has_text=words)


def in_messages(page: Page) -> None:
    """The conversation with the app, whichever of its tabs opens first."""
    go(page, "Spanwise")
    page.get_by_role("tab", name="Messages").click()


def ask(page: Page, question: str = QUESTION) -> Locator:
    in_messages(page)
    type_in(page, f"/ask-policy {question}", "Message Spanwise")
    found = answer(page, question)
    expect(button(found, "Explain")).to_be_visible()
    return found


def test_ask_and_read_the_sources(page: Page) -> None:
    go(page, "general")
    type_in(page, f"/ask-policy {QUESTION}", "Message #general")
    expect(page.get_by_text("Only visible to you")).to_be_visible()
    picture(page, "working")
    page.get_by_role("link", name="your direct messages with me").click()
    found = answer(page, QUESTION)
    expect(found).to_contain_text("five days")
    expect(found).to_contain_text(re.compile(r"\[1\].*Annual leave"))
    expect(found).to_contain_text(re.compile(r"owner Chloe Martin · updated \w+"))
    expect(found).to_contain_text(re.compile(r"AI-generated.*v1 .*spanwise/quote.* s · \$0 · run r_"))
    picture(page, "answer")


def test_vote_and_change_the_vote(page: Page, stage: ProductStage) -> None:
    found = ask(page)
    found.get_by_role("button", name="This answer helped").click()
    expect(page.get_by_text(re.compile("Only visible to you")).last).to_be_visible()
    found.get_by_role("button", name="This answer did not help").click()
    picture(page, "vote")
    run_id = re.search(r"run (r_\w+)", found.inner_text())
    assert run_id

    def one_vote_down() -> bool:
        kept = stage.wait(stage.product.feedback.of_run(run_id.group(1)))
        return [(score.source, score.value) for score in kept] == [("person:U0ANA", -1.0)]

    wait_until(one_vote_down, 15, "the vote")


def test_explain_shows_the_steps_and_their_cost(page: Page) -> None:
    button(ask(page), "Explain").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Reading the handbook")
    expect(dialog).to_contain_text("spanwise/quote")
    picture(page, "explain")


def test_missing_arguments_open_a_form_that_says_what_is_wrong(page: Page) -> None:
    go(page, "people-questions")
    type_in(page, "/ask-policy", "Message #people-questions")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your question")
    dialog.get_by_role("textbox").fill("   ")
    dialog.get_by_role("button", name=re.compile("Run|Ask|Submit")).click()
    expect(dialog).to_contain_text("needed")
    picture(page, "form")
    dialog.get_by_role("textbox").fill("Can I work from Spain for three weeks?")
    dialog.get_by_role("button", name=re.compile("Run|Ask|Submit")).click()
    expect(dialog).to_have_count(0)
    in_messages(page)
    expect(button(answer(page, "Spain"), "Explain")).to_be_visible()


def test_what_the_handbook_does_not_cover_is_said(page: Page) -> None:
    found = ask(page, "May I bring my dog to the office?")
    expect(found).not_to_contain_text("[1] Annual")
    expect(found).to_contain_text(re.compile("not|No"))
    picture(page, "abstained")


def test_share_to_the_channel_it_was_asked_in(page: Page) -> None:
    go(page, "people-questions")
    type_in(page, "/ask-policy What can I spend on a hotel in London?", "Message #people-questions")
    in_messages(page)
    found = answer(page, "hotel in London")
    # cases of a change that an earlier test proposed may be running beside it
    button(found, "Share to channel").click(timeout=60_000)
    button(page.get_by_role("alertdialog"), "Share").click()
    go(page, "people-questions")
    shared = answer(page, "hotel in London")
    expect(shared).to_contain_text("Ana Costa")
    expect(shared).to_contain_text("Sources")
    picture(page, "shared")


def test_a_reply_in_the_thread_goes_on_without_a_mention(page: Page) -> None:
    found = ask(page)
    found.hover()
    found.get_by_role("button", name=re.compile("Reply|thread", re.IGNORECASE)).first.click()
    type_in(page, "And when I am on parental leave?", "Reply")
    thread = page.get_by_role("complementary", name=re.compile("Thread"))
    expect(button(thread, "Explain").nth(1)).to_be_visible()
    expect(thread).to_contain_text("parental leave")
    picture(page, "thread")


def test_cancel_a_run_under_way(page: Page, stage: ProductStage) -> None:
    stage.hang()
    in_messages(page)
    type_in(page, "/ask-slowly What is the meaning of this?", "Message Spanwise")
    found = answer(page, "meaning of this")
    expect(found).to_contain_text("Asking the distant model")
    picture(page, "progress")
    button(found, "Cancel").click()
    expect(found).to_contain_text("Cancelled after")
    expect(button(found, "Cancel")).to_have_count(0)


def test_the_home_tab_says_what_this_person_can_do(page: Page) -> None:
    go(page, "Spanwise")
    page.get_by_role("tab", name="Home").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("/ask-policy")
    picture(page, "home")


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_dark_and_narrow(page: Page, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 820})
    page.goto(page.url.split("#")[0])
    expect(page.get_by_role("combobox", name=re.compile("Message"))).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture(page, f"{scheme}-{width}")
