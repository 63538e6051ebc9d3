"""The page in a real browser: every block, the keyboard, modals, live edits, text that tries to break out."""

import copy
from collections.abc import Iterator

import pytest
from page_samples import ANSWER, FORM, HOME, MANIFEST, MARKDOWN, NEXT, PIXEL, SHOWCASE, button, mrkdwn
from page_stage import Stage
from playwright.sync_api import Browser, Page, expect

from tests import chromium

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    stage = Stage(MANIFEST)
    yield stage
    stage.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(6000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(error.message))
    page.on(
        "console",
        lambda line: (
            problems.append(line.text) if line.type == "error" and "ERR_CONNECTION" not in line.text else None
        ),
    )
    yield page
    context.close()
    assert problems == []


@pytest.fixture(scope="module")
def reader(browser: Browser, stage: Stage) -> Iterator[Page]:
    page = browser.new_page()
    page.goto(f"{stage.url}/?person=U0ANA#/C0LEADS")
    yield page
    page.close()


def visit(page: Page, stage: Stage, channel: str, person: str = "U0ANA") -> None:
    page.goto(f"{stage.url}/?person={person}#/{channel}")
    expect(page.locator("#composer")).to_be_visible()


def test_every_block_is_drawn_with_its_roles_and_names(page: Page, stage: Stage) -> None:
    blocks = copy.deepcopy(SHOWCASE)
    picture = stage.do(lambda: stage.workspace.people.upload("U0BEN", "runs.png", PIXEL))
    next(one for one in blocks if one["type"] == "image")["slack_file"] = {"id": picture.id}
    stage.say("U0SPAN", "C0PEOPLE", "answer", ANSWER)
    stage.say("U0SPAN", "C0PEOPLE", "showcase", blocks)
    stage.say("U0SPAN", "C0PEOPLE", "markdown", MARKDOWN)
    visit(page, stage, "C0PEOPLE")
    main = page.locator("#main")
    for heading in ("Carrying leave over", "Title"):
        expect(main.get_by_role("heading", name=heading)).to_be_visible()
    link = main.get_by_role("link", name="Annual leave")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(main.get_by_role("img", name="Runs per day, rising")).to_have_js_property("naturalWidth", 1)
    expect(main.get_by_role("group", name="Feedback").get_by_role("button")).to_have_count(2)
    expect(main.get_by_role("cell", name="312")).to_have_class("align-right")
    expect(main.get_by_role("note", name="Warning")).to_contain_text("The index is stale")
    expect(
        main.get_by_role("article", name="Ask the handbook").get_by_role("button", name="Run it")
    ).to_be_visible()
    expect(main.get_by_role("group", name="2 of 3")).to_contain_text("Slide 1")
    expect(main.get_by_role("button", name="Inner")).to_be_hidden()
    expect(main.get_by_role("img", name="In progress")).to_be_visible()
    expect(main.get_by_role("link", name="Watch: A tour")).to_be_visible()
    expect(main.get_by_role("combobox", name="Schedule")).to_be_visible()
    expect(main.get_by_role("checkbox", name="Leave")).to_be_visible()
    expect(main.get_by_role("cell", name="Lisbon")).to_be_visible()
    expect(main.locator("pre", has_text="x = 1")).to_have_count(2)
    expect(main.locator(".unknown")).to_have_count(0)
    expect(main.locator("img[onerror]")).to_have_count(0)


