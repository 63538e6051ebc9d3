"""What people can do, where, and what they need for it: one table for the tests, the docs and the help. Pure.

Deny by default: what is not a row here is not an act, and asking about it raises UnknownAct.
"""

from collections.abc import Iterable, Mapping

from bot.governance.act import SURFACES, Act, Reach, Surface
from bot.governance.roles import Permission, Role
from bot.governance.watching import WATCH


class UnknownAct(Exception):
    """No row of the table has that entry; facts `surface` and `entry`."""

    def __init__(self, surface: str, entry: str) -> None:
        super().__init__(f"{surface} {entry}")
        self.facts = {"surface": surface, "entry": entry}


_P = Permission
_CHANGE = (_P.PROPOSE, _P.EDIT_KNOWLEDGE, _P.GRANT)
_LOOK = (_P.PROPOSE, _P.APPROVE, _P.SEE_AUDIT)
_CARD = (_P.PROMOTE, _P.APPROVE, _P.PROPOSE, _P.SEE_RUNS)
_OWN = "one's own, and what stands where one reads it, without the right"
_AUTHOR = "the author of the change never"

USE: tuple[Act, ...] = (
    Act(
        "run a workflow",
        (_P.RUN,),
        "workflow",
        {
            "command": ("run",),
            "button": ("workflow-start", "workflow-pick", "inputs-fill", "workflow-choice", "run-retry"),
            "modal": ("inputs-form", "workflow-form"),
            "shortcut": ("run-on-message",),
            "home": ("home",),
            "terminal": ("run",),
        },
        "also by its own slash command, a mention, a direct message or a reply below an answer",
    ),
    Act(
        "have a workflow explained",
        (_P.RUN, _P.SEE_RUNS, _P.PROPOSE, _P.APPROVE),
        "workflow",
        {"command": ("explain",), "button": ("workflow-explain",), "terminal": ("explain",)},
    ),
    Act("see one's own runs", (), "own", {"command": ("status",)}),
    Act("stop one's own run", (), "own", {"command": ("cancel",), "button": ("run-cancel",)}),
    Act("stop other people's runs", (_P.CANCEL_RUNS,), "workflow", {"button": ("run-cancel",)}),
    Act("see how an answer came about", (_P.SEE_RUNS,), "workflow", {"button": ("answer-explain",)}, _OWN),
    Act("share one's own answer", (), "own", {"button": ("answer-share",)}),
    Act(
        "vote, and say what is wrong",
        (),
        "own",
        {"button": ("answer-vote", "complaint-open"), "modal": ("complaint-form",)},
    ),
    Act("hand one's own question to a person", (), "own", {"button": ("answer-ask",)}),
    Act("list what one may do", (), "own", {"command": ("help", "list"), "sentence": ("help",)}),
    Act(
        "keep one's own settings",
        (),
        "own",
        {"command": ("settings",), "modal": ("settings-form", "notice-view"), "button": ("question-forget",)},
    ),
)
"""Using workflows."""

