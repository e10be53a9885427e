"""What a program may do wrong with an interpreter: one small function a mistake.

Each takes the module under test (LiteRT's or ours; nothing else differs) and does it; what it
returns or raises last is its outcome.  `Skip past` mistakes that come on the way with `swallow`.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from litefuse.runtime.model.build import ModelBuilder
from tests.runtime.interpreter.models import classifier, dynamic, save, two_signatures

IMAGE = np.random.default_rng(1).standard_normal((1, 8, 8, 2)).astype(np.float32)
CLASSIFIER = classifier()
TWO = two_signatures()
DYNAMIC = dynamic()


def _strings() -> bytes:
    """A PACK-free model of strings: RESHAPE of (2,) to (2, 1)."""
    b = ModelBuilder()
    x = b.add_tensor("words", (2,), "string")
    shape = b.add_tensor("shape", data=np.array([2, 1], np.int32))
    y = b.add_tensor("column", (2, 1), "string")
    b.add_op("RESHAPE", [x, shape], [y], new_shape=[2, 1])
    return b.finish_bytes([x], [y], {"go": ({"words": x}, {"column": y})})


def _refused() -> bytes:
    """RELU, then a CONCATENATION whose parts agree only when the first input has two rows."""
    b = ModelBuilder()
    x, w = b.add_tensor("x", (2, 3)), b.add_tensor("w", (2, 3))
    r, y = b.add_tensor("r", (2, 3)), b.add_tensor("y", (2, 6))
    b.add_op("RELU", [x], [r])
    b.add_op("CONCATENATION", [r, w], [y], axis=1)
    return b.finish_bytes([x, w], [y], {"go": ({"x": x, "w": w}, {"y": y})})


def _failing() -> bytes:
    """A GATHER whose indices only a run can find wrong."""
    b = ModelBuilder()
    x, i = b.add_tensor("x", (4,)), b.add_tensor("i", (2,), "int32")
    y = b.add_tensor("y", (2,))
    b.add_op("GATHER", [x, i], [y], axis=0)
    return b.finish_bytes([x, i], [y])


def _scalar() -> bytes:
    b = ModelBuilder()
    x, y = b.add_tensor("x", ()), b.add_tensor("y", ())
    b.add_op("RELU", [x], [y])
    return b.finish_bytes([x], [y], {"go": ({"x": x}, {"y": y})})


def _types() -> bytes:
    """One input of every type, and a RELU to make it a graph."""
    b = ModelBuilder()
    kinds = ("float32", "float16", "int8", "uint8", "int16", "int32", "int64", "bool", "complex64")
    ins = [
        b.add_tensor(f"in_{k}", (2,), k)
        for k in (*kinds, "uint16", "uint32", "uint64", "float64", "string")
    ]
    y = b.add_tensor("y", (2,))
    b.add_op("RELU", ins[:1], [y])
    return b.finish_bytes(ins, [y])


STRINGS, REFUSED, FAILING, SCALAR, TYPES = (_strings(), _refused(), _failing(), _scalar(), _types())


def new(m: Any, content: bytes = CLASSIFIER, allocate: bool = True, **options: Any) -> Any:
    """An interpreter on the reference kernels."""
    options.setdefault("experimental_op_resolver_type", m.OpResolverType.BUILTIN_REF)
    interpreter = m.Interpreter(model_content=content, **options)
    if allocate:
        interpreter.allocate_tensors()
    return interpreter


def swallow(call: Callable[[], Any]) -> Any:
    """The outcome of a mistake on the way: its value, or its exception as type and text."""
    try:
        return call()
    except Exception as error:
        return type(error), str(error)
