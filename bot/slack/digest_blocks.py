"""The weekly digest as one message, and its settings. Pure; never over Slack's 50 blocks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from bot.quality import chart_data
from bot.quality.digest import Chart, Digest
from bot.quality.digest_findings import Act, Finding, FindingKind, FindingStatus, doable
from bot.quality.finding_sight import Sight, seen
from bot.services.digest_acting import DigestLetter
from bot.services.digesting import DigestSettings, DigestView
from bot.services.outbox_items import OutboxItem
from bot.slack import digest_finding_text as found
from bot.slack import digest_text as words
from bot.slack import elements as el
from bot.slack.blocks import notice
from bot.slack.budget_blocks import TOP_UP
from bot.slack.budget_text import TOP_UP as ADD
from bot.slack.digest_charts import chart_blocks
from bot.slack.elements import Outgoing, is_person
from bot.slack.richtext import Block

FIX, CASE, KNOWLEDGE = "digest-fix", "digest-case", "digest-knowledge"
ASSIGN, DISMISS, TAKE_BACK = "digest-assign", "digest-dismiss", "digest-back"
"""Action ids; the value is the finding, which the menu of Assign has in its block id."""
SHOW_FURTHER = "digest-further"
"""Action id; the value is the digest's key."""

ACTION_IDS: Mapping[Act, str] = {
    Act.FIX: FIX,
    Act.CASE: CASE,
    Act.KNOWLEDGE: KNOWLEDGE,
    Act.ASSIGN: ASSIGN,
    Act.DISMISS: DISMISS,
}
SECTION = 2900
"""Characters of one section; Slack takes 3000."""

Names = Mapping[str, str]


def digest_letter(item: OutboxItem, _now: datetime, _names: Names) -> Outgoing:
    """The digest as it stands now."""
    if not isinstance(item.about, DigestLetter):
        return notice(words.FORGOTTEN)
    digest = item.about.digest
    findings = {name: seen(each, digest.sight) for name, each in item.about.findings.items()}
    is_moved = item.channel[:1] in "CG" and bool(item.posted_channel) and item.posted_channel != item.channel
    top = [_text(words.moved_here(item.channel))] if is_moved else []
    blocks = (*top, *(_quiet(digest) if digest.is_quiet else _whole(digest, findings, item.subject)))
    return Outgoing(words.plain(digest), blocks, _people(digest, findings.values()))


def _quiet(digest: Digest) -> Iterator[Block]:
    yield _text(words.quiet(digest, words.HOW_TO))


def _whole(digest: Digest, findings: Mapping[str, Finding], key: str) -> Iterator[Block]:
    yield el.header(words.title(digest))
    if digest.is_preview:
        yield el.context(words.preview(digest))
    yield from _followed(digest, findings)
    if digest.is_only_failures:
        yield _text(words.only_failures(digest))
    yield _text(words.numbers(digest))
    if lines := words.workflow_lines(digest):
        yield _text(lines)
    yield from _charts(digest.charts)
    yield from _lists(digest)
    yield from _findings(digest, findings, key)
    yield el.context(words.footer(digest.zone))


def _followed(digest: Digest, findings: Mapping[str, Finding]) -> Iterator[Block]:
    rows = [
        words.follow_up(each, found.short(findings[each.finding_id]))
        for each in digest.follow_ups
        if each.finding_id in findings
    ]
    if rows:
        yield _text("\n".join([words.followed(), *rows]))


def _charts(charts: Sequence[Chart]) -> Iterator[Block]:
    files = {each.data: each.file_id for each in charts if each.file_id}
    native = any(each.is_native for each in charts)
    yield from chart_blocks([chart_data.unpacked(each.data) for each in charts], files, native=native)


def _lists(digest: Digest) -> Iterator[Block]:
    if digest.topics:
        yield _text(words.topics(digest.topics))
    if documents := words.documents(digest):
        yield _text(documents)
    if digest.forecasts:
        yield _text(words.forecasts(digest.forecasts))


def _findings(digest: Digest, findings: Mapping[str, Finding], key: str) -> Iterator[Block]:
    shown = [findings[each] for each in digest.findings if each in findings]
    if not shown:
        return
    yield el.divider()
    yield el.header(words.FINDINGS)
    yield from _each(shown, _titles(digest))
    if digest.further:
        show = el.button(words.SHOW_FURTHER, SHOW_FURTHER, key, about=words.show_further(len(digest.further)))
        yield el.section(words.left_out(digest.findings_left), show)
    elif digest.findings_left:
        yield el.context(words.left_out(digest.findings_left))


def _each(findings: Iterable[Finding], titles: Names) -> Iterator[Block]:
    for finding in findings:
        yield _text(found.told(finding, found.where(finding, titles)))
        yield _ending(finding)