CHANGE: tuple[Act, ...] = (
    Act(
        "propose a change of a workflow",
        (_P.PROPOSE,),
        "workflow",
        {
            "command": ("edit", "drafts"),
            "sentence": ("edit_prompt", "set_parameter", "edit_rule"),
            "button": (
                "edit-open",
                "edit-menu",
                "edit-draft",
                "edit-drop",
                "edit-start-over",
                "edit-as-file",
                "edit-reset",
                "edit-row-menu",
                "edit-row-add",
                "edit-row-last",
                "edit-row-go-on",
                "edit-row-forget",
                "edit-table-back",
                "edit-table-on",
            ),
            "modal": ("edit-prompt", "edit-parameters", "edit-table", "edit-row"),
        },
    ),
    Act("propose another model", (_P.PROPOSE,), "everything", {"sentence": ("swap_model",)}),
    Act(
        "propose a change of documents",
        (_P.EDIT_KNOWLEDGE,),
        "collection",
        {
            "sentence": ("add_knowledge", "forget_knowledge"),
            "button": ("stage-add-document",),
            "shortcut": ("knowledge-draft",),
            "modal": ("knowledge-draft",),
        },
    ),
    Act(
        "confirm, correct or drop what one asked for",
        _CHANGE,
        "workflow",
        {
            "button": (
                "admin-pick",
                "admin-write",
                "admin-confirm",
                "admin-pilot",
                "admin-cancel",
                "admin-again",
                "admin-edit",
            ),
            "modal": ("admin-answer",),
        },
        "the right of the command itself, looked at again at the click",
    ),
    Act(
        "revise or withdraw one's own change",
        (),
        "own",
        {"button": ("change-withdraw", "change-rebase", "change-revise")},
        "its author",
    ),
    Act(
        "look at changes and their history",
        _LOOK,
        "workflow",
        {
            "command": ("changes", "history"),
            "sentence": ("history", "show", "changes", "who_changed"),
            "button": ("change-show", "change-tests"),
        },
    ),
    Act(
        "approve or reject a change",
        (_P.APPROVE,),
        "workflow",
        {"button": ("change-approve", "change-ask", "change-reject"), "modal": ("change-reason-form",)},
        _AUTHOR,
    ),
    Act(
        "undo a change, or go back to an earlier version",
        (_P.ROLL_BACK,),
        "workflow",
        {
            "command": ("rollback",),
            "sentence": ("undo", "roll_back"),
            "button": ("change-undo", "version-rollback"),
        },
        "of a grant with the right to grant",
    ),
    Act(
        "run the cases, and keep them",
        (_P.EVALUATE,),
        "workflow",
        {
            "command": ("evaluate", "cases"),
            "sentence": ("evaluate", "add_case"),
            "button": (
                "evaluation-stop",
                "evaluation-show",
                "case-retire",
                "stage-run-cases",
                "stage-add-case",
            ),
            "modal": ("stage-case-form",),
            "terminal": ("evaluate",),
        },
    ),
    Act(
        "run it again beside its answer",
        (_P.SEE_RUNS,),
        "workflow",
        {"command": ("replay",), "terminal": ("replay",)},
        _OWN,
    ),
    Act(
        "answer a question that was handed to a person",
        (_P.TRIAGE,),
        "workflow",
        {"button": ("escalation-reply", "escalation-decline"), "modal": ("escalation-form",)},
        "also whoever it was handed to; a document still needs its own right",
    ),
    Act(
        "decide about bad answers",
        (_P.TRIAGE,),
        "workflow",
        {
            "command": ("triage",),
            "button": (
                "triage-open",
                "triage-next",
                "triage-back",
                "triage-case",
                "triage-prompt",
                "triage-knowledge",
                "triage-dismiss",
            ),
            "modal": ("triage-case-form", "triage-document-form"),
        },
        "a case, a prompt or a document still needs its own right",
    ),
)
"""Changing them."""