def test_a_data_table_sorts_and_turns_pages(page: Page, stage: Stage) -> None:
    table = next(one for one in SHOWCASE if one["type"] == "data_table")
    stage.say("U0SPAN", "C0SUPPORT", "table", [table])
    visit(page, stage, "C0SUPPORT")
    shown = page.get_by_role("table", name="Cost by workflow")
    expect(shown.locator("tbody tr")).to_have_count(2)
    shown.get_by_role("button", name="Cost").click()
    expect(shown.locator("tbody tr").first).to_contain_text("w4")
    page.get_by_role("button", name="Next page").click()
    expect(page.locator(".pager")).to_contain_text("3–4 of 5")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*b* _i_ ~s~ `c*d*`", "<strong>b</strong> <em>i</em> <s>s</s> <code>c*d*</code>"),
        ("a*b* 2*3*4 snake_case_name", "a*b* 2*3*4 snake_case_name"),
        ("&lt;b&gt; &amp;amp;", "&lt;b&gt; &amp;amp;"),
        ("<img src=x onerror=alert(1)>", None),
        ("<javascript:alert(1)|run> <https://a.example|ok>", None),
        ("&gt; quoted\nafter", '<blockquote>quoted</blockquote><span class="lines">after</span>'),
        ("```a *b*```", '<pre tabindex="0"><code>a *b*</code></pre>'),
        ("*a _b* c_ <@U0NOBODY>", None),
        ("*a " * 13_000, None),
        ("`" * 20_000 + "<" * 20_000, None),
    ],
)
def test_mrkdwn(reader: Page, text: str, html: str | None) -> None:
    script = """async (text) => {
        const { mrkdwn } = await import("/mrkdwn_view.js");
        const began = performance.now();
        const node = mrkdwn(text);
        return {
            html: node.innerHTML, ms: performance.now() - began,
            unsafe: node.querySelectorAll("img, script, [onerror], a:not([href^='http'])").length,
        };
    }"""
    drawn = reader.evaluate(script, text)
    assert drawn["unsafe"] == 0
    assert drawn["ms"] < 5000  # milliseconds on a busy machine; a search that starts over takes minutes
    if html is not None:
        assert drawn["html"].removeprefix('<span class="lines">').removesuffix(
            "</span>"
        ) == html.removesuffix("</span>")


def test_commands_complete_from_the_manifest_by_keyboard(page: Page, stage: Stage) -> None:
    visit(page, stage, "C0GENERAL")
    box = page.get_by_role("combobox", name="Message #general")
    box.press_sequentially("/")
    expect(page.get_by_role("listbox", name="Commands").get_by_role("option")).to_have_count(3)
    box.press("ArrowDown")
    expect(page.get_by_role("option", name="/triage-request")).to_have_attribute("aria-selected", "true")
    box.press("ArrowUp")
    box.press("Tab")
    expect(box).to_have_value("/ask-policy ")
    expect(page.locator(".ghost")).to_contain_text("How many days of leave can I carry over?")
    box.press_sequentially("How many days?")
    box.press("Enter")
    expect(box).to_have_value("")
    heard = stage.app.wait_for(lambda one: one.get("command") == "/ask-policy")
    assert heard["text"] == "How many days?"
    box.fill("/ask-polcy x")
    box.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("not a valid command")
    expect(page.locator("#main")).to_contain_text("Did you mean /ask-policy?")
    expect(box).to_have_value("/ask-polcy x")


def test_mentions_and_new_lines_are_sent_as_slack_sends_them(page: Page, stage: Stage) -> None:
    visit(page, stage, "C0SUPPORT")
    box = page.get_by_role("combobox", name="Message #it-and-facilities")
    box.press_sequentially("Hi @chl")
    box.press("Enter")
    box.press_sequentially("<b>")
    box.press("Shift+Enter")
    box.press_sequentially("bye")
    box.press("Enter")
    expect(page.get_by_role("button", name="@Chloe Martin")).to_be_visible()
    said = stage.do(lambda: stage.workspace.town.messages("C0SUPPORT")[-1].text)
    assert said == "Hi <@U0CHLOE> &lt;b&gt;\nbye"
    expect(page.locator("#main .row").last).to_contain_text("<b>")


