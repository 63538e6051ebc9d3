import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.embedded.fields import as_number, extract
from bot.adapters.embedded.labels import classify
from bot.adapters.embedded.provider import QUOTED_NOTE
from bot.adapters.embedded.quoting import join_quotes
from bot.adapters.embedded.summary import summarise
from bot.adapters.embedded.table_rows import beside_the_point, table_rows
from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.llm import Models
from bot.adapters.profiles import load_profiles
from bot.adapters.store.database import Store
from knowledge.document import Passage
from knowledge.embedding import Embedder
from knowledge.sentence_ranking import ScoredSentence
from workflows.ports import (
    ABSTAINED,
    FieldSpec,
    Message,
    ModelReply,
    ModelRequest,
    NeedsWritingModel,
    Task,
)


def passage(number: int, text: str, score: float = 0.6) -> Passage:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return Passage(f"c{number}", f"d{number}", "people", "Leave", (), "", text, 1, "", at, score)


LEAVE = passage(
    1,
    "## Carry-over\n\nYou may carry over up to five days of unused leave into the next year. "
    "These must be used by 31 March. Ask your manager before 1 December.",
    0.8,
)
PAY = passage(2, "Salaries are paid on the 25th of each month. Payslips are in the payroll portal.", 0.3)


async def ask(task: Task, *, streamed: bool = False, schema: Any = None) -> tuple[ModelReply, LedgerEntry]:
    entries: list[LedgerEntry] = []

    async def record(entry: LedgerEntry) -> None:
        entries.append(entry)

    pieces: list[str] = []
    model = Models(load_profiles(), Store("sqlite://")).bind(record)
    request = ModelRequest("default", (Message("user", "words"),), task, "step", schema=schema)
    reply = await model.complete(request, pieces.append if streamed else None)
    assert "".join(pieces) == (reply.text if streamed else "")
    return reply, entries[0]


@pytest.mark.parametrize("streamed", [False, True])
async def test_it_quotes_and_cites(streamed: bool) -> None:
    question = "How many days of leave can I carry over?"
    task = Task("answer", question=question, passages=(PAY, LEAVE))
    reply, entry = await ask(task, streamed=streamed)
    assert "You may carry over up to five days of unused leave into the next year [2]." in reply.text
    assert "[1]" not in reply.text
    assert reply.notes == (QUOTED_NOTE,)
    assert reply.model == entry.model == "spanwise/quote"
    assert (entry.cost_usd, entry.priced, entry.outcome) == (0, True, "ok")


async def test_a_sentence_that_leans_on_the_one_before_brings_it() -> None:
    reply, _ = await ask(Task("answer", question="By when must they be used?", passages=(LEAVE,)))
    assert reply.text.index("five days") < reply.text.index("31 March")


@pytest.mark.parametrize("passages", [(), (PAY,)], ids=["none", "off topic"])
async def test_it_says_when_nothing_fits(passages: tuple[Passage, ...]) -> None:
    question = "Which glue holds a barometer's diaphragm?"
    reply, _ = await ask(Task("answer", question=question, passages=passages))
    assert reply.text == ABSTAINED


async def test_brackets_in_a_passage_are_no_citations() -> None:
    cited = passage(3, "Leave may be carried over for five days [7] of each year.")
    reply, _ = await ask(Task("answer", question="How many days of leave carry over?", passages=(cited,)))
    assert reply.text == "Leave may be carried over for five days (7) of each year [1]."


async def test_a_row_of_a_table_is_quoted_with_its_headings_and_no_header_is() -> None:
    table = passage(
        4,
        "| Place | Country | Hotel limit a night |\n|---|---|---|\n"
        "| Lisbon | Portugal | 140 |\n| Porto | Portugal | 115 |\n| Leeds | United Kingdom | |",
        0.8,
    )
    reply, _ = await ask(Task("answer", question="What is the hotel limit in Porto?", passages=(table,)))
    assert "Place: Porto; Country: Portugal; Hotel limit a night: 115 [1]." in reply.text
    assert "|" not in reply.text and "Place; Country" not in reply.text


RATES = """\
| Place | Country | Hotel limit a night |
|---|---|---|
| Lisbon | Portugal | 140 |
| Porto | Portugal | 115 |
| New York | United States | 290 |
| Toronto | Canada | 260 |"""


@pytest.mark.parametrize(
    ("question", "left_out"),
    [
        ("What is the hotel limit in Porto?", {"Lisbon", "New York", "Toronto"}),
        ("hotel limit in new york or toronto", {"Lisbon", "Porto"}),
        ("What is the hotel limit in Portugal?", set()),
        ("Which place is the dearest?", set()),
        ("", set()),
    ],
)
def test_rows_about_something_else_are_no_answer(question: str, left_out: set[str]) -> None:
    header, _, *rows = RATES.splitlines()
    other = "| Kind | Days |\n|---|---|\n| Annual leave | 25 |\n| Parental leave | 80 |"
    found = beside_the_point(question, [table_rows(RATES), table_rows(other)])
    assert header in found and "| Kind | Days |" in found
    assert found - {header, "| Kind | Days |"} == {row for row in rows if row.split(" | ")[0][2:] in left_out}


