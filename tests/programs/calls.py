"""Random calls of an interpreter's methods, and what came of each on one side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.conformance.draw import Draw
from tests.programs.graph import Model, value

Call = tuple[Any, ...]
Outcome = Any  # an array, a list of them, or an exception's (type, text)


@dataclass(frozen=True)
class Program:
    """A model and what is done with it."""

    content: bytes
    calls: list[Call]
    keep_all: bool = False
    watched: tuple[int, ...] = ()  # tensors to read after a run, besides the outputs


def random_program(draw: Draw, model: Model) -> Program:
    """Allocate, feed and run; then up to eight more calls, most often runs."""
    now = list(model.inputs)
    calls: list[Call] = []

    def resize() -> None:
        k = draw(st.integers(0, len(now) - 1))
        shape = [draw(st.sampled_from([d, d, 1, 2, 3])) for d in now[k].shape]
        now[k] = value(draw, now[k].dtype, shape)
        calls.append(("resize", k, shape, draw(st.booleans())))
        if draw(st.integers(0, 9)):
            allocate()

    def allocate() -> None:
        calls.append(("allocate",))
        for k, old in enumerate(now):
            calls.append(("set", k, old))

    def other() -> None:
        k = draw(st.integers(0, len(now) - 1))
        now[k] = value(draw, now[k].dtype, now[k].shape)
        calls.append(("set", k, now[k]))

    def signature() -> None:
        calls.append(("signature", {f"x{k}": v for k, v in enumerate(now)}))

    steps: list[Callable[[], Any]] = [
        *(resize, resize, other, other, signature),
        lambda: calls.append(("reset",)),
        allocate,
    ]
    for step in [allocate, *draw(st.lists(st.sampled_from(steps), max_size=8))]:
        step()
        calls.append(("run",))
    keep_all = draw(st.booleans())
    return Program(model.content, calls, keep_all, model.tensors if keep_all else ())


def outcomes(make: Callable[..., Any], program: Program) -> list[Outcome]:
    """What each call gives, on an interpreter that `make(content, keep_all)` makes."""
    try:
        interpreter = make(program.content, program.keep_all)
    except (ValueError, RuntimeError) as error:
        return [_error(error)]
    found = []
    for call in program.calls:
        try:
            found.append(_do(interpreter, program.watched, *call))
        except (ValueError, RuntimeError) as error:
            found.append(_error(error))
    return found


def _error(error: Exception) -> tuple[type, str]:
    return type(error), str(error)


def _do(interpreter: Any, watched: tuple[int, ...], name: str, *arguments: Any) -> Outcome:
    if name == "run":
        interpreter.invoke()
        outputs = interpreter.get_output_details()
        others = [d for d in interpreter.get_tensor_details() if d["index"] in watched]
        signatures = [d["shape_signature"] for d in outputs]
        return [_read(interpreter, d) for d in [*outputs, *others]] + signatures
    if name == "set":
        k, array = arguments
        return interpreter.set_tensor(interpreter.get_input_details()[k]["index"], array)
    if name == "resize":
        k, shape, strict = arguments
        index = interpreter.get_input_details()[k]["index"]
        return interpreter.resize_tensor_input(index, shape, strict=strict)
    if name == "allocate":
        interpreter.allocate_tensors()
        return [d["shape"] for d in interpreter.get_input_details()]
    if name == "reset":
        return interpreter.reset_all_variables()
    assert name == "signature"
    made = interpreter.get_signature_runner("go")(**arguments[0])
    return [made[key] for key in sorted(made)]


def _read(interpreter: Any, details: Any) -> np.ndarray:
    if not np.all(details["shape"]):  # LiteRT has no memory to show for an empty tensor
        return np.empty(details["shape"], details["dtype"])
    return np.array(interpreter.get_tensor(details["index"]))
