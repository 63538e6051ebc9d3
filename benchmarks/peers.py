"""The job of `run_overhead.py` as frameworks do it, for a Python that has them: nothing is journaled.

    python benchmarks/peers.py langgraph http://127.0.0.1:9999/v1      # then on stdin: RUNS CONCURRENCY

Each line of stdin is one block; the answer is a line of JSON with its CPU seconds and wall seconds. The job:
the five nearest of 10,000 vectors in Chroma, a prompt, one chat call, one row with its tokens in SQLite.
Needs chromadb, numpy, langchain-openai and langgraph, which Spanwise itself does not.
"""

# mypy: ignore-errors
import asyncio
import json
import resource
import sqlite3
import sys
import tempfile
import time

import chromadb
import numpy as np
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

VECTORS, DIMENSION, PASSAGES = 10_000, 384, 5
PASSAGE = "The policy allows up to five days to be carried over until the end of March. " * 8
PROMPT = "Answer from the passages and cite.\n\n{passages}\n\n{question}\n"
QUESTION = "How many days of leave can I carry over into the next year?"


class Shelf:
    """Ten thousand vectors in Chroma."""

    def __init__(self, folder):
        settings = chromadb.config.Settings(anonymized_telemetry=False)
        client = chromadb.PersistentClient(folder, settings)
        self.collection = client.create_collection(
            "people", metadata={"hnsw:space": "cosine"}, embedding_function=None
        )
        vectors = np.random.default_rng(7).standard_normal((VECTORS, DIMENSION)).astype(np.float32)
        self.query = vectors[0]
        for start in range(0, VECTORS, 1000):
            part = range(start, start + 1000)
            self.collection.add(
                ids=[str(i) for i in part],
                embeddings=vectors[start : start + 1000],
                documents=[PASSAGE] * len(part),
            )

    def passages(self):
        """The five nearest, numbered."""
        found = self.collection.query(query_embeddings=[self.query], n_results=PASSAGES)
        return "\n\n".join(f"[{n}]\n{each}" for n, each in enumerate(found["documents"][0], 1))


class State(TypedDict, total=False):
    """What a graph carries along."""

    question: str
    passages: str
    reply: object


def langchain_job(shelf, model):
    """A chain in LangChain's expression language."""
    chain = (
        RunnableLambda(lambda question: {"question": question, "passages": shelf.passages()})
        | ChatPromptTemplate.from_template(PROMPT)
        | model
    )

    async def one():
        return await chain.ainvoke(QUESTION)

    return one


def langgraph_job(shelf, model):
    """Two nodes of a graph."""
    template = ChatPromptTemplate.from_template(PROMPT)

    async def find(_state):
        return {"passages": shelf.passages()}

    async def answer(state):
        messages = template.invoke({"question": state["question"], "passages": state["passages"]})
        return {"reply": await model.ainvoke(messages)}

    graph = StateGraph(State)
    graph.add_node("find", find)
    graph.add_node("answer", answer)
    graph.add_edge(START, "find")
    graph.add_edge("find", "answer")
    graph.add_edge("answer", END)
    compiled = graph.compile()

    async def one():
        return (await compiled.ainvoke({"question": QUESTION}))["reply"]

    return one


JOBS = {"langchain": langchain_job, "langgraph": langgraph_job}


async def block(job, rows, runs, concurrency):
    """So many runs, so many at a time."""
    left = iter(range(runs))

    async def lane():
        for _ in left:
            reply = await job()
            used = reply.usage_metadata
            rows.execute("INSERT INTO runs VALUES (?, ?)", (used["input_tokens"], used["output_tokens"]))
            rows.commit()

    await asyncio.gather(*(lane() for _ in range(concurrency)))


async def serve(name, base_url, folder):
    """Answer each line of stdin."""
    model = ChatOpenAI(model="gpt-4o-mini", base_url=base_url, api_key="none", max_retries=0)
    job = JOBS[name](Shelf(f"{folder}/chroma"), model)
    rows = sqlite3.connect(f"{folder}/runs.db")
    rows.execute("PRAGMA journal_mode=WAL")
    rows.execute("CREATE TABLE runs (input_tokens INTEGER, output_tokens INTEGER)")
    print("ready", flush=True)
    for line in iter(sys.stdin.readline, ""):
        runs, concurrency = map(int, line.split())
        cpu, wall = time.process_time(), time.perf_counter()
        await block(job, rows, runs, concurrency)
        spent = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({**spent, "peak_mib": peak}), flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(serve(sys.argv[1], sys.argv[2], scratch))
