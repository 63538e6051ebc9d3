"""Conversational admin: a sentence is understood, previewed, and carried out once it is confirmed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store.conversations_log import ASKING, CANCELLED, CONFIRMED, PREVIEWED, WRITING
from bot.adapters.store.database import Store
from bot.adapters.store.versions_log import CANDIDATE, PRODUCTION
from bot.governance import grammar
from bot.governance.admin_commands import ANSWERED, COMMANDS, read_command
from bot.governance.command_base import AdminCommand
from bot.governance.duty_commands import Evaluate, Promote
from bot.governance.edit_commands import AddKnowledge, EditPrompt
from bot.governance.understanding import Missing, Understood, Unsure
from bot.services import conversing
from bot.services.access import Access, NotAuthorized
from bot.services.actors import Actor, Origin
from bot.services.admin_answers import Answer, Answers
from bot.services.admin_deeds import Deeds
from bot.services.admin_previews import Previews
from bot.services.admin_proposals import PROPOSALS, Draft
from bot.services.admin_words import authorise_any, holds_any, may_say, permitted, read_vocabulary
from bot.services.admin_writing import AdminWriter
from bot.services.catalogue import Catalogue
from bot.services.change_views import ChangeView
from bot.services.conversing import (
    Conversation,
    ConversationOver,
    NotYourConversation,
    Place,
    PreviewMoved,
)
from workflows.ports import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a sentence: a conversation to go on with, or an answer."""

    conversation: Conversation | None = None
    answer: Answer | None = None
    shown: AdminCommand | None = None
    """A command whose own card shows what it would do: it is posted by whoever keeps that card."""
    unsure: Unsure | None = None
    """It is about a workflow's inside, and that is all that is clear."""


