"""Explanations in a real browser, on the whole product: the picture is drawn, loaded and described."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from test_product_page import ask, button, go, picture, type_in

pytestmark = pytest.mark.browser

DRAWN_MS = 60_000
"""The renderer starts in a process of its own, beside all other tests."""


def image(dialog: Locator, described: str) -> Locator:
    """The diagram, once the browser has loaded it."""
    found = dialog.get_by_role("img", name=re.compile(described))
    expect(found).to_be_visible(timeout=DRAWN_MS)
    found.scroll_into_view_if_needed()
    expect(found).to_have_js_property("complete", True)
    assert found.evaluate("image => image.naturalWidth") > 400
    return found


def explain_workflow(page: Page, name: str) -> Locator:
    go(page, "people-questions")
    type_in(page, f"/spanwise explain {name}", "Message #people-questions")
    return page.get_by_role("dialog")


def test_explain_draws_the_way_an_answer_took(page: Page) -> None:
    button(ask(page), "Explain").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("What happened, step by step")
    image(dialog, "This run took: Reading the handbook .* ended in the answer “covered”")
    picture(page, "explain")
    expect(dialog).to_contain_text("Everything is as it is live today")
    button(dialog, "How this workflow works").click()
    expect(page.get_by_role("dialog").last).to_contain_text("Known limits")
    image(page.get_by_role("dialog").last, "Flowchart of Ask the people handbook with 6 steps")
    picture(page, "explain-over-run")


@pytest.mark.parametrize("name", ["ask-policy", "triage-request"])
def test_explain_a_workflow_to_somebody_who_reads_no_yaml(page: Page, name: str) -> None:
    dialog = explain_workflow(page, name)
    expect(dialog).to_contain_text("How you would notice that it stopped working")
    image(dialog, "Flowchart of")
    picture(page, f"explain-{name}")
    dialog.get_by_text("Known limits").scroll_into_view_if_needed()
    picture(page, f"explain-{name}-below")


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_explanations_in_the_dark_and_on_a_phone(page: Page, scheme: str, width: int) -> None:
    dialog = explain_workflow(page, "ask-policy")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 820})
    drawn = image(dialog, "Flowchart of Ask the people handbook")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = drawn.bounding_box()
    assert box and box["width"] <= width
    picture(page, f"explain-{scheme}-{width}")
    dialog.get_by_text("What may be tuned").scroll_into_view_if_needed()
    picture(page, f"explain-{scheme}-{width}-below")
