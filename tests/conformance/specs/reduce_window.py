"""REDUCE_WINDOW, STABLEHLO_REDUCE_WINDOW."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from litefuse.runtime.model.build import ModelBuilder
from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, values
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import flaw

KINDS = ("float32", "float64", "int8", "uint8", "int16", "int32", "int64", "bool")
FUNCTIONS = ("ADD", "MUL", "MINIMUM", "MAXIMUM", "ALL", "ANY")
BODIES = ("ADD", "MUL", "MINIMUM", "MAXIMUM", "LOGICAL_AND", "LOGICAL_OR")
BODIES += ("STABLEHLO_ADD", "STABLEHLO_MULTIPLY", "STABLEHLO_MINIMUM", "STABLEHLO_MAXIMUM")


def _truth(outputs: list[np.ndarray]) -> list[np.ndarray]:
    """LiteRT adds booleans as bytes: any but 0 is true."""
    return [y.view(np.uint8) != 0 if y.dtype == bool and y.size else y for y in outputs]


def _axes(draw: Draw, rank: int, broken: str | None) -> list[tuple[int, ...]]:
    """(size, window, stride, dilation) of each axis; windows mostly fit."""
    found = []
    for _ in range(rank):
        window = draw(st.integers(1, 3))
        stride, step = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        size = (window - 1) * step + 1 + draw(st.integers(-1, 3) if rank < 4 else st.just(0))
        found.append((max(size, 1), window, stride, step))
    if broken in ("empty", "window", "stride", "dilation") and found:
        at = ("empty", "window", "stride", "dilation").index(broken)
        axis = list(found[-1])
        axis[at] = 0 if broken == "empty" else draw(st.sampled_from((0, -1)))
        found[-1] = tuple(axis)
    return found


@conforms("REDUCE_WINDOW", *KINDS)
def reduce_window(draw: Draw, dtype: str) -> Case:
    broken = flaw(draw, "empty", "scalar", "rank", "fed", "vector type", "function", "init type")
    rank = {"scalar": 0, "rank": 7}.get(str(broken), draw(st.integers(1, 6)))
    axes = _axes(draw, rank, broken)
    kind = "int32" if broken == "vector type" else "int64"
    vectors = [np.array([a[i] for a in axes], kind) for i in (1, 2, 3)]
    init = "int32" if broken == "init type" and dtype != "int32" else dtype
    functions = ("UNSUPPORTED",) if broken == "function" else FUNCTIONS
    shape = [a[0] for a in axes]
    return case(
        "REDUCE_WINDOW",
        [
            Arg(values(draw, shape, dtype, special=dtype[:5] == "float"), dtype=dtype),
            Arg(values(draw, (), init), dtype=init, constant=draw(st.booleans())),
            *[Arg(v, constant=broken != "fed") for v in vectors],
        ],
        [Arg(shape=(1,) * max(len(shape), 1), dtype=dtype)],
        reduce_function=draw(st.sampled_from(functions)),
        defined=_truth,
    )


class _WithBody(Case):
    """The case with a second subgraph: a list of ops of two scalars."""

    body: tuple[str, ...] = ()

    def content(self) -> bytes:
        """The bytes of the model."""
        b = ModelBuilder()
        dtype = self.outputs[0].dtype
        given = [a for a in self.inputs if a is not None and a.data is not None]
        ins = []
        for i, a in enumerate(given):
            assert a.data is not None
            if a.constant:
                ins.append(b.add_tensor(f"in{i}", data=a.data, type=a.dtype))
            else:
                ins.append(b.add_tensor(f"in{i}", a.data.shape, a.dtype or "float32"))
        out = b.add_tensor("out", self.outputs[0].shape or (), dtype or "float32")
        b.add_op(self.op, ins, [out], **self.options)
        fed = [t for t, a in zip(ins, given, strict=True) if not a.constant]
        b.set_io(fed, [out])
        b.add_subgraph("body")
        pair = [b.add_tensor(name, (), dtype or "float32") for name in "ab"]
        result = pair[1]
        for k, op in enumerate(self.body):
            made = b.add_tensor(f"c{k}", (), dtype or "float32")
            b.add_op(op, [pair[0], result], [made])
            result = made
        b.set_io(pair, [result])
        b.select_subgraph(0)
        return b.finish_bytes(fed, [out])


@conforms("STABLEHLO_REDUCE_WINDOW", *KINDS)
def stablehlo_reduce_window(draw: Draw, dtype: str) -> Case:
    flaws = ("empty", "scalar", "rank", "window", "stride", "dilation", "base", "crop", "body")
    broken = flaw(draw, *flaws)
    rank = {"scalar": 0, "rank": 7}.get(str(broken), draw(st.integers(1, 6)))
    axes = _axes(draw, rank, broken)
    shape = [a[0] for a in axes]
    few = rank < 4  # many axes with padding are many elements
    base = [draw(st.integers(1, 3 if few else 1)) for _ in axes]
    pads = [draw(st.integers(0, 2 if few else 0)) for _ in range(2 * rank)]
    if rank and shape[0] > 1:
        pads[draw(st.integers(0, 1))] -= 1
    if broken == "base" and rank:
        base[0] = 0
    if broken == "crop" and rank:
        pads[0] = -9
    bodies: Any = [(b,) for b in BODIES]
    if broken == "body":
        bodies = [(), ("STABLEHLO_ADD", "STABLEHLO_ADD"), ("STABLEHLO_SUBTRACT",)]
    options = {
        "window_dimensions": [a[1] for a in axes],
        "window_strides": [a[2] for a in axes],
        "window_dilations": [a[3] for a in axes],
        "base_dilations": base,
        "padding": pads,
    }
    for name in list(options):
        if broken is None and draw(st.integers(0, 9)) == 9:
            del options[name]  # absent: ones, and no padding
    made = _WithBody(
        "STABLEHLO_REDUCE_WINDOW",
        [
            Arg(values(draw, shape, dtype, special=dtype[:5] == "float"), dtype=dtype),
            Arg(values(draw, (), dtype), dtype=dtype, constant=draw(st.booleans())),
        ],
        [Arg(shape=(1,) * max(len(shape), 1), dtype=dtype)],
        {**options, "body_subgraph_index": 1},
    )
    made.defined = _truth
    made.body = draw(st.sampled_from(bodies))
    return made
