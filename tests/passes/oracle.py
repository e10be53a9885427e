"""Whole models through the tensor passes, every stage executed in NumPy and compared with LiteRT's reference kernels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pytest

from litefuse.compiler.frontend.import_partition import import_partition
from litefuse.compiler.frontend.plan import plan_subgraph
from litefuse.compiler.ir.core import Module
from litefuse.compiler.ir.passes import PassContext, PassManager
from litefuse.passes.pipeline import TENSOR_PASSES
from litefuse.runtime.model import read_model
from litefuse.runtime.options import Options
from tests import kern_interpreter

Array = np.ndarray[Any, Any]
TOLERANCE = 1e-5  # of the output's range, for float


def imported(content: bytes) -> Module:
    """The model's only partition, which must hold every node, as `tfl` IR."""
    model = read_model(content)
    plan = plan_subgraph(model, 0, Options())
    assert not plan.reasons, [str(r) for r in plan.reasons.values()]
    assert len(plan.partitions) == 1
    return import_partition(model, plan.partitions[0])


def litert(content: bytes, module: Module, inputs: Sequence[Array]) -> list[Array]:
    """What LiteRT's reference kernels give, arguments and results in the order of the module's function."""
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs LiteRT as oracle")
    made = interpreter.Interpreter(
        model_content=content,
        experimental_op_resolver_type=interpreter.OpResolverType.BUILTIN_REF,
    )
    made.allocate_tensors()
    function = module.functions()[0]
    for index, x in zip(function["arg_tensors"], inputs, strict=True):
        made.set_tensor(index, x)
    made.invoke()
    return [made.get_tensor(index) for index in function["result_tensors"]]


def same(got: Sequence[Array], want: Sequence[Array], stage: str) -> None:
    """Integers in every bit, floats within the tolerance of the output's range."""
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        assert (g.dtype, g.shape) == (w.dtype, w.shape), stage
        if w.dtype.kind == "f":
            scale = max(float(np.abs(w).max(initial=0)), 1e-6)
            worst = float(np.abs(g - w).max(initial=0)) / scale
            assert worst <= TOLERANCE, (
                f"after {stage}: output {i} is off by {worst:.2e} of its range"
            )
        else:
            n = int((g != w).sum())
            assert n == 0, f"after {stage}: output {i} differs in {n} of {w.size} elements"


def check(
    content: bytes,
    inputs: Sequence[Sequence[Array]],
    at_the_end: Sequence[Sequence[Array]] = (),
    after: Collection[str] | None = None,
) -> Module:
    """Run the tensor passes one by one; once all ops are `kern`, results must be LiteRT's.

    `inputs` are compared after every pass (those named in `after`, where given), `at_the_end` after the last.
    """
    module = imported(content)
    context = PassContext()
    expected = [litert(content, module, x) for x in inputs]
    for p in TENSOR_PASSES:
        PassManager([p]).run(module, context)
        if any(op.dialect == "tfl" for op in module.walk()) or (after and p.name not in after):
            continue
        for x, want in zip(inputs, expected, strict=True):
            same(kern_interpreter.run(module, x), want, p.name)
    for x in at_the_end:
        same(kern_interpreter.run(module, x), litert(content, module, x), "all passes")
    return module


def random_inputs(module: Module, rng: np.random.Generator) -> list[Array]:
    """Arrays for the function's arguments: the whole range of integers, floats about 0."""
    made = []
    for arg in module.functions()[0].body.args:
        dtype = kern_interpreter.storage(arg.type)
        shape = arg.type.shape  # type: ignore[attr-defined]
        if dtype.kind == "i":
            info = np.iinfo(dtype)
            made.append(rng.integers(info.min, info.max + 1, shape).astype(dtype))
        else:
            made.append(rng.normal(0.0, 1.0, shape).astype(dtype))
    return made


def extreme_inputs(module: Module) -> list[list[Array]]:
    """All elements at the type's lowest, and all at its highest (floats: -1e3 and 1e3)."""
    found = []
    for high in (False, True):
        made = []
        for arg in module.functions()[0].body.args:
            dtype = kern_interpreter.storage(arg.type)
            info = np.iinfo(dtype) if dtype.kind == "i" else None
            value = (info.max if high else info.min) if info else (1e3 if high else -1e3)
            made.append(np.full(arg.type.shape, value, dtype))  # type: ignore[attr-defined]
        found.append(made)
    return found
