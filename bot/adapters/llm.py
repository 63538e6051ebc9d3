"""The Model port: aliases to providers, with a deadline, retries, fallbacks and a ledger entry a call."""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from bot.adapters.breaker import Breaker, Resting
from bot.adapters.circuit import PROBE_AFTER
from bot.adapters.embedded.provider import QUOTED_NOTE, Quoter
from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.profiles import ModelProfile, ModelProfiles, read_profiles
from bot.adapters.provider_call import BUILT_IN, CallResult, OnText, ProviderCall, ProviderCalls
from bot.adapters.provider_errors import CallFailed, facts_of
from bot.adapters.reservation import CheaperWanted, Expected, Payer, Reservation, UnknownPrice
from bot.adapters.retry_budget import RetryBudget
from bot.adapters.store.database import Store
from bot.adapters.system_clock import SystemClock
from bot.adapters.turns import Turns
from workflows.ports import (
    Clock,
    Model,
    ModelBusy,
    ModelRefused,
    ModelReply,
    ModelRequest,
    ModelResting,
    ModelTimeout,
    ModelUnavailable,
)
from workflows.run import AGAIN, Usage

if TYPE_CHECKING:
    from knowledge.embedding import Embedder

ATTEMPTS = 3
"""The first call of a provider and at most two retries."""
BACKOFF_S = 0.5
"""Upper bound of the first wait; doubles with each retry; the wait is drawn evenly below it."""
SPARE_S = 1.0
"""Of the deadline, which is the step's too, what is kept to say what happened."""
AGAIN_S = f"{PROBE_AFTER.total_seconds():.0f}"
"""When what failed by a provider's fault may be worth another try."""
CUT_NOTE = "The model stopped at its length limit; the end may be missing."

Record = Callable[[LedgerEntry], Awaitable[None]]


class Models:
    """All configured models of this process."""

    def __init__(
        self,
        profiles: ModelProfiles,
        store: Store,
        *,
        embedder: "Embedder | None" = None,
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
        allows_unpriced: bool = True,
    ) -> None:
        self.profiles = profiles
        self.clock = clock or SystemClock()
        self.allows_unpriced = allows_unpriced
        """Whether a model may be called that nobody knows the price of; never where a budget applies."""
        self.breaker = Breaker(store)
        self.retries = RetryBudget(store)
        self.turns = Turns(store)
        self.calls = ProviderCalls(Quoter(embedder), os.environ if environ is None else environ)

    async def warm_up(self) -> None:
        """Load now what the first call would wait for."""
        await self.calls.load()

    def writes(self, alias: str, profiles_text: str = "") -> bool:
        """Whether a model that writes serves the alias, not the built-in one. Raises UnknownAlias."""
        return self._profiles(profiles_text).profile(alias).provider != BUILT_IN

    def has(self, alias: str, profiles_text: str = "") -> bool:
        """Whether the alias is configured."""
        return alias in self._profiles(profiles_text).aliases

    async def unusable(self) -> tuple[str, ...]:
        """Aliases that no model can serve just now, each with why; nothing is called to find out."""
        await self.breaker.look()
        found = []
        for alias in self.profiles.aliases:
            why = [self._hindrance(profile) for profile in self.profiles.chain(alias)]
            if all(why):
                found.append(f"{alias}: {why[0]}")
        return tuple(found)

    def _hindrance(self, profile: ModelProfile) -> str:
        if profile.api_key_env and not self.calls.key_of(profile):
            return f"{profile.api_key_env} is not set"
        return "left alone for a while after failures" if self.breaker.is_open(profile.key) else ""

    async def estimate(self, request: ModelRequest, profiles_text: str = "") -> Decimal:
        """Dollars that one call may cost, by the dearest model of its alias; 0 where no price is known.

        Raises UnknownAlias.
        """
        chain = self._profiles(profiles_text).chain(request.alias)
        return max([await self.calls.estimate(profile, request) for profile in chain])

    def _profiles(self, text: str) -> ModelProfiles:
        return _profiles_of(text) if text else self.profiles

    def bind(
        self, record: Record, *, run_id: str = "", profiles_text: str = "", payer: Payer | None = None
    ) -> Model:
        """A Model whose every provider call is recorded as one entry before its result is used.

        `profiles_text` is the models.yaml that a run is pinned to; empty for the one of the settings. With a
        payer, money is set aside before each call.
        """
        return BoundModel(self, record, run_id, self._profiles(profiles_text), payer)


