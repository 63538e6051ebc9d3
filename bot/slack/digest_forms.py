"""The forms that findings of the weekly digest open: those of triage and of knowledge, started otherwise."""

import json
from collections.abc import Mapping, Sequence

from bot.quality.digest_findings import COLLECTION, Finding
from bot.services.digest_acting import Revision
from bot.services.remedies import CaseDraft
from bot.slack import digest_finding_text as found
from bot.slack import elements as el
from bot.slack import knowledge_forms, triage_forms
from bot.slack.richtext import Block

CASE_FORM, KNOWLEDGE_FORM, REVISION_FORM = "digest-case-form", "digest-knowledge-form", "digest-revision-form"
"""Callback ids."""


def case_form(draft: CaseDraft, memory: Mapping[str, str]) -> Block:
    """A golden case of the answer that a finding names."""
    return _as(triage_forms.case_form(draft, memory), CASE_FORM, memory)


def revision_form(revision: Revision, memory: Mapping[str, str]) -> Block:
    """An old document, to be brought up to date."""
    return el.modal(
        found.REVISE_TITLE,
        [
            el.section(found.on_revision(revision.finding)),
            *knowledge_forms.text_fields(revision.text),
            el.context(found.REVISE_HINT),
        ],
        callback_id=REVISION_FORM,
        metadata=json.dumps(dict(memory), separators=(",", ":")),
        submit="Propose",
        close="Cancel",
    )


def knowledge_form(finding: Finding, collections: Sequence[str], memory: Mapping[str, str]) -> Block:
    """A document that would answer what a finding is about."""
    facts = finding.facts
    title = next((str(facts[name]) for name in ("label", "question") if facts.get(name)), "")
    text = "\n\n".join(str(each) for each in facts.get("words", ()))
    named = finding.workflow.removeprefix(COLLECTION)
    chosen = named if named in collections else ""
    form = knowledge_forms.draft_form(collections, title.rstrip(" ?")[:120], text, memory, chosen=chosen)
    return _as(form, KNOWLEDGE_FORM, memory)


def _as(form: Block, callback_id: str, memory: Mapping[str, str]) -> Block:
    metadata = json.dumps(dict(memory), separators=(",", ":"))
    return {**form, "callback_id": callback_id, "private_metadata": metadata}
