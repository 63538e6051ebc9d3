"""The forms of triage: a golden case and a document, started from what people said. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.services.remedies import CaseDraft, DocumentDraft, correction_of
from bot.slack import elements as el
from bot.slack import triage_text as words
from bot.slack.blocks import asked_text
from bot.slack.richtext import Block

CASE_FORM, DOCUMENT_FORM = "triage-case-form", "triage-document-form"
"""Callback ids."""

FIELD = "value"
"""Action id of every field; its block says which one."""
CONTAIN, CITE, ABSTAIN, WHY = "contain", "cite", "abstain", "why"
COLLECTION, NAME, TEXT = "collection", "name", "text"

FIELD_CHARACTERS = 3000
MENU, CHOICE_CHARACTERS = 100, 75
"""Choices that Slack takes in one menu, and characters in the value of one."""

State = Mapping[str, Mapping[str, Any]]


def case_form(draft: CaseDraft, place: Mapping[str, str]) -> Block:
    """What the case asks, and what it expects of the answer."""
    run = draft.card.run
    answer = run.answer.text if run.answer else ""
    why = correction_of(draft.card)
    contain = "" if draft.must_abstain else draft.must_contain
    return el.modal(
        words.CASE_TITLE,
        [
            el.section(words.on_case(asked_text(run.inputs), answer)),
            *_inputs(run.inputs, draft.labels),
            el.field_block(
                CONTAIN,
                words.CONTAIN_LABEL,
                el.text_input(FIELD, contain),
                hint=words.CONTAIN_HINT,
                optional=True,
            ),
            *_cite(draft),
            _abstain(is_chosen=draft.must_abstain),
            el.field_block(WHY, words.WHY_LABEL, el.text_input(FIELD, why, limit=1000), optional=True),
        ],
        callback_id=CASE_FORM,
        metadata=json.dumps({**place, "run": run.id}, separators=(",", ":")),
        submit="Add case",
        close="Cancel",
    )


def document_form(draft: DocumentDraft, place: Mapping[str, str]) -> Block:
    """A document that would answer the question."""
    run = draft.card.run
    answer = run.answer.text if run.answer else ""
    options = [el.option(name, name) for name in draft.collections[:MENU]]
    return el.modal(
        words.DOCUMENT_TITLE,
        [
            el.section(words.on_case(asked_text(run.inputs), answer)),
            el.field_block(
                COLLECTION, words.COLLECTION_LABEL, el.select(FIELD, options, draft.collections[0])
            ),
            el.field_block(
                NAME, words.NAME_LABEL, el.text_input(FIELD, draft.title, limit=150, multiline=False)
            ),
            el.field_block(TEXT, words.TEXT_LABEL, el.text_input(FIELD, draft.text), hint=words.TEXT_HINT),
        ],
        callback_id=DOCUMENT_FORM,
        metadata=json.dumps({**place, "run": run.id}, separators=(",", ":")),
        submit="Propose",
        close="Cancel",
    )


def read_case(state: State) -> tuple[dict[str, str], dict[str, Any], str]:
    """Inputs that were shown, what is expected, and why."""
    inputs = {
        block_id.partition(":")[2]: _text(state, block_id)
        for block_id in state
        if block_id.startswith("input:")
    }
    expect: dict[str, Any] = {}
    contain = [line.strip() for line in _text(state, CONTAIN).splitlines() if line.strip()]
    cite = [str(each.get("value", "")) for each in _element(state, CITE).get("selected_options") or ()]
    if contain:
        expect["must_contain"] = list(dict.fromkeys(contain))
    if cite:
        expect["must_cite"] = cite
    if _element(state, ABSTAIN).get("selected_options"):
        expect["must_abstain"] = True
    return inputs, expect, _text(state, WHY)


def read_document(state: State) -> tuple[str, str, str]:
    """Collection, title and text."""
    chosen = (_element(state, COLLECTION).get("selected_option") or {}).get("value", "")
    return str(chosen), _text(state, NAME), _text(state, TEXT)


def _inputs(given: Mapping[str, Any], labels: Mapping[str, str]) -> Sequence[Block]:
    """A field for each input that fits one; longer ones stay as they were."""
    return [
        el.field_block(
            f"input:{name}",
            labels.get(name, name),
            el.text_input(FIELD, str(value)),
            hint=words.INPUT_HINT,
        )
        for name, value in given.items()
        if str(value).strip() and len(str(value)) <= FIELD_CHARACTERS
    ]


def _cite(draft: CaseDraft) -> Sequence[Block]:
    # what the correction names comes first, so that it is among the choices
    ordered = sorted(draft.documents, key=lambda each: (each[0] not in draft.must_cite, each[1]))
    fitting = [each for each in ordered if len(each[0]) <= CHOICE_CHARACTERS]
    options = [el.option(title, path, path) for path, title in fitting[:MENU]]
    if not options:
        return []
    menu: Block = {"type": "multi_static_select", "action_id": FIELD, "options": options}
    chosen = [option for option in options if option["value"] in draft.must_cite]
    hint = words.not_all_documents(len(options), len(ordered)) if len(ordered) > len(options) else ""
    element = {**menu, "initial_options": chosen} if chosen else menu
    return [el.field_block(CITE, words.CITE_LABEL, element, hint=hint, optional=True)]


def _abstain(*, is_chosen: bool) -> Block:
    box = el.option(words.ABSTAIN_CHOICE, "yes")
    element: Block = {"type": "checkboxes", "action_id": FIELD, "options": [box]}
    if is_chosen:
        element["initial_options"] = [box]
    return el.field_block(ABSTAIN, words.ABSTAIN_LABEL, element, optional=True)


def _element(state: State, block_id: str) -> Mapping[str, Any]:
    return (state.get(block_id) or {}).get(FIELD) or {}


def _text(state: State, block_id: str) -> str:
    return str(_element(state, block_id).get("value") or "").strip()
