"""Our interpreter's kernels beside LiteRT's, over a corpus: outputs and every tensor in between.

``python -m tests.networks.reference_sweep CORPUS [NAME...]`` prints a table, one file a line, and
ends with 1 if a file is not as it should be; ``--write docs/corpus.md`` also writes it there.

Each file runs on random inputs and on its types' limits, in LiteRT's reference kernels (in a child
process, as they abort; where they do not run it in LiteRT's optimized ones, and where only XNNPACK
runs it there) and in ours. Every tensor that a node writes is compared; where the reference does not
run or survive the whole, each node alone in it (`one_by_one`). Where all are equal, all is said.
Otherwise our nodes run again one by one on the reference's own tensors (`walk`), and each must be
within its kernel's bound: integers equal, floats as far as the op's file derives; so must the nodes
of a loop's turns (`loops`). How far the outputs are from end to end is a sum of many such
differences: it is told, and integers judged.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from litefuse.cli import inputs
from litefuse.cli.compare import difference
from litefuse.runtime.interpreter import Interpreter
from litefuse.runtime.kernels.custom.flexbuffer import loads
from litefuse.runtime.model import read_model
from litefuse.runtime.model.enums import TensorType
from tests.networks.job import Answer, Job
from tests.networks.loops import compare_turns, note_turns
from tests.networks.one_by_one import compare_nodes
from tests.networks.ours import fed, keeping, ready
from tests.networks.process import Child
from tests.networks.sweep import OPTIMIZED, Reference, corpus_files, reference
from tests.networks.walk import Compared, walk

Array = NDArray[Any]
Case = tuple[str, list[Array]]
GOOD = ("equal", "within", "runs here only", "neither runs")


@dataclass
class Row:
    """One file. `worst` is the largest difference as a part of a node's bound, `ends` the largest
    of a float output over its range.
    """

    name: str
    status: str = "equal"
    resolver: str = ""
    cases: int = 0
    nodes: int = 0
    worst: float = 0.0
    where: str = ""
    ends: float = 0.0
    note: str = ""
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether the file is as it should be."""
        return self.status in GOOD

    def fail(self, status: str, note: str) -> None:
        """Record what is wrong; the first finding stays."""
        if self.good:
            self.status, self.note = status, " ".join(note.split())

    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        part = f"{self.worst:.2g}" if self.worst else ""
        ends = f"{self.ends:.1e}" if self.ends else ""
        where = self.where if self.worst else ""
        return (
            self.name,
            self.status,
            self.resolver.lower().replace("_without_default_delegates", ", optimized"),
            str(self.cases),
            str(self.nodes),
            part,
            where,
            ends,
            self.note,
        )


TITLES = (
    "model",
    "status",
    "LiteRT",
    "cases",
    "nodes",
    "part of bound",
    "at",
    "end to end",
    "note",
)


def check(child: Child, path: Path, runs: int = 5, limits: bool = True) -> Row:
    """Compare one file on `runs` random inputs and, with `limits`, at the types' limits."""
    row = Row(f"{path.parent.name}/{path.stem}")
    started = time.perf_counter()
    want = reference(child, path, 1)
    row.resolver = want.resolver.removeprefix("BUILTIN_")
    if want.answer.stage == "done":
        seen = [
            ours
            for case in _cases(path, want.job, runs, limits)
            if (ours := _check_case(child, row, want, case)) is not None
        ]
        if seen:
            _take(row, compare_nodes(child, seen), "alone")
    else:
        row.resolver = ""
        error = _refusal(path, want.job)
        row.status = "neither runs" if error else "runs here only"
        row.note = " ".join(f"LiteRT {want.answer.stage}: {want.answer.error}".split())
    row.seconds = time.perf_counter() - started
    return row


def _cases(path: Path, job: Job, runs: int, limits: bool) -> Iterable[Case]:
    """Inputs for all tensors that a caller feeds: as `child` makes them."""
    details = fed(keeping(path))
    for name, arrays in inputs.cases(details, job.seed, runs, limits):
        if job.small_integers:
            arrays = [
                np.minimum(a, 1) if a.dtype.kind in "iu" and a.itemsize > 2 else a for a in arrays
            ]
        yield name, arrays


