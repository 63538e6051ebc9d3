"""What the runs of a made-up history are made of: for each workflow what is asked, and what came of it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

from sqlalchemy import Connection

from bot.adapters.store.document_log import chunks_at, collection_revisions
from bot.adapters.store.row_codec import answer_json, passage_json
from bot.adapters.store.tables import canonical_json
from bot.adapters.store.versions_log import insert_version
from bot.services.catalogue import Catalogue, UnknownWorkflow
from bot.services.seed_topics import ANYTHING, HANDBOOK, REQUESTS, SeedTopic
from knowledge.document import Citation, Passage
from workflows.run import Answer, Ending
from workflows.versions import content_hash

MODEL = "openai/gpt-4.1"
ASK_POLICY, PROMPT, PEOPLE = "ask-policy", "ask-policy.answer", "people"
SHARES = {ASK_POLICY: 62, "triage-request": 18, "draft-reply": 12, "summarise-thread": 8}
"""How often the shipped workflows are run; any other counts `OTHER`."""
OTHER = 10
SILENT = "I could not find this in the people handbook, so I will not guess."
LONG_WINDED = (
    "\n\n\nWrite a long and friendly answer. Begin with the background of the rule and why it is there, "
    "and close with general advice.\n"
)
PADDING = (
    "Thank you for asking! Rules like this one are there so that everybody is treated alike, and they have "
    "grown over many years. "
)
NO_SOURCE = "not in the store"
AGES_AGO = datetime.fromisoformat("2026-05-20T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class SeedStep:
    """One step as it is journaled."""

    step_id: str
    kind: str
    output: str
    """JSON as stored."""
    until: float
    """At which share of the run's time it was finished."""
    because: str = ""
    calls: bool = False
    """Whether it called the model."""


@dataclass(frozen=True, slots=True)
class SeedAsk:
    """Something that is asked, and what comes of it."""

    weight: int
    input_name: str
    wordings: tuple[str, ...]
    ending: Ending
    answer: str
    """JSON as stored."""
    steps: tuple[SeedStep, ...]
    winded: str = ""
    """The answer under the worse prompt; empty where it makes no difference."""


@dataclass(frozen=True, slots=True)
class SeedWorkflow:
    """A workflow with everything that is asked of it."""

    name: str
    title: str
    version: int
    pins: str
    """JSON as stored."""
    winded_pins: str
    asks: tuple[SeedAsk, ...]
    edges: tuple[int, ...]
    """Sums of the asks' weights, for drawing one."""


def material(
    connection: Connection, catalogue: Catalogue, names: Sequence[str], winded: int
) -> list[SeedWorkflow]:
    """Everything for these workflows; `winded` is the version of the prompt that did worse, 0 for none."""
    passages = _passages(connection)
    return [_workflow(connection, catalogue, name, passages, winded) for name in names]


def _workflow(
    connection: Connection,
    catalogue: Catalogue,
    name: str,
    passages: Mapping[tuple[str, str], Passage],
    winded: int,
) -> SeedWorkflow:
    try:
        pinned = catalogue.resolve(connection, name)
        pins: dict[str, Any] = {kind: dict(items) for kind, items in pinned.pins.items()}
        title = pinned.root.title
    except UnknownWorkflow:
        pins, title = {"workflow": {name: 1}}, name.replace("-", " ").capitalize()
    asks = tuple(_asks(name, passages))
    worse = pins | {"prompt": {PROMPT: winded}} if name == ASK_POLICY and winded else pins
    return SeedWorkflow(
        name,
        title,
        pins["workflow"][name],
        canonical_json(pins),
        canonical_json(worse),
        asks,
        tuple(accumulate(ask.weight for ask in asks)),
    )


def _asks(name: str, passages: Mapping[tuple[str, str], Passage]) -> list[SeedAsk]:
    if name in REQUESTS or name not in SHARES:
        given = REQUESTS.get(name, ANYTHING)
        plain = [_plain(name, asked, answered) for asked, answered in given]
        return plain if name in REQUESTS else [*plain, *(_question(each, passages) for each in HANDBOOK[:6])]
    return [_question(topic, passages) for topic in HANDBOOK]


def _plain(name: str, wording: str, text: str) -> SeedAsk:
    """A request that is answered from no handbook."""
    answer = Answer(text, "done", model=MODEL)
    kind = "classify" if name == "triage-request" else "prompt"
    output = {"label": "it_equipment", "confidence": 0.9} if kind == "classify" else {"text": text}
    step = SeedStep("sort" if kind == "classify" else "write", kind, canonical_json(output), 1.0, calls=True)
    names = {"triage-request": "request", "draft-reply": "message", "summarise-thread": "thread"}
    return SeedAsk(
        3, names.get(name, "text"), (wording,), Ending.ANSWERED, canonical_json(answer_json(answer)), (step,)
    )


