"""One cold process: import, make an interpreter, run once, and print the times and the memory.

``python -m litefuse.cli.startup CONTENDER MODEL THREADS CACHE_DIR`` writes one JSON object. It is
what `litefuse bench` and `litefuse demo` start to measure starts, since a process that has imported
a compiler once cannot measure starting without it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True)
class Start:
    """Seconds to import, to make and allocate the interpreter, and for the first run; bytes.

    ``peak`` is the process's highest resident size, ``grown`` what it grew by after importing.
    """

    imports: float
    init: float
    first: float
    peak: int
    grown: int


def measure(contender: str, model: Path, threads: int, cache_dir: str) -> Start:
    """A start in a fresh process; a usage error with the last line it said if it failed."""
    words = [sys.executable, "-m", __name__, contender, str(model), str(threads), cache_dir]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise click.ClickException(f"starting {contender} in a fresh process failed: {last}")
    return Start(**json.loads(done.stdout.strip().splitlines()[-1]))


def _resident(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0


def _start(contender: str, model: Path, threads: int, cache_dir: str) -> Start:
    from litefuse.cli import contenders, inputs
    from litefuse.runtime.options import Options

    options = Options(num_threads=threads, cache_dir=cache_dir)
    clock = time.perf_counter
    begin = clock()
    if contender != "own":
        contenders.litert()
    if contender == "litefuse":
        import litefuse.runtime.litert.delegate
    if contender == "own":
        import litefuse.runtime.delegate
        import litefuse.runtime.interpreter  # noqa: F401
    imported = clock()
    before = _resident("VmRSS")
    interpreter = contenders.make(contender, model, options)
    interpreter.allocate()
    ready = clock()
    arrays = inputs.random_inputs(interpreter.input_details, 0)
    fed = clock()
    interpreter.run(arrays)
    ran = clock()
    peak = _resident("VmHWM")
    return Start(imported - begin, ready - imported, ran - fed, peak, peak - before)


if __name__ == "__main__":
    print(json.dumps(vars(_start(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))))
