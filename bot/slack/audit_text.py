"""What people read of the audit trail. Values are escaped here."""

from collections.abc import Iterable, Mapping

from bot.adapters.store.audit_log import AuditEvent, Verification
from bot.governance.checkpoint import Checkpoint
from bot.services.auditing import Check, Export
from bot.slack.elements import escape, is_person, mention, moment, one_line

SHOWN = ("before", "after", "number", "why", "label", "share", "people", "groups", "change", "role", "reason")
"""Of what an event carries, what a line shows, in this order."""

KEEP = "Keep the database as it is, and tell whoever answers for security."
BROKEN = {
    "missing": "is missing",
    "altered": "is not as it was written",
    "unlinked": "does not follow from the one before it",
}


def how_to_audit() -> str:
    """Under the newest events."""
    return (
        "`/spanwise audit who changed <name>` · `of @person` · `what <action>` · `verify` (with a posted "
        "checkpoint after it, or without) · `export csv` or `export jsonl`, each with `of`, `who changed`, "
        "`since 2026-01-31` and `until 2026-02-28` if you like"
    )


def event_line(event: AuditEvent) -> str:
    """Who did what to what, when and why."""
    who = mention(event.actor) if is_person(event.actor) else f"`{escape(event.actor)}`"
    facts = "; ".join(_facts(event.context))
    said = f" ({facts})" if facts else ""
    what = f"`{escape(event.action)}` `{escape(event.target)}`"
    return f"{event.seq} · {moment(event.occurred_at)} · {who} · {what}{said}"


def _facts(context: Mapping[str, object]) -> Iterable[str]:
    for name in SHOWN:
        value = context.get(name)
        if value in (None, "", [], {}):
            continue
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield f"{name} {one_line(shown, 120)}"


def head_of(about: str, count: int) -> str:
    """Above a list of events."""
    what = f" about {one_line(about, 80)}" if about else ""
    if not count:
        return f"There is no event{what}."
    return f"*The newest {'event' if count == 1 else f'{count} events'}{what}*"


def verified(found: Verification, last: Checkpoint | None, public_key: str) -> str:
    """The chain walked."""
    if found.bad_seq is not None:
        how = BROKEN.get(found.why, found.why)
        return (
            f":no_entry: The audit chain is broken: event {found.bad_seq} {how}. "
            f"The {found.rows} before it are as they were written. {KEEP}"
        )
    lines = [
        f":white_check_mark: {found.rows} audit events, each as it was written, none missing between them.",
        f"The last has the hash `{found.head}`.",
    ]
    if last is not None:
        lines.append(f"The newest checkpoint is {escape(last.slot)}, at event {last.events}.")
    if not public_key:
        lines.append("No checkpoints are signed here: that events were cut off at the end would not be seen.")
    return "\n".join(lines)


def checked(found: Check) -> str:
    """A checkpoint held against the chain."""
    kept = found.checkpoint
    if not found.is_signed:
        return ":no_entry: The signature does not fit: the text was changed, or it was never signed."
    if found.is_ours is False:
        return ":no_entry: The checkpoint was signed with another key than the one that is set here."
    if found.chain.bad_seq is not None and found.chain.bad_seq <= kept.events:
        return verified(found.chain, None, "set")
    if not found.is_there:
        return (
            f":no_entry: The chain is not the one of checkpoint {escape(kept.slot)}: event {kept.events} is "
            f"gone or another. Events were cut off or written anew since. {KEEP}"
        )
    if found.chain.bad_seq is not None:
        return verified(found.chain, None, "set")
    own = (
        ""
        if found.is_ours
        else " No key is set here, so compare the one it names with the one you were given."
    )
    return (
        f":white_check_mark: Checkpoint {escape(kept.slot)} holds: all {kept.events} events up to "
        f"{moment(kept.at)} are as they were then, and {found.chain.rows - kept.events} came after.{own}"
    )


def checkpoint_posted(slot: str, events: int) -> str:
    """Above the text of a checkpoint."""
    return (
        f"*Audit checkpoint {escape(slot)}*, over {events} events. Whoever may see the audit trail checks it "
        "with `/spanwise audit verify` and this text after it:"
    )


def exported(made: Export) -> str:
    """With the file."""
    head = f" The chain ended with `{made.head}`." if made.head else ""
    return f"{made.count} audit events. That you took them is on record.{head}"


def no_upload() -> str:
    """Slack does not let us."""
    return (
        "Slack does not let me send files here: the app lacks the scope `files:write`. An operator can write "
        "the file with `python -m bot audit export`."
    )


def not_a_date(value: str) -> str:
    """After `since` or `until`."""
    return f"“{one_line(value, 40)}” is no date. Write it as 2026-01-31."
