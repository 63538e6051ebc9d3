"""The demo, whole, in a thread of its own: real workflows, handbook, model, store and bot."""

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from bot.bootstrap import Product
from bot.demo import Demo
from bot.processes import EVERYTHING, run_parts
from bot.services.catalogue import Content
from bot.settings_reading import settings_from
from bot.workspace.driver import Person
from tests.openai_server import HANG, OpenAIServer

T = TypeVar("T")

MODELS = """
default: {{model: spanwise/quote}}
distant:
  model: openai/distant
  api_base: "{url}"
  timeouts: {{reply_s: 600}}
  price: {{input_per_million: 100, output_per_million: 400}}
nowhere:
  model: openai/nowhere
  api_base: "http://127.0.0.1:9/v1"
  price: {{input_per_million: 0, output_per_million: 0}}
"""

SLOW_WORKFLOW = """
name: ask-slowly
title: Ask a distant model
purpose: Asks a model that takes its time, so that there is time to change one's mind.
inputs:
  question: {kind: text, label: Your question}
steps:
  - {id: answer, kind: prompt, title: Asking the distant model, task: write, template: ask-slowly.answer,
     model: distant, timeout_s: 600, variables: {question: "{{ inputs.question }}"}}
answer: "{{ answer.text }}"
"""

SLOW_PROMPT = "---\nvariables: [question]\n---\nAnswer: {{ question }}\n"


class ProductStage:
    """Started once for a module; what happens in it goes through its own event loop."""

    def __init__(self, data_dir: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.distant = OpenAIServer()
        self.wait(self.distant.__aenter__())
        models = data_dir / "models.yaml"
        models.write_text(MODELS.format(url=self.distant.base_url))
        settings = settings_from(SPANWISE_DATA_DIR=data_dir / "var", SPANWISE_MODELS=models)
        self.demo = Demo(settings)
        self.url = self.wait(self.demo.open_page())
        self.product: Product = self.wait(self._prepare())
        self._stop = asyncio.Event()
        self._running = asyncio.run_coroutine_threadsafe(
            run_parts(self.product, EVERYTHING, self._stop), self._loop
        )
        self.wait(self._connected())

    async def _prepare(self) -> Product:
        product = await self.demo.prepare()
        await product.catalogue.seed(
            [
                Content("prompt", "ask-slowly.answer", SLOW_PROMPT),
                Content("workflow", "ask-slowly", SLOW_WORKFLOW),
            ]
        )
        await self.demo.install_manifest(product)
        return product

    async def _connected(self) -> None:
        while not self.demo.workspace.link.is_connected:
            await asyncio.sleep(0.05)

    def hang(self) -> None:
        """The distant model takes the next request and says nothing."""
        self.distant.script.append(HANG)

    def person(self, user_id: str) -> Person:
        """Somebody who acts without a browser."""
        return self.wait(self._person(user_id))

    async def _person(self, user_id: str) -> Person:
        return Person(self.demo.workspace, user_id)

    def wait(self, work: Coroutine[Any, Any, T], seconds: float = 180) -> T:
        """Do something on the stage's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def close(self) -> None:
        """Stop as a person stops it: the signal, then everything in hand is finished."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._running.result(30)
        self.wait(self.demo.close())
        self.wait(self.distant.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
