"""Every error that the product defines has a sentence, or a reason why nobody in Slack ever meets it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from bot.slack import refusals_terminal
from bot.slack.refusals import SENTENCES, is_known, sentence

ROOT = Path(__file__).parents[2]

FACTS = (
    *("alias", "ask", "choice", "collection", "collections", "failure", "file", "limit", "name", "nearest"),
    *("needed", "path", "permission", "problems", "reason", "run", "scope", "setting", "settings", "status"),
    *("source", "step", "after_s", "workflow"),
)
"""Names of facts that errors carry."""

UNSEEN = {
    "DeliveredBefore": "the reception acknowledges it; the first delivery is seen to",
    "EndsProcesses": "whoever asked gets the token of the log line",
    "ChangeUndone": "nobody waits for a question that is not asked again",
    "CallFailed": "the model adapter tries again, falls back, or raises a ModelError",
    "Lacking": "the grammar asks for the piece that is missing",
    "NotADeed": "evaluation and promotion are asked of their own cards",
    "NotAConversation": "the courier logs it; there is no conversation to show",
    "NotOurs": "the grammar takes the sentence for a question",
    "UnclearCondition": "the grammar asks for the condition again",
    "UnknownAct": "a handler without a row in the matrix, which a test rules out",
    "UnknownLetter": "a message without a rendering; the courier logs it",
    "Withdrawn": "whoever asked has gone; the writes beside it are made again",
    "LostLease": "the worker that lost it stops; the one that has the run goes on",
    "TopicsMoved": "the worker reads the topics again and goes on",
    "SendAmbiguous": "the courier looks whether the message stands, then sends again",
    "CheaperWanted": "the models turn to the cheaper one",
    "NotASchema": "the reader of the file names it with its line",
    "Resting": "the models turn to the next of the alias, or the run is put off",
    "SendLater": "the courier waits",
    "SendRefused": "the courier logs it; there is no message to say it in",
    "WorkersTask": "the request is handed to a worker",
}
"""Errors that end inside the product."""


@cache
def defined() -> dict[str, str]:
    """Public error classes of the packages by name, with the module. A private one never leaves its own."""
    found: dict[str, str] = {}
    bases: dict[str, list[str]] = {}
    for package in ("knowledge", "workflows", "bot"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "workspace" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    bases[node.name] = [ast.unparse(base) for base in node.bases]
                    found[node.name] = str(path.relative_to(ROOT))

    def is_error(name: str) -> bool:
        return any(
            base in ("Exception", "ValueError", "LookupError", "RuntimeError", "asyncio.CancelledError")
            or is_error(base)
            for base in bases.get(name, [])
        )

    return {name: path for name, path in found.items() if is_error(name) and not name.startswith("_")}


def parents() -> set[str]:
    """Errors that only group others, which are what is raised."""
    text = "".join(
        path.read_text()
        for package in ("knowledge", "workflows", "bot")
        for path in (ROOT / package).rglob("*.py")
    )
    return {name for name in defined() if f"({name})" in text and f"raise {name}" not in text}


def test_every_error_has_a_sentence() -> None:
    covered = {*SENTENCES, *refusals_terminal.SENTENCES, *UNSEEN, *parents()}
    missing = {name: path for name, path in defined().items() if name not in covered}
    assert missing == {}


def test_no_sentence_is_for_an_error_that_is_gone() -> None:
    assert set(SENTENCES) - set(defined()) == set()
    assert set(UNSEEN) - set(defined()) == set()


@pytest.mark.parametrize("kind", [*SENTENCES, "SomethingNobodyForesaw"])
def test_every_sentence_stands_without_facts_and_with_hostile_ones(kind: str) -> None:
    bare = sentence(kind, {})
    assert bare.endswith(".") and len(bare) > 30 and "{" not in bare
    hostile = sentence(kind, dict.fromkeys(FACTS, "<!channel> <@U0DEV> <https://evil.example|x>"))
    assert not re.search(r"<[!@h]", hostile)


def test_a_sentence_never_shows_the_words_of_an_error_nobody_foresaw() -> None:
    assert "secret" not in sentence("KeyError", {"why": "secret"})
    assert not is_known("KeyError")


def test_a_refusal_names_whom_to_ask() -> None:
    said = sentence(
        "NotAuthorized", {"permission": "run", "scope": "workflow:ask-policy", "ask": "U0DEV,S0LEADS"}
    )
    assert "`/ask-policy`" in said and "<@U0DEV>" in said and "S0LEADS" not in said


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {"visibility": "private", "ask": "U0CHLOE,U0DEV"},
            "You may not read the collection “people”, or it does not exist. "
            "Ask <@U0CHLOE> or <@U0DEV> who may read it.",
        ),
        (
            {"visibility": "channel", "ask": "U0CHLOE"},
            "The collection “people” does not exist, or not everyone who would read the answer may read it. "
            "Ask me in a direct message, or ask <@U0CHLOE> who may read it.",
        ),
        (
            {},
            "The collection “people” does not exist, or not everyone who would read the answer may read it. "
            "Ask the owner of the workflow who may read it.",
        ),
    ],
)
def test_a_closed_collection_sends_to_direct_messages_only_where_others_read(
    facts: dict[str, str], said: str
) -> None:
    assert sentence("UnknownCollection", {"collection": "people", **facts}) == said
    inner = {"collection": "people", "failure": "UnknownCollection", "workflow": "ask-policy", **facts}
    assert sentence("CalledWorkflowFailed", inner).endswith(said)
