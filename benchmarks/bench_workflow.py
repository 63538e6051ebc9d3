"""The workflow that benchmarks run: it finds passages, asks a model once and checks the answer."""

PASSAGE = "The policy allows up to five days to be carried over until the end of March. " * 8
PROMPT = (
    "---\nvariables: [question, passages]\n---\n"
    "Answer from the passages and cite.\n\n{{ passages }}\n\n{{ question }}\n"
)
_WORKFLOW = """
name: bench
title: Bench
purpose: Answers a question as a benchmark.
inputs:
  question: {kind: text, label: Question, from: message}
steps:
  - {id: find, kind: retrieve, collection: people, query: "{{ inputs.question }}", limit: 5}
  - id: answer
    kind: prompt
    task: answer
    template: bench.answer
    passages: find
    question: "{{ inputs.question }}"
  - {id: check, kind: check, of: answer, checks: [CHECKS], on_fail: {retry: 0, then: poor}}
answer:
  poor: no
  otherwise: "{{ answer.text }}"
"""


def bench_workflow(*checks: str) -> str:
    """Its file, with these checks."""
    return _WORKFLOW.replace("CHECKS", ", ".join(checks))
