"""A desk at which an admin's conversations are tested: real changes, real grants, a model when wanted."""

import itertools
from pathlib import Path
from typing import Any

from bot.adapters.llm import Models
from bot.adapters.profiles import read_profiles
from bot.adapters.store.database import Store
from bot.governance.stages import Stage
from bot.services.actors import Actor, Origin
from bot.services.admin_answers import Answers
from bot.services.admin_deeds import Deeds
from bot.services.admin_previews import Previews
from bot.services.admin_writing import AdminWriter
from bot.services.administering import Admin
from bot.services.billing import Billing
from bot.services.budget_notices import BudgetNotices
from bot.services.conversing import Conversation, Place
from bot.services.golden_cases import GoldenCases
from tests.bot.change_desk import ANA, MODELS, ChangeDesk

_numbers = itertools.count(1)


class FakeStages:
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    async def pilot(self, actor: Actor, workflow: str, *, people: Any, groups: Any, share: int) -> None:
        self.calls.append(("pilot", actor.id, workflow, list(people), list(groups), share))

    async def retire(self, actor: Actor, workflow: str, why: str = "") -> None:
        self.calls.append(("retire", actor.id, workflow))

    async def refuse_move(self, workflow: str, target: Stage) -> None:
        """Nothing stands in the way."""


class AdminDesk(ChangeDesk):
    """A change desk with an admin to talk to."""

    def __init__(self, store: Store, folder: Path) -> None:
        super().__init__(store, folder)
        self.folder = folder
        self.models_text = MODELS
        self.stages = FakeStages()
        self.again()

    def again(self) -> None:
        """As after a restart: nothing but the store is kept."""
        self.golden = GoldenCases(self.store, self.access, self.catalogue, self.clock, self.folder)
        models = Models(read_profiles(self.models_text), self.store, clock=self.clock, environ={})
        billing = Billing(self.store, self.clock, BudgetNotices(self.access), self.outgoing)
        self.admin = Admin(
            self.store,
            self.clock,
            self.access,
            self.catalogue,
            self.outgoing,
            Previews(self.store, self.targets, self.changes, self.stages),
            Deeds(self.changes, self.stages, self.golden, self.catalogue),
            Answers(self.store, self.catalogue, self.changes),
            AdminWriter(self.store, self.catalogue, models, billing),
        )

    async def say(
        self, sentence: str, actor: Actor = ANA, *, thread: str = "1.1", request: str = "", **more: Any
    ) -> Any:
        """What comes of a sentence."""
        place = self.place(thread, request)
        return await self.admin.hear(actor, sentence, place, **more)

    def place(self, thread: str = "1.1", request: str = "") -> Place:
        origin = Origin("mention", "T0SPAN", "C0PEOPLE", thread, visibility="channel")
        return Place(request or f"msg:{next(_numbers)}", "C0PEOPLE", thread, origin)

    async def talk(self, sentence: str, actor: Actor = ANA, **more: Any) -> Conversation:
        """The conversation that a sentence begins."""
        heard = await self.say(sentence, actor, **more)
        assert heard is not None and heard.conversation is not None, heard
        found: Conversation = heard.conversation
        return found

    async def confirm(self, conversation: Conversation, actor: Actor = ANA) -> Conversation:
        return await self.admin.confirm(actor, conversation.id, conversation.said["seen"])
