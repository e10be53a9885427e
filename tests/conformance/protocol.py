"""What the two sides of the pipe say to each other, and how either side runs a case."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

State = dict[int, np.ndarray]  # variable tensors by their index


@dataclass
class Answer:
    """What a side did with a case: "ran", "refused" at a stage, or (LiteRT only) "died"."""

    status: str
    stage: str = ""
    text: str = ""
    allocated: list[tuple[int, ...]] = field(default_factory=list)
    outputs: list[list[np.ndarray]] = field(default_factory=list)
    states: list[State] = field(default_factory=list)  # before each invoke


def answer(
    make: Any,
    content: bytes,
    steps: list[list[np.ndarray]],
    variables: Sequence[int] = (),
    states: Sequence[State] = (),
) -> Answer:
    """Run a model: `make(content)` gives an interpreter of LiteRT's API.

    `variables` are the tensors to read before each invoke, `states` what to put into them instead.
    """
    stage = "read"
    found = Answer("ran")
    try:
        interpreter = make(content)
        stage = "allocate"
        interpreter.allocate_tensors()
        inputs, results = interpreter.get_input_details(), interpreter.get_output_details()
        found.allocated = [tuple(int(d) for d in r["shape"]) for r in results]
        for step, feeds in enumerate(steps):
            stage = "set"
            for details, value in zip(inputs, feeds, strict=True):
                if value.size:
                    interpreter.set_tensor(details["index"], value)
            for index, value in states[step].items() if states else ():
                interpreter.set_tensor(index, value)
            found.states.append({i: np.array(interpreter.get_tensor(i)) for i in variables})
            stage = "invoke"
            interpreter.invoke()
            stage = "get"
            found.outputs.append([_read(interpreter, r["index"]) for r in results])
    except (ValueError, RuntimeError) as error:
        return Answer("refused", stage, str(error))
    return found


def _read(interpreter: Any, index: int) -> np.ndarray:
    for details in interpreter.get_output_details():
        if details["index"] == index and not np.all(details["shape"]):
            kind = details["dtype"]  # LiteRT has no memory to show for an empty tensor
            return np.empty(details["shape"], object if kind is np.bytes_ else kind)
    read = interpreter.get_tensor(index)
    return np.asarray(read)


def send(descriptor: int, message: Any) -> None:
    """Write one message."""
    data = pickle.dumps(message, protocol=5)
    data = len(data).to_bytes(8, "little") + data
    while data:
        data = data[os.write(descriptor, data) :]


def receive(descriptor: int) -> Any:
    """Read one message; EOFError at the end."""
    size = int.from_bytes(_exactly(descriptor, 8), "little")
    return pickle.loads(_exactly(descriptor, size))


def _exactly(descriptor: int, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = os.read(descriptor, size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
