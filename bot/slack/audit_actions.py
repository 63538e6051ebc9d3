"""`/spanwise audit`: asking the trail, checking it, and taking it away."""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from bot.adapters.store.audit_search import Search
from bot.governance.roles import EVERYTHING
from bot.services.audit_files import FORMATS, Format
from bot.services.outbox_items import OutboxItem
from bot.slack import audit_text as words
from bot.slack import elements as el
from bot.slack.arguments import split_word
from bot.slack.blocks import notice
from bot.slack.desk import Desk, Reply
from bot.slack.elements import Outgoing, is_person
from bot.slack.file_delivery import hand_over
from bot.slack.form_replies import saying
from bot.slack.incoming import plain_text
from bot.slack.payloads import Call

LISTED = 12
_PERSON = re.compile(r"\b(?:of|by|from)\s+<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_CHANGED = re.compile(r"\bwho\s+changed\s+(?:the\s+)?`?/?([\w.:*/-]+)`?", re.IGNORECASE)
_ACTION = re.compile(r"\bwhat\s+([a-z_.]+)")
_DATE = re.compile(r"\b(since|until)\s+(\S+)")

SubCommand = Callable[[Call, Desk, str], Awaitable[Reply]]


class NotADate(Exception):
    """After `since` or `until` stands no date; fact `value`."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.facts = {"value": value}


class UnclearSearch(Exception):
    """Nothing of what was typed says what to look for; fact `said`."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.facts = {"said": said}


async def audit(call: Call, desk: Desk, rest: str) -> Reply:
    """`audit`, `audit who changed x`, `audit of @person`, `audit verify`, `audit export`."""
    word, more = split_word(rest)
    if word == "verify":
        return await verify(call, desk, more)
    if word == "export":
        return await export(call, desk, more)
    actor = await desk.people.actor(call.person)
    search = read_search(rest)
    if rest.strip() and search == Search():
        raise UnclearSearch(rest.strip())
    found = await desk.auditing.find(actor, search, scope=_scope(search), limit=LISTED)
    lines = [words.head_of(search.about or search.action, len(found)), *map(words.event_line, found)]
    blocks = (*(el.section(line) for line in lines), el.context(words.how_to_audit()))
    people = {event.actor for event in found if is_person(event.actor)}
    return saying(desk, Outgoing(lines[0], blocks, frozenset(people)))


async def verify(call: Call, desk: Desk, text: str) -> Reply:
    """The chain walked, and a posted checkpoint held against it."""
    actor = await desk.people.actor(call.person)

    async def look() -> None:
        # a long chain takes longer than Slack waits
        if text.strip():
            said = words.checked(await desk.auditing.check(actor, plain_text(text)))
        else:
            found, last = await desk.auditing.verify(actor)
            said = words.verified(found, last, desk.auditing.public_key)
        await desk.tell(call, notice(said))

    return Reply(after=look)


async def export(call: Call, desk: Desk, rest: str) -> Reply:
    """A file of events in the person's direct messages."""
    actor = await desk.people.actor(call.person)
    form: Format = next((each for each in FORMATS if each in rest.lower().split()), "csv")
    search = read_search(rest)

    async def send() -> None:
        made = await desk.auditing.export(actor, search, form, surface="command")
        await hand_over(
            call,
            desk,
            name=made.name,
            content=made.content,
            said=words.exported(made),
            no_upload=words.no_upload(),
        )

    return Reply(after=send)


def read_search(text: str) -> Search:
    """What a person asks for, in words. Raises NotADate."""
    person, changed, action = _PERSON.search(text), _CHANGED.search(text), _ACTION.search(text)
    dates = {which: _date(value) for which, value in _DATE.findall(text)}
    until = dates.get("until")
    return Search(
        about=changed.group(1) if changed else "",
        actor=person.group(1) if person else "",
        action=action.group(1) if action else "",
        since=dates.get("since"),
        until=until + timedelta(days=1) if until else None,
        changes_only=changed is not None,
    )


def checkpoint_letter(item: OutboxItem, _now: datetime, _names: Mapping[str, str]) -> Outgoing:
    """The signed end of the chain, in the admin channel."""
    said = words.checkpoint_posted(str(item.body.get("slot", "")), int(item.body.get("events", 0)))
    return notice(said, el.section(f"```{el.escape(str(item.body.get('text', '')))}```"))


def _date(value: str) -> datetime:
    try:
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise NotADate(value) from None


def _scope(search: Search) -> str:
    """Who sees the trail of one workflow only may ask who changed that one."""
    name = re.split(r"[./]", search.about.partition(":")[2] or search.about)[0]
    return f"workflow:{name}" if search.changes_only and name else EVERYTHING


AUDIT_SUBCOMMANDS: Mapping[str, SubCommand] = {"audit": audit}