ANSWER_FOR: tuple[Act, ...] = (
    Act(
        "see what a promotion asks",
        _CARD,
        "workflow",
        {"command": ("promote",), "button": ("stage-refresh", "stage-pilot", "stage-set-volume")},
    ),
    Act(
        "pilot, pause, resume or stop",
        (_P.PROMOTE,),
        "workflow",
        {
            "command": ("pilot",),
            "sentence": ("pilot",),
            "button": ("stage-pause", "stage-resume", "stage-stop"),
            "modal": ("stage-pilot-form", "stage-volume-form"),
        },
    ),
    Act(
        "approve a candidate",
        (_P.APPROVE,),
        "workflow",
        {"button": ("stage-approve",)},
        "its authors never, and whoever promotes counts for none",
    ),
    Act(
        "promote to everybody",
        (_P.PROMOTE,),
        "workflow",
        {"sentence": ("promote",), "button": ("stage-promote", "stage-ask-approval")},
    ),
    Act(
        "retire, and bring back",
        (_P.PROMOTE,),
        "workflow",
        {"command": ("retire", "reopen"), "sentence": ("retire",)},
    ),
    Act(
        "see where everything stands", (_P.PROMOTE, _P.RUN, _P.SEE_RUNS), "workflow", {"command": ("stages",)}
    ),
    Act(
        "give and take roles",
        (_P.GRANT,),
        "workflow",
        {
            "sentence": ("grant", "revoke"),
            "button": ("stage-name-person",),
            "modal": ("stage-person-form",),
            "terminal": ("grant", "revoke", "grants"),
        },
    ),
    Act(
        "have the weekly digest come, and preview it",
        (_P.SEE_RUNS,),
        "workflow",
        {"command": ("digest",), "button": ("digest-further",)},
        "owners get theirs without asking",
    ),
    Act(
        "decide about what a digest found",
        (_P.TRIAGE,),
        "workflow",
        {
            "button": (
                "digest-fix",
                "digest-case",
                "digest-knowledge",
                "digest-assign",
                "digest-dismiss",
                "digest-back",
            ),
            "modal": ("digest-case-form", "digest-knowledge-form", "digest-revision-form"),
        },
        "also whoever it was given to; a case, a prompt or a document still needs its own right",
    ),
    Act(
        "set a budget, and add to it",
        (_P.BUDGET,),
        "workflow",
        {
            "command": ("budget",),
            "button": ("budget-top-up", "stage-set-budget"),
            "modal": ("budget-top-up-form", "stage-budget-form"),
            "terminal": ("budget",),
        },
    ),
    Act(
        "read the audit trail",
        (_P.SEE_AUDIT,),
        "everything",
        {"command": ("audit",), "terminal": ("audit verify", "audit checkpoint")},
        "who changed one workflow: over that workflow",
    ),
    Act(
        "take the audit trail away",
        (_P.EXPORT,),
        "everything",
        {"command": ("audit export",), "terminal": ("audit export",)},
    ),
    Act(
        "see to an alert",
        (_P.OPERATE, _P.TRIAGE),
        "workflow",
        {"button": ("alert-take",)},
        "of everything together with the right to operate",
    ),
    Act(
        "operate",
        (_P.OPERATE,),
        "everything",
        {
            "terminal": (
                "demo",
                "serve",
                "slack",
                "worker",
                "clock",
                "migrate",
                "backup",
                "seed",
                "doctor",
                "settings",
                "manifest",
                "docs",
                "knowledge add",
                "knowledge list",
                "knowledge remove",
                "knowledge reindex",
                "knowledge calibrate",
                "workflow check",
                "workflow add",
                "workflow list",
                "audit rights",
                "drill outage",
            )
        },
        "whoever can type on the machine",
    ),
)
"""Answering for them."""

ACTS = (*USE, *CHANGE, *WATCH, *ANSWER_FOR)


def acts_of(surface: Surface, entry: str) -> tuple[Act, ...]:
    """What an entry does. Raises UnknownAct: what is not in the table is refused."""
    found = tuple(act for act in ACTS if entry in act.entries.get(surface, ()))
    if not found:
        raise UnknownAct(surface, entry)
    return found


def entries(surface: Surface) -> frozenset[str]:
    """Every entry of one surface."""
    return frozenset(entry for act in ACTS for entry in act.entries.get(surface, ()))


def rows() -> Iterable[tuple[str, ...]]:
    """The matrix as a table for people: act, over what, roles, ways in, note."""
    for act in ACTS:
        roles = ["yes" if act.is_permitted_to(role) else "" for role in Role]
        ways = [surface for surface in SURFACES if act.entries.get(surface)]
        yield (act.name, _REACHES[act.reach], *roles, ", ".join(ways), act.note)


_REACHES: Mapping[Reach, str] = {
    "everything": "everything",
    "workflow": "that workflow",
    "collection": "that collection",
    "own": "what is theirs",
}
