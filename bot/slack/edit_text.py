"""Every sentence of the forms that edit prompts, parameters and decision tables. Values are escaped here.

What stands under a field or on a button is plain text and not escaped: Slack shows it as it is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from bot.governance.changes import Target
from bot.slack.elements import escape, is_person, mention, one_line
from workflows.inputs import Parameter
from workflows.prompt_edits import prompt_body
from workflows.workflow import Workflow

KEPT = "Your text is kept as a draft."

WHY_KEPT: Mapping[str, str] = {
    "": "not proposed yet",
    "flaws": "something in it needs correcting",
    "handed over": "handed over to the form",
    "file": "waits for the edited file",
    "BaseMoved": "somebody changed it meanwhile",
    "NotAuthorized": "you could not propose it any more",
    "InvalidContent": "something in it needs correcting",
}
"""What stands in a draft's way, by the name it is kept under."""

KIND_NAMES: Mapping[str, str] = {"prompt": "Prompt", "parameters": "Parameters", "rules": "Decision table"}


def target_name(target: Target, workflow: Workflow | None = None) -> str:
    """What people call a target: `Prompt ask-policy.answer`, `Decision table Choosing the queue`."""
    kind = KIND_NAMES.get(target.kind, target.kind)
    name = target.name
    if target.kind == "rules":
        _, _, name = target.name.partition("/")
        titles = {step.id: step.title for step in workflow.steps} if workflow else {}
        name = titles.get(name) or name.replace("_", " ")
    return f"{kind} *{escape(name)}*"


def target_about(target: Target, workflow: Workflow) -> str:
    """What a target is for, in one line."""
    if target.kind == "parameters":
        names = ", ".join(name.replace("_", " ") for name in workflow.parameters)
        return f"What may be tuned: {escape(names)}"
    if target.kind == "rules":
        step = workflow.step(target.name.partition("/")[2])
        return f"{len(getattr(step, 'rules', ()))} rules; the first that holds decides"
    steps = [step.title or step.id for step in workflow.steps if getattr(step, "template", "") == target.name]
    return f"What the model is told in: {escape(', '.join(steps))}"


def menu_heading(title: str, name: str) -> str:
    """Above what a person may edit of a workflow."""
    return (
        f"What you may edit of *{escape(title)}* (`/{escape(name)}`). Others see it before anything changes."
    )


def editable_heading() -> str:
    """Above the workflows a person may edit."""
    return "Which workflow do you want to edit?"


def nothing_editable() -> str:
    """The person may propose nothing."""
    return ":lock: There is no workflow you may edit. Ask an admin for the role “editor”."


def drafts_heading(count: int) -> str:
    """Above a person's drafts."""
    return f"You have {count} draft{'s' if count != 1 else ''}. Only you see them."


def no_drafts() -> str:
    """An empty list of drafts."""
    return "You have no drafts. What you edit and cannot propose at once is kept here."


def draft_line(target: Target, why: str, when: str, content: str) -> str:
    """One draft in a list."""
    body = prompt_body(content) if target.kind == "prompt" else ""
    start = f"\n&gt; {one_line(body, 120)}" if body else ""
    return f"{target_name(target)}{_of(target)} · {when} · {WHY_KEPT.get(why, WHY_KEPT['flaws'])}{start}"


def _of(target: Target) -> str:
    return f" of `/{escape(target.workflow)}`" if target.kind == "rules" else ""


def belongs_to(target: Target, users: Sequence[Workflow], mover: str) -> str:
    """At the top of a form: what it is, who uses it, who made it what it is."""
    used = " and ".join(f"`/{escape(user.name)}`" for user in users[:5])
    return f"{target_name(target, users[0])} · used by {used} · last changed by {mover_name(mover)}"


def mover_name(mover: str) -> str:
    """Who made something what it is."""
    if is_person(mover):
        return mention(mover)
    return {"library": "an update of the product", "terminal": "an operator"}.get(mover, "the settings")


def resumed() -> str:
    """A draft is taken up again."""
    return ":pencil2: This is your draft; nothing of it gets lost. *Start over* goes back to what is live."


def handed_over(why: str) -> str:
    """The text comes from somewhere else, and why."""
    return f":pencil2: {escape(why)}" if why else ":pencil2: This is the proposed text; what is live differs."


def moved(by: str) -> str:
    """What the text was made from is not what is live any more."""
    return (
        f":warning: {mover_name(by)} changed this after you began, so nothing was proposed. {KEPT} "
        "Below is what your text would change today: take over what you want to keep of theirs, then propose."
    )


def moved_above(by: str) -> str:
    """Beside the button that was pressed: what is said at the top, which may be out of sight."""
    return (
        f":warning: *Not proposed:* {mover_name(by)} changed this meanwhile. The top of this form shows how."
    )


def variables_heading() -> str:
    """Above what a prompt may use."""
    return "*You may use*"


def variable(name: str, about: str) -> str:
    """One variable of a prompt."""
    return f"• `{{{{ {escape(name)} }}}}`{f' – {escape(about)}' if about else ''}"


def text_label(number: int, count: int) -> str:
    """Above a field of a prompt."""
    return "The prompt" if count == 1 else f"The prompt, part {number} of {count}"


REASON_LABEL = "Why"
REASON_HINT = "One line for those who approve it."
TEXT_HINT = "A model reads this word for word, with the variables filled in."


