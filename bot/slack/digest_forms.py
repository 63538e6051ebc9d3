"""The forms that findings of the weekly digest open: those of triage and of knowledge, started otherwise."""

import json
from collections.abc import Mapping, Sequence

from bot.quality.digest_findings import COLLECTION, Finding
from bot.services.remedies import CaseDraft
from bot.slack import knowledge_forms, triage_forms
from bot.slack.richtext import Block

CASE_FORM, KNOWLEDGE_FORM = "digest-case-form", "digest-knowledge-form"
"""Callback ids."""


def case_form(draft: CaseDraft, memory: Mapping[str, str]) -> Block:
    """A golden case of the answer that a finding names."""
    return _as(triage_forms.case_form(draft, memory), CASE_FORM, memory)


def knowledge_form(finding: Finding, collections: Sequence[str], memory: Mapping[str, str]) -> Block:
    """A document that would answer what a finding is about."""
    facts = finding.facts
    title = next((str(facts[name]) for name in ("label", "question", "title") if facts.get(name)), "")
    text = "\n\n".join(str(each) for each in facts.get("words", ()))
    named = finding.workflow.removeprefix(COLLECTION)
    chosen = named if named in collections else ""
    form = knowledge_forms.draft_form(collections, title.rstrip(" ?")[:120], text, memory, chosen=chosen)
    return _as(form, KNOWLEDGE_FORM, memory)


def _as(form: Block, callback_id: str, memory: Mapping[str, str]) -> Block:
    metadata = json.dumps(dict(memory), separators=(",", ":"))
    return {**form, "callback_id": callback_id, "private_metadata": metadata}
