"""What an admin sees of a conversation: question, preview, outcome. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.adapters.store.conversations_log import ASKING, CONFIRMED, PREVIEWED, WRITING
from bot.governance.admin_commands import COMMANDS
from bot.governance.command_base import AdminCommand
from bot.governance.differences import changed_parts, differences
from bot.governance.understanding import Unsure
from bot.services.admin_answers import Answer
from bot.services.conversing import Conversation
from bot.services.outbox_items import OutboxItem
from bot.slack import admin_text as words
from bot.slack import elements as el
from bot.slack.blocks import notice
from bot.slack.elements import Outgoing
from bot.slack.richtext import Block, visible
from workflows.versions import Piece

PICK, WRITE, AGAIN = "admin-pick", "admin-write", "admin-again"
CONFIRM, PILOT, EDIT, CANCEL = "admin-confirm", "admin-pilot", "admin-edit", "admin-cancel"
"""Action ids, noun-verb. Their value is the conversation, and for Confirm and Pilot what was seen."""
PILOTED = frozenset({"prompt", "parameters", "rules"})
"""Kinds of targets that a pilot can try before everybody gets them."""

ANSWER = "admin-answer"
"""Callback id of the form for one piece."""
PIECE = "piece"

SHOWN = 2400
"""Characters of a difference in a message."""
_STYLE = {"added": {"bold": True}, "removed": {"strike": True}, "same": {}}


class NotAConversation(Exception):
    """A message about a conversation that is on record no more."""

    def __init__(self, subject: str) -> None:
        super().__init__(subject)
        self.facts = {"subject": subject}


def admin_letter(item: OutboxItem, _now: datetime, names: Mapping[str, str]) -> Outgoing:
    """The message of a conversation, as it stands. Raises NotAConversation."""
    if not isinstance(item.about, Conversation):
        raise NotAConversation(item.subject)
    return card(item.about, names)


def card(conversation: Conversation, names: Mapping[str, str]) -> Outgoing:
    """A conversation, as it stands."""
    if conversation.is_old and conversation.state in (ASKING, WRITING, PREVIEWED):
        return notice(words.expired())
    if conversation.state == ASKING:
        return _asking(conversation)
    if conversation.state == WRITING:
        buttons = el.actions(
            el.button("Try again", AGAIN, conversation.id), el.button("Cancel", CANCEL, conversation.id)
        )
        return notice(words.writing(), buttons)
    if conversation.state == PREVIEWED:
        return _previewed(conversation, names)
    if conversation.state == CONFIRMED:
        return _confirmed(conversation)
    return notice(words.unclear() if conversation.said.get("unclear") else words.cancelled())


def _asking(conversation: Conversation) -> Outgoing:
    asked = conversation.question
    said = words.question(asked.why, asked.question)
    top = el.section(f"{words.heading(COMMANDS[asked.kind].title)}\n{said}")
    choices = [
        el.option(each.label or each.value, f"{conversation.id}:{number}")
        for number, each in enumerate(asked.choices)
    ]
    answer = el.button("Answer", WRITE, conversation.id, style="primary")
    first = {**el.select(PICK, choices), "placeholder": el.plain("Choose")} if choices else answer
    row = el.actions(
        first, el.button("Cancel", CANCEL, conversation.id), block_id=f"asked:{conversation.missing}"
    )
    footer = el.context(words.who_answers(conversation.person, has_menu=bool(choices)))
    return Outgoing(said, (top, row, footer), frozenset({conversation.person}))


def _previewed(conversation: Conversation, names: Mapping[str, str]) -> Outgoing:
    said = conversation.said
    typed = said["typed"]
    grantee = typed.get("grantee", "")
    people = [each for each in (grantee, *typed.get("people", ())) if el.is_person(each)]
    title = COMMANDS[typed["command"]].title
    named = [*map(el.mention, people), *(names.get(each, each) for each in conversation.groups)]
    found = list(said.get("problems", ()))
    can_edit = bool(said.get("can_edit"))
    is_same = "old" in said and said["old"] == said["new"]
    effect = words.effect(said["effect"], grantee, names) if said.get("effect") and not found else ""
    blocks = [
        el.section(f"{words.heading(title)}\n{words.understood(said['words'], named)}"),
        *([el.context(words.moved())] if said.get("moved") else []),
        *([el.context(words.withheld(can_edit))] if said.get("withheld") else []),
        *(_difference(said["old"], said["new"]) if "old" in said and (is_same or not grantee) else []),
        *([el.section(effect)] if effect else []),
        *([el.section(words.problems(found)), el.context(words.what_next(can_edit))] if found else []),
        *_notes(said),
        _buttons(conversation, can_confirm=not found and not is_same, can_edit=can_edit),
        el.context(words.who_confirms(conversation.person)),
    ]
    plain = f"{title}: {said['words']}"
    return Outgoing(plain, tuple(blocks), frozenset({conversation.person, *people}))


def _notes(said: Mapping[str, object]) -> list[Block]:
    if said.get("writer"):
        return [el.context(words.written_by_model())]
    return [el.context(words.written_plainly())] if said.get("by_words") else []


def _buttons(conversation: Conversation, *, can_confirm: bool, can_edit: bool) -> Block:
    value = f"{conversation.id}:{conversation.said['seen']}"
    row = [el.button("Confirm", CONFIRM, value, style="primary")] if can_confirm else []
    if can_confirm and conversation.said.get("target", [""])[0] in PILOTED:
        about = "Confirm as the candidate, for the people of a pilot only"
        row.append(el.button("For the pilot first", PILOT, value, about=about))
    row += [el.button("Edit", EDIT, conversation.id)] if can_edit else []
    return el.actions(*row, el.button("Cancel", CANCEL, conversation.id), block_id="admin-preview")


def _difference(old: str, new: str) -> list[Block]:
    """What changes, word by word: gone struck through, come in bold."""
    if old == new:
        return [el.context(words.same_as_now())]
    shown = changed_parts(differences(old, new), limit=SHOWN)
    pieces = [_piece(each) for each in shown if each.text]
    section: Block = {"type": "rich_text_section", "elements": pieces}
    return [{"type": "rich_text", "elements": [section]}] if pieces else []


def _piece(piece: Piece) -> Block:
    made: Block = {"type": "text", "text": visible(piece.text)}
    # Slack shows no style on white space alone
    is_styled = piece.change != "same" and bool(piece.text.strip())
    return {**made, "style": _STYLE[piece.change]} if is_styled else made


def _confirmed(conversation: Conversation) -> Outgoing:
    said = conversation.said
    link = str(said.get("link", ""))
    told = words.done(said.get("done", {}), said["words"], link)
    return notice(told, links=[link] if link else [])


def answer_message(answer: Answer) -> Outgoing:
    """An admin's question, answered with its sources."""
    rows = [
        words.line(each.text, each.by, each.change, each.approved_by, each.about)
        + (f" · {el.moment(each.at)}" if each.at else "")
        for each in answer.lines
    ]
    blocks = [el.section(f"*{el.escape(answer.heading)}*")]
    blocks += [el.section(part) for part in _packed(rows)]
    blocks += _written(answer.text)
    if not rows and not answer.text:
        blocks.append(el.context(words.nothing_found()))
    named = {person for each in answer.lines for person in (each.by, each.about, *each.approved_by)}
    people = frozenset(filter(el.is_person, named))
    return Outgoing(answer.heading, tuple(blocks), people)