def further_letter(item: OutboxItem, _now: datetime, _names: Names) -> Outgoing:
    """The findings of less weight as they stand now, under their digest."""
    if not isinstance(item.about, DigestLetter):
        return notice(words.FORGOTTEN)
    digest, known = item.about.digest, item.about.findings
    findings = [seen(known[each], digest.sight) for each in digest.further if each in known]
    heading = words.further(len(digest.further))
    blocks = [_text(f"*{heading}*"), *_each(findings, _titles(digest))]
    if unlisted := digest.findings_left - len(digest.further):
        blocks.append(el.context(words.unlisted(unlisted)))
    return Outgoing(heading, tuple(blocks), frozenset(filter(is_person, _deciders(findings))))


def _titles(digest: Digest) -> Names:
    return {each.name: each.title for each in digest.workflows}


def _ending(finding: Finding) -> Block:
    """Buttons, or what was done with the way back."""
    if finding.status is FindingStatus.OPEN:
        return _buttons(finding, doable(finding))
    if finding.decision is None:
        return el.context(found.gone())
    about = "Take the decision about this finding back"
    back = el.button(found.TAKE_BACK, TAKE_BACK, finding.id, about=about)
    return el.section(found.settled(finding.decision), back)


def _buttons(finding: Finding, acts: Iterable[Act]) -> Block:
    first = []
    if budget := str(finding.facts.get("budget") or ""):
        # what helps at once; it settles nothing, as the month may still cost more
        first.append(el.button(ADD, TOP_UP, budget, about=f"{ADD}: {found.heading(finding)}"))
    return el.actions(*first, *(_element(finding, act) for act in acts), block_id=f"finding:{finding.id}")


def _element(finding: Finding, act: Act) -> Block:
    label = found.BUTTONS[act]
    if act is Act.ASSIGN:
        return {"type": "users_select", "action_id": ASSIGN, "placeholder": el.plain(label)}
    return el.button(label, ACTION_IDS[act], finding.id, about=f"{label}: {found.heading(finding)}")


def task_letter(item: OutboxItem, _now: datetime, _names: Names) -> Outgoing:
    """A finding, to whom it was given."""
    by = str(item.body.get("by", ""))
    finding = item.about
    if not isinstance(finding, Finding):
        return notice(found.gone())
    # it may have been given to somebody who may not see what people asked, or not read some document
    sight = Sight(bool(item.body.get("sees")), frozenset(map(str, item.body.get("open") or ())))
    finding = seen(finding, sight)
    told = found.told(finding, found.where(finding, {}))
    is_theirs = finding.decision is not None and finding.decision.result == item.channel
    hidden = {Act.ASSIGN} if sight.asked else {Act.ASSIGN, Act.CASE}
    acts = [each for each in doable(finding) if each not in hidden]
    if finding.status is FindingStatus.ASSIGNED and is_theirs:
        ending = _buttons(finding, acts)
    else:
        ending = _ending(finding)
    mentions = {by} | _deciders([finding])
    return Outgoing(
        found.heading(finding), (_text(found.given(by)), _text(told), ending), frozenset(mentions)
    )


def trouble_letter(item: OutboxItem, _now: datetime, _names: Names) -> Outgoing:
    """A digest that could not be made."""
    why, place, token = (str(item.body.get(name, "")) for name in ("why", "place", "token"))
    return notice(words.trouble(why, place, token))


def settings_message(settings: DigestSettings) -> Outgoing:
    """A person's own digest, and those of channels."""
    rows = [words.setting(each) for each in (settings.own, *settings.channels) if each is not None]
    if settings.own is None:
        rows.insert(0, words.none_yet(may_have=settings.may_have))
    blocks = [_text(each) for each in rows[:40]]
    return notice(rows[0], *blocks[1:], el.context(words.HOW_TO))


def set_message(view: DigestView) -> Outgoing:
    """After a digest was set or switched."""
    return notice(words.is_set(view))


def _text(text: str) -> Block:
    return el.section(el.shorten(text, SECTION))


def _people(digest: Digest, findings: Iterable[Finding]) -> frozenset[str]:
    did = {each.by for each in digest.follow_ups} | {each.result for each in digest.follow_ups}
    return frozenset(person for person in did | _deciders(findings) if is_person(person))


def _deciders(findings: Iterable[Finding]) -> set[str]:
    """Everybody that findings speak of: who decided, to whom they were given, who changed something."""
    people: set[str] = set()
    for finding in findings:
        if finding.decision is not None:
            people |= {finding.decision.by, finding.decision.result}
        if finding.kind is FindingKind.ANOMALY:
            people |= {str(cause.get("by", "")) for cause in finding.facts.get("causes", ())}
    return {person for person in people if is_person(person)}
