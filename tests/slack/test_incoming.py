"""What people write in Slack, as plain text and as inputs."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_samples import ASK_POLICY, PLAN_TRIP, SUMMARISE, released, view

from bot.slack import incoming
from bot.slack.thread_text import thread_used

EARLIER = "  earlier: {kind: text, label: Before, default: '', max_length: 24, from: earlier}\n"


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("hello", "hello"),
        ("<@U0BEN> said <#C0GENERAL|general> &amp; &lt;b&gt;", "@Ben said #general & <b>"),
        ("<@U0WHO>", "@U0WHO"),
        ("<!channel> <!subteam^S1|@leads>", "@channel @leads"),
        ("<https://larkfield.example/a|the page>", "the page (https://larkfield.example/a)"),
        ("<https://larkfield.example|larkfield.example>", "https://larkfield.example"),
        ("<mailto:a@b.example|a@b.example>", "mailto:a@b.example"),
        ("a < b", "a < b"),
        ("", ""),
    ],
)
def test_markup_becomes_the_words_a_reader_sees(raw: str, plain: str) -> None:
    assert incoming.plain_text(raw, {"U0BEN": "Ben"}) == plain


@pytest.mark.parametrize(
    ("raw", "rest"),
    [
        ("<@U0SPAN> how many?", "how many?"),
        ("<@U0SPAN>, how many?", "how many?"),
        ("how many, <@U0SPAN>?", "how many, ?"),
        ("<@U0SPAN|spanwise> hi <@U0BEN>", "hi <@U0BEN>"),
        ("<@U0SPAN>", ""),
    ],
)
def test_our_own_name_is_taken_out(raw: str, rest: str) -> None:
    assert incoming.without_mention(raw, "U0SPAN") == rest


def test_who_is_addressed() -> None:
    assert incoming.addressee("<@U0BEN> lunch?") == "U0BEN"
    assert incoming.addressee("ask <@U0BEN>") == ""
    assert incoming.mentions("<@U0BEN> and <@U0ANA|ana>") == {"U0BEN", "U0ANA"}


def test_marked_inputs_are_filled_and_else_the_first_text() -> None:
    policy, thread, trip = released(ASK_POLICY), released(SUMMARISE), released(PLAN_TRIP)
    assert incoming.values_from(policy, "how many?", "whole thread") == {"question": "how many?"}
    assert incoming.values_from(thread, "summarise", "Ana: hi") == {"thread": "Ana: hi"}
    assert incoming.values_from(thread, "Ana: hi", "") == {"thread": "Ana: hi"}
    assert incoming.values_from(trip, "a visit", "") == {"why": "a visit"}
    assert incoming.values_from(policy, "", "") == {}
    assert incoming.wants_thread(thread) and not incoming.wants_thread(policy)


def test_a_conversation_carries_what_was_asked_before() -> None:
    item = released(ASK_POLICY.replace("steps:", EARLIER + "steps:", 1))
    first = view(inputs={"question": "How many days?"})
    then = {
        "question": "And on sick leave?",
        **incoming.earlier_from(item, first, "question", "And on sick leave?"),
    }
    assert then["earlier"] == "How many days?"
    second = view(inputs=then)
    assert incoming.earlier_from(item, second, "question", "And then?") == {
        "earlier": "days? And on sick leave?"
    }
    assert incoming.earlier_from(released(ASK_POLICY), first, "question", "And then?") == {}
    assert "earlier" not in item.usage_hint


def test_a_workflow_without_text_inputs_is_given_nothing() -> None:
    trip = released(PLAN_TRIP)
    inputs = {name: item for name, item in trip.face.inputs.items() if item.kind != "text"}
    bare = replace(trip, face=replace(trip.face, inputs=inputs))
    assert incoming.values_from(bare, "hello", "") == {}
    assert incoming.primary_input(bare) == ""


@given(st.text())
def test_no_text_raises(text: str) -> None:
    incoming.plain_text(text)
    incoming.without_mention(text, "U0SPAN")
    incoming.addressee(text)


@pytest.mark.parametrize(
    ("words", "leans"),
    [
        ("And when I am on parental leave?", True),
        ("Does that apply to part-time staff in Leeds?", True),
        ("In Leeds?", True),
        ("What about interns who started in June this year?", True),
        ("", True),
        ("What can I spend on a hotel in London?", False),
        ("How do I report a lost laptop?", False),
    ],
)
def test_a_change_of_subject_leaves_the_old_one_behind(words: str, leans: bool) -> None:
    assert incoming.leans_on_before(words) is leans
    item = released(ASK_POLICY.replace("steps:", EARLIER + "steps:", 1))
    before = view(inputs={"question": "How many days?", "earlier": "Leave."})
    carried = incoming.earlier_from(item, before, "question", words)
    assert carried == {"earlier": "Leave. How many days?" if leans else ""}


def test_of_a_thread_too_long_for_its_input_the_end_stays_and_says_so() -> None:
    thread = "\n".join(f"Ana: message {number}" for number in range(100))
    cut = incoming.fitting(thread, 400)
    assert len(cut) <= 400 and cut.endswith("message 99") and "Earlier messages" in cut.split("\n")[0]
    assert cut.split("\n")[1].startswith("Ana: message ")
    assert incoming.fitting(thread, 4000) == thread
    assert "too long to be used whole" in thread_used(cut) and "All of it" in thread_used(thread)