def _packed(rows: Sequence[str], limit: int = 2800) -> list[str]:
    """Lines in as few sections as hold them."""
    packed: list[str] = []
    for row in rows:
        if packed and len(packed[-1]) + len(row) < limit:
            packed[-1] += f"\n{row}"
        else:
            packed.append(row)
    return packed


def _written(text: str) -> list[Block]:
    """A content as it is written, in pieces that Slack takes."""
    shown = visible(text)[:9000]
    pieces = [shown[at : at + 2800] for at in range(0, len(shown), 2800)]
    return [
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": piece}]}],
        }
        for piece in pieces
    ]


def unsure_message(found: Unsure) -> Outgoing:
    """Several commands it may be."""
    return notice(words.unsure([COMMANDS[kind] for kind in found.kinds]))


def with_sayable(message: Outgoing, commands: Sequence[type[AdminCommand]]) -> Outgoing:
    """A list of what somebody may run, with what they may say beside it."""
    if not commands:
        return message
    more = [el.section(part) for part in _packed(words.sayable(commands).split("\n"))]
    return Outgoing(message.text, (*message.blocks, el.divider(), *more), message.mentions, message.links)


def piece_form(conversation: Conversation) -> Block:
    """A form for the piece that is asked for."""
    asked = conversation.question
    is_long = conversation.missing in ("text", "instructions", "expectation", "question", "condition")
    field = el.text_input(PIECE, asked.said, multiline=is_long)
    return el.modal(
        COMMANDS[asked.kind].title,
        [el.field_block(PIECE, asked.question, field, hint=asked.why)],
        callback_id=ANSWER,
        submit="Answer",
        close="Back",
    )