@lru_cache(maxsize=16)
def _profiles_of(text: str) -> ModelProfiles:
    return read_profiles(text)


@dataclass(frozen=True, slots=True)
class BoundModel:
    """The models as one run sees them."""

    models: Models
    record: Record
    run_id: str
    profiles: ModelProfiles
    payer: Payer | None = None

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelReply:
        """Answer the request within its deadline. Raises ModelError, BudgetSpent among them.

        Once a piece has gone to `on_text`, later attempts are silent: the reply's text is what counts.
        """
        chain = self.profiles.chain(request.alias)
        await self.models.calls.load()
        now = asyncio.get_running_loop().time
        begun, stream = now(), _OneStream(on_text)
        try:
            spare_s = min(SPARE_S, request.deadline_s / 20)
            async with asyncio.timeout(request.deadline_s - spare_s) as deadline:
                try:
                    cheaper = self._cheaper(chain[0])
                    return await _Asking(self, request, stream, deadline, cheaper).first_that_answers(chain)
                except CheaperWanted as wanted:
                    chain = self.profiles.chain(chain[0].cheaper or request.alias)
                    asking = _Asking(self, request, stream, deadline, notes=(wanted.note,))
                    return await asking.first_that_answers(chain)
        except TimeoutError:
            waited_s = f"{now() - begun:.0f}"
            again = {AGAIN: AGAIN_S} if stream.met_silence else {}
            raise ModelTimeout(request.alias, **facts_of(chain[0]), waited_s=waited_s, **again) from None

    def _cheaper(self, profile: ModelProfile) -> str:
        return self.profiles.profile(profile.cheaper).model if profile.cheaper else ""


