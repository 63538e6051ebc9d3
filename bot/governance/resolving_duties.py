"""Commands about people, stages and cases, and questions about what is live, from what was said. Pure."""

import re
from collections.abc import Callable, Mapping

from bot.governance.command_base import AdminCommand
from bot.governance.duty_commands import AddCase, Evaluate, GiveRole, Pilot, Promote, Retire, TakeRole
from bot.governance.query_commands import Changes, History, ShowCommand, WhoChanged
from bot.governance.resolving import Pieces
from bot.governance.roles import EVERYTHING, Role
from bot.governance.understanding import Choice, NotOurs

_PERSON = re.compile("\ue002([A-Z0-9]{2,31}|everyone)\ue003|\\b([UWS][A-Z0-9]{4,30})\\b")
_SHARE = re.compile(r"(\d{1,3})(?:\.\d+)? ?(?:%|percent\b|per cent\b)")
_ALL = re.compile(r"(?:everything|all(?: (?:of it|workflows|things))?|\*)", re.IGNORECASE)
_ROLE_OF_VERB: Mapping[str, Role] = {
    **dict.fromkeys(("run", "running", "use", "using", "ask", "asking"), Role.RUNNER),
    **dict.fromkeys(("edit", "editing", "change", "changing", "propose changes to"), Role.EDITOR),
    **dict.fromkeys(("approve", "approving", "approve changes to", "approve changes of"), Role.APPROVER),
    **dict.fromkeys(("own", "owning"), Role.OWNER),
    **dict.fromkeys(("administer", "administering", "manage", "managing", "administrator"), Role.ADMIN),
    **dict.fromkeys(("audit", "auditing"), Role.AUDITOR),
}
_TARGET = re.compile(
    r"(?:(?:the|our|its) )?(?P<topic>prompts?|parameters?|settings|rules?|decision tables?|workflow|models?"
    r"|roles?|grants?)(?: (?:of|for|in) (?P<workflow>.+))?",
    re.IGNORECASE,
)
_TOPICS = {"prompt": "prompt", "parameter": "parameters", "setting": "parameters", "value": "parameters"}
_TOPICS |= {"rule": "rules", "decision table": "rules", "workflow": "workflow", "model": "models"}
_TOPICS |= {"role": "grant", "grant": "grant"}

_QUOTED = r"[\"“”]([^\"“”]{1,2000})[\"“”]"
_SHOULD = re.compile(r"(?:->|→|=>|\n|\b(?:should|must|has to)\b)")
_CONTAINS = re.compile(
    rf"(?:contain|say|mention|include)s?(?: the words?)? {_QUOTED}(?:(?:,| and|, and) {_QUOTED})*",
    re.IGNORECASE,
)
_CITES = re.compile(r"(?:cite|quote)s? (?:the )?(?:document )?[\"“]?([\w./-]{1,300})", re.IGNORECASE)
_ABSTAINS = re.compile(
    r"\b(?:abstain|not answer|say (?:that )?it does(?: not|n't) know|refuse)", re.IGNORECASE
)
_OUTCOME = re.compile(r"(?:end in|outcome|be) [\"“]?([a-z][a-z0-9_]{0,79})\b")


def give_role(pieces: Pieces) -> AdminCommand:
    """Who, which role, over what."""
    return GiveRole.model_validate(_roled(pieces))


def take_role(pieces: Pieces) -> AdminCommand:
    """As `give_role`."""
    return TakeRole.model_validate(_roled(pieces))


def _roled(pieces: Pieces) -> dict[str, str]:
    found = _PERSON.search(pieces.slots.get("grantee", ""))
    grantee = pieces.slots.get("grantee", "")
    grantee = (found[1] or found[2]) if found else grantee
    if not re.fullmatch(r"everyone|[UWS][A-Z0-9]{2,30}", grantee):
        pieces.ask("grantee", said=grantee)
    pieces.slots["grantee"] = grantee
    return {"grantee": grantee, "role": _role(pieces).value, "over": _over(pieces)}


def _role(pieces: Pieces) -> Role:
    said = " ".join((pieces.slots.get("role") or pieces.slots.get("verb") or "").lower().split())
    role = _ROLE_OF_VERB.get(said) or next((each for each in Role if each.value == said), None)
    if role is None:
        pieces.ask("role", [Choice(each.value) for each in Role], said=said)
    pieces.slots["role"] = role.value
    return role


def _over(pieces: Pieces) -> str:
    """The scope that is meant: a workflow, a collection or everything."""
    said = re.sub(r"^(?:changes (?:of|to) )", "", pieces.bare("over") or pieces.bare("scope"))
    words = pieces.vocabulary
    choices = (
        *pieces.workflow_choices(tuple(words.workflows)),
        *pieces.collection_choices(),
        Choice(EVERYTHING, "everything", EVERYTHING),
    )
    choices = tuple(Choice(each.scope, each.label, each.scope) for each in choices)
    if not said:
        pieces.ask("scope", choices)
    if _ALL.fullmatch(said):
        return EVERYTHING
    exact = tuple(each.value for each in choices if each.value == said)
    found = exact or tuple(f"workflow:{name}" for name in words.workflow(said))
    if not exact and not re.fullmatch(r"(?:the |our )?\w+", said):
        found += tuple(f"collection:{name}" for name in words.collection(said))
    elif not found:
        found = tuple(f"collection:{name}" for name in words.collection(said))
    pieces.slots.pop("over", None)
    pieces.slots["scope"] = said
    return pieces.one("scope", tuple(dict.fromkeys(found)), said, choices)


