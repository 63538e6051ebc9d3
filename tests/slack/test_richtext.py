"""Markdown of models and people as rich text that does nothing but show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_checks import hostile_strings

from bot.slack.richtext import MAX_PIECE, rich_text, visible


def texts(element: dict) -> str:
    return element.get("text", "") + "".join(texts(child) for child in element.get("elements", ()))


def elements(markdown: str) -> list[dict]:
    return [element for block in rich_text(markdown) for element in block["elements"]]


def test_paragraphs_lists_and_marks() -> None:
    assert elements("You may carry over **5 days** [1].\n\n- by 31 March\n- with `HR` consent\n\n1. Ask") == [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "You may carry over "},
                {"type": "text", "text": "5 days", "style": {"bold": True}},
                {"type": "text", "text": " [1]."},
            ],
        },
        {
            "type": "rich_text_list",
            "style": "bullet",
            "indent": 0,
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "by 31 March"}]},
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": "with "},
                        {"type": "text", "text": "HR", "style": {"code": True}},
                        {"type": "text", "text": " consent"},
                    ],
                },
            ],
        },
        {
            "type": "rich_text_list",
            "style": "ordered",
            "indent": 0,
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "Ask"}]}],
        },
    ]


@pytest.mark.parametrize(
    ("text", "kinds", "plain"),
    [
        ("1. Ask.\n\n2. Fill in the form.\n\n3. Wait.", ["rich_text_list"], ""),
        ("Until\n31. December 2026.", ["rich_text_section"], "Until\n31. December 2026."),
        ("14. Keep it.\n15. Return it.", ["rich_text_section"], "14. Keep it.\n15. Return it."),
        ("1. A\n   - sub\n2. B", ["rich_text_list", "rich_text_list", "rich_text_section"], "2. B"),
        ("1. A\n1. B", ["rich_text_list"], ""),
        ("1. A\n7. B", ["rich_text_list", "rich_text_section"], "7. B"),
    ],
)
def test_the_numbers_of_ordered_lines_are_those_that_were_written(
    text: str, kinds: list[str], plain: str
) -> None:
    made = elements(text)
    assert [element["type"] for element in made] == kinds
    assert "".join(texts(each) for each in made if each["type"] == "rich_text_section").strip() == plain


def test_a_list_too_long_for_one_block_keeps_its_numbers() -> None:
    made = elements("\n".join(f"{number}. {'x' * 500}" for number in range(1, 9)))
    lists = [each for each in made if each["type"] == "rich_text_list"]
    rest = "".join(texts(each) for each in made if each["type"] == "rich_text_section")
    assert len(lists) == 1 and rest.startswith(f"{len(lists[0]['elements']) + 1}. x") and "\n8. x" in rest


def test_nested_lists_keep_their_indent() -> None:
    made = elements("- one\n  - two\n- three")
    assert [element["indent"] for element in made] == [0, 1, 0]


def test_quote_code_and_heading() -> None:
    made = elements("## Rule\n> as written\n```\nx = 1\n```")
    assert [element["type"] for element in made] == [
        "rich_text_section",
        "rich_text_quote",
        "rich_text_preformatted",
    ]
    assert made[0]["elements"][0]["style"] == {"bold": True}


@pytest.mark.parametrize(
    "text",
    [
        "<!channel> now",
        "<@U0DEV> look",
        "<https://evil.example|handbook>",
        "[handbook](https://evil.example/?q=secret)",
        "https://evil.example/x",
        "![x](https://evil.example/pixel.png)",
        "[a][1]\n\n[1]: https://evil.example",
        "<!date^1^{date}^https://evil.example|x>",
    ],
)
def test_nothing_pings_or_links(text: str) -> None:
    made = rich_text(text)
    kinds = {kind for block in made for kind in _kinds(block)}
    assert kinds <= {"rich_text", "rich_text_section", "text"}


def test_an_allowed_link_is_a_link_and_the_label_is_kept() -> None:
    made = rich_text("See [the page](https://wiki.larkfield.example/leave)", lambda url: url)
    assert made[0]["elements"][0]["elements"][1] == {
        "type": "link",
        "url": "https://wiki.larkfield.example/leave",
        "text": "the page",
    }


def test_a_refused_link_shows_where_it_led() -> None:
    assert texts(rich_text("[pay](https://evil.example)")[0]) == "pay (https://evil.example)"


def test_invisible_characters_go_and_right_to_left_and_emoji_stay() -> None:
    hidden = "a\u200bb\u202ec\U000e0041"
    assert visible(hidden) == "abc"
    assert visible("שלום 👩‍💻 مرحبا") == "שלום 👩‍💻 مرحبا"


def test_a_long_text_is_cut_into_blocks() -> None:
    made = rich_text("word " * 8000)
    assert "".join(texts(block) for block in made).split() == ["word"] * 8000
    assert all(len(texts(block)) <= MAX_PIECE for block in made)


@given(st.text(max_size=400))
def test_no_text_raises_or_is_lost(text: str) -> None:
    shown = "".join(texts(block) for block in rich_text(text))
    for word in visible(text).split():
        letters = [letter for letter in word if letter.isalnum() and not letter.isdigit()]
        assert all(letter in shown for letter in letters)


def test_hostile_strings_show_and_do_nothing() -> None:
    for text in hostile_strings():
        for block in rich_text(text):
            assert set(_kinds(block)).isdisjoint({"link", "user", "broadcast", "channel", "usergroup"})


def _kinds(element: dict) -> list[str]:
    return [element["type"], *(kind for child in element.get("elements", ()) for kind in _kinds(child))]
