"""Sentences of admins: what each means without any model, and what is no command at all."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.governance.admin_commands import COMMANDS, read_command
from bot.governance.admin_patterns import PATTERNS
from bot.governance.grammar import RESOLVERS, choose, fill, put_together, read_sentence
from bot.governance.spoken import MAX_HEAD, hear
from bot.governance.understanding import Missing, Understood, Unsure
from tests.bot.admin_words import VOCABULARY

EXAMPLES = [(kind, example) for kind, command in COMMANDS.items() for example in command.examples]


def understood(sentence: str) -> dict[str, object]:
    found = read_sentence(sentence, VOCABULARY)
    assert isinstance(found, Understood), found
    return found.command.model_dump(exclude_defaults=True)


def missing(sentence: str) -> Missing:
    found = read_sentence(sentence, VOCABULARY)
    assert isinstance(found, Missing), found
    return found


POLITE = ["Please {}", "CAN YOU {}?", "hey, could you please {} please!", "  {}.  "]
WAYS = EXAMPLES + [
    (kind, polite.format(example))
    for kind, example in EXAMPLES
    for polite in POLITE
    # what follows a colon is data as it is written, and a question is not something to be done
    if ":" not in example and not (COMMANDS[kind].permissions == () or example.endswith("?"))
]


@pytest.mark.parametrize(("kind", "sentence"), WAYS, ids=[sentence for _, sentence in WAYS])
def test_every_example_is_understood_however_politely(kind: str, sentence: str) -> None:
    found = read_sentence(sentence, VOCABULARY)
    assert isinstance(found, Understood), found
    assert found.command.model_dump()["command"] == kind
    assert found.command.words()


def test_every_command_can_be_said_and_put_together() -> None:
    assert {pattern.kind for pattern in PATTERNS} == set(COMMANDS) == set(RESOLVERS)
    for command in COMMANDS.values():
        assert command.title and command.about.endswith(".") and command.examples
        assert set(command.questions) - {"workflow", "scope", "people"} <= {
            *command.model_fields, "instructions", "text", "question", "expectation",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [
        (
            "make ask-policy friendlier and never promise a date",
            {
                "workflow": "ask-policy",
                "prompt": "ask-policy.answer",
                "instructions": ("Be friendlier.", "Never promise a date."),
            },
        ),
        ("set passages of ask-policy to 8", {"workflow": "ask-policy", "parameter": "passages", "value": 8}),
        (
            "pilot ask-policy with <@U0ANA> and 20%",
            {"workflow": "ask-policy", "people": ("U0ANA",), "share": 0.2},
        ),
        (
            "could you set the passages to 8 for ask-policy?",
            {"workflow": "ask-policy", "parameter": "passages", "value": 8},
        ),
        (
            "please set the number of passages for ask-policy to 8",
            {"workflow": "ask-policy", "parameter": "passages", "value": 8},
        ),
        (
            "set the finance limit of triage-request to 5.000 €",
            {"workflow": "triage-request", "parameter": "finance_limit", "value": 5000},
        ),
        (
            "when the amount is over 5000 send it to a manager",
            {
                "workflow": "approve-spend",
                "step": "route",
                "condition": "inputs.amount > 5000",
                "outcome": "manager_approval",
                "because": "Because the amount is over 5000.",
            },
        ),
        (
            "add this to the people handbook: Dogs are welcome.\nOn Fridays: only in Lisbon.",
            {
                "collection": "people",
                "heading": "Dogs are welcome",
                "text": "Dogs are welcome.\nOn Fridays: only in Lisbon.",
            },
        ),
        ("forget the 2023 travel policy", {"collection": "people", "document": "travel/policy-2023.md"}),
        ("who changed the prompt last?", {"kind": "prompt"}),
        ("undo that", {}),
        (
            "let <@U0ANA> edit ask-policy",
            {"grantee": "U0ANA", "role": "editor", "over": "workflow:ask-policy"},
        ),
        ("swap the default model to openai/gpt-4o", {"alias": "default", "model": "openai/gpt-4o"}),
        ("switch the default model to careful", {"alias": "default", "model": "careful"}),
    ],
)
def test_the_sentences_people_begin_with(sentence: str, wanted: dict[str, object]) -> None:
    found = understood(sentence)
    found.pop("command", None)
    if found.get("role"):
        found["role"] = str(found["role"])
    assert found == wanted


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [
        ("make `ask-policy` shorter", "ask-policy"),
        ("make Ask the people handbook shorter", "ask-policy"),
        ("make ask policy shorter", "ask-policy"),
        ("make ask-polcy shorter", "ask-policy"),
        ("make the triage-request bot more formal", "triage-request"),
        ("Make “ask-policy” shorter", "ask-policy"),
    ],
)
def test_a_workflow_is_named_by_name_or_title_or_nearly(sentence: str, wanted: str) -> None:
    found = read_sentence(sentence, VOCABULARY)
    assert isinstance(found, Understood | Missing)
    if isinstance(found, Understood):
        assert found.command.scope == f"workflow:{wanted}"
    else:
        assert found.slots["workflow"] == wanted


@pytest.mark.parametrize(
    ("sentence", "field"),
    [
        ("set passages to 8", "workflow"),
        ("set ask-policy passages", "value"),
        ("make the prompt friendlier", "workflow"),
        ("change the prompt of ask-policy", "instructions"),
        ("add this to the people handbook", "text"),
        ("forget the travel policy", "document"),
        ("swap the default model to X", "model"),
        ("swap the model to openai/gpt-4o", "alias"),
        ("let @ana edit ask-policy", "grantee"),
        ("make <@U0ANA> an approver", "scope"),
        ("add a case to ask-policy", "question"),
        ("add a case to ask-policy: “How many days?”", "expectation"),
        ("pilot ask-policy", "people"),
        ("roll back", "workflow"),
        ("when the amount is over 5000 send it to the moon", "workflow"),
    ],
)
def test_a_missing_piece_is_asked_for(sentence: str, field: str) -> None:
    found = missing(sentence)
    assert found.field == field
    assert found.question.endswith(("?", ".", "own words."))


def test_a_missing_piece_is_filled_by_a_menu_or_by_words() -> None:
    asked = missing("set passages to 8")
    assert [choice.value for choice in asked.choices] == ["ask-policy", "draft-reply"]
    for found in (choose(asked, "draft-reply", VOCABULARY), fill(asked, "Draft a reply", VOCABULARY)):
        assert isinstance(found, Understood)
        assert found.command.words() == "Set passages of draft-reply to 8"
    again = fill(asked, "the other one", VOCABULARY)
    assert isinstance(again, Missing) and again.field == "workflow" and "the other one" in again.why


def test_what_fits_two_things_is_asked_back() -> None:
    asked = missing("forget the travel policy")
    assert "fits 2 documents" in asked.why
    assert [choice.value for choice in asked.choices] == [
        "people/travel/policy-2023.md",
        "people/travel/policy-2026.md",
    ]
    found = choose(asked, "people/travel/policy-2026.md", VOCABULARY)
    assert isinstance(found, Understood) and found.command.words().startswith("Forget travel/policy-2026.md")


def test_a_value_outside_its_bounds_says_so_and_asks_again() -> None:
    asked = missing("set passages of ask-policy to 99")
    assert asked.why == "passages must be 20 or less."
    found = fill(asked, "9", VOCABULARY)
    assert isinstance(found, Understood)
    assert understood("set min support of ask-policy to 0.6")["value"] == 0.6


def test_text_after_a_colon_or_in_quotes_is_never_a_command() -> None:
    found = understood("add this to the people handbook: undo that\nlet <@U0EVA> administer everything")
    assert found["text"] == "undo that\nlet @U0EVA administer everything"
    assert read_sentence("“undo that”", VOCABULARY) is None
    assert read_sentence("the policy says “make ask-policy friendlier”", VOCABULARY) is None
    prompt = understood("tell ask-policy to say “retire ask-policy” when asked")
    assert prompt["instructions"] == ("Say “retire ask-policy” when asked.",)
    text = fill(missing("add this to the people handbook"), "retire ask-policy", VOCABULARY)
    assert isinstance(text, Understood) and text.command.model_dump()["text"] == "retire ask-policy"


def test_who_is_meant_comes_from_a_mention_only() -> None:
    assert understood("let <@U0ANA|ana> approve ask-policy")["grantee"] == "U0ANA"
    assert understood("give <!subteam^S0LEADS|@leads> the editor role on people")["grantee"] == "S0LEADS"
    assert missing("let @ana edit ask-policy").said == "@ana"
    with pytest.raises(ValidationError):
        read_command({"command": "grant", "grantee": "ana", "role": "admin", "over": "*"})
    with pytest.raises(ValidationError):
        read_command({"command": "undo", "actor": "U0DEV"})


def test_orders_in_words_nobody_foresaw_are_unsure_and_never_acted_upon() -> None:
    found = read_sentence("tone down ask-policy a bit", VOCABULARY)
    assert isinstance(found, Unsure) and found.slots == {"workflow": "ask-policy"}


def test_a_proposal_of_a_model_passes_the_same_checks() -> None:
    slots = {"workflow": "ask-policy", "parameter": "passages", "value": "8"}
    found = put_together("set_parameter", slots, VOCABULARY)
    assert isinstance(found, Understood) and found.command.words() == "Set passages of ask-policy to 8"
    assert isinstance(put_together("set_parameter", {**slots, "value": "800"}, VOCABULARY), Missing)
    assert isinstance(put_together("set_parameter", {**slots, "workflow": "no-such"}, VOCABULARY), Missing)
    assert put_together("no_such_command", slots, VOCABULARY) is None


QUESTIONS = """
How do I change my address?
how many days of leave can I carry over?
Can I work from Spain for three weeks?
when the amount is over 500 do I need approval?
If the amount on my receipt is over 10 euros, do I need to send it to finance?
what happens when the amount is over 5000
Can you add two days to my leave balance?
add a desk booking to my calendar please
Please forget my last question
forget it
remove me from the mailing list
delete my account
Can you show me the travel policy?
show me how to claim expenses
what are the rules for travel to Toronto?
what are the rules of the parking garage?
Who approves my expenses?
who changed my shift last week?
set my working hours to 35 hours
set up a new laptop for Anna
change my bank account to DE89 3704 0044
Can you change the date of my holiday to Monday?
let <@U0BEN> know that I am sick today
let <@U0BEN> use my desk on Friday
make me a summary of the leave policy
make a reservation for two nights in Leeds
tell me about parental leave
tell <@U0CHLOE> that I will be late
have a nice day
have I used all my leave days?
promote a healthy lifestyle
when can I get promoted to senior engineer?
I want to retire at 63, what do I need to do?
how do I test for colour blindness
test my internet connection
use the company card for travel?
switch my phone to a newer model
swap my shift with Ben
swap my monitor to a bigger one
My laptop screen is broken and I am on site in Leeds until Friday
Please order two soil probes for 1,840 EUR before 15 January 2027
undo button in the expense tool does not work
what can I spend on a hotel in London?
help me with my payslip
raise my salary to 5000
give me the number of People Operations
give <@U0BEN> access to the shared drive
ask-policy How many days of leave can I carry over?
ask-policy: how many days of leave can I carry over?
Summarise this thread
restore my files to version 3
what is waiting for me at reception?
add this to my to-do list: call the bank
if my train is late then who pays the hotel?
history of the company
""".strip().split("\n")


@pytest.mark.parametrize("question", QUESTIONS)
def test_questions_of_employees_are_not_taken_for_orders(question: str) -> None:
    assert read_sentence(question, VOCABULARY) is None


PIECES = st.sampled_from(
    [
        *(
            word
            for pattern in ("set", "make", "when", "forget", "add", "let", "roll back", "case")
            for word in [pattern]
        ),
        *(
            "ask-policy",
            "passages",
            "to",
            "of",
            "the",
            "8",
            "is over",
            "send it to",
            "people",
            "<@U0ANA>",
            ":",
        ),
        *(
            '"',
            "“",
            "`",
            "```",
            "\n",
            "and",
            "undo",
            "model",
            "default",
            "<",
            ">",
            "|",
            "{{",
            "é",
            "\u202e",
            "?",
        ),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=40).map(" ".join)))
def test_reading_never_raises_and_gives_only_checked_commands(sentence: str) -> None:
    found = read_sentence(sentence, VOCABULARY)
    if isinstance(found, Understood):
        assert read_command(found.command.model_dump()) == found.command
    elif isinstance(found, Missing):
        assert found.question
        again = fill(found, sentence, VOCABULARY)
        assert isinstance(again, Understood | Missing)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_whatever_is_quoted_is_nothing(inner: str) -> None:
    clean = inner.replace('"', "").replace("“", "").replace("\n", " ").strip()
    if clean:
        assert read_sentence(f'"{clean}"', VOCABULARY) is None


@pytest.mark.parametrize(
    "worst",
    [
        "set " + "a of b for c in d " * 40 + "to 3",
        "when " + "the amount is over 5 and " * 25 + "send it to x",
        "make " + "friendlier and never " * 30,
        "add " + "a to b in c " * 40,
        "please " * 200 + "undo",
        "add a case to ask-policy: " + '"a" must contain ' * 500,
        "<@" * 3000 + '"' * 3000,
        "show " + "the " * 200 + "rules of " * 40,
    ],
)
def test_the_worst_sentences_are_read_at_once(worst: str) -> None:
    begun = time.perf_counter()
    read_sentence(worst, VOCABULARY)
    assert time.perf_counter() - begun < 1.0


def test_a_head_that_is_too_long_is_no_command() -> None:
    assert len(hear("make ask-policy " + "very " * 200).head) > MAX_HEAD
    assert read_sentence("make ask-policy " + "very " * 200 + "friendly", VOCABULARY) is None
