"""Sentences of errors as the terminal says them, which has no forms and commands of its own."""

from collections.abc import Callable, Mapping

from bot.slack import refusals, refusals_broken, refusals_front
from bot.slack.elements import escape

Facts = Mapping[str, str]


def wrong_inputs(facts: Facts) -> str:
    """What was typed does not fit the workflow."""
    lines = "\n".join(f"  {escape(line)}" for line in facts.get("problems", "").split("\n"))
    opening = f"{escape(facts.get('workflow', ''))} cannot be run with these inputs:"
    return f"{opening}\n{lines}\nUsage: {escape(facts.get('usage', ''))}"


def invalid_inputs(facts: Facts) -> str:
    """As `wrong_inputs`, of inputs that stand in a file or were handed on."""
    return f"Some inputs are missing or not as expected: {escape(facts.get('problems', ''))}."


def unknown_workflow(facts: Facts) -> str:
    """No such workflow."""
    return refusals_front.unknown_workflow(facts, "python -m bot workflow list")


def unknown_collection(facts: Facts) -> str:
    """No such collection, where that is looked up; a run may lack one that only others may read."""
    if "nearest" not in facts:
        return refusals.sentence("UnknownCollection", facts)
    near = facts["nearest"]
    guess = f" Did you mean `{escape(near)}`?" if near else ""
    named = escape(facts.get("collection", ""))
    return f"There is no collection “{named}”.{guess} `python -m bot knowledge list` shows them."


def no_checkpoint_file(facts: Facts) -> str:
    """A file's name, and no file."""
    path = escape(facts.get("path", ""))
    return f"There is no file {path} with a checkpoint. Check the path, or give the posted text itself."


def unknown_run(facts: Facts) -> str:
    """No such run."""
    return (
        f"There is no run “{escape(facts.get('run', ''))}”. `python -m bot runs` lists them with their ids."
    )


def cannot_write(facts: Facts) -> str:
    """A file that was asked for."""
    return (
        f"{escape(facts.get('path', 'The file'))} cannot be written: {escape(facts.get('problem', ''))}. "
        "Nothing was done; name another file."
    )


def data_folder_unusable(facts: Facts) -> str:
    """A file, or nothing that may be made."""
    return (
        f"The data folder {escape(facts.get('path', ''))} is a file, or cannot be made. "
        "Set SPANWISE_DATA_DIR to a folder that this user may write to."
    )


def models_unreadable(facts: Facts) -> str:
    """No file of text."""
    return (
        f"{escape(facts.get('file', ''))}, which SPANWISE_MODELS names, is no file of text that can be read. "
        "Correct the path, or leave the setting empty for the built-in model."
    )


def invalid_database_url(_facts: Facts) -> str:
    """Nothing to connect to."""
    return (
        "DATABASE_URL is no address of a database. Write postgresql://user:password@host:5432/name, or "
        "sqlite:////folder/file.db with a file's whole path; empty means SQLite in the data folder."
    )


def store_down(facts: Facts) -> str:
    """Whoever reads it runs the installation."""
    why = refusals_broken.WHY_NOT.get(facts.get("why", ""), "the database does not answer")
    return (
        f"Nothing was done: {why}. Check DATABASE_URL, or where it is empty the data folder of "
        "SPANWISE_DATA_DIR; `python -m bot doctor` says what to do."
    )


def unknown_budget(_facts: Facts) -> str:
    """Nothing to lift or add to."""
    return "There is no such limit; it may have been lifted. `python -m bot budget` shows those there are."


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "CannotWrite": cannot_write,
    "DataFolderUnusable": data_folder_unusable,
    "InvalidDatabaseUrl": invalid_database_url,
    "InvalidInputs": invalid_inputs,
    "ModelsUnreadable": models_unreadable,
    "NoCheckpointFile": no_checkpoint_file,
    "StoreDown": store_down,
    "UnknownBudget": unknown_budget,
    "UnknownCollection": unknown_collection,
    "UnknownRun": unknown_run,
    "UnknownWorkflow": unknown_workflow,
    "WrongInputs": wrong_inputs,
}
"""Error class to its sentence."""


def sentence(kind: str, facts: Facts) -> str:
    """As for Slack, where the terminal says nothing else."""
    known = SENTENCES.get(kind)
    return known(facts) if known else refusals.sentence(kind, facts)


def is_known(kind: str) -> bool:
    """Whether whoever reads it gets more than an incident token."""
    return kind in SENTENCES or refusals.is_known(kind)
