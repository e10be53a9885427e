"""Models of one node, asked of litefuse's plan and of the real LiteRT."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from litefuse.compiler.frontend.import_partition import import_partition
from litefuse.compiler.frontend.plan import plan_subgraph
from litefuse.compiler.ir.verifier import verify
from litefuse.compiler.ops import DIALECTS
from litefuse.runtime.model import Model, read_model
from litefuse.runtime.model.build import ModelBuilder
from litefuse.runtime.options import Options
from litefuse.runtime.plan import Reason
from tests.ir_harness import assert_round_trip

_TYPES = {
    "f32": ("FLOAT32", np.float32),
    "f16": ("FLOAT16", np.float16),
    "i8": ("INT8", np.int8),
    "u8": ("UINT8", np.uint8),
    "i16": ("INT16", np.int16),
    "i32": ("INT32", np.int32),
    "i64": ("INT64", np.int64),
}


@dataclass(frozen=True)
class T:
    """A tensor of a test: `const` gives it zeros, `data` certain elements."""

    shape: tuple[int, ...]
    kind: str = "f32"
    scale: Any = None
    zero: Any = None
    axis: int = 0
    const: bool = False
    data: Any = None

    def but(self, **changes: Any) -> T:
        return replace(self, **changes)


def i8(*shape: int, scale: Any = 0.5, zero: Any = 3, **more: Any) -> T:
    return T(shape, "i8", scale, zero, **more)


def f32(*shape: int, **more: Any) -> T:
    return T(shape, **more)


def ints(*values: Any, kind: str = "i32") -> T:
    array = np.array(values)
    return T(array.shape, kind, data=array)


def build(op: str, inputs: list[T | None], output: T, **options: Any) -> bytes:
    """The file of a model with this one node."""
    b = ModelBuilder()
    indices: list[int | None] = []
    for n, t in enumerate(inputs):
        indices.append(None if t is None else _add(b, f"input{n}", t))
    y = _add(b, "output", output)
    b.add_op(op, indices, [y], **options)
    free = [
        i
        for i, t in zip(indices, inputs, strict=True)
        if t is not None and i is not None and not t.const and t.data is None
    ]
    return b.finish_bytes(free, [y])


def _add(b: ModelBuilder, name: str, t: T) -> int:
    type_name, dtype = _TYPES[t.kind]
    data = None
    if t.data is not None or t.const:
        data = np.zeros(t.shape, dtype) if t.data is None else np.asarray(t.data).astype(dtype)
    quantized: dict[str, Any] = {}
    if t.scale is not None:
        quantized = {"scale": t.scale, "zero_point": t.zero, "quantized_dimension": t.axis}
    return b.add_tensor(name, t.shape, type_name, data, **quantized)


def litert_shape(data: bytes) -> tuple[int, ...] | None:
    """The output's shape after LiteRT's reference kernel has prepared it; None where it refuses."""
    try:
        i = Interpreter(
            model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        )
        i.allocate_tensors()
    except (RuntimeError, ValueError):
        return None
    return tuple(int(d) for d in i.get_output_details()[0]["shape"])


def reason(op: str, inputs: list[T | None], output: T, **options: Any) -> Reason | None:
    """Why the node is not claimed; None where it is, and then its import is verified too."""
    model = read_model(build(op, inputs, output, **options))
    return planned(model)


def planned(model: Model, shape: tuple[int, ...] | None = None) -> Reason | None:
    """As `reason` for a model; `shape` is what its output has instead of the file's."""
    y = model.subgraphs[0].outputs[0]
    shapes = {} if shape is None else {y: shape}
    plan = plan_subgraph(model, 0, Options(), shapes)
    if 0 not in plan.claimed:
        assert plan.claimed == ()
        assert plan.partitions == ()
        return plan.reasons[0]
    assert plan.reasons == {}
    (partition,) = plan.partitions
    module = import_partition(model, partition)
    verify(module, DIALECTS)
    assert_round_trip(module)
    return None


def agrees_with_litert(op: str, inputs: list[T | None], output: T, **options: Any) -> None:
    """What LiteRT prepares is claimed with LiteRT's shape and with no other."""
    data = build(op, inputs, output, **options)
    shape = litert_shape(data)
    model = read_model(data)
    if shape is None or 0 in shape:
        return
    found = planned(model, shape)
    assert found is None, f"LiteRT gives {shape}, the plan says {found}"
    wrong = planned(model, (*shape[:-1], shape[-1] + 1) if shape else (2,))
    assert wrong is not None
    assert wrong.rule


def refuses(rule: str, op: str, inputs: list[T | None], output: T, **options: Any) -> Reason:
    """The node is refused by a rule that says this, and the reason is complete."""
    found = reason(op, inputs, output, **options)
    assert found is not None, "it is claimed"
    assert rule in found.rule, str(found)
    assert found.op == op
    assert found.value
    assert found.remedy
    return found
