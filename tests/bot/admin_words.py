"""The names that tests of an admin's sentences use: workflows that ship, one that decides, and documents."""

from pathlib import Path

from bot.governance.vocabulary import DocumentName, Vocabulary
from workflows.definition import load_workflow

LIBRARY = Path(__file__).parents[2] / "workflows" / "library"

SPEND = """
name: approve-spend
title: Approve spending
purpose: Says who approves a purchase.
inputs:
  amount: {kind: number, label: Amount}
  urgent: {kind: boolean, label: Urgent, default: false}
steps:
  - id: route
    kind: decide
    rules:
      - {when: inputs.amount > 1000, then: manager_approval, because: Large sums need a manager.}
      - {otherwise: automatic, because: Small sums need nobody.}
answer: "{{ route.outcome }}"
"""

WORKFLOWS = {
    workflow.name: workflow
    for workflow in (
        *(
            load_workflow(path.read_text(encoding="utf-8"))
            for path in sorted(LIBRARY.glob("*.yaml"))
            if ".cases." not in path.name
        ),
        load_workflow(SPEND),
    )
}
DOCUMENTS = (
    DocumentName("people", "travel/booking-travel.md", "Booking travel", "2026"),
    DocumentName("people", "travel/policy-2023.md", "Travel policy", "2023"),
    DocumentName("people", "travel/policy-2026.md", "Travel policy", "2026"),
    DocumentName("people", "travel/old-rates.md", "Old rates", "2022"),
    DocumentName("people", "leave/annual-leave.md", "Annual leave", "2026"),
)
VOCABULARY = Vocabulary(WORKFLOWS, ("finance", "people"), DOCUMENTS, ("careful", "default"))
