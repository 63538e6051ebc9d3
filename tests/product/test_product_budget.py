"""A budget in a real browser, on the whole product: set it, meet it, be refused, add to it, go on.

With SCREENSHOTS set to a folder, each picture is kept there to be looked at.
"""

import re

import pytest
from playwright.sync_api import Page, expect
from test_product_page import button, in_messages, picture, type_in
from test_product_triage import become

pytestmark = pytest.mark.browser


def be(page: Page, name: str) -> None:
    """Look through somebody's eyes, once everything that is shown is theirs."""
    become(page, name)
    expect(page.get_by_role("navigation").get_by_text(re.compile(f"{name}.*\\(you\\)"))).to_be_visible()
    in_messages(page)


def test_set_meet_top_up_and_go_on(page: Page) -> None:
    be(page, "Dev")
    type_in(page, "/spanwise budget ask-slowly 1.50/day", "Message Spanwise")
    expect(page.get_by_text(re.compile("may spend \\$1.50 a day")).first).to_be_visible()
    type_in(page, "/spanwise budget workspace 500/month", "Message Spanwise")
    expect(page.get_by_text(re.compile("may spend \\$500.00 a month")).first).to_be_visible()

    be(page, "Ana")
    type_in(page, "/spanwise run ask-slowly Who wrote the first line?", "Message Spanwise")
    refused = page.get_by_role("article").filter(has_text="Who wrote the first line?").last
    expect(refused).to_contain_text("has no room for this")
    expect(refused).to_contain_text("Chloe Martin")
    picture(page, "budget-refused")

    be(page, "Chloe")
    letter = page.get_by_role("article").filter(has_text="A run of /ask-slowly was refused").last
    expect(letter).to_be_visible()
    picture(page, "budget-letter")
    button(letter, "Top up").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("spinbutton").or_(dialog.get_by_label("How many dollars more")).first.fill("20")
    picture(page, "budget-form")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("article").filter(has_text="has room again").last).to_contain_text("of $21.50")
    type_in(page, "/spanwise budget", "Message Spanwise")
    expect(page.get_by_text("The whole workspace").last).to_be_visible()
    picture(page, "budget-overview")

    be(page, "Ana")
    refused = page.get_by_role("article").filter(has_text="Who wrote the first line?").last
    button(refused, "Try again").click()
    answered = page.get_by_role("article").filter(has_text="carried over").last
    expect(answered).to_contain_text(re.compile(r"openai/distant .* \$0\.0"))
    picture(page, "budget-answered")

    # what was added is for today: at midnight the cases that follow would meet the limit
    be(page, "Dev")
    type_in(page, "/spanwise budget ask-slowly off", "Message Spanwise")
    expect(page.get_by_text("has no limit a day any more").first).to_be_visible()
