"""`prompt`: ask a model for text, or for JSON that keeps a schema."""

from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import Field

from workflows.ports import ABSTAINED, Task
from workflows.run import Json
from workflows.steps.base import (
    AskingStep,
    Kind,
    NumberOrTemplate,
    StepContext,
    StepName,
    StepOutcome,
    StepRef,
    TemplateText,
    number,
)
from workflows.steps.citing import Numbering
from workflows.steps.fencing import passages_of, write
from workflows.steps.replies import SchemaField, ask_for_json, asked
from workflows.steps.retrieve import passage_of
from workflows.template import PromptTemplate, parse_prompt, parse_template

NO_TEXT = parse_template("")


class PromptStep(AskingStep):
    """Asks a model to answer, to summarise or to write."""

    kind: Literal["prompt"]
    task: Literal["answer", "summarise", "write"] = Field("write", description="What is wanted of the model.")
    template: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$", description="Name of the prompt.")
    passages: StepRef | list[StepRef] = Field([], description="The retrieve steps whose passages it may use.")
    question: TemplateText = Field(NO_TEXT, description="The question, as the person asked it.")
    text: TemplateText = Field(NO_TEXT, description="The text to work on.")
    output_schema: SchemaField | None = Field(None, alias="schema")
    max_sentences: NumberOrTemplate = Field(3, description="How long the text may be, for models that count.")

    @property
    def sources(self) -> tuple[StepName, ...]:
        """The retrieve steps it reads."""
        return (
            (StepName(self.passages),)
            if isinstance(self.passages, str)
            else tuple(map(StepName, self.passages))
        )


DEFAULT: PromptTemplate = parse_prompt("default", "Do what is asked, with nothing but the material below.")


async def perform(step: PromptStep, context: StepContext) -> StepOutcome:
    """Ask the model and tidy its citations. Raises ModelError."""
    passages = passages_of(step.sources, context.scope)
    task = Task(
        kind=step.task,
        question=step.question.render(context.scope),
        text=step.text.render(context.scope),
        passages=tuple(map(passage_of, passages)),
        max_sentences=max(1, int(number(step.max_sentences, context.scope))),
    )
    messages = write(step, context, task, passages, DEFAULT)
    if step.output_schema is not None:
        request = asked(step, messages, task=task, schema=step.output_schema.schema)
        data, reply, usage = await ask_for_json(request, step.output_schema, context)
        return StepOutcome(_output("", data, [], False, reply.notes, reply.model), usage, reply.model)
    prefix = f"{step.id}." if context.workflow.has_several_citing else ""
    chunk_ids = [str(each["chunk_id"]) for each in passages]
    heard = _Heard(context.on_text, Numbering(chunk_ids, prefix)) if context.on_text else None
    reply = await context.model.complete(asked(step, messages, task=task), heard.take if heard else None)
    abstained = reply.text.strip().startswith(ABSTAINED)
    numbering = Numbering(chunk_ids, prefix)
    text = "" if abstained else reply.text.strip()
    if chunk_ids:
        text = numbering.apply(text).strip()
    if heard and not abstained:
        heard.finish()
    output = _output(text, None, numbering.cited, abstained, reply.notes, reply.model)
    return StepOutcome(output, reply.usage, reply.model, "The model found no answer." if abstained else "")


def _output(
    text: str, data: Json, cited: list[str], abstained: bool, notes: tuple[str, ...], model: str
) -> dict[str, Json]:
    return {
        "text": text,
        "data": data,
        "citations": list(cited),
        "abstained": abstained,
        "notes": list(notes),
        "model": model,
    }


class _Heard:
    """Passes streamed text on as the reader will have it: numbered, and not the word for abstaining."""

    def __init__(self, on_text: Callable[[str], None], numbering: Numbering) -> None:
        self._on_text = on_text
        self._numbering = numbering
        self._held: str | None = ""

    def take(self, piece: str) -> None:
        """Pass the piece on once it is clear that this is an answer."""
        if self._held is None:
            self._say(self._numbering.take(piece))
            return
        self._held += piece
        start = self._held.lstrip()
        if not ABSTAINED.startswith(start) and not start.startswith(ABSTAINED):
            self._held = None
            self._say(self._numbering.take(start))

    def finish(self) -> None:
        """Pass on what was held back for a mark that did not come."""
        if self._held is None:
            self._say(self._numbering.rest())

    def _say(self, words: str) -> None:
        if words:
            self._on_text(words)


def _sample(step: PromptStep) -> Mapping[str, Json]:
    data: Json = {} if step.output_schema else None
    return _output("text", data, ["text"], False, (), "text")


def _words(step: PromptStep) -> str:
    verb = {"answer": "answer the question", "summarise": "summarise the text", "write": "write the text"}[
        step.task
    ]
    sources = " and ".join(f"`{name}`" for name in step.sources)
    given = f", using only the passages of {sources} and citing them" if sources else ""
    form = " The reply must be JSON that keeps a schema; it is repaired once." if step.output_schema else ""
    return f"Asks the model `{step.model}` to {verb} with the prompt `{step.template}`{given}.{form}"


KIND = Kind(PromptStep, perform, _sample, _words)
