"""The world around the processes: a Slack and a model that misbehave, and people who ask."""

import asyncio
import contextlib
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.adapters.correlation import correlation_for
from bot.slack.payloads import from_command, from_event
from bot.workspace.default_town import BOT_USER_ID, default_town
from bot.workspace.driver import Person
from bot.workspace.faults import Effect, Fault
from bot.workspace.noticeboard import Json
from bot.workspace.people import People
from bot.workspace.postman import Kind, NotAcknowledged, Postman, Retry
from bot.workspace.signed_http import SignedHttp
from bot.workspace.town import Town
from bot.workspace.town_records import Channel, User
from bot.workspace.workspace_server import Workspace
from tests.faults.history import Ask, Call, History, Post
from tests.faults.recorder import token_in
from tests.openai_server import EMPTY, GARBAGE, HANG, NO_CHOICES, OpenAIServer, Reply, rejection

SECRET = "a-secret-of-the-test"
PEOPLE = 40
ASKED = re.compile(r"step (\w+) of .*?(k\d{6})", re.DOTALL)
CHANNELS = tuple(f"C0ROOM{number}" for number in range(8))
"""Where people ask: of each channel one message is on its way at a time."""

POSTS: Mapping[Effect, float] = {
    "drop_after_store": 0.10,
    "status": 0.10,
    "status_after_store": 0.05,
    "rate_limited": 0.10,
}
"""Misfortunes of `chat.postMessage`: 35 of 100."""
OTHERS: Mapping[Effect, float] = {"status": 0.05, "rate_limited": 0.03, "drop_after_store": 0.02}
FAULTY = {
    "chat.postMessage": POSTS,
    "chat.update": OTHERS,
    "conversations.open": OTHERS,
    "conversations.history": OTHERS,
    "conversations.replies": OTHERS,
}
MODEL_FAULTS = {
    "429": (0.04, rejection(429, Retry_After="0")),
    "500": (0.04, rejection(500)),
    "hangs": (0.02, HANG),
    "not JSON": (0.02, GARBAGE),
    "no choices": (0.02, NO_CHOICES),
    "empty": (0.02, EMPTY),
}
"""Of the first model; the one that takes its place misbehaves a fifth as often."""


@dataclass
class RandomFaults:
    """Takes the place of the workspace's planned misfortunes."""

    chance: random.Random
    happened: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    is_over: bool = False

    def take(self, method: str, channel: str = "") -> Fault | None:
        """What goes wrong with this call, if anything."""
        rates = FAULTY.get(method)
        if rates is None or self.is_over:
            return None
        self.taken[method] += 1
        roll = self.chance.random()
        for effect, rate in rates.items():
            if roll < rate:
                self.happened[f"{method}: {effect}"] += 1
                return Fault(method, effect)
            roll -= rate
        return None


@dataclass
class UnsteadyLine:
    """Slack's way to the app: some deliveries are late, come twice, or their acknowledgement is lost."""

    inner: SignedHttp
    chance: random.Random
    happened: Counter[str] = field(default_factory=Counter)
    acks: dict[str, float] = field(default_factory=dict)
    """Seconds by token, of the first acknowledgement."""
    requests: dict[str, str] = field(default_factory=dict)
    """What the product knows them by, by token."""
    again: set["asyncio.Task[Any]"] = field(default_factory=set)
    is_connected = True

    async def carry(self, kind: Kind, payload: Json, retry: Retry | None = None) -> Json:
        """As the postman asks."""
        event = payload.get("event", {})
        if kind == "events_api" and (event.get("bot_id") or event.get("subtype")):
            return {}  # of its own messages, which the app leaves alone: half of the work, for nothing
        roll = self.chance.random() if retry is None else 1.0
        if roll < 0.15:
            self._note("delivered late, after others")
            await asyncio.sleep(self.chance.uniform(0.05, 0.6))
        elif roll < 0.35:
            self._note("delivered twice")
            self._carry_again(kind, payload)
        elif roll < 0.40 and kind == "events_api":
            self._note("delivery lost")
            raise NotAcknowledged("operation_timeout")
        answer = await self._timed(kind, payload, retry)
        if 0.40 <= roll < 0.45 and kind == "events_api":
            self._note("acknowledgement lost")
            raise NotAcknowledged("operation_timeout")
        return answer

    async def _timed(self, kind: Kind, payload: Json, retry: Retry | None) -> Json:
        """Slack gives up after three seconds; what comes later still shows how late it came."""
        task = asyncio.create_task(self._carried(kind, payload, retry))
        self.again.add(task)
        task.add_done_callback(self._over)
        return await asyncio.shield(task)

    def _over(self, task: "asyncio.Task[Json]") -> None:
        self.again.discard(task)
        if not task.cancelled():
            task.exception()  # once Slack has given up on it, nobody else asks for this

    async def _carried(self, kind: Kind, payload: Json, retry: Retry | None) -> Json:
        began = time.monotonic()
        answer = await self.inner.carry(kind, payload, retry)
        event = payload.get("event", {})
        if kind == "slash_commands" or event.get("type") == "app_mention":
            call = from_command(payload) if kind == "slash_commands" else from_event(payload)
            token = token_in(call.text)
            self.acks.setdefault(token, time.monotonic() - began)
            self.requests[token] = correlation_for(call.dedupe_key)
        return answer

    def _carry_again(self, kind: Kind, payload: Json) -> None:
        async def later() -> None:
            await asyncio.sleep(self.chance.uniform(0, 3))
            try:
                await self.inner.carry(kind, payload, Retry(1, "timeout") if kind == "events_api" else None)
            except NotAcknowledged:
                self._note("second delivery not acknowledged")

        task = asyncio.create_task(later())
        self.again.add(task)
        task.add_done_callback(self.again.discard)

    def _note(self, what: str) -> None:
        self.happened[what] += 1


