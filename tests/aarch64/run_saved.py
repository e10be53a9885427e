"""Runs in the emulated Python: every saved model of a folder on its arrays, with our runtime and NumPy alone.

``python run_saved.py FOLDER``: for each NAME.litefuse, the arrays of NAME.in.npz ("<run>.<input>") give those of NAME.out.npz
("<run>.<output>"). Prints one JSON object: the machine, its best target, and what was imported.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np

from litefuse.runtime.compiled import CompiledModel
from litefuse.runtime.cpu import host_target


def main(folder: Path) -> None:
    threads: dict[str, int] = {}
    for number, file in enumerate(sorted(folder.glob("*.litefuse"))):
        name = file.stem
        with (
            np.load(folder / f"{name}.in.npz") as given,
            CompiledModel.load(file, num_threads=1 + number % 2) as model,
        ):
            threads[name] = model.num_threads
            made = {}
            for run in range(len(given.files) // len(model.inputs)):
                outputs = model(*[given[f"{run}.{i}"] for i in range(len(model.inputs))])
                made |= {f"{run}.{i}": array for i, array in enumerate(outputs)}
        np.savez(folder / f"{name}.out.npz", **made)
    host = host_target()
    print(
        json.dumps(
            {
                "machine": os.uname().machine,
                "target": host.name,
                "threads": threads,
                "modules": sorted(sys.modules),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
