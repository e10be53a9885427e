"""The interpreter's NumPy kernels, without any compiled code, beside LiteRT's own two sets.

    python benchmarks/kernels.py [--min-secs 0.5] [MODEL.tflite ...]

One thread, each network in a process of its own, the three interleaved. Keep the machine quiet.
Where LiteRT's reference kernels abort, the other two run without them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import scope  # beside this file
from run import geomean, milliseconds

from litefuse.cli.inputs import random_inputs

KINDS = {
    "NumPy": "BUILTIN_REF",
    "builtin": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "reference": "BUILTIN_REF",
}


def interpreter(module: Any, path: Path, kind: str) -> Any:
    """Allocated, with random inputs set, and warm."""
    made = module.Interpreter(
        str(path), experimental_op_resolver_type=module.OpResolverType[kind], num_threads=1
    )
    made.allocate_tensors()
    details = made.get_input_details()
    for detail, array in zip(details, random_inputs(details, 0), strict=True):
        made.set_tensor(detail["index"], array)
    made.invoke()
    return made


def measure(path: Path, seconds: float, names: list[str]) -> dict[str, float]:
    """Median seconds of an invoke, in rounds of all."""
    from ai_edge_litert import interpreter as litert

    from litefuse.runtime import interpreter as ours

    modules = {"NumPy": ours, "builtin": litert, "reference": litert}
    made = {name: interpreter(modules[name], path, KINDS[name]) for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    end = time.perf_counter() + len(names) * seconds
    while time.perf_counter() < end or len(times["NumPy"]) < 3:
        for name, one in made.items():
            begin = time.perf_counter()
            one.invoke()
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in times.items()}


def ask(model: Path, seconds: float) -> dict[str, float]:
    """`measure` in a process of its own; without the reference where that ends it."""
    environment = {**os.environ, "PYTHONPATH": str(scope.ROOT), "OPENBLAS_NUM_THREADS": "1"}
    for names in (list(KINDS), list(KINDS)[:2]):
        command = [sys.executable, __file__, "--min-secs", str(seconds), "--one", *names, "--"]
        done = subprocess.run(
            [*command, str(model)], capture_output=True, text=True, env=environment
        )
        if done.returncode == 0:
            return dict(json.loads(done.stdout.splitlines()[-1]))
    raise SystemExit(f"{model.name}: status {done.returncode}: {done.stderr[-2000:]}")


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--min-secs", type=float, default=0.5)
    parser.add_argument("--one", nargs="*", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.models[0], args.min_secs, args.one)))
        return
    print("| network | NumPy | builtin | reference | NumPy / builtin | NumPy / reference |")
    print("|---|--:|--:|--:|--:|--:|")
    ratios: dict[tuple[str, str], list[float]] = {}
    for model in args.models or scope.models():
        found = ask(model, args.min_secs)
        kind = "int8" if model.stem in scope.INTEGER else "float"
        cells = [model.stem, *(milliseconds(found.get(name)) for name in KINDS)]
        for name in ("builtin", "reference"):
            ratio = found["NumPy"] / found[name] if name in found else None
            cells.append("" if ratio is None else f"{ratio:.2f}")
            if ratio is not None:
                ratios.setdefault((kind, name), []).append(ratio)
        print(f"| {' | '.join(cells)} |", flush=True)
    for (kind, name), values in ratios.items():
        print(f"\nGeometric mean of NumPy / {name}, {kind}: **{geomean(values):.2f}**")


if __name__ == "__main__":
    main()