def _refusal(path: Path, job: Job) -> str:
    """Why we do not run a file; empty when we do."""
    try:
        for case in _cases(path, job, 1, limits=False):
            ready(path, case[1]).invoke()
    except (RuntimeError, ValueError) as error:
        return str(error)
    return ""


def _check_case(child: Child, row: Row, reference: Reference, case: Case) -> Interpreter | None:
    """Judge one case; our run where nodes remain to be judged one by one, as the reference kernels do
    not run or survive the whole.
    """
    job = reference.job
    inside = job.resolver == "BUILTIN_REF" or (job.resolver == OPTIMIZED and _has_resources(job))
    # What has hung once is not waited for again.
    patience = 5.0 if "does not end" in row.note else None
    answer = child.run(replace(job, cases=[case], tensors=inside), patience)
    if answer.stage == "hung":
        # A loop whose condition these inputs never end: ours would not end either.
        row.note = row.note or f"LiteRT does not end on {case[0]}"
        return None
    try:
        ours = ready(Path(str(job.model)), case[1])
        turns = note_turns(ours)
        ours.invoke()
    except (RuntimeError, ValueError) as error:
        if answer.stage == "done":
            row.fail("refused", f"{case[0]}: {error}")
        return None
    if answer.stage != "done":
        row.note = row.note or f"LiteRT {answer.stage} on {case[0]}: {answer.error[:60].strip()}"
        return None
    row.cases += 1
    _blank_unwritten(ours, answer)
    if not inside:
        why = "abort" if reference.died else "do not run it"
        row.note = row.note or f"LiteRT's reference kernels {why}: each node is compared alone"
        if job.resolver == "AUTO":
            _judge_outputs(row, ours, answer, case[0])
        return ours
    _judge_outputs(row, ours, answer, case[0])
    if not _judge_nodes(row, ours, answer, job, case):
        _take(row, compare_turns(child, ours.model, turns), case[0])
    return None


def _has_resources(job: Job) -> bool:
    """Whether nodes share variables or hash tables, and so cannot run one by one."""
    graphs = read_model(job.model).subgraphs
    return any(t.type == TensorType.RESOURCE for graph in graphs for t in graph.tensors)


def _blank_unwritten(ours: Interpreter, answer: Answer) -> None:
    """Zeros, as ours has, where LiteRT leaves what was in the memory: after the last detection."""
    graph = ours.model.subgraphs[0]
    for op in graph.operators:
        if op.name == "TFLite_Detection_PostProcess":
            last = graph.outputs.index(op.outputs[3])
            slots = int(answer.outputs[0][last][0]) * int(
                loads(op.custom_options)["max_classes_per_detection"]
            )
            for t in op.outputs[:3]:
                answer.outputs[0][graph.outputs.index(t)][:, slots:] = 0
                for tensors in answer.tensors:
                    tensors[0, t][:, slots:] = 0


def _judge_outputs(row: Row, ours: Interpreter, answer: Answer, case: str) -> None:
    for k, (detail, want) in enumerate(
        zip(ours.get_output_details(), answer.outputs[0], strict=True)
    ):
        found = difference(ours.get_tensor(detail["index"]), want)
        if want.dtype.kind in "fc":
            row.ends = max(row.ends, found.relative)
        if found.max > 0 and (want.dtype.kind not in "fc" or found.max == np.inf):
            row.fail("differs", f"{case}: output {k} is {found.max:.3g} ({found.relative:.1e}) off")


def _judge_nodes(row: Row, ours: Interpreter, answer: Answer, job: Job, case: Case) -> bool:
    """Judge every node; whether all tensors are equal."""
    (want,) = answer.tensors
    state = ours.subgraph(0)
    row.nodes = len(state.nodes)
    same = all(_same(ours.get_tensor(t, g), array) for (g, t), array in want.items() if g == 0)
    found = Compared(row.nodes) if same else walk(ready(Path(str(job.model)), case[1]), want)
    if not same:
        _take(row, found, case[0])
    return same


def _take(row: Row, found: Compared, case: str) -> None:
    """Put what a comparison of nodes found into the row."""
    row.nodes = max(row.nodes, found.nodes)
    if found.worst > row.worst:
        row.worst, row.where = found.worst, found.where
    if row.status == "equal":
        row.status = "within"
    if found.beyond:
        row.fail("differs", f"{case}: {len(found.beyond)} nodes, first {found.beyond[0]}")


