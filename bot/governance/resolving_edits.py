"""Commands that change what is live, put together from what was said and from the names that exist. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping

from bot.governance.command_base import AdminCommand
from bot.governance.edit_commands import (
    AddKnowledge,
    EditPrompt,
    EditRule,
    ForgetKnowledge,
    RollBack,
    SetParameter,
    SwapModel,
    Undo,
)
from bot.governance.prompt_instructions import instructions_of, starts_like_one
from bot.governance.resolving import Pieces, document_choices
from bot.governance.spoken_conditions import UnclearCondition, concerns, condition_of, plain_numbers
from bot.governance.understanding import Choice, NotOurs
from bot.governance.vocabulary import nearest_of
from workflows.decision_tables import rows_of, table_steps
from workflows.workflow import Workflow

MAX_NAME_WORDS = 7
_JOINER = re.compile(r" (?:of|for|in|on) ")
_THIS = re.compile(
    r"(?:this|that|it|these|the following|"
    r"(?:(?:a|the|this|following) )?(?:page|document|note|text|paragraph|info))",
    re.IGNORECASE,
)
_KINDS = (("prompts?", "prompt"), ("rules?|decision table", "rules"), ("parameters?|settings", "parameters"))


def edit_prompt(pieces: Pieces) -> AdminCommand:
    """By `rest` ("ask-policy friendlier"), or by workflow with instructions or text."""
    if "rest" in pieces.slots:
        _split_rest(pieces)
    with_prompts = [name for name, each in pieces.vocabulary.workflows.items() if each.prompt_names()]
    workflow = pieces.workflow(among=with_prompts, find=_loosely(pieces))
    prompt = _prompt(pieces, workflow)
    if "text" in pieces.slots:
        return EditPrompt(workflow=workflow, prompt=prompt, text=pieces.bare("text") or pieces.ask("text"))
    lines = instructions_of(pieces.said("instructions"))
    if not lines:
        pieces.ask("text" if pieces.slots.get("wants") == "text" else "instructions")
    return EditPrompt(workflow=workflow, prompt=prompt, instructions=lines)


def _loosely(pieces: Pieces) -> Callable[[str], tuple[str, ...]]:
    return lambda said: pieces.vocabulary.workflow(said, loosely=True)


def _split_rest(pieces: Pieces) -> None:
    """Where the name of the workflow ends and the instruction begins. Raises NotOurs."""
    words = pieces.slots.pop("rest").split(" ")
    for count in range(min(MAX_NAME_WORDS, len(words)), 0, -1):
        phrase, rest = " ".join(words[:count]), " ".join(words[count:])
        rest = re.sub(r"^(?:to|that it should|so that it|should) ", "", rest, flags=re.IGNORECASE)
        about_prompt = re.fullmatch(r"(?:the|our) prompts?", phrase, re.IGNORECASE)
        named = pieces.spoken.unquoted(re.sub(r"(?:'s)? prompts?$", "", phrase))
        found = pieces.vocabulary.workflow(named)
        if not found and rest and pieces.vocabulary.retired_as(named):
            pieces.slots.update(workflow=named, instructions=rest)
            return
        if (found or about_prompt) and (rest or pieces.slots.get("more")):
            if about_prompt and not starts_like_one(rest):
                continue
            if found:
                pieces.slots["workflow"] = phrase if len(found) > 1 else found[0]
            more = pieces.slots.pop("more", "")
            pieces.slots["instructions"] = "; ".join(part for part in (rest, more) if part)
            return
    raise NotOurs(" ".join(words))


def _prompt(pieces: Pieces, workflow: str) -> str:
    names = sorted(pieces.vocabulary.workflows[workflow].prompt_names())
    choices = [Choice(name, name, f"workflow:{workflow}") for name in names]
    said = pieces.bare("prompt")
    if not said:
        if len(names) == 1:
            return names[0]
        pieces.ask("prompt", choices)
    return pieces.one("prompt", nearest_of(said, names), said, choices)


def set_parameter(pieces: Pieces) -> AdminCommand:
    """By `what` ("passages of ask-policy"), or by workflow and parameter."""
    if "what" in pieces.slots:
        _split_what(pieces)
    tunable = [name for name, each in pieces.vocabulary.workflows.items() if each.parameters]
    workflow = pieces.workflow(among=tunable, find=_loosely(pieces))
    declared = pieces.vocabulary.workflows[workflow].parameters
    choices = [
        Choice(name, f"{name}: {each.help}"[:75], f"workflow:{workflow}") for name, each in declared.items()
    ]
    said = pieces.bare("parameter")
    if not said:
        pieces.ask("parameter", choices)
    parameter = pieces.one("parameter", pieces.vocabulary.parameter(said, workflow), said, choices)
    setting = declared[parameter]
    value = pieces.bare("value")
    if not value:
        pieces.ask("value", [Choice(each) for each in setting.choices])
    is_number = setting.kind in ("number", "integer")
    try:
        read = setting.read(plain_numbers(value) if is_number else value)
    except ValueError as error:
        pieces.ask(
            "value", [Choice(each) for each in setting.choices], said=value, why=f"{parameter} {error}."
        )
    return SetParameter.model_validate({"workflow": workflow, "parameter": parameter, "value": read})


def _split_what(pieces: Pieces) -> None:
    """Which part names the workflow and which the parameter. Raises NotOurs."""
    what = pieces.slots.pop("what")
    _take_workflow_from_value(pieces)
    if "workflow" in pieces.slots:
        pieces.slots["parameter"] = what
        return
    for parameter, workflow in _splits(what):
        found = pieces.vocabulary.workflow(workflow, loosely=True)
        if not found and pieces.vocabulary.retired_as(workflow):
            pieces.slots.update(workflow=workflow, parameter=parameter)
            return
        if len(found) == 1 or (found and "value" in pieces.slots):
            known = any(pieces.vocabulary.parameter(parameter, name) for name in found)
            exact = found[0] == workflow.strip("`/").casefold()
            if known or (exact and "value" in pieces.slots):
                pieces.slots.update(workflow=workflow, parameter=parameter)
                return
    having = pieces.vocabulary.having_parameter(what)
    if not having:
        raise NotOurs(what)
    pieces.slots["parameter"] = what
    if len(having) == 1:
        pieces.slots["workflow"] = having[0]
    else:
        pieces.ask("workflow", pieces.workflow_choices(having))


def _take_workflow_from_value(pieces: Pieces) -> None:
    """`to 8 for ask-policy`: the workflow stands behind the value."""
    for value, workflow in _splits_at_joiners(pieces.slots.get("value", "")):
        if "workflow" not in pieces.slots and pieces.vocabulary.workflow(workflow):
            pieces.slots.update(value=value, workflow=workflow)


def _splits_at_joiners(said: str) -> Iterator[tuple[str, str]]:
    for found in reversed(list(_JOINER.finditer(said))):
        yield said[: found.start()], said[found.end() :]


def _splits(what: str) -> Iterator[tuple[str, str]]:
    """Parameter and workflow, wherever the line between them may be."""
    yield from _splits_at_joiners(what)
    if "'s " in what:
        workflow, _, parameter = what.partition("'s ")
        yield parameter, workflow
    words = what.split(" ")
    for count in range(min(MAX_NAME_WORDS, len(words) - 1), 0, -1):
        yield " ".join(words[count:]), " ".join(words[:count])


def edit_rule(pieces: Pieces) -> AdminCommand:
    """A condition in words or CEL, and the nearest outcome that the table has."""
    condition = pieces.said("condition").replace("“", '"').replace("”", '"')
    if not condition:
        pieces.ask("condition")
    outcome = pieces.said("outcome")
    if not pieces.is_asked and re.search(r"\b(?:me|my|mine|us)\b", f"{outcome}", re.IGNORECASE):
        raise NotOurs(outcome)
    workflow = _deciding(pieces, condition, outcome)
    definition = pieces.vocabulary.workflows[workflow]
    step = _step(pieces, definition, outcome)
    known = outcomes_of(definition, step)
    choices = [Choice(name, name.replace("_", " "), f"workflow:{workflow}") for name in known]
    if not outcome:
        pieces.ask("outcome", choices)
    likely = nearest_of(outcome, known)
    if not likely:
        pieces.ask("outcome", choices, said=outcome, why=f"{workflow} has no outcome “{outcome}”.")
    chosen = pieces.one("outcome", likely, outcome, choices)
    try:
        written = condition_of(condition, definition)
    except UnclearCondition as error:
        pieces.ask("condition", said=condition, why=f"{error.why}.")
    return EditRule(
        workflow=workflow,
        step=step,
        condition=written,
        outcome=chosen,
        because=pieces.said("because") or f"Because {condition}.",
    )


def _deciding(pieces: Pieces, condition: str, outcome: str) -> str:
    """The workflow whose names the condition uses; of several, the one that has the outcome."""
    deciding = pieces.vocabulary.deciding()
    if "workflow" in pieces.slots:
        return pieces.workflow(among=deciding)
    known = {name: pieces.vocabulary.workflows[name] for name in deciding}
    fitting = [name for name, each in known.items() if concerns(condition, each)]
    if not fitting and not pieces.is_asked:
        raise NotOurs(condition)
    having = [name for name in fitting if _has_outcome(known[name], outcome)]
    return pieces.only("workflow", having or fitting or deciding)


def _has_outcome(workflow: Workflow, outcome: str) -> bool:
    return any(nearest_of(outcome, outcomes_of(workflow, step)) for step in table_steps(workflow))


def _step(pieces: Pieces, workflow: Workflow, outcome: str) -> str:
    steps = table_steps(workflow)
    said = pieces.slots.get("step", "")
    having = [step for step in steps if nearest_of(outcome, outcomes_of(workflow, step))] if outcome else []
    for likely in ([said] if said in steps else [], having, list(steps)):
        if len(likely) == 1:
            pieces.slots["step"] = likely[0]
            return likely[0]
    titles = {step.id: step.title for step in workflow.steps}
    return pieces.ask("step", [Choice(step, f"{titles[step] or step} ({step})") for step in having or steps])


def outcomes_of(workflow: Workflow, step: str) -> tuple[str, ...]:
    """The outcomes that a decision table has, in its order."""
    rows = rows_of(workflow, step)
    return tuple(dict.fromkeys(row.get("then") or row.get("otherwise", "") for row in rows))


def add_knowledge(pieces: Pieces) -> AdminCommand:
    """A heading that was said or the first words, and the text."""
    heading = pieces.said("heading")
    said = pieces.bare("collection")
    found = pieces.vocabulary.collection(said) if said else pieces.vocabulary.collections
    choices = pieces.collection_choices()
    if not said and len(found) > 1:
        pieces.ask("collection", choices)
    collection = pieces.one("collection", found, said or "collection", choices)
    is_this = not heading or bool(_THIS.fullmatch(heading))
    text = pieces.slots.get("text", "").strip()
    if not text and not is_this and not heading.startswith("“"):
        text, is_this = pieces.bare("heading"), True
    if not text:
        pieces.ask("text")
    title = _first_words(text) if is_this else heading.strip("“”").strip()
    return AddKnowledge(collection=collection, heading=title[:120] or "Note", text=text)


def _first_words(text: str) -> str:
    """The beginning of a text as its heading."""
    first = next((line for line in text.splitlines() if line.strip()), "").strip().lstrip("# ").strip()
    sentence = re.split(r"(?<=[.!?])\s", first, maxsplit=1)[0].rstrip(".!")
    return sentence if len(sentence) <= 70 else sentence[:70].rsplit(" ", 1)[0]


def forget_knowledge(pieces: Pieces) -> AdminCommand:
    """A document by title, path or the words of both."""
    said = pieces.bare("document")
    within = pieces.bare("collection")
    collections = pieces.vocabulary.collection(within) if within else ()
    if within and len(collections) != 1 and not pieces.is_asked:
        raise NotOurs(within)
    collection = collections[0] if len(collections) == 1 else ""
    near = pieces.vocabulary.documents_near(said, collection)
    if not said:
        pieces.ask("document", document_choices(pieces.vocabulary.documents))
    found = pieces.vocabulary.document(said, collection)
    # "remove" is said of much else, so it must name a document; "forget" is said to us
    is_ours = pieces.is_asked or collection or (near and pieces.slots.get("how", "").lower() == "forget")
    if not found and not is_ours:
        raise NotOurs(said)
    if not found:
        pieces.ask("document", document_choices(near), said=said, why=f"I find no document “{said}”.")
    if len(found) > 1:
        why = f"“{said}” fits {len(found)} documents."
        pieces.ask("document", document_choices(found), said=said, why=why)
    return ForgetKnowledge(collection=found[0].collection, document=found[0].path)


def swap_model(pieces: Pieces) -> AdminCommand:
    """An alias and a model, or another alias whose model it shall have."""
    aliases = pieces.vocabulary.aliases
    choices = [Choice(alias, alias, "*") for alias in aliases]
    said = pieces.bare("alias")
    found = nearest_of(said, aliases) if said else aliases
    if not said and len(found) > 1:
        pieces.ask("alias", choices)
    alias = pieces.one("alias", found, said or "alias", choices)
    model = pieces.bare("model").rstrip(".")
    if not model:
        pieces.ask("model")
    if "/" not in model and model not in aliases:
        pieces.ask("model", said=model, why=f"“{model}” names no provider.")
    if re.search(r"\s", model):
        pieces.ask("model", said=model, why=f"“{model}” is more than one word.")
    return SwapModel(alias=alias, model=model)


def undo(pieces: Pieces) -> AdminCommand:
    """The last change, or one by its id."""
    return Undo(change=pieces.slots.get("change", "").lower())


def roll_back(pieces: Pieces) -> AdminCommand:
    """A workflow, or its prompt, parameters or rules."""
    kind = pieces.slots.get("part", "workflow")
    what = pieces.slots.pop("what", "")
    for words, likely in _KINDS:
        found = re.fullmatch(
            rf"(?:the |its )?(?:{words})(?: (?:of|for|in) (?P<workflow>.+))?", what, re.IGNORECASE
        )
        if found:
            kind, what = likely, found["workflow"] or ""
    pieces.slots["part"] = kind
    if what and not re.fullmatch(r"it|that|this", what, re.IGNORECASE):
        pieces.slots["workflow"] = what
    workflow = pieces.workflow()
    to = pieces.slots.get("to", "")
    return RollBack.model_validate({"workflow": workflow, "kind": kind, "to": int(to) if to else None})


EDITS: Mapping[str, Callable[[Pieces], AdminCommand]] = {
    "edit_prompt": edit_prompt,
    "set_parameter": set_parameter,
    "edit_rule": edit_rule,
    "add_knowledge": add_knowledge,
    "forget_knowledge": forget_knowledge,
    "swap_model": swap_model,
    "undo": undo,
    "roll_back": roll_back,
}
