"""What is wrong with a part of the installation, in a few words, and what whoever runs it does about it."""

from collections.abc import Mapping

DETAILS: Mapping[str, str] = {
    "full": "it is full: nothing new can be stored",
    "locked": "another process holds it: a trial write did not get its turn",
    "read-only": "it takes no writes",
    "unreachable": "it does not answer",
    "damaged": "it is damaged or missing",
    "rebuilding": "it is being made anew from the documents; until then answers say so",
    "foreign": "it belongs to another installation",
}
"""A reason to words."""

ADVICE: Mapping[tuple[str, str], str] = {
    ("database", "full"): "Free room on its disk; it goes on by itself, without a restart.",
    ("database", "locked"): "End what holds it: another program, a copy or a transaction left open.",
    ("database", "read-only"): "Let this user write the file and its folder, or point DATABASE_URL at the "
    "primary server; it goes on by itself.",
    ("database", "unreachable"): "Start the server, or mend DATABASE_URL; it goes on by itself.",
    (
        "database",
        "damaged",
    ): "Stop every process and restore the last backup; see docs/operations.md.",
    ("database", ""): "Look whether the database is overloaded or its disk hangs.",
    ("index", "unreachable"): "Start the Chroma server or mend CHROMA_URL; answers go on without it.",
    ("index", "damaged"): "Nothing: it is made anew from the documents in the background; answers go on.",
    ("index", "rebuilding"): "Nothing: wait until it is done. Look at the disk when it comes again.",
    ("index", "foreign"): "Give each installation a Chroma server of its own; see CHROMA_URL.",
    ("index", ""): "`python -m bot knowledge reindex` makes it anew.",
    ("schema", ""): "Restart this process with the version that brought the database there.",
    ("slack", ""): "Look at status.slack.com, at the network and at the token; messages wait until then.",
    (
        "model",
        "",
    ): "Set the missing key, or wait for the provider; `python -m bot doctor` says more.",
    ("worker", ""): "Start one: `python -m bot worker`. What was asked is kept.",
    ("clock", ""): "Start one: `python -m bot clock`. What is due is made up for.",
}
"""Part and reason to what to do; an empty reason is for every other."""


def detail(kind: str, why: str) -> str:
    """What is wrong, of an error's class and its fact `why`."""
    return DETAILS.get(why, kind)


def advice(part: str, why: str) -> str:
    """What to do about it."""
    return ADVICE.get((part, why)) or ADVICE.get((part, ""), "")
