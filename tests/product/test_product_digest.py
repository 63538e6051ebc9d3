"""The weekly digest in a real browser: read it, settle what it found, and have it remember.

With SCREENSHOTS set to a folder, each picture is kept there to be looked at.
"""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from product_stage import ProductStage
from test_product_budget import be
from test_product_page import button, picture, type_in

from bot.adapters.store.database import Connection
from bot.quality.digest_slots import Schedule
from tests.bot.history_rows import Past, insert_past

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("product")]

ZONE = "Europe/London"


def last_week() -> list[Past]:
    """A dozen runs of people whom nobody else asks about, three of them voted down."""
    schedule = Schedule(zone=ZONE)
    since = schedule.week_before(datetime.now(UTC)).starts(schedule.info)
    return [
        Past(
            f"r_digest{number}",
            person=f"U0PAST{number % 4}",
            asked_at=since + timedelta(hours=9 + 11 * number),
            votes={f"U0PAST{number % 4}": -1 if number % 4 == 0 else 1},
        )
        for number in range(12)
    ]


def test_read_settle_and_be_remembered(page: Page, stage: ProductStage) -> None:
    def happened(connection: Connection) -> None:
        for each in last_week():
            insert_past(connection, each)

    stage.product.store.write_now(happened)
    be(page, "Chloe")
    type_in(page, "/spanwise digest now", "Message Spanwise")
    digest = page.get_by_role("article").filter(has_text="A preview of yours").last
    expect(digest).to_contain_text(re.compile(r"Runs [\d,]+ runs by"))
    expect(digest.get_by_role("img", name=re.compile("^Cost by day"))).to_be_visible()
    picture(page, "digest")
    found = re.compile("An answer was voted down by")
    expect(digest).to_contain_text(found)
    button(digest, "Not a problem").first.click()
    expect(digest).to_contain_text("not a problem ·")

    button(digest, "Draft a fix").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The weekly digest found")
    picture(page, "digest-fix")
    dialog.get_by_role("button", name="Close").last.click()
    expect(dialog).to_have_count(0)
    expect(digest).to_contain_text("drafts a fix")
    picture(page, "digest-settled")
    for left in (1, 0):
        button(digest, "Let it wait again").first.click()
        expect(button(digest, "Let it wait again")).to_have_count(left)