def test_what_every_label_says_tells_nothing() -> None:
    leave = "| Kind | Days |\n|---|---|\n| Annual leave | 25 |\n| Parental leave | 80 |"
    assert beside_the_point("How much leave is there?", [table_rows(leave)]) == {"| Kind | Days |"}
    assert "| Annual leave | 25 |" in beside_the_point("How long is parental leave?", [table_rows(leave)])


@pytest.mark.parametrize(
    "question", ["", "   ", "x" * 40_000, "كم يومًا يمكنني ترحيله؟", "🙂🙂🙂", "<!channel> days?"]
)
async def test_odd_questions_get_an_answer_or_none(question: str) -> None:
    reply, _ = await ask(Task("answer", question=question, passages=(LEAVE,)))
    assert reply.text == ABSTAINED or "[1]" in reply.text


THREAD = """Ana Costa: The calibration rig in Leeds is down since Monday and we lose two days a week.
Ben Okafor: morning!
Ben Okafor: The supplier can send a technician on Thursday, it costs 1,200 EUR.
Ana Costa: ok
Chloe Martin: We decided to pay for the technician, because the rig is needed for the December order.
Ben Okafor: Nice weather today by the way.
Chloe Martin: Still open: who tells the customer about the delay of the calibration?"""


async def test_it_summarises_in_order() -> None:
    reply, _ = await ask(Task("summarise", text=THREAD, max_sentences=3))
    lines = reply.text.splitlines()
    assert len(lines) == 3
    assert [THREAD.index(line[2:]) for line in lines] == sorted(THREAD.index(line[2:]) for line in lines)
    assert "decided to pay" in reply.text
    assert "weather" not in reply.text


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=300))
def test_a_summary_holds_only_what_was_there(text: str) -> None:
    summary = summarise(text, 2, Embedder.load())
    for line in summary.splitlines():
        assert "".join(line.removeprefix("- ").split()) in "".join(text.split())


@pytest.mark.parametrize(
    ("text", "position", "quoted"),
    [
        ("There are 2**16 and 3**4 ways.", 0, "There are 2**16 and 3**4 ways [1]."),
        ("Keep `__vault__key.txt` and my__own__name.", 0, "Keep __vault__key.txt and my__own__name [1]."),
        ("**Only** five __whole__ `days`.", 0, "Only five whole days [1]."),
        ("**Use `a**b**c` here.", 0, "Use a**b**c here [1]."),
        ("- > 5,000 EUR needs the signature.", 0, "> 5,000 EUR needs the signature [1]."),
        ("> EUR 5,000 needs the signature.", 0, "> EUR 5,000 needs the signature [1]."),
        ("> - Quoted words of others.", 0, "Quoted words of others [1]."),
        ("see array[10] and [12] of it", 0, "see array(10) and (12) of it [1]."),
        ("30. June is the last day.", 1, "30. June is the last day [1]."),
        ("30. juni is the last day.", 0, "30. juni is the last day [1]."),
        ("1. Ask your manager first.\n2. Ask the People team.", 3, "Ask the People team [1]."),
        ("1) ask your manager first\n2) it goes to Finance", 1, "it goes to Finance [1]."),
        ("1. Ask your manager first.\n2. This goes to Finance.", 3, "This goes to Finance [1]."),
    ],
)
def test_a_quote_says_what_the_document_says(text: str, position: int, quoted: str) -> None:
    sentence = ScoredSentence("", 0, position, 1.0)
    assert join_quotes([sentence], [replace(LEAVE, text=text)], 1).endswith(quoted)


LABELS = {
    "it": "A laptop, monitor or phone that is broken; a forgotten password.",
    "leave": "Holiday, sickness, parental leave, absence.",
    "payroll": "Salary, payslip, bonus, tax.",
}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("My screen stays black since this morning", "it"),
        ("I need to take two weeks off for my newborn", "leave"),
        ("The November payslip misses my bonus", "payroll"),
    ],
)
async def test_it_sorts(text: str, label: str) -> None:
    reply, _ = await ask(Task("classify", text=text, labels=LABELS), schema={"type": "object"})
    found = json.loads(reply.text)
    assert found["label"] == label
    assert 0.3 < found["confidence"] <= 1
    assert found["because"]


def test_what_fits_nothing_gets_little_confidence() -> None:
    guess = classify("Purple elephants dance at midnight", LABELS, Embedder.load())
    assert guess.confidence < 0.3