def _question(topic: SeedTopic, passages: Mapping[tuple[str, str], Passage]) -> SeedAsk:
    if not topic.path:
        because = "Nothing in the handbook is close enough to the question."
        answer = Answer(SILENT, "not_covered", rule=because, support=0.11, abstained=True, searched=(PEOPLE,))
        steps: tuple[SeedStep, ...] = (
            _find((), 0.11, 0.95),
            _decide("route", "not_covered", because, 2, 1.0),
        )
        stored = canonical_json(answer_json(answer))
        return SeedAsk(topic.weight, "question", topic.wordings, Ending.ABSTAINED, stored, steps)
    passage = passages.get((topic.path, topic.says)) or _made_up(topic)
    text = f"{_sentence(passage.text, topic.says)} [1]"
    steps = (
        _find((passage,), 0.94, 0.1),
        _decide("route", "covered", "The handbook has passages on this.", 3, 0.11),
        SeedStep("answer", "prompt", _written(text, passage), 0.98, calls=True),
        _decide("verdict", "covered", "The passages found answer the question.", 2, 0.99),
        SeedStep(
            "check", "check", '{"failures":[],"outcome":"passed","passed":true}', 1.0, "All checks passed."
        ),
    )
    return SeedAsk(
        topic.weight,
        "question",
        topic.wordings,
        Ending.ANSWERED,
        _covered(text, passage),
        steps,
        winded=_covered(PADDING + text, passage),
    )


def _covered(text: str, passage: Passage) -> str:
    because = "The passages found answer the question."
    answer = Answer(
        text,
        "covered",
        (Citation(1, passage),),
        rule=because,
        model=MODEL,
        support=0.94,
        searched=(PEOPLE,),
    )
    return canonical_json(answer_json(answer))


def _written(text: str, passage: Passage) -> str:
    return canonical_json(
        {"abstained": False, "citations": [passage.chunk_id], "data": None, "model": MODEL, "text": text}
    )


def _find(found: Sequence[Passage], support: float, until: float) -> SeedStep:
    passages = [passage_json(passage) for passage in found]
    output = {"count": len(passages), "passages": passages, "revisions": {}, "support": support}
    many = "passage" if len(passages) == 1 else "passages"
    because = f"{len(passages) or 'No'} {many} found; support for an answer: {support:.0%}."
    return SeedStep("find", "retrieve", canonical_json(output), until, because)


def _decide(step_id: str, outcome: str, because: str, rule: int, until: float) -> SeedStep:
    output = canonical_json({"because": because, "outcome": outcome, "rule": rule})
    return SeedStep(step_id, "decide", output, until, because)


def _sentence(text: str, says: str) -> str:
    """The sentence of a passage that holds these words."""
    begin = text.find(says)
    start = max(text.rfind(mark, 0, begin) + len(mark) for mark in (". ", "\n", "- "))
    end = text.find(". ", begin + len(says))
    return text[max(0, start if start > 1 else 0) : end if end > 0 else None].strip().removesuffix(".")


def _passages(connection: Connection) -> dict[tuple[str, str], Passage]:
    """The passage of the handbook, as it stands, for each topic that has one."""
    revision = collection_revisions(connection).get(PEOPLE, 0)
    live = chunks_at(connection, PEOPLE, revision)
    found = {}
    for topic in HANDBOOK:
        for each in live:
            if topic.path and each.document.path == topic.path and topic.says in each.chunk.text:
                found[topic.path, topic.says] = Passage(
                    chunk_id=each.chunk.id,
                    document_id=each.document.id,
                    collection=PEOPLE,
                    title=each.document.title,
                    headings=each.chunk.headings,
                    location=each.chunk.location,
                    text=each.chunk.text,
                    version=each.document.version,
                    owner=each.document.owner,
                    updated_at=each.document.updated_at,
                    score=0.74,
                )
                break
    return found


def _made_up(topic: SeedTopic) -> Passage:
    """For a store without the handbook."""
    digest = hashlib.sha256(topic.path.encode()).hexdigest()[:24]
    return Passage(
        f"c_{digest}", f"d_{digest}", PEOPLE, topic.path, (), NO_SOURCE, topic.says, 1, "", AGES_AGO, 0.7
    )


def keep_worse_prompt(connection: Connection, catalogue: Catalogue, at: datetime) -> int:
    """Keep a version of the prompt that makes answers longer; gives its number, 0 without the prompt."""
    known = catalogue.versions(connection).get(("prompt", PROMPT))
    if known is None:
        return 0
    text = known.content.rstrip() + LONG_WINDED
    stored = insert_version(
        connection,
        kind="prompt",
        name=PROMPT,
        content=text,
        content_hash=content_hash(text),
        author="U0CHLOE",
        at=at,
    )
    return stored.number
