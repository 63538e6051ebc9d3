"""What the server that processes are forked from has imported already; it would take each of them seconds."""

import asyncio
import contextlib

import knowledge.retrieval  # noqa: F401
from bot.adapters.provider_call import load_litellm
from bot.slack.app import handlers
from tests.faults import chaos_parts

__all__ = ["chaos_parts"]


async def _call_nobody() -> None:
    """One call that fails: litellm imports most of itself only then."""
    with contextlib.suppress(Exception):
        await load_litellm().acompletion(
            model="openai/nobody",
            messages=[{"role": "user", "content": "Hello?"}],
            api_base="http://127.0.0.1:9/v1",
            api_key="none",
            timeout=1,
            max_retries=0,
        )


handlers()
asyncio.run(_call_nobody())