def promote(pieces: Pieces) -> AdminCommand:
    """The workflow."""
    return Promote(workflow=pieces.with_drafts().workflow())


def retire(pieces: Pieces) -> AdminCommand:
    """The workflow."""
    return Retire(workflow=pieces.with_drafts().workflow())


def evaluate(pieces: Pieces) -> AdminCommand:
    """The workflow."""
    return Evaluate(workflow=pieces.with_drafts().workflow())


def pilot(pieces: Pieces) -> AdminCommand:
    """The workflow, with people, groups or a share."""
    workflow = pieces.with_drafts().workflow()
    said = pieces.slots.get("people", "")
    people = tuple(dict.fromkeys(found[1] or found[2] for found in _PERSON.finditer(said)))
    share = _SHARE.search(said)
    if (share and not 0 < int(share[1]) <= 100) or not (people or share):
        pieces.ask("people", said=said)
    pieces.slots["people"] = " ".join((*people, share[0] if share else ""))
    return Pilot(workflow=workflow, people=people, share=int(share[1]) / 100 if share else 0.0)


def add_case(pieces: Pieces) -> AdminCommand:
    """The workflow, the question, and what its answer must hold."""
    workflow = pieces.workflow()
    if "case" in pieces.slots:
        _split_case(pieces, pieces.said("case"))
    question = pieces.slots.get("question", "").strip().strip('"“”').strip()
    if not question:
        pieces.ask("question")
    said = pieces.slots.get("expectation", "")
    wanted = expectation_of(said)
    if not wanted:
        pieces.ask("expectation", said=said, why="I could not tell what must hold." if said else "")
    return AddCase.model_validate({"workflow": workflow, "question": question, **wanted})


def _split_case(pieces: Pieces, said: str) -> None:
    """Question and expectation of what follows `add a case`."""
    del pieces.slots["case"]
    quoted = re.match(rf"\s*{_QUOTED}", said)
    if quoted:
        question, rest = quoted[1], said[quoted.end() :]
    else:
        cut = _SHOULD.search(said)
        question, rest = (said[: cut.start()], said[cut.end() :]) if cut else (said, "")
    pieces.slots["question"] = question.strip()
    if rest.strip(" ,.;:"):
        pieces.slots["expectation"] = rest.strip()


def expectation_of(said: str) -> dict[str, object]:
    """What an answer must hold, by field of the command; empty when the words say nothing of it."""
    found: dict[str, object] = {}
    contains = [quote for match in _CONTAINS.finditer(said) for quote in re.findall(_QUOTED, match[0])]
    if contains:
        found["contains"] = tuple(contains[:10])
    cites = _CITES.findall(said)
    if cites:
        found["cites"] = tuple(each.rstrip(".") for each in cites[:10])
    if _ABSTAINS.search(said):
        found["abstains"] = True
    outcome = _OUTCOME.search(said)
    if outcome and not found:
        found["outcome"] = outcome[1]
    return found


def who_changed(pieces: Pieces) -> AdminCommand:
    """A target, or any of its kind."""
    kind, name = _target(pieces)
    return WhoChanged.model_validate({"kind": kind, "name": name})


def history(pieces: Pieces) -> AdminCommand:
    """A target; of a workflow's prompt the one it has."""
    kind, name = _target(pieces, needs_name=True)
    return History.model_validate({"kind": kind, "name": name})


def _target(pieces: Pieces, *, needs_name: bool = False) -> tuple[str, str]:
    """Kind and name of what is asked about. Raises NotOurs."""
    said = pieces.bare("target")
    words = pieces.vocabulary
    found = _TARGET.fullmatch(said)
    if found:
        kind = _TOPICS[found["topic"].lower().rstrip("s")]
        if kind == "models":
            return kind, "models"
        if found["workflow"]:
            pieces.slots["workflow"] = found["workflow"]
        elif "workflow" not in pieces.slots and not needs_name:
            return kind, ""
        return kind, "" if kind == "grant" else pieces.workflow()
    named = words.workflow(said)
    if len(named) == 1:
        return "workflow", named[0]
    if said.lower() in ("default model", "the default model"):
        return "models", "models"
    documents = words.document(said)
    if len(documents) != 1:
        raise NotOurs(said)
    return "document", documents[0].name


def show(pieces: Pieces) -> AdminCommand:
    """A topic of a workflow."""
    topic = _TOPICS[pieces.slots.get("topic", "workflow").lower().rstrip("s")]
    if topic == "models":
        return ShowCommand(topic="models")
    return ShowCommand.model_validate({"topic": topic, "workflow": pieces.workflow()})


def changes(pieces: Pieces) -> AdminCommand:
    """All that is recent, or what waits, of a workflow or of all."""
    workflow = pieces.workflow() if "workflow" in pieces.slots else ""
    return Changes(workflow=workflow, only_open="open" in pieces.slots)


DUTIES: Mapping[str, Callable[[Pieces], AdminCommand]] = {
    "grant": give_role,
    "revoke": take_role,
    "promote": promote,
    "pilot": pilot,
    "retire": retire,
    "evaluate": evaluate,
    "add_case": add_case,
    "who_changed": who_changed,
    "history": history,
    "show": show,
    "changes": changes,
}
