"""Whatever a builder forgets, what leaves keeps Slack's limits and pings nobody."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_checks import assert_message, assert_view, hostile_strings

from bot.slack import elements as el
from bot.slack.elements import Outgoing
from bot.slack.richtext import rich_text
from bot.slack.seal import clean_url, seal_message, seal_view

DOMAINS = ("larkfield.example",)


def sealed_text(text: str, **declared: Any) -> str:
    message = Outgoing("x", (el.section(text),), **declared)
    return seal_message(message, DOMAINS)["blocks"][0]["text"]["text"]


@pytest.mark.parametrize(
    ("text", "sealed"),
    [
        ("<!channel> hi", "&lt;!channel&gt; hi"),
        ("<!here>", "&lt;!here&gt;"),
        ("<!subteam^S1>", "&lt;!subteam^S1&gt;"),
        ("<@U0DEV> hi", "@U0DEV hi"),
        ("<https://evil.example|handbook>", "handbook (https://evil.example)"),
        ("<https://evil.example>", "https://evil.example"),
        ("<!date^1^{date}^https://evil.example|x>", "&lt;!date^1^{date}^https://evil.example|x&gt;"),
        ("<mailto:a@evil.example|mail>", "&lt;mailto:a@evil.example|mail&gt;"),
        ("<<!channel>>", "&lt;&lt;!channel&gt;&gt;"),
        ("a < b > c", "a &lt; b &gt; c"),
        ("<https://wiki.larkfield.example/p?q=secret#x|page>", "<https://wiki.larkfield.example/p|page>"),
        ("<!date^1764000000^{date_short}|2025>", "<!date^1764000000^{date_short}|2025>"),
        ("<#C0GENERAL>", "<#C0GENERAL>"),
    ],
)
def test_markup_that_was_not_declared_is_text(text: str, sealed: str) -> None:
    assert sealed_text(text) == sealed


def test_declared_mentions_and_links_stand() -> None:
    assert sealed_text("<@U0ANA> asked", mentions=frozenset({"U0ANA"})) == "<@U0ANA> asked"
    url = "https://larkfield.slack.com/archives/D1"
    assert sealed_text(f"<{url}|here>", links=frozenset({url})) == f"<{url}|here>"


@pytest.mark.parametrize(
    "url",
    [
        "http://larkfield.example/",
        "https://larkfield.example.evil.example/",
        "https://larkfield.example@evil.example/",
        "https://user:pw@larkfield.example/",
        "https://evil-larkfield.example/",
        "https://larkfield.example:8443/",
        "https://lаrkfield.example/",
        "javascript:alert(1)",
        "https://[::1",
        "//larkfield.example",
        "",
    ],
)
def test_urls_outside_the_allowed_domains_are_refused(url: str) -> None:
    assert clean_url(url, DOMAINS) is None


def test_an_allowed_url_loses_its_query() -> None:
    assert (
        clean_url("https://wiki.larkfield.example/a/b?token=1#f", DOMAINS)
        == "https://wiki.larkfield.example/a/b"
    )


def test_rich_text_loses_undeclared_links_mentions_and_broadcasts() -> None:
    block = {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "broadcast", "range": "channel"},
                    {"type": "user", "user_id": "U0DEV"},
                    {"type": "link", "url": "https://evil.example", "text": "x"},
                ],
            }
        ],
    }
    sealed = seal_message(Outgoing("x", (block,)), DOMAINS)
    assert sealed["blocks"][0]["elements"][0]["elements"] == [
        {"type": "text", "text": "@U0DEV"},
        {"type": "text", "text": "x (https://evil.example)"},
    ]


def test_limits_of_every_block_are_kept() -> None:
    long = "word " * 3000
    message = Outgoing(
        long * 10,
        (
            el.header(long),
            el.section(long),
            el.context(*[long] * 23),
            el.actions(*[el.button("b" * 200, f"a-{number}", "v") for number in range(60)]),
            *rich_text(long),
            *(el.divider() for _ in range(80)),
            el.actions(el.button("last", "last", "v")),
        ),
    )
    sealed = seal_message(message)
    assert_message(sealed)
    assert sealed["blocks"][-1]["elements"][0]["action_id"] == "last"
    assert len(sealed["text"]) <= 3000


def test_a_cut_never_leaves_half_a_token_or_entity() -> None:
    texts = [
        block["text"]["text"]
        for block in seal_message(Outgoing("x", (el.section("&amp;" * 1400 + "<#C0GENERAL>" * 400),)))[
            "blocks"
        ]
    ]
    assert "".join(texts).count("&amp;") == 1400
    assert "".join(texts).count("<#C0GENERAL>") == 400
    assert all(text.count("<") == text.count(">") for text in texts)


def test_a_view_keeps_its_limits() -> None:
    view = el.modal(
        "A title that is far too long for a modal",
        [
            el.field_block("b", "L" * 3000, el.text_input("a", "v" * 9000, hint="h" * 300), hint="h" * 3000),
            el.field_block(
                "s", "Pick", el.select("p", [el.option("o" * 100, str(n)) for n in range(150)], "0")
            ),
            *(el.section("x") for _ in range(150)),
        ],
        submit="Submit this very long label now",
    )
    assert_view(seal_view(view))


@given(st.text(max_size=300))
def test_no_escaped_text_raises_or_makes_markup(text: str) -> None:
    shown = sealed_text(el.escape(text))
    assert "<" not in shown and ">" not in shown


@given(st.text(alphabet="<>|@!#^&UChttps:/.{}x1 ", max_size=80))
def test_no_unescaped_text_makes_undeclared_markup(text: str) -> None:
    shown = sealed_text(text)
    for token in re.findall(r"<([^>]*)>", shown):
        assert token.startswith(("#C", "#G", "#D", "!date^"))


def test_hostile_strings_raw_and_escaped() -> None:
    for text in hostile_strings():
        for shown in (sealed_text(text or " "), sealed_text(el.escape(text) or " ")):
            assert "<!" not in shown and "<@" not in shown and "<http" not in shown