class Admin:
    """The service behind every way an admin speaks to us."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        access: Access,
        catalogue: Catalogue,
        outgoing: WakeUp,
        previews: Previews,
        deeds: Deeds,
        answers: Answers,
        writer: AdminWriter,
    ) -> None:
        self._store = store
        self._clock = clock
        self._access = access
        self._catalogue = catalogue
        self._outgoing = outgoing
        self._previews = previews
        self._deeds = deeds
        self._answers = answers
        self._writer = writer

    async def hear(
        self, actor: Actor, sentence: str, place: Place, *, is_order: bool = False
    ) -> Heard | None:
        """What a sentence asks for; None when it is somebody's question. Writes nothing but a conversation.

        `is_order`: it was said where only orders are, so that a model may be asked what an unclear one means.
        Raises Outsider, NotAuthorized.
        """
        words = await self._store.read(lambda connection: read_vocabulary(connection, self._catalogue))
        found = grammar.read_sentence(sentence, words)
        if found is None and is_order and await self._may_write(actor):
            found = Unsure(())
        if found is None:
            return None
        if isinstance(found, Unsure):
            return await self._unsure(actor, sentence, place, found, is_order=is_order)
        return await self._take(actor, found, place)

    async def waits(self, person: str, channel: str, thread_ts: str) -> Conversation | None:
        """What this person was asked here and has not answered."""
        return await self._store.read(
            lambda connection: conversing.waiting_for(
                connection, person, channel, thread_ts, self._clock.now()
            )
        )

    async def heard_before(
        self, person: str, channel: str, thread_ts: str, request: str
    ) -> Conversation | None:
        """What a reply has moved on already, when it is delivered again."""
        now = self._clock.now()
        return await self._store.read(
            lambda connection: conversing.heard_before(connection, person, channel, thread_ts, request, now)
        )

    async def fill(
        self, actor: Actor, conversation: str, said: str, *, is_picked: bool = False, request: str = ""
    ) -> Conversation:
        """Put a piece in; the next question or the preview comes of it. `request`: that of a written reply.

        Raises NotYourConversation, ConversationOver, Outsider, NotAuthorized.
        """
        known = conversing.having_heard(await self._own(actor, conversation, ASKING), request)
        words = await self._store.read(lambda connection: read_vocabulary(connection, self._catalogue))
        take = grammar.choose if is_picked else grammar.fill
        found = take(known.question, said, words)
        if isinstance(found, Unsure):
            return known
        if isinstance(found, Missing):
            return await self._write(lambda connection: self._ask_again(connection, actor, known, found))
        return await self._advance_to_preview(actor, known, found.command)

    async def prepare(self, actor: Actor, conversation: str) -> Conversation:
        """Have a model write what the preview shows; a plain edit when it writes nothing usable."""
        known = await self._own(actor, conversation, WRITING)
        if "sentence" in known.said:
            return await self._interpret(actor, known)
        command = read_command(known.said["typed"])
        text = ""
        if isinstance(command, EditPrompt):
            text = await self._writer.rewrite(command, known.id, actor.id)
        return await self._advance_to_preview(actor, known, command, written=text, is_writing_done=True)

    async def confirm(
        self, actor: Actor, conversation: str, seen: str, *, is_for_pilot: bool = False
    ) -> Conversation:
        """Carry out what the preview shows; the right is looked at again now. Pressing twice does it once.

        `is_for_pilot`: a proposal becomes the candidate, which only the people of a pilot get.

        Raises NotYourConversation, ConversationOver, PreviewMoved, Outsider, NotAuthorized, and what stands
        in the way of the deed itself.
        """
        known = await self._own(actor, conversation, PREVIEWED, CONFIRMED)
        command = read_command(known.said["typed"])
        if known.state == CONFIRMED and ("done" in known.said or not isinstance(command, PROPOSALS)):
            return known
        if known.said["seen"] != seen:
            raise PreviewMoved
        await self._store.read(lambda connection: self._authorise(connection, actor, command))
        moved = await self._previews.moved_since(actor, command, known.said)
        if moved is not None:
            return await self._advance(known, (PREVIEWED,), PREVIEWED, moved)
        # one that was cut off before it was done is done now: proposals are made once for a conversation
        label = {"label": CANDIDATE} if is_for_pilot and isinstance(command, PROPOSALS) else {}
        claimed = await self._advance(known, (PREVIEWED, CONFIRMED), CONFIRMED, label, result="")
        try:
            done = await self._deeds.do(actor, command, claimed)
        except Exception:
            await self._advance(claimed, (CONFIRMED,), PREVIEWED, {"label": PRODUCTION})
            raise
        return await self._advance(claimed, (CONFIRMED,), CONFIRMED, {"done": done.facts}, result=done.result)

    async def cancel(self, actor: Actor, conversation: str, *, request: str = "") -> Conversation:
        """Let go of it. Raises NotYourConversation, ConversationOver."""
        open_states = (ASKING, WRITING, PREVIEWED)
        known = conversing.having_heard(await self._own(actor, conversation, *open_states), request)
        return await self._advance(known, open_states, CANCELLED, {})

    async def linked(self, conversation: Conversation, link: str) -> Conversation:
        """Note where the change request that came of it stands."""
        return await self._advance(conversation, (CONFIRMED,), CONFIRMED, {"link": link})

    async def change_place(self, conversation: Conversation) -> tuple[str, str]:
        """Channel and ts of the change request that came of it; empty until it is posted."""
        return await self._store.read(
            lambda connection: conversing.place_of_change(connection, conversation.result)
        )

    async def own(self, actor: Actor, conversation: str) -> Conversation:
        """One that waits for this person. Raises NotYourConversation, ConversationOver."""
        return await self._own(actor, conversation, ASKING, PREVIEWED)

    async def fits(self, conversation: Conversation, said: str) -> bool:
        """Whether a reply is what was asked for."""
        words = await self._store.read(lambda connection: read_vocabulary(connection, self._catalogue))
        found = grammar.fill(conversation.question, said, words)
        return not isinstance(found, Missing) or found.field != conversation.missing

    async def is_order(self, said: str) -> bool:
        """Whether a message is a whole command of its own."""
        words = await self._store.read(lambda connection: read_vocabulary(connection, self._catalogue))
        return isinstance(grammar.read_sentence(said, words), Understood)

    async def open_collections(self, actor: Actor) -> tuple[str, ...]:
        """The collections whose documents this person may change."""

        def look(connection: Connection) -> tuple[str, ...]:
            names = read_vocabulary(connection, self._catalogue).collections
            rights = AddKnowledge.permissions
            return tuple(
                each
                for each in names
                if holds_any(connection, self._access, actor, rights, f"collection:{each}")
            )

        return await self._store.read(look)

    async def draft_document(
        self, actor: Actor, command: AddKnowledge, origin: Origin, key: str
    ) -> ChangeView:
        """Propose a document that was written in a form. Raises NotAuthorized, and what proposing raises."""

        def look(connection: Connection) -> Draft:
            self._authorise(connection, actor, command)
            return self._previews.draft(connection, command)

        draft = await self._store.read(look)
        return await self._deeds.draft(actor, draft.target, draft.content, origin, key)

    async def sayable(self, actor: Actor) -> tuple[type[AdminCommand], ...]:
        """The commands that this person may give, in the order of `help`."""
        return await self._store.read(
            lambda connection: tuple(
                each
                for each in COMMANDS.values()
                if each.permissions and may_say(connection, self._access, actor, each)
            )
        )

    def load(self, connection: Connection, conversation: str) -> Conversation | None:
        """One as it stands, for the courier."""
        try:
            return conversing.read(connection, conversation, self._clock.now())
        except conversing.UnknownConversation:
            return None

    async def _unsure(
        self, actor: Actor, sentence: str, place: Place, found: Unsure, *, is_order: bool
    ) -> Heard | None:
        kinds = [COMMANDS[kind] for kind in found.kinds]
        rights = {permission for each in kinds for permission in each.permissions}
        scope = f"workflow:{found.slots['workflow']}" if "workflow" in found.slots else ""
        may = await self._store.read(
            lambda connection: not rights or holds_any(connection, self._access, actor, tuple(rights), scope)
        )
        if not may and not is_order:
            # without any right it can only have been a question
            return None
        if await self._writer.is_there():
            said = {"sentence": sentence, "is_order": is_order}
            return Heard(await self._begin(actor, place, WRITING, said))
        return Heard(unsure=found) if found.kinds else None

    async def _interpret(self, actor: Actor, known: Conversation) -> Conversation:
        """What a model makes of a sentence that the grammar was unsure of, checked like any other."""
        words = await self._store.read(lambda connection: read_vocabulary(connection, self._catalogue))
        found = await self._writer.propose(str(known.said["sentence"]), words, known.id, actor.id)
        if found is None:
            return await self._advance(known, (WRITING,), CANCELLED, {"unclear": True})
        said = {key: value for key, value in known.said.items() if key != "sentence"}
        try:
            if isinstance(found, Missing):
                return await self._write(
                    lambda connection: self._ask_again(connection, actor, known, found, said)
                )
            return await self._advance_to_preview(actor, known, found.command, is_writing_done=True)
        except NotAuthorized:
            await self._advance(known, (WRITING,), CANCELLED, {})
            raise

    async def _take(self, actor: Actor, found: Understood | Missing, place: Place) -> Heard:
        if isinstance(found, Missing):
            return Heard(await self._write(lambda connection: self._ask(connection, actor, found, place)))
        command = found.command
        await self._store.read(lambda connection: self._authorise(connection, actor, command))
        if isinstance(command, ANSWERED):
            return Heard(answer=await self._answers.answer(actor, command))
        if isinstance(command, Evaluate | Promote):
            return Heard(shown=command)
        if await self._is_for_a_writer(command):
            return Heard(await self._begin(actor, place, WRITING, {"typed": _plain(command)}))
        said = await self._previews.of(actor, command, place)
        return Heard(await self._begin(actor, place, PREVIEWED, said))

    async def _advance_to_preview(
        self,
        actor: Actor,
        known: Conversation,
        command: AdminCommand,
        *,
        written: str = "",
        is_writing_done: bool = False,
    ) -> Conversation:
        await self._store.read(lambda connection: self._authorise(connection, actor, command))
        if not is_writing_done and await self._is_for_a_writer(command):
            return await self._advance(known, (ASKING,), WRITING, {"typed": _plain(command)})
        place = Place("", known.channel, known.thread_ts, known.origin)
        said = await self._previews.of(actor, command, place, written=written)
        return await self._advance(known, (ASKING, WRITING), PREVIEWED, said)

    async def _is_for_a_writer(self, command: AdminCommand) -> bool:
        by_words = isinstance(command, EditPrompt) and bool(command.instructions)
        return by_words and await self._writer.is_there()

    async def _may_write(self, actor: Actor) -> bool:
        return bool(await self.sayable(actor)) and await self._writer.is_there()

    def _ask(self, connection: Connection, actor: Actor, missing: Missing, place: Place) -> Conversation:
        asked = permitted(connection, self._access, actor, missing, is_public=place.is_public)
        said = {"asked": conversing.asked_json(asked)}
        return conversing.begin(
            connection,
            actor.id,
            place,
            state=ASKING,
            said=said,
            missing=asked.field,
            at=self._clock.now(),
        )

    def _ask_again(
        self,
        connection: Connection,
        actor: Actor,
        known: Conversation,
        missing: Missing,
        said: Mapping[str, Any] | None = None,
    ) -> Conversation:
        asked = permitted(connection, self._access, actor, missing, is_public=known.is_public)
        return conversing.advance(
            connection,
            known,
            among=(ASKING, WRITING),
            state=ASKING,
            said={**(said or {}), "asked": conversing.asked_json(asked)},
            missing=asked.field,
            at=self._clock.now(),
        )

    def _authorise(self, connection: Connection, actor: Actor, command: AdminCommand) -> None:
        authorise_any(connection, self._access, actor, command.permissions, command.scope)

    async def _own(self, actor: Actor, conversation: str, *states: str) -> Conversation:
        known = await self._store.read(
            lambda connection: conversing.read(connection, conversation, self._clock.now())
        )
        if known.person != actor.id:
            raise NotYourConversation(known.person)
        if not known.is_open(*states):
            raise ConversationOver("expired" if known.is_old else known.state)
        return known

    async def _begin(self, actor: Actor, place: Place, state: str, said: Mapping[str, Any]) -> Conversation:
        return await self._write(
            lambda connection: conversing.begin(
                connection, actor.id, place, state=state, said=said, at=self._clock.now()
            )
        )

    async def _advance(
        self,
        known: Conversation,
        among: tuple[str, ...],
        state: str,
        said: Mapping[str, Any],
        *,
        result: str | None = None,
    ) -> Conversation:
        return await self._write(
            lambda connection: conversing.advance(
                connection,
                known,
                among=among,
                state=state,
                said=said,
                result=result,
                at=self._clock.now(),
            )
        )

    async def _write(self, act: Callable[[Connection], T]) -> T:
        done = await self._store.write(act)
        self._outgoing.ring()
        return done


def _plain(command: AdminCommand) -> dict[str, Any]:
    return command.model_dump(mode="json")
