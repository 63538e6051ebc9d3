"""Answers, failures and citations as the plain JSON that run rows keep, and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from knowledge.document import Citation, Passage
from workflows.run import Answer, Failure


def passage_json(passage: Passage) -> dict[str, Any]:
    """A passage with its time as ISO text."""
    return {
        "chunk_id": passage.chunk_id,
        "document_id": passage.document_id,
        "collection": passage.collection,
        "title": passage.title,
        "headings": list(passage.headings),
        "location": passage.location,
        "text": passage.text,
        "version": passage.version,
        "owner": passage.owner,
        "updated_at": passage.updated_at.isoformat(),
        "score": passage.score,
    }


def passage_from(data: Mapping[str, Any]) -> Passage:
    """Inverse of `passage_json`."""
    return Passage(
        **{
            **data,
            "headings": tuple(data["headings"]),
            "updated_at": datetime.fromisoformat(data["updated_at"]),
        }
    )


def answer_json(answer: Answer | None) -> dict[str, Any] | None:
    """An answer with its citations."""
    if answer is None:
        return None
    return {
        "text": answer.text,
        "outcome": answer.outcome,
        "citations": [
            {"number": citation.number, "passage": passage_json(citation.passage)}
            for citation in answer.citations
        ],
        "rule": answer.rule,
        "model": answer.model,
        "support": answer.support,
        "notes": list(answer.notes),
        "abstained": answer.abstained,
        "searched": list(answer.searched),
    }


def answer_from(data: Mapping[str, Any] | None) -> Answer | None:
    """Inverse of `answer_json`."""
    if data is None:
        return None
    citations = tuple(
        Citation(citation["number"], passage_from(citation["passage"])) for citation in data["citations"]
    )
    lists = {"notes": tuple(data["notes"]), "searched": tuple(data.get("searched", ()))}
    return Answer(**{**data, **lists, "citations": citations})


def failure_json(failure: Failure | None) -> dict[str, Any] | None:
    """A failure's facts."""
    if failure is None:
        return None
    return {"kind": failure.kind, "facts": dict(failure.facts), "token": failure.token}


def failure_from(data: Mapping[str, Any] | None) -> Failure | None:
    """Inverse of `failure_json`."""
    return None if data is None else Failure(**data)