AMOUNT = FieldSpec("amount", "The total amount")
DUE = FieldSpec("date", "The date by which it is needed")
EXTRACTED = [
    ("two soil probes for 1,840 EUR before 15 January 2027", AMOUNT, 1840),
    ("costs €23.500,00 plus tax", AMOUNT, 23500),
    ("12 x $45.50, total $546", AMOUNT, 546),
    ("claim of 64,20 EUR", AMOUNT, 64.2),
    ("about 12k EUR", AMOUNT, 12000),
    ("a budget of $1.2 million", AMOUNT, 1_200_000),
    ("EUR 2 million in all", AMOUNT, 2_000_000),
    ("for £1.5m.", AMOUNT, 1_500_000),
    ("3.5bn EUR", AMOUNT, 3_500_000_000),
    ("2,5 Mio. EUR", AMOUNT, 2_500_000),
    ("$1.255 million", AMOUNT, 1_255_000),
    ("$5 more", AMOUNT, 5),
    ("0.125 EUR a page", AMOUNT, 0.125),
    ("0,125 EUR a page", AMOUNT, 0.125),
    (f"EUR {'9' * 400}", AMOUNT, None),
    (f"chairs: {'9' * 400}", FieldSpec("integer", "How many chairs"), None),
    ("we are 12 people", AMOUNT, None),
    ("written 2026-11-02, needed by 3 December 2026", DUE, "2026-12-03"),
    ("on Dec 24th, 2026", DUE, "2026-12-24"),
    ("until 31.3.2027", DUE, "2027-03-31"),
    ("on 2026-02-30", DUE, None),
    ("by Friday", DUE, None),
    ("asset LF-LAP-2041 is gone", FieldSpec("id", "An asset number"), "LF-LAP-2041"),
    ("see order PO 4711 and ticket #20931", FieldSpec("id", "A ticket number"), "#20931"),
    ("write to ana.costa@larkfield.example.", FieldSpec("email"), "ana.costa@larkfield.example"),
    ("in the Leeds office", FieldSpec("choice", "Office", choices=("Lisbon", "Leeds")), "Leeds"),
    ("in Leedsville", FieldSpec("choice", "Office", choices=("Lisbon", "Leeds")), None),
    ("we need 14 chairs for 3 rooms", FieldSpec("integer", "How many chairs"), 14),
    ("it is 16 degrees", FieldSpec("integer", "How many chairs"), None),
    ("please", FieldSpec("text", "Anything"), None),
]


@pytest.mark.parametrize(("text", "spec", "value"), EXTRACTED)
def test_it_picks_out(text: str, spec: FieldSpec, value: Any) -> None:
    assert extract(text, {"it": spec}) == {"it": value}


@given(st.text(max_size=200))
def test_picking_never_fails(text: str) -> None:
    kinds = ("text", "number", "integer", "date", "amount", "boolean", "choice", "id", "email")
    fields = {kind: FieldSpec(kind, "the number", choices=("a", "b")) for kind in kinds}
    assert set(extract(text, fields)) == set(kinds)


@given(st.integers(0, 10**9), st.sampled_from([",", ".", " ", "'", ""]))
def test_grouped_figures_are_read_back(number: int, separator: str) -> None:
    assert as_number(f"{number:,}".replace(",", separator)) == number


@given(st.integers(0, 10**6), st.integers(0, 99), st.sampled_from([",", "."]))
def test_cents_are_read_back(whole: int, cents: int, separator: str) -> None:
    assert math.isclose(as_number(f"{whole}{separator}{cents:02}"), whole + cents / 100)


SCHEMA = {
    "type": "object",
    "properties": {
        "days": {"type": "integer", "description": "days of leave to carry over"},
        "until": {"type": ["string", "null"], "format": "date"},
        "mood": {"enum": ["good", "bad", None]},
    },
    "required": ["days", "until", "mood"],
}


async def test_json_keeps_its_schema() -> None:
    text = "Five colleagues may carry over 5 days of leave until 2027-03-31."
    reply, _ = await ask(Task("write", text=text), schema=SCHEMA)
    found = json.loads(reply.text)
    jsonschema.validate(found, SCHEMA)
    assert found == {"days": 5, "until": "2027-03-31", "mood": None}


@pytest.mark.parametrize(
    ("task", "schema"),
    [
        (Task("write", question="Write a poem"), None),
        (Task("judge", question="Is it good?"), None),
        (Task("write", text="No figures here."), SCHEMA),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_what_it_cannot_do_names_the_setting(task: Task, schema: Any, streamed: bool) -> None:
    with pytest.raises(NeedsWritingModel) as caught:
        await ask(task, schema=schema, streamed=streamed)
    assert caught.value.facts["setting"] == "SPANWISE_MODELS"
    assert caught.value.facts["alias"] == "default"


async def test_writing_from_material_is_quoting() -> None:
    task = Task("write", question="How many days carry over?", passages=(LEAVE,))
    reply, _ = await ask(task)
    assert "five days" in reply.text
    assert reply.notes == (QUOTED_NOTE,)