def test_an_edit_in_place_keeps_focus_and_other_blocks(page: Page, stage: Stage) -> None:
    def progress(words: str) -> list[dict]:
        return [
            {"type": "section", "text": mrkdwn(words)},
            {"type": "actions", "elements": [button("Cancel", "cancel")]},
        ]

    message = stage.say("U0SPAN", "C0GENERAL", "Queued", progress("Queued"))
    visit(page, stage, "C0GENERAL")
    row = page.locator(f'.row[data-ts="{message.ts}"]')
    cancel = row.get_by_role("button", name="Cancel")
    cancel.focus()
    cancel.evaluate("node => (node.dataset.kept = 'yes')")
    stage.edit(message, "Step 1", progress("Step 1 of 3"))
    expect(row).to_contain_text("Step 1 of 3")
    expect(row).to_contain_text("(edited)")
    expect(cancel).to_have_attribute("data-kept", "yes")
    expect(cancel).to_be_focused()
    stage.edit(
        message,
        "Done",
        [
            *progress("Done")[:1],
            {"type": "actions", "elements": [button("Cancel", "cancel", style="danger")]},
        ],
    )
    expect(row).to_contain_text("Done")
    expect(cancel).to_be_focused()
    cancel.press("Enter")
    page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
    assert stage.app.actions()[-1]["action_id"] == "cancel"


def test_votes_confirmations_and_menus_reach_the_app(page: Page, stage: Stage) -> None:
    message = stage.say("U0SPAN", "C0GENERAL", "answer", ANSWER)
    stage.say("U0SPAN", "C0GENERAL", "menus", [SHOWCASE[-1]])
    visit(page, stage, "C0GENERAL")
    row = page.locator(f'.row[data-ts="{message.ts}"]')
    thumb = row.get_by_role("button", name="This answer helped")
    thumb.click()
    expect(thumb).to_have_attribute("aria-pressed", "true")
    before = len(stage.app.actions())
    row.get_by_role("button", name="Share").click()
    page.get_by_role("alertdialog", name="Share this?").get_by_role("button", name="Not now").click()
    assert len(stage.app.actions()) <= before + 1
    row.get_by_role("button", name="Share").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Share").click()
    row.get_by_role("button", name="More actions", exact=True).click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("combobox", name="Schedule").last.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Schedule").last).to_contain_text("Monthly")
    with page.expect_response("**/page/actions"):
        page.get_by_role("radio", name="Ask first").last.check()
    sent = {one["action_id"]: one for one in stage.app.actions()}
    assert sent["vote"]["value"] == "up"
    assert sent["share"]["value"] == "Share"
    assert sent["more"]["selected_option"]["value"] == "assign"
    assert sent["schedule"]["selected_option"]["value"] == "monthly"
    assert sent["way"]["selected_option"]["value"] == "ask first"
    page.reload()
    expect(row.get_by_role("button", name="This answer helped")).to_have_attribute("aria-pressed", "true")


def test_a_modal_checks_itself_shows_errors_and_stacks(page: Page, stage: Stage) -> None:
    stage.app.after["run-on"] = lambda _: stage.workspace.site.desk.open("U0ANA", FORM)
    stage.app.answers["form"] = {
        "response_action": "errors",
        "errors": {"question": "There is no such page."},
    }
    stage.app.answers["document"] = {
        "options": [{"text": {"type": "plain_text", "text": "Leave"}, "value": "d1"}]
    }
    message = stage.say("U0BEN", "C0GENERAL", "Can I carry days over?")
    visit(page, stage, "C0GENERAL")
    row = page.locator(f'.row[data-ts="{message.ts}"]')
    row.hover()
    row.get_by_role("button", name="More actions for this message").click()
    page.get_by_role("menuitem", name="Run a workflow on this").click()
    dialog = page.get_by_role("dialog", name="Run a workflow")
    question = dialog.get_by_role("textbox", name="Your question")
    expect(question).to_be_focused()
    dialog.get_by_role("button", name="Run").click()
    expect(dialog.get_by_text("Please complete this required field.")).to_have_count(2)
    expect(question).to_have_attribute("aria-invalid", "true")
    question.fill("How many days?")
    dialog.get_by_role("combobox", name="Tone").press("ArrowDown")
    page.keyboard.press("Enter")
    dialog.get_by_role("textbox", name="Days").fill("2.5")
    dialog.get_by_role("textbox", name="Notes").fill("*Please* soon")
    dialog.get_by_role("combobox", name="Document").click()
    page.keyboard.type("le")
    page.get_by_role("option", name="Leave").click()
    dialog.get_by_role("button", name="Run").click()
    expect(dialog.get_by_text("Please enter a whole number.")).to_be_visible()
    dialog.get_by_role("textbox", name="Days").fill("3")
    dialog.get_by_role("button", name="Run").click()
    expect(dialog.get_by_text("There is no such page.")).to_be_visible()
    values = stage.app.heard[-1]["view"]["state"]["values"]
    assert values["tone"]["tone"]["selected_option"]["value"] == "plain"
    assert values["document"]["document"]["selected_option"]["value"] == "d1"
    assert values["notes"]["notes"]["rich_text_value"]["elements"][0]["elements"][0]["style"] == {
        "bold": True
    }
    stage.app.answers["form"] = {"response_action": "push", "view": NEXT}
    dialog.get_by_role("button", name="Run").click()
    above = page.get_by_role("dialog", name="Second step")
    above.get_by_role("button", name="Done").click()
    expect(above).to_have_count(0)
    expect(question).to_have_value("How many days?")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert stage.do(lambda: stage.workspace.site.desk.stack("U0ANA")) == ()


