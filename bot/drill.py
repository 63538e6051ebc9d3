"""A rehearsal of a provider's outage: the whole product on a database of its own, with no line to Slack."""

import asyncio
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.local_provider import LocalProvider
from bot.adapters.prices import MILLION, Tokens, cost_of
from bot.adapters.profiles import ModelProfile, ModelProfiles
from bot.adapters.provider_call import BUILT_IN, load_litellm
from bot.bootstrap import Product, build
from bot.governance.roles import EVERYONE, EVERYTHING, Role
from bot.services.access import OPERATOR
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Content
from bot.services.run_views import Explanation
from bot.services.runs import RunRequest
from bot.settings import Settings
from bot.settings_reading import settings_from
from knowledge.embedding import Embedder
from workflows.run import RUN_TRANSITIONS, RunStatus

LONGEST_S = 180.0
"""How long runs may take after the outage before they count as lost: several probes of a circuit."""
LOOK_S = 0.2
PEOPLE = 7
"""Made-up people who ask in turn."""
TEXT = "The pump is late. The crew waits in Leeds. Ben asks the supplier for a date."
PROMPT = "---\nvariables: [text, max_sentences]\n---\nIn {{ max_sentences }} sentences: {{ text }}\n"
WORKFLOW = """
name: NAME
title: Drill
purpose: Asks one model, for a drill.
inputs:
  text: {kind: text, label: Text}
steps:
  - id: answer
    kind: prompt
    task: summarise
    template: drill.answer
    model: ALIAS
    text: "{{ inputs.text }}"
answer: "{{ answer.text }}"
"""


