"""What the server that processes are forked from has imported already; it would take each of them seconds."""

import asyncio
import contextlib
import gc

import chromadb.api.rust
import onnxruntime

import knowledge.retrieval
from bot.adapters.provider_call import load_litellm
from bot.cli import command_table
from bot.slack.rooms import handlers
from tests.faults import chaos_parts, fault_child

__all__ = ["chaos_parts", "chromadb", "command_table", "fault_child", "knowledge", "onnxruntime"]


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
# what is here stays: no child has to look through it for garbage, and so to copy it
gc.freeze()