def _same(got: Array, want: Array) -> bool:
    if got.shape != want.shape or got.dtype.kind != want.dtype.kind:
        return False
    if got.dtype.kind in "OS":
        return [bytes(x) for x in got.ravel()] == [bytes(x) for x in want.ravel()]
    return bool(np.array_equal(got, want, equal_nan=got.dtype.kind in "fc"))


_PAGE = """# The corpus in our interpreter, beside LiteRT

Made by `python -m tests.networks.reference_sweep ../shared/models --write docs/corpus.md` ({date}); do
not edit.

{count} files; {cases} runs ({runs} random inputs a file and the four limits of its types: all lowest, all
highest, alternating, zero); {summary}.

- **status**: *equal*: every element of every tensor that a node writes is LiteRT's. *within*: with
  LiteRT's own tensors for its inputs each node, in branches and in a loop's turns too, gives LiteRT's
  integers exactly, and floats within the bound that the op's file derives ([ops.md](ops.md)). *runs
  here only*, *neither runs*: LiteRT does not run it (the note has its word); *refused*, *differs*:
  ours is wrong.
- **LiteRT**: which of its kernels run the whole: *ref* the reference, else *optimized* or *auto*
  (XNNPACK); then each node is compared alone, with the reference's kernels where they run it.
- **part of bound**: the largest difference of a node's float result as a part of its bound, and
  **at** which node.
- **end to end**: the largest difference of a float output as a part of its range, all nodes' added up.

{table}
"""


def page(rows: Sequence[Sequence[str]], runs: int) -> str:
    """The text of docs/corpus.md from the cells of its table."""
    lines = [TITLES, ["---"] * len(TITLES), *sorted(rows)]
    statuses = Counter(row[1] for row in rows)
    return _PAGE.format(
        date=time.strftime("%Y-%m-%d"),
        count=len(rows),
        cases=sum(int(row[3]) for row in rows),
        runs=runs,
        summary=", ".join(f"{n} {s}" for s, n in sorted(statuses.items())),
        table="\n".join(f"| {' | '.join(cells)} |" for cells in lines),
    )


def write(path: Path, made: Sequence[Row], runs: int) -> None:
    """Put rows into the page, which keeps those of other files."""
    cells = [[cell.replace("|", "/") for cell in row.cells()] for row in made]
    path.write_text(page(cells + kept(path, made), runs))


def kept(path: Path, made: Sequence[Row]) -> list[list[str]]:
    """The rows of a page for files that were not run now."""
    lines = path.read_text().splitlines() if path.is_file() else []
    table = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines if line[:1] == "|"]
    names = {row.name for row in made}
    return [cells for cells in table[2:] if cells[0] not in names]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.networks.reference_sweep", description=__doc__
    )
    parser.add_argument("corpus", type=Path, help="a folder with networks/ and graphs/, or a file")
    parser.add_argument("names", nargs="*", help="only files whose name holds one of these")
    parser.add_argument("--runs", type=int, default=5, help="random inputs a file")
    parser.add_argument("--no-limits", action="store_true", help="leave out the types' limits")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds a run may take")
    parser.add_argument(
        "--write",
        type=Path,
        help="write the table to this page (which keeps its other files' rows)",
    )
    given = parser.parse_args(arguments)
    files = [given.corpus] if given.corpus.is_file() else corpus_files(given.corpus)
    files = [f for f in files if not given.names or any(n in f.stem for n in given.names)]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="litefuse-reference-") as cache:
        child = Child(Path(cache), given.timeout)
        for path in files:
            row = check(child, path, given.runs, not given.no_limits)
            rows.append(row)
            print(f"{row.seconds:6.1f} s  {'  '.join(c for c in row.cells() if c)}", flush=True)
            if given.write:
                write(given.write, rows, given.runs)
        child.close()
    rows.sort(key=lambda row: row.name)
    table = Table(*TITLES)
    for row in rows:
        if not row.good or not given.write:
            table.add_row(*row.cells())
    Console(width=200).print(table)
    print(", ".join(f"{n} {s}" for s, n in sorted(Counter(r.status for r in rows).items())))
    return int(any(not row.good for row in rows))


if __name__ == "__main__":
    sys.exit(main())