@dataclass(frozen=True, slots=True)
class _Asking:
    """One request on its way through the providers of its alias."""

    bound: BoundModel
    request: ModelRequest
    stream: "_OneStream"
    deadline: asyncio.Timeout
    cheaper: str = ""
    """The model that may take the call when money is low."""
    notes: tuple[str, ...] = ()

    async def first_that_answers(self, chain: tuple[ModelProfile, ...]) -> ModelReply:
        for profile in chain:
            try:
                return await self._with_retries(profile)
            except CallFailed as failed:
                if profile is chain[-1] or not failed.may_fall_back:
                    if failed.is_fault:
                        failed.error.facts.setdefault(AGAIN, AGAIN_S)
                    raise failed.error from None
        raise ModelUnavailable(self.request.alias, reason="no_profile")

    async def _with_retries(self, profile: ModelProfile) -> ModelReply:
        models, attempt = self.bound.models, 0
        models.retries.called(profile.endpoint)
        while True:
            attempt += 1
            try:
                return await self._admitted(profile)
            except CallFailed as failed:
                wait_s = _wait_s(attempt, failed.retry_after_s)
                if attempt == ATTEMPTS or not failed.may_retry or wait_s >= self._left_s():
                    raise
                if not await models.retries.take(profile.endpoint):
                    raise
                await models.clock.sleep(wait_s)

    async def _admitted(self, profile: ModelProfile) -> ModelReply:
        """Call it unless its circuit is open, and count how that went."""
        if profile.provider == BUILT_IN:
            return await self._call(profile)
        breaker = self.bound.models.breaker
        try:
            is_probe = await breaker.admit(profile.key)
        except Resting as resting:
            again_s = f"{resting.seconds:.0f}"
            left_alone = ModelResting(self.request.alias, again_s=again_s, **facts_of(profile))
            raise CallFailed(left_alone) from None
        try:
            reply = await self._call(profile)
        except BaseException as error:
            if self.stream.met_silence or (isinstance(error, CallFailed) and error.is_fault):
                breaker.failed(profile.key)
            elif is_probe:
                # no money, no turn or stopped: others would be put off for a call that was never made
                breaker.let_go(profile.key)
            raise
        breaker.succeeded(profile.key, was_probe=is_probe)
        return reply

    async def _call(self, profile: ModelProfile) -> ModelReply:
        call = await self.bound.models.calls.prepare(profile, self.request)
        await self._turn(call)
        reservation = await self._reserve(call)
        started_at = reservation.at if reservation else self.bound.models.clock.now()
        begun = asyncio.get_running_loop().time()
        outcome = "ok"
        try:
            result = await call.run(self.stream.take())
        except CallFailed as failed:
            outcome = type(failed.error).__name__
            raise
        except asyncio.CancelledError:
            outcome = ModelTimeout.__name__ if self.deadline.expired() else "Cancelled"
            waited_s = asyncio.get_running_loop().time() - begun
            if self.deadline.expired() and call.is_silent and waited_s >= profile.timeouts.first_token_s:
                self.stream.met_silence = True
            raise
        finally:
            seconds = asyncio.get_running_loop().time() - begun
            usage = call.usage(started_at)
            entry = self._entry(call, usage, started_at, seconds, outcome)
            if reservation is not None:
                entry = replace(entry, reservation=reservation)
            await asyncio.shield(self.bound.record(entry))
        return ModelReply(result.text, profile.model, usage, seconds, (*self.notes, *_notes(profile, result)))

    async def _turn(self, call: ProviderCall) -> None:
        """Wait until the call may start. Raises CallFailed."""
        profile, facts = call.profile, facts_of(call.profile)
        tokens = call.expected_tokens() if profile.tokens_per_minute else 0
        if tokens > (profile.tokens_per_minute or tokens):
            raise CallFailed(ModelRefused(self.request.alias, reason="too_long", **facts))
        turn = await self.bound.models.turns.take(profile, tokens, self._left_s())
        if not turn.is_taken:
            again_s = f"{turn.wait.total_seconds():.0f}"
            raise CallFailed(ModelBusy(self.request.alias, again_s=again_s, **facts))
        if turn.wait:
            await self.bound.models.clock.sleep(turn.wait.total_seconds())

    async def _reserve(self, call: ProviderCall) -> Reservation | None:
        """Set the most aside that the call can cost. Raises BudgetSpent, CheaperWanted, UnknownPrice."""
        bound, now = self.bound, self.bound.models.clock.now()
        has_budget = bound.payer is not None and bound.payer.has_budget
        if not call.is_priced(now) and (has_budget or not bound.models.allows_unpriced):
            raise UnknownPrice(self.request.alias, **facts_of(call.profile))
        dollars = call.most_dollars(now) if has_budget else None
        if bound.payer is None or not dollars:
            return None
        seconds = min(self._left_s(), self.request.deadline_s)
        return await bound.payer.reserve(Expected(self.request.alias, dollars, seconds, self.cheaper))

    def _entry(
        self, call: ProviderCall, usage: Usage, started_at: datetime, seconds: float, outcome: str
    ) -> LedgerEntry:
        return LedgerEntry(
            run_id=self.bound.run_id,
            step_id=self.request.step_id,
            purpose=self.request.purpose,
            alias=self.request.alias,
            model=call.profile.model,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_usd=usage.cost_usd,
            started_at=started_at,
            seconds=round(seconds, 3),
            outcome=outcome,
            priced=call.is_priced(started_at),
            cached_tokens=call.cached_tokens,
            served_by=call.served_by,
        )

    def _left_s(self) -> float:
        ends_at = self.deadline.when()
        return float("inf") if ends_at is None else ends_at - asyncio.get_running_loop().time()


class _OneStream:
    """Lets pieces of one attempt through, never of two."""

    def __init__(self, on_text: OnText | None) -> None:
        self._on_text = on_text
        self._has_begun = False
        self.met_silence = False
        """Whether a provider said nothing until the deadline, though there was time."""

    def take(self) -> OnText | None:
        """A listener for the next attempt; None when nobody listens any more."""
        on_text = self._on_text
        if on_text is None or self._has_begun:
            return None

        def pass_on(piece: str) -> None:
            self._has_begun = True
            on_text(piece)

        return pass_on


def _wait_s(attempt: int, retry_after_s: float | None) -> float:
    spread = random.uniform(0, BACKOFF_S * 2 ** (attempt - 1))
    return spread if retry_after_s is None else retry_after_s + spread / 10


def _notes(profile: ModelProfile, result: CallResult) -> tuple[str, ...]:
    notes = [QUOTED_NOTE] if profile.provider == BUILT_IN else []
    if result.is_cut:
        notes.append(CUT_NOTE)
    return tuple(notes)
