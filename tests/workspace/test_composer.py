"""Typed text leaves as Slack's clients send it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.workspace.composer import typed, typed_for_command
from bot.workspace.default_town import default_town

TOWN = default_town()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<!channel> <!here|x>", "&lt;!channel&gt; &lt;!here|x&gt;"),
        ("@ana and @Ben.", "<@U0ANA> and <@U0BEN>."),
        ("<@U0SPAN> hi", "<@U0SPAN> hi"),
        ("<@U0SPAN|spanwise> hi", "<@U0SPAN> hi"),
        ("<@U0NOBODY>", "&lt;@U0NOBODY&gt;"),
        ("see #general or #nowhere", "see <#C0GENERAL> or #nowhere"),
        ("tell @leads", "tell <!subteam^S0LEADS>"),
        ("mail ana@ben.example", "mail ana@ben.example"),
        ("<https://evil.example|bank>", "&lt;https://evil.example|bank&gt;"),
        ("", ""),
    ],
)
def test_messages(text, expected):
    assert typed(TOWN, text) == expected


def test_commands_are_raw_unless_asked():
    assert typed_for_command(TOWN, "<b> @ana", should_escape=False) == "<b> @ana"
    assert typed_for_command(TOWN, "<b> @ana", should_escape=True) == "&lt;b&gt; <@U0ANA|ana>"
    assert typed_for_command(TOWN, "to @Leads", should_escape=True) == "to <!subteam^S0LEADS|@Leads>"


@given(st.text(alphabet="<>&@#!|U0ANSPb ", max_size=40))
def test_no_typing_makes_markup_other_than_links_to_people_and_channels(text):
    rest = re.sub(r"<(@U0(ANA|BEN|SPAN)|#C0\w+)>", "", typed(TOWN, text))
    assert "<" not in rest
    assert ">" not in rest
