"""Peak memory of LiteRT's builtin interpreter and of ours, model by model, as a Markdown table.

    python -m tests.tools.memory_compare [model.tflite ...] [--invokes 3] [--runs 3] [--only litefuse]

Without models: the ten largest networks of the corpus that LiteRT runs, by the bytes of the file
plus those of our arena for it (weights and activations), and the models of build/zoo where there
are any.

Each measurement is a process of its own (`memory_run.py`) on one thread, BLAS included: the most
memory that was ever resident (VmHWM) less what was resident once the library was imported.  Both
run the model on their builtin kernels without delegates.  The libraries take turns, and the least
of the runs counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COUNT = 10
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Peak:
    """KiB above the imported library, and in all; seconds of the last invoke; the arena's bytes."""

    above: int
    total: int
    seconds: float
    arena: int


def measure(library: str, model: Path, invokes: int) -> Peak | None:
    """One run in a process of its own; None when the library cannot run the model."""
    command = [sys.executable, "-m", "tests.tools.memory_run", library, str(model)]
    environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--invokes", str(invokes)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        return None
    got: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Peak(got["peak"] - got["base"], got["peak"], got["seconds"], got["arena"])


def compare(
    model: Path,
    *,
    invokes: int = 1,
    runs: int = 3,
    libraries: Sequence[str] = ("litert", "litefuse"),
) -> dict[str, Peak]:
    """The smallest peak and the shortest time of each library that runs the model."""
    found: dict[str, list[Peak]] = {library: [] for library in libraries}
    for _ in range(runs):
        for library in libraries:
            peak = measure(library, model, invokes)
            if peak is not None:
                found[library].append(peak)
    return {
        library: Peak(
            min(p.above for p in peaks),
            min(p.total for p in peaks),
            min(p.seconds for p in peaks),
            peaks[0].arena,
        )
        for library, peaks in found.items()
        if peaks
    }


def arena_bytes(model: Path) -> int:
    """What our interpreter plans for the model's tensors; 0 when it cannot run it."""
    from litefuse.runtime.interpreter import Interpreter, OpResolverType

    try:
        interpreter = Interpreter(
            str(model), experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        )
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError):
        return 0
    return interpreter.arena_bytes


def by_size(folder: Path) -> list[Path]:
    """All networks, those with the most bytes of file and arena together first."""
    sized = {path: path.stat().st_size + arena_bytes(path) for path in folder.glob("*.tflite")}
    return sorted(sized, key=lambda path: (-sized[path], path.name))


def largest(folder: Path, count: int = COUNT) -> list[Path]:
    """The first `count` networks `by_size` that LiteRT runs."""
    found: list[Path] = []
    for path in by_size(folder):
        if len(found) == count:
            break
        if measure("litert", path, 1) is not None:
            found.append(path)
    return found


def row(model: Path, peaks: dict[str, Peak]) -> str:
    """A line of the table: MiB above the import, their ratio, MiB in all and its ratio, times."""

    def mib(kib: int) -> str:
        return f"{kib / 1024:.1f}"

    cells = [model.stem, f"{model.stat().st_size / 2**20:.1f}"]
    theirs, mine = peaks.get("litert"), peaks.get("litefuse")
    cells.append(f"{mine.arena / 2**20:.1f}" if mine else "-")
    for field in ("above", "total"):
        values = [getattr(p, field) if p else None for p in (theirs, mine)]
        cells += [mib(v) if v is not None else "-" for v in values]
        known = values[0] is not None and values[1] is not None
        cells.append(f"{values[1] / values[0]:.2f}" if known else "-")
    cells += [f"{p.seconds * 1e3:.1f}" if p else "-" for p in (theirs, mine)]
    return "| " + " | ".join(cells) + " |"


HEADER = """\
| model | file | arena | LiteRT | ours | ratio | LiteRT, all | ours, all | ratio | LiteRT ms | ours ms |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"""


def main() -> None:
    """Print the table of the models that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--invokes", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=("litert", "litefuse"))
    given = parser.parse_args()
    libraries = (given.only,) if given.only else ("litert", "litefuse")
    models = given.models
    if not models:
        shared = Path(os.environ.get("LITEFUSE_SHARED", ROOT.parent / "shared"))
        models = largest(shared / "models" / "networks")
        models += sorted((ROOT / "build" / "zoo").glob("*.tflite"))
    print(HEADER)
    for model in models:
        peaks = compare(model, invokes=given.invokes, runs=given.runs, libraries=libraries)
        print(row(model, peaks), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
