"""What the tests of the engine share: a workflow from short steps, and one call to execute it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from tests.fakes import FakeClock, FakeJournal, FakeLibrary, FakeModel, FakeRetriever, passage
from workflows.definition import Workflow, load_workflow
from workflows.engine import execute
from workflows.ports import Ports, Progress
from workflows.run import Json, RunResult

HEAD = "name: {name}\ntitle: T\npurpose: P\ninputs:\n  q: {{kind: text, required: false}}\nsteps:\n"


def workflow_of(*steps: str, answer: str = "done", name: str = "w") -> Workflow:
    """A workflow with these steps, each in flow style without its braces."""
    rows = "".join(f"  - {{{step}}}\n" for step in steps)
    return load_workflow(f"{HEAD.format(name=name)}{rows}answer: {answer}\n")


@dataclass
class Desk:
    """Everything outside an execution, with its history."""

    model: FakeModel = field(default_factory=lambda: FakeModel("Five days may be carried over [1]."))
    retriever: FakeRetriever = field(default_factory=lambda: FakeRetriever(passage(1), passage(2)))
    clock: FakeClock = field(default_factory=FakeClock)
    journal: FakeJournal = field(default_factory=FakeJournal)
    library: FakeLibrary = field(default_factory=FakeLibrary)
    progress: list[Progress] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    async def execute(
        self,
        workflow: Workflow,
        inputs: Mapping[str, str] | None = None,
        parameters: Mapping[str, Json] | None = None,
        on_progress: Callable[[Progress], Awaitable[None]] | None = None,
    ) -> RunResult:
        return await execute(
            workflow,
            inputs=workflow.read_inputs(inputs or {}),
            parameters=parameters or {},
            ports=Ports(self.model, self.retriever, self.clock, self.journal, self.library),
            on_progress=on_progress or self._progress,
            on_text=self.pieces.append,
        )

    async def _progress(self, progress: Progress) -> None:
        self.progress.append(progress)

    @property
    def performed(self) -> list[str]:
        """Ids of the steps that were started, in order."""
        return [each.step_id for each in self.progress]
