"""Rows of the matrix about seeing what workflows did: the run log, its files and its retention. Pure."""

from bot.governance.act import Act
from bot.governance.roles import Permission

_P = Permission

WATCH: tuple[Act, ...] = (
    Act(
        "look through the run log",
        (),
        "own",
        {"command": ("runs",), "button": ("runs-older", "runs-newer", "runs-open"), "terminal": ("runs",)},
        "other people's runs need see-runs over the workflow",
    ),
    Act(
        "take runs away",
        (_P.SEE_RUNS, _P.EXPORT),
        "workflow",
        {
            "command": ("runs export",),
            "button": ("runs-export-csv", "runs-export-jsonl"),
            "terminal": ("runs",),
        },
    ),
    Act(
        "say how long content is kept",
        (_P.RETAIN,),
        "workflow",
        {"command": ("retention",), "button": ("retention-keep",), "terminal": ("retention",)},
    ),
)
"""Seeing what they did."""