def hole_flaw(hole: str, message: str, more: int) -> str:
    """Under the field a wrong variable stands in."""
    others = f" ({more} more)" if more else ""
    shown = hole if len(hole) <= 40 else f"{hole[:39]}…"
    said = f"{shown} {message}{others}" if hole else f"The prompt {message}"
    return f"{ended(bare(said))} Correct it and propose again."


def bare(words: str) -> str:
    """With quotes in place of marks for code, which stand as they are under a field."""
    return re.sub(r"`([^`]*)`", r"“\1”", words)


def ended(words: str) -> str:
    """With a full stop, unless it has an end."""
    return words if words.endswith((".", "?", "!")) else f"{words}."


def value_flaw(name: str, why: str, given: str) -> str:
    """Under a parameter that is out of its bounds."""
    return f"{parameter_label(name)} {why}, and you wrote {given[:40]}. Correct it and propose again."


def parameter_label(name: str) -> str:
    """A parameter's name as people read it."""
    return name.replace("_", " ").capitalize()


def bounds(parameter: Parameter) -> str:
    """What a parameter takes."""
    if parameter.choices:
        return f"One of {', '.join(parameter.choices)}"
    if parameter.kind == "boolean":
        return "Yes or no"
    if parameter.kind == "text":
        return f"Text of at most {parameter.max_length:,} characters"
    word = "Whole number" if parameter.kind == "integer" else "Number"
    low = f" from {parameter.min}" if parameter.min is not None else ""
    high = f" {'up ' if not low else ''}to {parameter.max}" if parameter.max is not None else ""
    return f"{word}{low}{high}"


def parameter_hint(parameter: Parameter) -> str:
    """Below a parameter: what it does, what it takes, what it is when nobody says."""
    about = parameter.help.rstrip(".")
    return (
        f"{f'{about}. ' if about else ''}{bounds(parameter)}. Left empty: {shown_value(parameter.default)}."
    )


def shown_value(value: object) -> str:
    """A parameter's value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def tuned(name: str, default: object) -> str:
    """Below a parameter that has been tuned."""
    return f"{parameter_label(name)} is tuned; by default it is {one_line(shown_value(default), 100)}."


def nothing_to_propose() -> str:
    """The text is what is live."""
    return "This is what is live already. Change something, or close the form."


def revoked(name: str, ask: Sequence[str]) -> str:
    """The role was taken away while the form was open."""
    people = " or ".join(mention(person) for person in ask if is_person(person))
    whom = f"Ask {people}" if people else "Ask an admin"
    return (
        f":lock: You may not propose changes to `/{escape(name)}` any more, so nothing was proposed. {KEPT} "
        f"{whom} for the role “editor”, then open it from `/spanwise drafts`."
    )


def form_too_late(target: Target, is_kept: bool) -> str:
    """Slack gives three seconds to open a form."""
    kept = f" {KEPT}" if is_kept else ""
    return f"Slack let the form for {target_name(target)} expire before it opened.{kept} Press the button."


def already_proposed(change: str) -> str:
    """Somebody has proposed the same."""
    return f"The same is proposed already, as change request {change}. Look there, or change something here."


def unusable(problems: Sequence[str]) -> str:
    """What the core minds about a text that looked right to the form."""
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"It cannot be used as it is: {problems[0]}{more}. Correct it and propose again."


def file_offer(target: Target, length: int) -> str:
    """Above the file of a prompt that is edited outside Slack."""
    return (
        f"{target_name(target)} has {length:,} characters. Its text is in the file below, in this thread: "
        "download it, edit it, and upload the edited file here, with a line on why. I look at it before "
        "anything changes."
    )


def file_elsewhere(target: Target, link: str) -> str:
    """Where the file is."""
    place = f"<{link}|our direct messages>" if link else "our direct messages"
    return f"{target_name(target)} is in {place}, as a file to download, edit and upload there."


def file_in_direct(target: Target) -> str:
    """In place of the form."""
    return f"{target_name(target)} is in our direct messages, as a file to download, edit and upload there."


def file_not_read() -> str:
    """A file came that nothing waits for."""
    return (
        ":paperclip: I do not read files that are sent to me, so I did nothing with this message. Paste the "
        "text instead, or add it to what I know: `add “Title” to the people handbook: …`. Whole folders are "
        "added by an operator, with `python -m bot knowledge add`."
    )


def file_moved(by: str) -> str:
    """What the file was made from is not what is live any more."""
    return (
        f":warning: {mover_name(by)} changed this after you got the file, so nothing was proposed. {KEPT} "
        "`/spanwise edit` shows what is live now. To put your text in its place, upload it once more."
    )


def file_flaws(lines: Iterable[str]) -> str:
    """What is wrong with an uploaded text."""
    listed = "\n".join(f"• {escape(line)}" for line in lines)
    return f":warning: Not proposed yet:\n{listed}\nCorrect it and upload the file again. {KEPT}"


def line_flaw(line: int, hole: str, message: str) -> str:
    """One thing wrong, with its line."""
    return f"line {line}: {hole} {message}" if hole else f"the prompt {message}"


def proposed(target: Target, change: str, place: str) -> str:
    """After a text was proposed."""
    where = {"C": f"in <#{place}>", "G": f"in <#{place}>"}.get(place[:1], "in our direct messages")
    return (
        f":white_check_mark: Proposed: {target_name(target)}. The change request `{escape(change)}` stands "
        f"{where}; it changes nothing until it is approved."
    )