class UnknownProvider(Exception):
    """No alias of models.yaml is served by that provider."""

    def __init__(self, provider: str, known: list[str]) -> None:
        super().__init__(provider)
        self.facts = {"provider": provider, "known": ", ".join(known)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is rehearsed."""

    provider: str
    runs: int
    seconds: float
    """How long it lasts; the runs are asked for evenly within it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rehearsal came to."""

    plan: Plan
    answered: int
    lost: int
    fallback_s: float | None
    """From the beginning of the outage to the first answer of a fallback; None when there was none."""
    by_fallback: int
    put_off: int
    """Runs that waited for the provider to come back."""
    calls: int
    failed_calls: int
    refused: int
    """Calls that the breaker kept from being made."""
    extra_usd: Decimal
    """Beyond what the runs would have cost without an outage."""
    is_priced: bool
    longest_s: float


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The aliases that a provider serves, with stand-ins in the place of all providers."""

    aliases: tuple[str, ...]
    profiles: Mapping[str, Mapping[str, Any]]


def rehearsed(profiles: ModelProfiles, plan: Plan, stand_in: LocalProvider, at: datetime) -> Rehearsed:
    """The same lists of models, every address replaced, no key. Raises UnknownProvider."""
    first = {alias: profiles.profile(alias) for alias in profiles.aliases}
    served = {alias: p for alias, p in first.items() if p.provider == plan.provider != BUILT_IN}
    if not served:
        raise UnknownProvider(plan.provider, sorted({p.provider for p in first.values()} - {BUILT_IN}))
    made: dict[str, Mapping[str, Any]] = {"default": {"model": f"{BUILT_IN}/quote"}}
    for alias in served:
        chain = profiles.chain(alias)
        names = [alias, *(f"{alias}-{number}" for number in range(1, len(chain)))]
        for name, profile in zip(names, chain, strict=True):
            made[name] = _stood_in(profile, stand_in, at)
        made[alias] = {**made[alias], "fallbacks": names[1:]}
    return Rehearsed(tuple(served), made)


def _stood_in(profile: ModelProfile, stand_in: LocalProvider, at: datetime) -> Mapping[str, Any]:
    if profile.provider == BUILT_IN:
        return {"model": profile.model}
    litellm = load_litellm()
    each = [cost_of(litellm, profile, tokens, at) for tokens in _MILLIONS]
    kept = profile.model_dump(mode="json", include={"timeouts", "requests_per_minute", "tokens_per_minute"})
    price = [{"input_per_million": str(each[0]), "output_per_million": str(each[1])}]
    return {
        **{name: value for name, value in kept.items() if value is not None},
        **({"price": price} if None not in each else {}),
        "model": f"openai/{profile.model.replace('/', '.')}",
        "api_base": stand_in.base_url(profile.provider),
        "max_output_tokens": profile.max_output_tokens or 800,
    }


_MILLIONS = (Tokens(int(MILLION), 0), Tokens(0, int(MILLION)))


async def rehearse(plan: Plan, profiles: ModelProfiles, at: datetime) -> Outcome:
    """Carry it out in a temporary folder. Raises UnknownProvider."""
    await asyncio.to_thread(load_litellm)
    with tempfile.TemporaryDirectory(prefix="spanwise-drill-") as folder:
        async with LocalProvider() as stand_in:
            wanted = rehearsed(profiles, plan, stand_in, at)
            product = build(_settings(Path(folder), wanted.profiles), embedder=Embedder())
            try:
                return await _Rehearsal(plan, product, stand_in, wanted.aliases).carry_out()
            finally:
                await product.close()


def _settings(folder: Path, profiles: Mapping[str, Any]) -> Settings:
    """Nothing of the installation but the shape of its models: no database, no Slack, no collector."""
    models = folder / "models.yaml"
    models.write_text(json.dumps(profiles), encoding="utf-8")
    given: dict[str, Any] = {"SPANWISE_DATA_DIR": folder, "SPANWISE_MODELS": models}
    given |= dict.fromkeys(("DATABASE_URL", "CHROMA_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"), "")
    return settings_from(**given)


@dataclass(slots=True)
class _Rehearsal:
    plan: Plan
    product: Product
    stand_in: LocalProvider
    aliases: tuple[str, ...]

    async def carry_out(self) -> Outcome:
        await self._prepare()
        stop, worker = asyncio.Event(), self.product.worker()
        working = asyncio.create_task(worker.run_until(stop))
        try:
            begun = self.product.clock.now()
            self.stand_in.down.add(self.plan.provider)
            run_ids = await self._ask()
            self.stand_in.down.clear()
            explained = await self._ended(run_ids)
        finally:
            stop.set()
            await working
        return self._outcome(explained, begun)

    async def _prepare(self) -> None:
        contents = [Content("prompt", "drill.answer", PROMPT)]
        for alias in self.aliases:
            text = WORKFLOW.replace("NAME", f"drill-{alias}").replace("ALIAS", alias)
            contents.append(Content("workflow", f"drill-{alias}", text))
        await self.product.catalogue.seed(contents)
        await self.product.access.grant(Actor(OPERATOR), EVERYONE, Role.RUNNER, EVERYTHING)
        await self.product.models.warm_up()

    async def _ask(self) -> list[str]:
        ids = []
        for number in range(self.plan.runs):
            request = RunRequest(
                f"drill-{number}",
                Actor(f"U0DRILL{number % PEOPLE}", team_id="T0DRILL"),
                f"drill-{self.aliases[number % len(self.aliases)]}",
                {"text": TEXT},
                Origin("command", team_id="T0DRILL", channel_id="D0DRILL"),
            )
            ids.append((await self.product.runs.accept(request)).run_id)
            await asyncio.sleep(self.plan.seconds / self.plan.runs)
        return ids

    async def _ended(self, run_ids: list[str]) -> list[Explanation]:
        until = asyncio.get_running_loop().time() + LONGEST_S
        while True:
            found = [await self.product.runs.explain(Actor(OPERATOR), run_id) for run_id in run_ids]
            is_late = asyncio.get_running_loop().time() > until
            if is_late or not any(RUN_TRANSITIONS[each.run.status] for each in found):
                return found
            await asyncio.sleep(LOOK_S)

    def _outcome(self, explained: list[Explanation], begun: datetime) -> Outcome:
        calls = [call for each in explained for call in each.calls]
        answers = [call for call in calls if call.outcome == "ok"]
        first = {self.product.models.profiles.profile(alias).model for alias in self.aliases}
        elsewhere = [call for call in answers if call.model not in first]
        ended = [each.run for each in explained if each.run.status is RunStatus.SUCCEEDED]
        longest = max(((run.finished_at or run.created_at) - run.created_at for run in ended), default=None)
        waited = self.product.store.read_now(_put_off)
        return Outcome(
            plan=self.plan,
            answered=len(ended),
            lost=len(explained) - len(ended),
            fallback_s=min((_after_s(call, begun) for call in elsewhere), default=None),
            by_fallback=len(elsewhere),
            put_off=waited,
            calls=self.stand_in.asked[self.plan.provider],
            failed_calls=self.stand_in.failed[self.plan.provider],
            refused=self.product.models.breaker.refused,
            extra_usd=sum((call.cost_usd for call in calls), Decimal(0)) - self._usual_usd(answers),
            is_priced=all(call.priced for call in calls),
            longest_s=longest.total_seconds() if longest else 0.0,
        )

    def _usual_usd(self, answers: list[LedgerEntry]) -> Decimal:
        """What the answers would have cost at the models that were asked first."""
        litellm, profiles = load_litellm(), self.product.models.profiles
        return sum(
            (
                cost_of(litellm, profiles.profile(call.alias), _tokens(call), call.started_at) or Decimal(0)
                for call in answers
            ),
            Decimal(0),
        )


def _tokens(call: LedgerEntry) -> Tokens:
    return Tokens(call.input_tokens, call.output_tokens)


def _after_s(call: LedgerEntry, begun: datetime) -> float:
    return (call.started_at - begun).total_seconds() + call.seconds


def _put_off(connection: Any) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM runs WHERE put_off > 0").scalar_one())
