"""The messages of a run, each state looked at in its golden file."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from slack_checks import assert_golden, assert_message, hostile_strings, shown
from slack_samples import ASK_POLICY, NOW, PLAN_TRIP, answer, failed, passage, released, unfinished, view

from bot.services.actors import Origin
from bot.slack import blocks
from bot.slack import elements as el
from bot.slack.elements import Outgoing
from bot.slack.seal import seal_message
from knowledge.document import Citation
from workflows.run import Failure, RunStatus, Usage

NAMES = {"U0CHLOE": "Chloe Martin"}
IN_CHANNEL = Origin("command", "T0SPAN", "C0PEOPLE", visibility="channel")
MENTION = Origin("mention", "T0SPAN", "C0PEOPLE", "1764.1", "1764.1", visibility="channel")
NOT_COVERED = answer(
    "I could not find this in the handbook.",
    outcome="not_covered",
    abstained=True,
    searched=("people",),
    support=0.31,
    rule="Nothing in the handbook is close enough.",
    model="",
)

RUNS = {
    "queued": unfinished(),
    "queued-next": unfinished(position=1, wait_s=2.0),
    "queued-no-guess": unfinished(position=1200, wait_s=None),
    "queued-again": unfinished(
        waits_for=Failure("ModelResting", {"alias": "default", "again_s": "30"}),
        again_at=NOW + timedelta(minutes=5),
    ),
    "running": unfinished(status=RunStatus.RUNNING, started_at=NOW - timedelta(seconds=3), step_number=2),
    "stopping": unfinished(status=RunStatus.RUNNING, cancelling=True),
    "waiting": unfinished(status=RunStatus.WAITING),
    "covered": view(),
    "covered-in-channel": view(origin=IN_CHANNEL),
    "covered-by-mention": view(origin=MENTION),
    "covered-in-dm": view(origin=Origin("dm", "T0SPAN", "D0ANA")),
    "covered-with-notes": view(
        answer=answer(notes=("The built-in model quotes. SPANWISE_MODELS connects a writer.",))
    ),
    "covered-and-shared": view(shared=True),
    "not-covered": view(answer=NOT_COVERED),
    "cancelled": view(status=RunStatus.CANCELLED, answer=None),
    "failed": failed("ModelUnavailable", alias="default"),
    "failed-unforeseen": failed("SomethingElse"),
    "failed-closed": failed("UnknownCollection", "i_c7l0s3d1", collection="people", ask="U0CHLOE,U0EVA"),
}


def sealed(message: Outgoing) -> dict[str, Any]:
    made = seal_message(message)
    assert_message(made)
    return made


def actions_of(made: dict[str, Any]) -> list[str]:
    rows = [block for block in made["blocks"] if block["type"] in ("actions", "context_actions")]
    return [element["action_id"] for row in rows for element in row["elements"]]


@pytest.mark.parametrize("name", RUNS)
def test_each_state_is_as_it_was_when_looked_at(name: str) -> None:
    assert_golden(f"run-{name}", sealed(blocks.run_message(RUNS[name], now=NOW, names=NAMES)))


def test_a_private_answer_from_a_channel_may_be_shared_and_no_other() -> None:
    def can(run: Any) -> bool:
        return blocks.SHARE in actions_of(sealed(blocks.run_message(run, now=NOW)))

    assert can(view())
    assert not can(view(shared=True))
    assert not can(view(origin=IN_CHANNEL))
    assert not can(view(origin=Origin("dm", "T0SPAN", "D0ANA")))
    assert not can(view(answer=NOT_COVERED))


def test_only_a_finished_answer_is_voted_on() -> None:
    assert blocks.VOTE in actions_of(sealed(blocks.run_message(view(), now=NOW)))
    for run in (unfinished(), failed("ModelTimeout"), RUNS["cancelled"]):
        assert blocks.VOTE not in actions_of(sealed(blocks.run_message(run, now=NOW)))


def test_an_open_run_can_be_cancelled_and_a_stopping_one_no_more() -> None:
    assert actions_of(sealed(blocks.run_message(unfinished(), now=NOW))) == [blocks.CANCEL]
    assert actions_of(sealed(blocks.run_message(RUNS["stopping"], now=NOW))) == []


def test_the_receipt_says_what_produced_the_answer() -> None:
    words = shown(sealed(blocks.run_message(view(), now=NOW, names=NAMES)))
    for part in (
        "AI-generated, check before use",
        "v3",
        "covered",
        "spanwise/quotes",
        "2.0 s",
        "$0.0021",
        "r_k2m4",
    ):
        assert part in words
    assert "[1] *Annual leave › Carry-over* · owner Chloe Martin · updated 12 days ago · v3" in words


def test_an_answer_without_a_model_and_cost_says_so() -> None:
    run = view(answer=answer(model="", citations=()), usage=Usage(0, 0, Decimal(0)))
    words = shown(sealed(blocks.run_message(run, now=NOW)))
    assert "no model used" in words and "$0" in words and "Sources" not in words


def test_nobody_but_the_asker_is_mentioned() -> None:
    message = blocks.run_message(view(origin=IN_CHANNEL), now=NOW)
    assert message.mentions >= {"U0ANA"} and "U0CHLOE" not in message.mentions


def test_a_long_answer_fits_and_says_where_the_rest_is() -> None:
    run = view(answer=answer("A sentence of the answer. " * 2000))
    made = sealed(blocks.run_message(run, now=NOW))
    assert "Explain" in shown(made)
    assert len(made["text"]) <= 3000


def test_many_sources_fit() -> None:
    many = tuple(Citation(number, passage(number, title="T" * 400)) for number in range(1, 41))
    sealed(blocks.run_message(view(answer=answer(citations=many)), now=NOW))


@pytest.mark.parametrize(
    "question",
    [
        "",
        "x" * 40_000,
        "كم عدد أيام الإجازة التي يمكنني ترحيلها؟",
        "🏖️🎉👩‍💻",
        "<!channel> <@U0DEV> <https://evil.example|x>",
    ],
    ids=["empty", "40000", "right-to-left", "emoji", "channel"],
)
def test_any_question_can_be_shown_in_every_state(question: str) -> None:
    for run in RUNS.values():
        made = sealed(blocks.run_message(replace(run, inputs={"question": question}), now=NOW))
        words = shown(made)
        assert "<!" not in words.replace("<!date^", "") and "<@U0DEV" not in words and "<http" not in words


def test_hostile_answers_titles_and_notes_ping_and_link_nothing() -> None:
    for text in hostile_strings()[::7]:
        hostile = passage(title=text, headings=(text,), owner=text, text=text)
        run = view(
            origin=IN_CHANNEL,
            title=text,
            step_title=text,
            inputs={"question": text},
            answer=answer(
                text, citations=(Citation(1, hostile),), notes=(text,), rule=text, model=text, outcome=text
            ),
        )
        for message in (
            blocks.run_message(run, now=NOW, names={"U0CHLOE": text}),
            blocks.shared_message(run, now=NOW),
            blocks.runs_message((run,)),
        ):
            made = sealed(message)
            words = shown(made).replace("<@U0ANA>", "")
            assert "<@" not in words and "<http" not in words and "<!channel" not in words
            assert '"link"' not in str(made).replace("'", '"')


def test_a_message_moved_to_the_asker_says_why() -> None:
    made = sealed(blocks.run_message(view(origin=IN_CHANNEL), now=NOW, moved=True))
    assert "I am not in <#C0PEOPLE>" in shown(made)


def test_shared_help_list_status_and_choice_messages() -> None:
    policy, trip = released(ASK_POLICY), released(PLAN_TRIP)
    made = {
        "shared": sealed(blocks.shared_message(view(), now=NOW, names=NAMES)),
        "help": sealed(blocks.help_message(policy, is_public=False)),
        "help-with-inputs": sealed(blocks.help_message(trip, is_public=True)),
        "list": sealed(blocks.list_message((policy, trip))),
        "list-empty": sealed(blocks.list_message((), ask=("U0DEV",))),
        "status": sealed(blocks.runs_message((view(), unfinished()))),
        "status-empty": sealed(blocks.runs_message(())),
        "which": sealed(blocks.pick_notice((policy, trip), ('{"w":"a"}', '{"w":"b"}'))),
        "details": sealed(blocks.details_notice(trip, '{"w":"plan-trip"}')),
    }
    for name, message in made.items():
        assert_golden(f"message-{name}", message)


@pytest.mark.parametrize(
    ("label", "about", "said"),
    [
        ("Explain", "How this answer came about", "Explain: How this answer came about"),
        ("Cancel", "Cancel Ask the people handbook", "Cancel Ask the people handbook"),
        ("Edit", "x" * 100, f"Edit: {'x' * 68}…"),
    ],
)
def test_a_button_is_found_by_what_it_shows(label: str, about: str, said: str) -> None:
    assert el.button(label, "act", "value", about=about)["accessibility_label"] == said
