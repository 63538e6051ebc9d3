"""Blocks and views are refused for the reasons Slack has, and the pointer says where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.workspace.blockkit import check_blocks, check_view


def plain(text: str) -> dict:
    return {"type": "plain_text", "text": text}


def section(text: str) -> dict:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(**more) -> dict:
    return {"type": "button", "action_id": "a", "text": plain("Go")} | more


def actions(*elements: dict) -> dict:
    return {"type": "actions", "elements": list(elements)}


def modal(**more) -> dict:
    return {"type": "modal", "title": plain("Title"), "blocks": [section("x")]} | more


def question(**more) -> dict:
    element = {"type": "plain_text_input", "action_id": "a"}
    return {"type": "input", "label": plain("L"), "element": element} | more


def table(rows: int = 1, cells: int = 1) -> dict:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * cells] * rows}


def chart(points: int = 1, name: str = "x", **more: object) -> dict:
    """A chart that Slack draws."""
    data = [{"label": str(number), "value": number} for number in range(points)]
    axis = {"categories": [str(number) for number in range(points)]}
    drawn = {"type": "bar", "series": [{"name": name, "data": data}], "axis_config": axis}
    return {"type": "data_visualization", "title": "Cost", "chart": drawn | more}


FEEDBACK = {
    "type": "context_actions",
    "elements": [
        {
            "type": "feedback_buttons",
            "action_id": "f",
            "positive_button": {"text": plain("Good"), "value": "up"},
            "negative_button": {"text": plain("Bad"), "value": "down"},
        }
    ],
}

GOOD = [
    [section("x")],
    [FEEDBACK, actions(button(), button(action_id="b")), {"type": "divider"}],
    [{"type": "header", "text": plain("x" * 150)}],
    [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}]}],
    [{"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"}],
    [{"type": "image", "slack_file": {"id": "F1"}, "alt_text": "a"}],
    [{"type": "markdown", "text": "x" * 12_000}],
    [table(100, 20)],
    [chart(20), chart(1, type="line")],
    [section("x") | {"accessory": button()}],
    [section("x")] * 50,
]
BAD = [
    ([section("x")] * 51, "", "no more than 50 items"),
    ([section("x" * 3001)], "/0/text/text", "less than 3001 characters"),
    ([section("")], "/0/text/text", "more than 0 characters"),
    ([{"type": "section"}], "/0", "failed to match"),
    ([{"type": "header", "text": plain("x" * 151)}], "/0/text/text", "less than 151"),
    (
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        "/0/text/type",
        "must be one of: plain_text",
    ),
    ([{"type": "nonsense"}], "/0/type", "must be one of"),
    ([{"text": "no type"}], "/0", "missing required field: type"),
    ([section("x") | {"color": "red"}], "/0", "invalid additional property: color"),
    ([actions(*[button(action_id=str(n)) for n in range(26)])], "/0/elements", "no more than 25"),
    ([actions(button(text=plain("x" * 76)))], "/0/elements/0/text/text", "less than 76"),
    ([actions(button(value="x" * 2001))], "/0/elements/0/value", "less than 2001"),
    ([actions(button(style="blue"))], "/0/elements/0/style", "must be one of"),
    ([actions(button(), button())], "/0/elements", "action_id already exists: a"),
    ([section("x") | {"accessory": button(text=plain("x" * 76))}], "/0/accessory/text/text", "less than 76"),
    ([section("x") | {"block_id": "b"}] * 2, "", "block_id already exists: b"),
    ([{"type": "markdown", "text": "x" * 6001}] * 2, "", "in all markdown blocks"),
    ([table(), table()], "", "only_one_table_allowed"),
    ([table(101)], "/0/rows", "no more than 100"),
    ([table(1, 21)], "/0/rows/0", "no more than 20"),
    ([chart(), chart(), chart()], "", "no more than 2 charts"),
    ([chart(21)], "/0/chart/series/0/data", "no more than 20"),
    ([chart(1, "x" * 21)], "/0/chart/series/0/name", "less than 21"),
    ([chart(1, type="radar")], "/0/chart/type", "must be one of"),
    ([{"type": "image", "alt_text": "a"}], "/0", "failed to match"),
    (
        [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}],
        "/0/elements",
        "no more than",
    ),
    ("text", "", "of type array"),
]


@pytest.mark.parametrize("blocks", GOOD)
def test_what_slack_takes_passes(blocks):
    assert check_blocks(blocks) == ()


@pytest.mark.parametrize(("blocks", "pointer", "message"), BAD)
def test_what_slack_refuses_is_found_and_located(blocks, pointer, message):
    problems = check_blocks(blocks)
    assert any(one.pointer == pointer and message in one.message for one in problems), problems


VIEWS = [
    (modal(title=plain("x" * 25)), "/title/text", "less than 25"),
    (modal(close=plain("x" * 25)), "/close/text", "less than 25"),
    (modal(private_metadata="x" * 3001), "/private_metadata", "less than 3001"),
    (modal(callback_id="x" * 256), "/callback_id", "less than 256"),
    (modal(external_id="x" * 256), "/external_id", "less than 256"),
    (modal(blocks=[section("x")] * 101), "/blocks", "no more than 100"),
    (modal(blocks=[question()]), "", "missing required field: submit"),
    (modal(blocks=[{"type": "markdown", "text": "x"}]), "/blocks/0/type", "unsupported type: markdown"),
    ({"type": "home", "blocks": [FEEDBACK]}, "/blocks/0/type", "unsupported type"),
    ({"type": "home", "blocks": [chart()]}, "/blocks/0/type", "unsupported type"),
    ({"type": "popup", "blocks": []}, "/type", "must be one of"),
    ({"type": "modal", "blocks": []}, "", "missing required field: title"),
    ("text", "/type", "must be one of"),
]


@pytest.mark.parametrize(("view", "pointer", "message"), VIEWS)
def test_views_are_checked_too(view, pointer, message):
    problems = check_view(view)
    assert any(one.pointer == pointer and message in one.message for one in problems), problems


def test_a_good_modal_and_home_pass():
    assert check_view(modal(blocks=[question()], submit=plain("Send"))) == ()
    assert check_view({"type": "home", "blocks": [section("x")] * 100}) == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "elements", "blocks", "accessory"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(json_values)
def test_no_json_makes_the_checks_fail(value):
    assert isinstance(check_blocks(value), tuple)
    assert isinstance(check_view(value), tuple)
    assert isinstance(check_view({"type": "modal", "title": plain("t"), "blocks": value}), tuple)
