"""One model run in one library, in this process, and the memory it took, as one line of JSON.

    python -m tests.tools.memory_run litefuse|litert model.tflite [--invokes 3]

{"base", "peak", "seconds", "arena"}: resident KiB after the library's import, the most since then
(VmHWM, which belongs to this process alone), seconds of the last invoke, and the arena's bytes
(0 from LiteRT, whose Python API does not tell).
"""

from __future__ import annotations

import argparse
import json
import time
from importlib import import_module
from pathlib import Path
from typing import Any

LIBRARIES = {"litert": "ai_edge_litert.interpreter", "litefuse": "litefuse.runtime.interpreter"}


def resident(field: str) -> int:
    """KiB of /proc/self/status: VmRSS (now) or VmHWM (the most so far)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise RuntimeError(f"/proc/self/status has no {field}: this measurement needs Linux")


def fill(interpreter: Any, numpy: Any) -> None:
    """Random numbers in every input; small ones where they may be indices, and one word as text."""
    rng = numpy.random.default_rng(0)
    for details in interpreter.get_input_details():
        shape, dtype = tuple(details["shape"]), numpy.dtype(details["dtype"])
        if dtype.kind in "OSU":
            value = numpy.full(shape, b"litefuse", object)
        elif dtype.kind in "fc":
            value = rng.standard_normal(shape).astype(dtype)
        else:
            low, high = (0, 4) if dtype.itemsize > 2 else (0, 100)
            value = rng.integers(low, high, shape).astype(dtype)
        interpreter.set_tensor(details["index"], value)


def measure(library: str, model: str, invokes: int) -> dict[str, Any]:
    """Run `model` that often on random inputs; see the module's docstring for the result."""
    module = import_module(LIBRARIES[library])
    import numpy  # there by now in both
    import numpy.random

    base = resident("VmRSS")
    interpreter = module.Interpreter(
        model_path=model,
        num_threads=1,
        experimental_op_resolver_type=module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    fill(interpreter, numpy)
    seconds = 0.0
    for _ in range(invokes):
        start = time.perf_counter()
        interpreter.invoke()
        seconds = time.perf_counter() - start
    for details in interpreter.get_output_details():
        interpreter.get_tensor(details["index"])
    return {
        "base": base,
        "peak": resident("VmHWM"),
        "seconds": seconds,
        "arena": int(getattr(interpreter, "arena_bytes", 0)),
    }


def main() -> None:
    """Measure what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", choices=sorted(LIBRARIES))
    parser.add_argument("model")
    parser.add_argument("--invokes", type=int, default=1)
    given = parser.parse_args()
    print(json.dumps(measure(given.library, given.model, given.invokes)))


if __name__ == "__main__":
    main()
