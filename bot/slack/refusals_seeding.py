"""The sentences of errors around made-up histories."""

from collections.abc import Callable, Mapping

Facts = Mapping[str, str]


def has_runs(_facts: Facts) -> str:
    """A made-up history does not go among real runs."""
    return (
        "There are runs here already, and a made-up history could not be told apart from them. "
        "Use an empty database, or say `--force` to write it all the same."
    )


SENTENCES: Mapping[str, Callable[[Facts], str]] = {"HasRuns": has_runs}
