"""Errors as sentences: what happened in the person's words, and the next step. Chosen by one table.

An error's own message is never shown. What is not in the table gets an incident token, as does the log.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from bot.slack import (
    refusals_admin,
    refusals_audit,
    refusals_budget,
    refusals_changes,
    refusals_digest,
    refusals_editing,
    refusals_escalation,
    refusals_evaluation,
    refusals_explain,
    refusals_feedback,
    refusals_front,
    refusals_knowledge,
    refusals_models,
    refusals_runs,
    refusals_seeding,
    refusals_stages,
)
from bot.slack.elements import escape
from bot.slack.text import opaque_failure

Facts: TypeAlias = Mapping[str, str]

ASK_ADMIN = "An admin can see why with the incident token."


def _fact(facts: Facts, name: str, otherwise: str = "") -> str:
    value = facts.get(name, "")
    return f"“{escape(value)}”" if value else otherwise


def unknown_run(facts: Facts) -> str:
    """No such run."""
    return (
        f"I find no run {_fact(facts, 'run', 'of that id')}. `/spanwise status` lists yours with their ids."
    )


def already_finished(facts: Facts) -> str:
    """Too late to cancel."""
    return f"That run has ended already ({escape(facts.get('status', ''))}); nothing is left to cancel."


def nothing_to_share(_facts: Facts) -> str:
    """Shared already, or no answer."""
    return "There is nothing to share: the run has no answer, or the channel has it already."


def not_for_this_audience(facts: Facts) -> str:
    """Readers of the channel may not read a source."""
    named = facts.get("collections", "")
    kept = f" ({escape(named)})" if named else ""
    return (
        f":lock: Not shared: the answer draws on documents{kept} that not everyone in that channel may read. "
        "Share it by direct message with people who may, or ask the collection's owner to open it."
    )


def invalid_inputs(_facts: Facts) -> str:
    """Some inputs are missing or wrong."""
    return "Something is missing or not as expected; the form says what. Correct it and send it again."


def model_unavailable(facts: Facts) -> str:
    """No provider."""
    return (
        f"No model could be reached for {_fact(facts, 'alias', 'this step')}. Nothing was lost: "
        "try again in a few minutes. If it lasts, an admin can check with `python -m bot doctor`."
    )


def model_timeout(facts: Facts) -> str:
    """Too slow."""
    return f"The model {_fact(facts, 'alias')} did not finish in time. Try again, or ask about less at once."


def model_refused(facts: Facts) -> str:
    """Key, quota, policy, length."""
    return (
        f"The model's provider refused the request for {_fact(facts, 'alias', 'this step')}. A shorter "
        "text may help; otherwise an admin should check its key and quota with `python -m bot doctor`."
    )


def empty_reply(_facts: Facts) -> str:
    """Nothing in it."""
    return "The model answered with nothing, so there is nothing to show. Try again."


def needs_writing_model(facts: Facts) -> str:
    """The built-in model quotes only."""
    setting = facts.get("setting", "SPANWISE_MODELS")
    return (
        "This step needs a model that writes, and only the built-in one, which quotes, is connected. "
        f"An admin connects one with the setting `{escape(setting)}`."
    )


def misconfigured(what: str) -> Callable[[Facts], str]:
    """Something only an admin can put right."""
    return lambda facts: (
        f"This workflow is set up wrongly: {what.format_map(_Missing(facts))}. Please tell its owner."
    )


class _Missing(dict[str, str]):
    """Facts for a sentence: escaped, and a plain word for one that is not there."""

    def __init__(self, facts: Facts) -> None:
        super().__init__({key: escape(value) for key, value in facts.items()})

    def __missing__(self, key: str) -> str:
        return "one of its parts"


def bad_reply(_facts: Facts) -> str:
    """What the model gave cannot be used."""
    return "The model's answer was not in the form this workflow needs, also when asked again. Try again."


def too_long(_facts: Facts) -> str:
    """More text than fits."""
    return "That is more text than this workflow can work with at once. Shorten it and try again."


def knowledge_down(_facts: Facts) -> str:
    """The index does not answer."""
    return "The knowledge index does not answer. Try again soon; an admin can run `python -m bot doctor`."


def knowledge_stale(facts: Facts) -> str:
    """The index needs building."""
    return (
        f"The collection {_fact(facts, 'collection', 'of this workflow')} must be indexed again before it "
        "can be searched. An admin does that with `python -m bot knowledge reindex`."
    )


def damaged(_facts: Facts) -> str:
    """The installation is broken."""
    return "A part of the installation is damaged. An admin can see which with `python -m bot doctor`."


def document(what: str) -> Callable[[Facts], str]:
    """A file that was not taken into a collection."""
    return lambda facts: f"The document {_fact(facts, 'file', 'given')} was left out: {what}"


def invalid(what: str, again: str = "load it again") -> Callable[[Facts], str]:
    """A file that somebody wrote, with every problem found."""

    def say(facts: Facts) -> str:
        found, file = escape(facts.get("problems", "")), escape(facts.get("file", ""))
        listed = f" Correct this and {again}: {found}" if found else f" Correct it and {again}"
        return f"{what}{f' {file}' if file else ''} cannot be used.{listed}".rstrip(".") + "."

    return say


def no_answer(facts: Facts) -> str:
    """The steps ended without one."""
    return (
        f"The steps of {_fact(facts, 'workflow', 'this workflow')} ended without an answer to show. "
        "Put the question another way, or tell the workflow's owner."
    )


def check_failed(_facts: Facts) -> str:
    """What was written did not pass."""
    return (
        "What was written did not pass this workflow's checks, so I do not show it. "
        "Try again, or put the question another way."
    )


def called_failed(facts: Facts) -> str:
    """A workflow within a workflow."""
    inner = facts.get("failure", "")
    why = f" {SENTENCES[inner](facts)}" if inner in SENTENCES and inner != "CalledWorkflowFailed" else ""
    return f"A part of it, the workflow {_fact(facts, 'workflow', 'it calls')}, failed.{why}"


def missing_setting(facts: Facts) -> str:
    """Nothing to reach Slack with."""
    named = escape(facts.get("setting") or facts.get("settings") or "a setting")
    return f"Set {named} first, in the environment or in `.env`. `python -m bot doctor` checks it."


def source_missing(facts: Facts) -> str:
    """No such path."""
    return f"There is no file or folder {_fact(facts, 'path', 'there')}. Check the path and try again."


def too_many_files(facts: Facts) -> str:
    """A folder too large."""
    most = escape(facts.get("limit", "the limit"))
    return (
        f"The folder {_fact(facts, 'path', 'given')} holds more than {most} files. Add its parts one by one."
    )


def unknown_document(facts: Facts) -> str:
    """No such path in the collection."""
    return (
        f"The collection {_fact(facts, 'collection', 'given')} has no document "
        f"{_fact(facts, 'path', 'there')}. `python -m bot knowledge list` shows what it has."
    )


def bad_collection_name(facts: Facts) -> str:
    """Not a name."""
    return (
        f"{_fact(facts, 'collection', 'That')} is no name for a collection: "
        "use 2 to 40 lower-case letters, digits and hyphens, a letter first."
    )


def too_few_questions(facts: Facts) -> str:
    """A fit would say no more than chance."""
    return (
        f"The file has {facts.get('answered', 'too few')} questions that are answered and "
        f"{facts.get('unanswered', 'too few')} that are not. "
        f"A fit takes {facts.get('fewest', 'some dozens')} of each: add questions as people ask them."
    )


def unknown_choice(facts: Facts) -> str:
    """A setting without that value."""
    return (
        f"The setting {_fact(facts, 'setting', 'given')} has no choice {_fact(facts, 'choice', 'like that')}."
    )


def step_failed(facts: Facts) -> str:
    """A step gave no result."""
    return (
        f"The step {_fact(facts, 'step', 'at work')} gave no result. Try again, or ask for something simpler."
    )


def step_timed_out(facts: Facts) -> str:
    """Too slow."""
    return f"The step {_fact(facts, 'step', 'at work')} took too long. Try again, or ask about less at once."


def kept_crashing(_facts: Facts) -> str:
    """Taken up too often."""
    return f"The run was started several times and never came to its end, so I stopped it. {ASK_ADMIN}"


def slack_refused(facts: Facts) -> str:
    """Slack said no."""
    needed = facts.get("needed", "")
    scope = (
        f" The app lacks the scope `{escape(needed)}`; an admin can add it from the manifest."
        if needed
        else ""
    )
    return (
        f"Slack refused that (`{escape(facts.get('reason', 'unknown'))}`).{scope} Try again, or ask an admin."
    )


def unreadable_click(_facts: Facts) -> str:
    """A button of an older release."""
    return "That button is from an older message that I can no longer read. Run the command again."


_OWNERS = misconfigured("its owner has to correct it")

SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "AlreadyFinished": already_finished,
    "EmptyReply": empty_reply,
    "IndexUnreachable": knowledge_down,
    "InvalidInputs": invalid_inputs,
    "MixedModels": knowledge_stale,
    "DamagedModel": damaged,
    "ModelRefused": model_refused,
    "ModelTimeout": model_timeout,
    "ModelUnavailable": model_unavailable,
    "NeedsWritingModel": needs_writing_model,
    "NotForThisAudience": not_for_this_audience,
    "NothingToShare": nothing_to_share,
    "RunKeptCrashing": kept_crashing,
    "RenderedTooLong": too_long,
    "SlackRefused": slack_refused,
    "StepFailed": step_failed,
    "UnknownAlias": misconfigured("no model is configured under the name “{alias}”"),
    "UnknownRun": unknown_run,
    "UnreadableClick": unreadable_click,
    "InvalidCondition": _OWNERS,
    "ConditionFailed": misconfigured("a rule of its decision table could not be decided"),
    "InvalidTemplate": misconfigured("a template in it cannot be used"),
    "NotANumber": misconfigured("a number in it is not a number"),
    "TemplateFailed": misconfigured("a template in it could not be filled in"),
    "TemplateTooMuch": too_long,
    "CallTooDeep": misconfigured("its workflows call each other without end"),
    "CalledWorkflowFailed": called_failed,
    "CheckFailed": check_failed,
    "NoAnswer": no_answer,
    "BadReply": bad_reply,
    "StepTimeout": step_timed_out,
    "UnknownChoice": unknown_choice,
    "InvalidCases": invalid("The file of cases"),
    "InvalidQuestions": invalid("The file of questions"),
    "TooFewQuestions": too_few_questions,
    "InvalidProfiles": invalid("The file of model profiles"),
    "InvalidPrompt": invalid("The prompt"),
    "InvalidSettings": invalid("A setting in the environment or in `.env`", "start again"),
    "InvalidWorkflow": invalid("The workflow file"),
    "InvalidYaml": invalid("The file"),
    "NoBotToken": missing_setting,
    "NoWayIn": missing_setting,
    "SourceMissing": source_missing,
    "TooManyFiles": too_many_files,
    "UnknownDocument": unknown_document,
    "InvalidCollectionName": bad_collection_name,
    "ConversionTimeout": document("reading it took too long. Split it and add the parts."),
    "CorruptDocument": document("it is damaged, or not what its name says. Save it anew and add it again."),
    "EmptyDocument": document("it holds no text. A scan needs text recognition first."),
    "EncryptedDocument": document("it asks for a password. Save it without one and add it again."),
    "TooLarge": document("it is larger than what is read. Split it and add the parts."),
    "UnknownFileType": document("its format is not one that can be read. Save it as PDF, Word or Markdown."),
    "UnreadableDocument": document("it cannot be read. Check its permissions and add it again."),
    **refusals_audit.SENTENCES,
    **refusals_budget.SENTENCES,
    **refusals_editing.SENTENCES,
    **refusals_changes.SENTENCES,
    **refusals_digest.SENTENCES,
    **refusals_escalation.SENTENCES,
    **refusals_evaluation.SENTENCES,
    **refusals_explain.SENTENCES,
    **refusals_admin.SENTENCES,
    **refusals_feedback.SENTENCES,
    **refusals_front.SENTENCES,
    **refusals_knowledge.SENTENCES,
    **refusals_runs.SENTENCES,
    **refusals_models.SENTENCES,
    **refusals_seeding.SENTENCES,
    **refusals_stages.SENTENCES,
    "ZipBomb": document("it unpacks to far more than an honest file would. Save it anew and add it again."),
}
"""Error class, by name because failures are stored by name, to its sentence."""


def sentence(kind: str, facts: Facts) -> str:
    """What to say about an error of that class; something honest and general when it is not in the table."""
    known = SENTENCES.get(kind)
    return known(facts) if known else opaque_failure()


def is_known(kind: str) -> bool:
    """Whether the person gets more than an incident token."""
    return kind in SENTENCES
