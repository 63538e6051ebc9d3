"""Models with scripted providers, bound to a list of entries."""

from typing import Any

from bot.adapters.breaker import Breaker
from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.llm import BoundModel, Models
from bot.adapters.profiles import ModelProfiles, read_profiles
from bot.adapters.retry_budget import RetryBudget
from bot.adapters.store.database import Store
from bot.adapters.turns import Turns
from tests.fakes import FakeClock
from tests.openai_server import OpenAIServer
from workflows.ports import Message, ModelRequest, Task

PROFILES = """
default:
  model: openai/gpt-4o-mini
  api_base: {base}
  api_key_env: TEST_KEY
backed:
  model: openai/first
  api_base: {base}
  fallbacks: [spare]
spare:
  model: openai/spare
  api_base: {base}
  price: {{input_per_million: 3, output_per_million: 12}}
slow:
  model: openai/slow
  api_base: {base}
  timeouts: {{first_token_s: 0.2}}
hasty:
  model: openai/hasty
  api_base: {base}
  timeouts: {{first_token_s: 0.2, between_tokens_s: 0.2, reply_s: 0.2}}
  fallbacks: [spare]
pieces:
  model: openai/pieces
  api_base: {base}
  stream: always
  timeouts: {{between_tokens_s: 0.2}}
  fallbacks: [spare]
whole:
  model: openai/whole
  api_base: {base}
  stream: never
paced:
  model: openai/paced
  api_base: {base}
  requests_per_minute: 20
  max_output_tokens: 100
counted:
  model: openai/counted
  api_base: {base}
  tokens_per_minute: 1000
  max_output_tokens: 100
  fallbacks: [spare]
dead:
  model: openai/dead
  api_base: http://127.0.0.1:9/v1
"""


class Bench:
    """Models bound to a list of entries, beside the server they call."""

    def __init__(self, server: OpenAIServer, store: Store, clock: FakeClock | None = None) -> None:
        self.server = server
        self.store = store
        self.entries: list[LedgerEntry] = []
        self.clock = clock or FakeClock()
        self.pieces: list[str] = []
        profiles = self.profiles(server)
        self.models = Models(profiles, store, clock=self.clock, environ={"TEST_KEY": "sk-secret"})
        self.models.breaker = Breaker(store, lambda _: self.clock.now())
        self.models.breaker.fresh_s = 0
        self.models.retries = RetryBudget(store, lambda _: self.clock.now())
        self.models.turns = Turns(store, lambda _: self.clock.now())
        self.model: BoundModel = self.models.bind(self._record, run_id="r_1")

    @staticmethod
    def profiles(server: OpenAIServer) -> ModelProfiles:
        return read_profiles(PROFILES.format(base=server.base_url))

    def profiles_of(self, alias: str, **changes: Any) -> None:
        """The same with other values for one alias."""
        profiles = self.models.profiles
        changed = {each: profiles.profile(each) for each in profiles.aliases}
        changed[alias] = changed[alias].model_copy(update={"fallbacks": (), **changes})
        self.models.profiles = ModelProfiles(changed)
        self.model = self.models.bind(self._record, run_id="r_1")

    async def _record(self, entry: LedgerEntry) -> None:
        self.entries.append(entry)

    async def ask(self, alias: str = "default", *, streamed: bool = False, **request: Any) -> Any:
        asked = ModelRequest(alias, (Message("user", "How many days?"),), Task("answer"), "answer", **request)
        return await self.model.complete(asked, self.pieces.append if streamed else None)

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(e.model.removeprefix("openai/"), e.outcome) for e in self.entries]
