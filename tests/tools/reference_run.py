"""Runs models in LiteRT's reference kernels, in a process that a crash may end.

Reads one JSON request a line ({"model", "seed", "out", "layers"}) and answers with one JSON line:
{"ok": true} after writing inputs and outputs to the .npz `out`, or {"ok": false, "error": text}.
The parent (`reference.py`) starts another process when this one dies.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np


def random_input(details: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """An input for one entry of get_input_details(): every value the type allows, small indices."""
    shape, dtype = tuple(int(d) for d in details["shape"]), np.dtype(details["dtype"])
    if dtype.kind in "OSU":
        out = np.empty(shape, object)
        out[...] = b"litefuse"
        return out
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    if dtype.kind == "c":
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(dtype)
    if dtype.itemsize <= 2:
        info = np.iinfo(dtype)
        return rng.integers(info.min, int(info.max) + 1, shape).astype(dtype)
    return rng.integers(0, 4, shape).astype(dtype)


def run(request: dict[str, Any]) -> None:
    """One request: run the model and write its inputs, outputs and, if asked, every tensor."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    layers = bool(request.get("layers"))
    interpreter = Interpreter(
        request["model"],
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=layers,
    )
    rng = np.random.default_rng(request["seed"])
    interpreter.allocate_tensors()
    arrays: dict[str, np.ndarray] = {}
    for details in interpreter.get_input_details():
        value = random_input(details, rng)
        arrays[f"in{details['index']}"] = value
        interpreter.set_tensor(details["index"], value)
    interpreter.invoke()
    for details in interpreter.get_output_details():
        arrays[f"out{details['index']}"] = interpreter.get_tensor(details["index"])
    if layers:
        for details in interpreter.get_tensor_details():
            try:
                arrays[f"t{details['index']}"] = interpreter.get_tensor(details["index"])
            except ValueError:
                continue
    np.savez(request["out"], **arrays)  # type: ignore[arg-type]


def main() -> None:
    """Serve requests from standard input until it ends."""
    for line in sys.stdin:
        try:
            run(json.loads(line))
            answer: dict[str, Any] = {"ok": True}
        except Exception as error:
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
