"""The child process that draws charts: a chart in, a picture out, until nobody asks any more."""

import os
import resource
import select
import sys
import time
from typing import BinaryIO

from bot.adapters.charts import LENGTH
from bot.quality.chart_data import unpacked

CPU_SECONDS = 20
"""For one chart."""
MEMORY_BYTES = 2 * 1024**3
"""Address space, libraries included."""
IDLE_SECONDS = 60.0


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the other side hangs up or is silent for a while; `questions` must be unbuffered."""
    while select.select([questions], [], [], IDLE_SECONDS)[0]:
        head = _exactly(questions, LENGTH.size)
        if len(head) < LENGTH.size:
            return
        (length,) = LENGTH.unpack(head)
        drawn = _drawn(_exactly(questions, length))
        answers.write(LENGTH.pack(len(drawn)) + drawn)
        answers.flush()


def _exactly(questions: BinaryIO, length: int) -> bytes:
    """That many bytes, or as many as there are before the end."""
    found = b""
    while len(found) < length:
        piece = questions.read(length - len(found))
        if not piece:
            break
        found += piece
    return found


def _drawn(question: bytes) -> bytes:
    """The picture, or in its place what went wrong."""
    used = int(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + CPU_SECONDS, resource.RLIM_INFINITY))
    try:
        from bot.adapters.chart_look import picture_of

        return picture_of(unpacked(question.decode()))
    except Exception as error:
        return f"{type(error).__name__}: {error}".encode()


def main() -> None:
    """Take questions from standard input; what libraries print must not garble the answers."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    sys.stdout = sys.stderr
    with os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0) as questions, answers:
        serve(questions, answers)


if __name__ == "__main__":
    main()
