"""A contender in a process of its own: LiteRT's reference kernels abort where an assertion fails.

``python -m litefuse.cli.isolated FOLDER`` runs the job that `outputs` has left in FOLDER. In the
wheels the reference kernels keep their assertions: an int8 SOFTMAX whose exponentials sum to 256 or
more, for one, ends the process. The command that compares must survive that and say so.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from litefuse.cli import contenders
from litefuse.runtime.options import Options

Arrays = list[NDArray[Any]]


def outputs(name: str, model: Path | bytes, threads: int, cases: Sequence[Arrays]) -> list[Arrays]:
    """The outputs of the contender for each case of inputs; an error that says how it died."""
    with tempfile.TemporaryDirectory(prefix="litefuse-") as text:
        folder = Path(text)
        path = model if isinstance(model, Path) else folder / "model.tflite"
        if isinstance(model, bytes):
            path.write_bytes(model)
        for number, arrays in enumerate(cases):
            _save(folder / f"in{number}.npz", arrays)
        job = {"name": name, "model": str(path), "threads": threads, "cases": len(cases)}
        (folder / "job.json").write_text(json.dumps(job))
        done = subprocess.run(
            [sys.executable, "-m", __name__, text], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise click.ClickException(_obituary(name, done.returncode, done.stderr))
        return [_load(folder / f"out{number}.npz") for number in range(len(cases))]


def _obituary(name: str, status: int, said: str) -> str:
    lines = [line for line in said.strip().splitlines() if not line.startswith("INFO")]
    last = lines[-1].removeprefix("litefuse: error: ") if lines else "it said nothing"
    if status > 0:
        return last
    return (
        f"{contenders.CONTENDERS[name]} died of {signal.Signals(-status).name} on this model "
        f"({last}): compare with --against builtin or --against plain instead"
    )


def _save(path: Path, arrays: Arrays) -> None:
    # Text tensors are arrays of objects, which are pickled. Both ends of this file are this module.
    np.savez(path, *arrays)


def _load(path: Path) -> Arrays:
    with np.load(path, allow_pickle=True) as archive:
        return [archive[f"arr_{i}"] for i in range(len(archive.files))]


def _work(folder: Path) -> None:
    job = json.loads((folder / "job.json").read_text())
    name = job["name"]
    options = Options(num_threads=job["threads"])
    contender = contenders.make(name, Path(job["model"]), options)
    contender.allocate()
    for number in range(job["cases"]):
        results = contender.run(_load(folder / f"in{number}.npz"))
        _save(folder / f"out{number}.npz", results)


if __name__ == "__main__":
    try:
        _work(Path(sys.argv[1]))
    except click.ClickException as error:
        sys.exit(f"litefuse: error: {error.format_message()}")
