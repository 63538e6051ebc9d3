"""Making a digest: counting the week, asking what stands out, remembering what people decided about it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from bot.adapters.store import audit_log, digest_facts, digests_log, outbox_log
from bot.adapters.store.database import Store
from bot.adapters.store.digests_log import POSTED, HeldDigest, Subscription
from bot.quality import chart_data, digest_found
from bot.quality.chart_data import ChartData
from bot.quality.digest import Chart, Digest, DocumentLine, ForecastLine, TopicLine, packed
from bot.quality.digest_findings import COLLECTION, MOST_FURTHER, Finding, chosen, remembered
from bot.quality.digest_found import Failures
from bot.quality.week_insights import Topic, WeekInsights
from bot.services import opaque_ids
from bot.services.catalogue import Catalogue, UnknownWorkflow
from bot.services.digest_effects import follow_ups
from bot.services.digest_numbers import Numbers, read_numbers
from bot.services.digesting import DIGEST, is_channel
from bot.services.discretion import readable
from bot.services.readers import Audience
from workflows.ports import Clock

TOPICS, DOCUMENTS = 3, 3

AskInsights = Callable[[Sequence[str], datetime, datetime, bool, Audience], Awaitable[WeekInsights]]
"""Workflows, since, until, whether the readers may see what people asked, and who they are."""


async def no_insights(
    _workflows: Sequence[str], since: datetime, until: datetime, _sees: bool, _audience: Audience
) -> WeekInsights:
    """Nothing stands out."""
    return WeekInsights(since, until)


@dataclass(frozen=True, slots=True)
class Made:
    """A digest before it is posted: what it says, and everything it could point out."""

    digest: Digest
    found: tuple[Finding, ...]
    charts: tuple[ChartData, ...]
    scopes: tuple[str, ...]
    """What its findings may be about."""


class DigestMaker:
    """Reads the store and writes the outbox; no picture is drawn here."""

    def __init__(self, store: Store, catalogue: Catalogue, clock: Clock, insights: AskInsights) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock
        self._insights = insights

    async def make(
        self, held: HeldDigest, kept: Subscription, audience: Audience, workflows: Sequence[str]
    ) -> Made:
        """Count and look. `audience` will read it; `workflows` are those whose runs they may see, or in a
        channel whoever set it. Raises UnknownZone."""
        zone, is_public = kept.schedule.info, is_channel(kept.recipient)
        since, until = held.week.starts(zone), held.week.ends(zone)
        insights = await self._insights(workflows, since, until, not is_public, audience)

        def look(
            connection: Connection,
        ) -> tuple[Numbers, tuple[Failures, ...], Mapping[str, str], frozenset[str]]:
            titles = self._titles(connection, workflows)
            numbers = read_numbers(connection, titles, held.week, zone)
            runs = {each.name: each.now.runs for each in numbers.lines}
            failed = digest_facts.failures(connection, since, until, workflows)
            failures = tuple(
                Failures(name, error, each.count, runs.get(name, each.count), each.newest_run_id, each.facts)
                for (name, error), each in failed.items()
            )
            return numbers, failures, titles, readable(connection, audience)

        numbers, failures, titles, is_open = await self._store.read(look)
        digest = Digest(
            recipient=kept.recipient,
            week=str(held.week),
            zone=kept.schedule.zone,
            since=since,
            until=until,
            total=numbers.total,
            workflows=numbers.lines,
            silent=len(titles) - sum(each.now.runs > 0 for each in numbers.lines),
            topics=tuple(_topic(each) for each in insights.topics[:TOPICS] if each.label),
            used=_used(insights),
            unused=tuple(each.title for each in insights.documents_unused[:DOCUMENTS]),
            unused_count=len(insights.documents_unused),
            forecasts=_forecasts(insights, titles),
            is_preview=held.is_preview,
            set_by=kept.set_by,
            is_public=is_public,
            open=tuple(sorted(is_open)),
        )
        found = digest_found.found(insights, failures, held.week, sees=not is_public)
        collections = {each.document.collection for each in insights.stale}
        scopes = (*workflows, "", *(f"{COLLECTION}{name}" for name in sorted(collections)))
        return Made(digest, found, numbers.charts, scopes)

    async def post(self, held: HeldDigest, made: Made, charts: Sequence[Chart]) -> bool:
        """Hand it to the outbox, once; False when somebody else has it."""

        def act(connection: Connection) -> bool:
            now = self._clock.now()
            digest = self._finished(connection, held, made, tuple(charts), now)
            if not digests_log.end_digest(connection, held, POSTED, packed(digest), now):
                return False
            outbox_log.insert_item(connection, _letter(held, digest), now)
            audit_log.append_event(
                connection,
                actor=digest.set_by or "spanwise",
                action="digest.previewed" if held.is_preview else "digest.posted",
                target=held.key,
                context={
                    "week": digest.week,
                    "runs": digest.total.now.runs,
                    "findings": len(digest.findings),
                },
                at=now,
            )
            return True

        return await self._store.write(act)

    def _finished(
        self,
        connection: Connection,
        held: HeldDigest,
        made: Made,
        charts: tuple[Chart, ...],
        now: datetime,
    ) -> Digest:
        """With the findings that people have not settled, and what came of those that they acted on."""
        known = digests_log.read_findings(connection, made.scopes)
        shown, left = chosen(remembered(made.found, known))
        further = left[:MOST_FURTHER]
        for each in (*shown, *further):
            digests_log.put_finding(connection, each, now)
        fresh = {each.id for each in (*shown, *further)}
        settled = [each for each in known if each.id not in fresh]
        return replace(
            made.digest,
            findings=tuple(each.id for each in shown),
            further=tuple(each.id for each in further),
            findings_left=len(left),
            follow_ups=follow_ups(connection, settled, made.digest.until, now),
            charts=charts,
        )

    def _titles(self, connection: Connection, workflows: Sequence[str]) -> dict[str, str]:
        """Name to title; a title that two workflows have carries the name."""
        titles = {name: self._title(connection, name) for name in workflows}
        every = list(titles.values())
        return {
            name: title if every.count(title) == 1 else f"{title} ({name})" for name, title in titles.items()
        }

    def _title(self, connection: Connection, name: str) -> str:
        try:
            return self._catalogue.find_in(connection, name).title
        except UnknownWorkflow:
            return name


def packed_charts(charts: Sequence[ChartData]) -> tuple[Chart, ...]:
    """Charts as the digest keeps them, before Slack has the pictures."""
    return tuple(Chart(chart_data.packed(each)) for each in charts)


def _letter(held: HeldDigest, digest: Digest) -> outbox_log.NewItem:
    return outbox_log.NewItem(
        id=opaque_ids.message_id(held.key, DIGEST),
        kind=DIGEST,
        channel=held.recipient,
        subject=held.key,
        # whom to tell where the channel is closed to us
        body={"person": digest.set_by or held.recipient},
    )


def _topic(each: Topic) -> TopicLine:
    return TopicLine(
        workflow=each.workflow,
        label=each.label,
        questions=each.questions,
        before=each.before,
        uncovered=each.uncovered,
        examples=tuple(example.text for example in each.examples),
    )


def _used(insights: WeekInsights) -> tuple[DocumentLine, ...]:
    return tuple(
        DocumentLine(each.title, each.answers, each.votes_down)
        for each in insights.documents_used[:DOCUMENTS]
    )


def _forecasts(insights: WeekInsights, titles: Mapping[str, str]) -> tuple[ForecastLine, ...]:
    return tuple(
        ForecastLine(
            titles.get(each.workflow, each.workflow),
            each.spent,
            each.expected,
            each.low,
            each.high,
            each.limit,
        )
        # the first is of all together; of one workflow, what matters is its limit
        for number, each in enumerate(insights.forecasts)
        if number == 0 or each.limit is not None
    )