def test_threads_permalinks_and_direct_messages(page: Page, stage: Stage) -> None:
    for number in range(40):
        stage.say("U0BEN", "C0GENERAL", f"Filler {number}")
    root = stage.say("U0ANA", "C0GENERAL", "Root of the thread")
    reply = stage.say("U0SPAN", "C0GENERAL", "First reply", thread_ts=root.ts)
    own = stage.do(lambda: stage.workspace.town.direct("U0ANA", "U0SPAN").id)
    direct = stage.say("U0SPAN", own, "An answer only Ana sees")
    visit(page, stage, "C0GENERAL")
    page.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    thread.get_by_role("combobox", name="Reply…").fill("Second reply")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="2 replies")).to_be_visible()
    page.get_by_role("button", name="Close thread").click()
    page.goto(
        f"{stage.url}/archives/C0GENERAL/p{reply.ts.replace('.', '')}?thread_ts={root.ts}&cid=C0GENERAL"
    )
    expect(thread.locator(f'.row[data-ts="{reply.ts}"]')).to_be_focused()
    page.goto(f"{stage.url}/#/{own}/p{direct.ts.replace('.', '')}")
    expect(page.locator(f'.row[data-ts="{direct.ts}"]')).to_be_focused()
    expect(page.get_by_role("heading", name="Spanwise", level=1)).to_be_visible()
    stage.app.after["app_home_opened"] = lambda _: stage.workspace.site.desk.publish("U0ANA", HOME)
    page.get_by_role("tab", name="Home").click()
    expect(page.get_by_role("tabpanel").get_by_role("button", name="Try it")).to_be_visible()


def test_each_person_sees_their_own(page: Page, stage: Stage) -> None:
    stage.say("U0SPAN", "C0GENERAL", "For Ana alone", only_for="U0ANA")
    visit(page, stage, "C0GENERAL")
    expect(page.get_by_role("article", name="only visible to you")).to_contain_text("For Ana alone")
    expect(page.locator("#sidebar").get_by_role("link", name="leads")).to_have_count(0)
    page.get_by_role("button", name="Switch person").click()
    page.get_by_role("menuitemradio", name="Dev Patel").click()
    expect(page.get_by_role("button", name="You are Dev Patel")).to_be_visible()
    expect(page.locator("#sidebar").get_by_role("link", name="leads")).to_be_visible()
    expect(page.get_by_text("For Ana alone")).to_have_count(0)
    page.keyboard.press("Control+k")
    page.keyboard.type("leads")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="leads", level=1)).to_be_visible()


def test_a_narrow_screen_has_a_drawer_and_no_sideways_scrolling(page: Page, stage: Stage) -> None:
    page.set_viewport_size({"width": 390, "height": 780})
    visit(page, stage, "C0PEOPLE")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("document.querySelector('#main .scroller').scrollWidth") <= 390
    expect(page.locator("#sidebar")).to_be_hidden()
    page.get_by_role("button", name="Channels").click()
    page.locator("#sidebar").get_by_role("link", name="general").click()
    expect(page.get_by_role("heading", name="general", level=1)).to_be_visible()
    expect(page.locator("#sidebar")).to_be_hidden()