@dataclass
class FaultyModel:
    """What the model's server answers, and when it was asked."""

    chance: random.Random
    happened: Counter[str] = field(default_factory=Counter)
    calls: list[Call] = field(default_factory=list)
    is_over: bool = False

    def respond(self, body: dict[str, Any]) -> Reply:
        """One answer: the words of the question, so that it can be told whose it is."""
        said = ASKED.search(str(body["messages"]))
        assert said is not None, body
        step, token = said.groups()
        self.calls.append(Call(token, step, time.time()))
        share = 0.0 if self.is_over else 0.2 if "spare" in body["model"] else 1.0
        roll = self.chance.random()
        for name, (rate, reply) in MODEL_FAULTS.items():
            if roll < rate * share:
                self.happened[name] += 1
                return reply
            roll -= rate * share
        return Reply(f"The {step} answer to {token}.", latency_s=self.chance.uniform(0.0, 0.1))


def town() -> Town:
    """Larkfield after a good year."""
    made = default_town()
    people = [f"U0P{number:03d}" for number in range(PEOPLE)]
    for number, person in enumerate(people):
        made.users[person] = User(person, f"p{number}", f"Person {number}", team_id=made.team_id)
    for channel in CHANNELS:
        made.channels[channel] = Channel(channel, channel.lower(), members=[*people, BOT_USER_ID])
    made.channels["C0LEADS"].members.append(BOT_USER_ID)
    return made


class World:
    """Everything outside the product."""

    def __init__(self, seed: int, port: int) -> None:
        self.chance = random.Random(seed)
        self.faults = RandomFaults(random.Random(seed + 1))
        self.model = FaultyModel(random.Random(seed + 2))
        self.server = OpenAIServer(respond=self.model.respond)
        self.server.keeps_history = False
        self._url = f"http://127.0.0.1:{port}/slack/events"
        self._seed = seed
        self.tokens: list[str] = []

    def open(self, manifest: Mapping[str, Any]) -> Workspace:
        """The workspace, not started yet."""
        self.workspace = Workspace(manifest, town=town(), request_url=self._url, signing_secret=SECRET)
        site = self.workspace.site
        site.faults = self.faults  # type: ignore[assignment]
        self.line = UnsteadyLine(SignedHttp(site.clock, self._url, SECRET), random.Random(self._seed + 3))
        self.workspace.people = People(site, Postman(site, self.line), self.workspace.link.refresh)
        self.people = [Person(self.workspace, f"U0P{number:03d}") for number in range(PEOPLE)]
        return self.workspace

    @property
    def is_delivering(self) -> bool:
        """Whether anything is on its way to the app, or will be sent once more."""
        return bool(self.workspace.site.tasks or self.line.again)

    @contextlib.contextmanager
    def at_peace(self) -> Iterator[None]:
        """Slack and the model behave."""
        self.faults.is_over = self.model.is_over = True
        yield
        self.faults.is_over = self.model.is_over = False

    async def ask(self, workflow: str) -> None:
        """Somebody asks, by a command or by naming the bot."""
        token = f"k{len(self.tokens):06d}"
        self.tokens.append(token)
        person, channel = self.chance.choice(self.people), self.chance.choice(CHANNELS)
        if self.chance.random() < 0.75:
            await person.command(channel, f"/{workflow} {token} How many days are left?")
        else:
            await person.say(channel, f"@spanwise {workflow} {token} How many days are left?")

    def write_into(self, history: History, refused: Mapping[str, str]) -> None:
        """What Slack and the model saw; `refused` is why by what the product knows a request by."""
        acks, requests = self.line.acks, self.line.requests
        for token in self.tokens:
            # who was never acknowledged is known by nothing, and what carries no id is not about them
            known_as = requests.get(token)
            history.asks.append(Ask(token, acks.get(token), refused.get(known_as, "") if known_as else ""))
        history.calls.extend(self.model.calls)
        for channel in self.workspace.town.channels.values():
            for message in channel.messages.values():
                about = (message.metadata or {}).get("event_payload", {}).get("outbox_id", "")
                if about:
                    history.posts.append(Post(about, f"{message.text} {message.blocks}"))
