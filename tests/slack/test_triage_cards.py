"""The forms, cards and letters of the feedback loop, each looked at in its golden file."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from slack_checks import assert_golden, assert_message, assert_view, hostile_strings, shown
from slack_samples import NOW, answer, passage, view

from bot.adapters.store.triage_log import TriageItem
from bot.quality.complaint import DECISIONS, REASONS, TriageState
from bot.services.complaints import Complaint
from bot.services.outbox_items import OutboxItem
from bot.services.remedies import CaseDraft, DocumentDraft
from bot.services.triage import Card
from bot.slack import feedback_text
from bot.slack.elements import Outgoing
from bot.slack.feedback_forms import complaint_form, noted_down
from bot.slack.letters import letter
from bot.slack.refusals_feedback import SENTENCES
from bot.slack.seal import seal_message, seal_view
from bot.slack.triage_forms import case_form, document_form
from knowledge.document import Citation

RUN = view()
COMPLAINTS = (
    Complaint(RUN.id, "U0ANA", "wrong"),
    Complaint(RUN.id, "U0EVA", "wrong"),
    Complaint(RUN.id, "U0BEN", "out_of_date", "It is ten days since October."),
)
ITEM = TriageItem(RUN.id, "ask-policy", TriageState.WAITING, "f", "", "", "", NOW, NOW, None)
CARD = Card(ITEM, RUN, COMPLAINTS)
PLACE = {"channel": "D0CHLOE"}


def item(kind: str, about: Any = None, run: Any = None, **body: Any) -> OutboxItem:
    return OutboxItem("m1", "", kind, "U0CHLOE", "", NOW, "", "", body, "triage:r_1", run, about)


def drawn(found: OutboxItem) -> dict[str, Any]:
    return sealed(letter(found, NOW, {"U0CHLOE": "Chloe Martin"}))


def sealed(message: Outgoing) -> dict[str, Any]:
    made = seal_message(message)
    assert_message(made)
    return made


def sealed_view(form: dict[str, Any]) -> dict[str, Any]:
    made = seal_view(form)
    assert_view(made)
    return made


def decided(state: TriageState, result: str = "") -> Card:
    when = NOW + timedelta(hours=1)
    return replace(
        CARD, item=replace(ITEM, state=state, decided_by="U0CHLOE", result=result, decided_at=when)
    )


LETTERS = {
    "triage-nudge": item("triage-nudge", workflow="ask-policy", title="Ask the people handbook", waiting=3),
    "triage-card": item("triage", CARD),
    "triage-card-group": item("triage", replace(CARD, others=(RUN, RUN)), left=4, workflow=""),
    "triage-decided": item("triage", decided(TriageState.DISMISSED)),
    "triage-case": item("triage", decided(TriageState.CASE, "how-many-days")),
    "fix": item(
        "fix",
        run=view(answer=answer("Ten days since October [1].", citations=(Citation(1, passage(version=4)),))),
        effect="The handbook says ten days.",
        by="U0CHLOE",
        old="You may carry over **five days** [1].",
        abstained=False,
    ),
}
CASE = CaseDraft(CARD, "ten days", ("annual-leave.md",), False, (("annual-leave.md", "Annual leave"),))
DOCUMENT = DocumentDraft(CARD, "How many days of leave can I carry over", "Ten days.", ("people", "travel"))
VIEWS = {
    "complaint": complaint_form(RUN, COMPLAINTS[2], PLACE),
    "triage-case": case_form(CASE, PLACE),
    "triage-document": document_form(DOCUMENT, PLACE),
}


@pytest.mark.parametrize("name", LETTERS)
def test_letters(name: str) -> None:
    assert_golden(f"message-{name}", drawn(LETTERS[name]))


@pytest.mark.parametrize("name", VIEWS)
def test_views(name: str) -> None:
    assert_golden(f"view-{name}", sealed_view(VIEWS[name]))


def test_every_reason_and_decision_has_words() -> None:
    assert set(feedback_text.REASONS) == set(REASONS)
    said: set[str] = set()
    for state in {*DECISIONS, TriageState.WITHDRAWN}:
        assert len(shown(drawn(item("triage", decided(state, "x"))))) > 100
        said.add(SENTENCES["AlreadyDecided"]({"decision": state}))
    assert len(said) == len(DECISIONS) + 1


def test_what_made_something_cannot_be_taken_back() -> None:
    for state, can in ((TriageState.CASE, False), (TriageState.KNOWLEDGE, False), (TriageState.PROMPT, True)):
        assert ("triage-back" in str(drawn(item("triage", decided(state))))) == can


@pytest.mark.parametrize("count", [0, 1, 4, 500])
def test_many_corrections_are_counted_and_the_newest_shown(count: int) -> None:
    many = tuple(Complaint(RUN.id, f"U{n:05}", "wrong", f"No. {n} " + "x" * 3000) for n in range(count))
    said = shown(drawn(item("triage", replace(CARD, complaints=many))))
    assert ("No. 0" in said) == (1 <= count <= 3)
    if count > 3:
        assert f"No. {count - 1}" in said and f"{count - 3} more" in said


def test_what_its_reader_may_not_read_is_not_on_a_card() -> None:
    said = shown(drawn(item("triage", CARD, withheld=True)))
    assert "come from documents that you may not read" in said and "How many days" in said
    assert "five days" not in said and "ten days since October" not in said


MEANT = re.compile("<@(U0BEN|U0CHLOE)>")
"""Who is mentioned on purpose."""


def marked_up(made: Any) -> Iterator[str]:
    """Texts that Slack reads for marks; in rich text it reads none."""
    if isinstance(made, list):
        for each in made:
            yield from marked_up(each)
    elif isinstance(made, dict):
        if made.get("type") == "mrkdwn":
            yield made["text"]
        for each in made.values():
            yield from marked_up(each)


def test_hostile_texts_do_nothing_wherever_they_stand() -> None:
    for text in [*hostile_strings(), "\u202egnol" + "x" * 9000, "```", "&gt; <!channel>"]:
        run = view(inputs={"question": text or "?"}, answer=answer(text), title=text[:100] or "?")
        complaint = Complaint(RUN.id, "U0BEN", "tone", text[:3000])
        card = Card(ITEM, run, (complaint,), (run,))
        for found in (
            item("triage", card),
            item("fix", run=run, effect=text, by="U0CHLOE", old=text, abstained=True),
            item("triage-nudge", workflow="ask-policy", title=text, waiting=1),
        ):
            for said in marked_up(drawn(found)["blocks"]):
                assert "<!" not in said and "<http" not in said and "<@" not in MEANT.sub("", said)
        sealed(noted_down(RUN.id, changed=True, opened=False))
        for form in (
            complaint_form(run, complaint, PLACE),
            case_form(CaseDraft(card, text[:80], (), False, ((text[:100] or "x", text or "x"),)), PLACE),
            document_form(DocumentDraft(card, text[:150], text[:3000], ("people",)), PLACE),
        ):
            sealed_view(form)
