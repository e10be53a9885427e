"""Small models built by our writer, and the real interpreter to try delegates in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from litefuse.runtime.model import (
    Buffer,
    BuiltinOperator,
    Model,
    Operator,
    OperatorCode,
    SubGraph,
    Tensor,
    write_model,
)
from litefuse.runtime.model.records import record_class

interpreter_module = pytest.importorskip("ai_edge_litert.interpreter")

TABLES = {"ADD": "AddOptions", "MUL": "MulOptions", "RESHAPE": "ReshapeOptions"}


def make_model(
    shapes: Sequence[tuple[int, ...]],
    nodes: Sequence[tuple[str, list[int], list[int]]],
    inputs: Sequence[int],
    outputs: Sequence[int],
    variables: Sequence[int] = (),
) -> bytes:
    """A float32 model; nodes are (operator, inputs, outputs) without fused activations."""
    codes = sorted({name for name, _, _ in nodes})
    tensors = [
        Tensor(name=f"t{i}", shape=shape, is_variable=i in variables)
        for i, shape in enumerate(shapes)
    ]
    entries = [OperatorCode(BuiltinOperator[name]) for name in codes]
    operators = [
        Operator(
            codes.index(name),
            entries[codes.index(name)],
            tuple(ins),
            tuple(outs),
            record_class(TABLES[name])() if name in TABLES else None,
        )
        for name, ins, outs in nodes
    ]
    graph = SubGraph(tensors, tuple(inputs), tuple(outputs), operators)
    return write_model(Model(operator_codes=entries, subgraphs=[graph], buffers=[Buffer()]))


def chain_value(x: np.ndarray) -> np.ndarray:
    """What `chain` computes."""
    a = x + x
    c = a * a + a
    return c * c + c


def make_interpreter(model: bytes | str, delegates: Sequence[Any] = (), **options: Any) -> Any:
    """A LiteRT interpreter; the reference kernels unless `resolver` says otherwise."""
    resolver = options.pop("resolver", interpreter_module.OpResolverType.BUILTIN_REF)
    source = {"model_content": model} if isinstance(model, bytes) else {"model_path": model}
    return interpreter_module.Interpreter(
        **source,
        experimental_delegates=list(delegates) or None,
        experimental_op_resolver_type=resolver,
        **options,
    )


def feed(interpreter: Any, seed: int = 0) -> list[np.ndarray]:
    """Allocate, set inputs drawn from `seed`, invoke; the outputs."""
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        rng = np.random.default_rng(seed)
        dtype = np.dtype(detail["dtype"])
        if dtype.kind == "f":
            value = rng.standard_normal(detail["shape"]).astype(dtype)
        else:
            info = np.iinfo(dtype)
            value = rng.integers(info.min, info.max + 1, detail["shape"]).astype(dtype)
        interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
