"""Hypothesis strategies: any type, any attribute, any module that the IR can hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from litefuse.compiler.ir.attributes import Dense, Resource, Symbol
from litefuse.compiler.ir.core import Block, Location, Module, NodeLocation, Operation, Region
from litefuse.compiler.ir.types import (
    BF16,
    F16,
    F32,
    F64,
    I1,
    I8,
    I32,
    INDEX,
    NONE,
    PTR,
    SI8,
    SI32,
    UI8,
    ComplexType,
    FloatType,
    FunctionType,
    IntegerType,
    OpaqueType,
    QuantizedType,
    TensorType,
    VectorType,
)

SCALES = st.floats(min_value=2.0**-100, max_value=1e6, width=32)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
SHAPES = st.lists(st.integers(-1, 300), max_size=5).map(tuple)


@st.composite
def quantized(draw: Any) -> QuantizedType:
    n = draw(st.integers(1, 3))
    scales = tuple(draw(st.lists(SCALES, min_size=n, max_size=n)))
    zeros = tuple(draw(st.lists(st.integers(-128, 127), min_size=n, max_size=n)))
    axis = draw(st.integers(0, 3)) if n > 1 or draw(st.booleans()) else None
    return QuantizedType(
        draw(st.sampled_from([I8, UI8, IntegerType(16), I32])), scales, zeros, axis
    )


SCALARS = st.sampled_from(
    [I1, I8, I32, SI8, SI32, UI8, IntegerType(4), BF16, F16, F32, F64, INDEX, PTR, NONE]
)
SCALARS |= st.sampled_from([OpaqueType("tfl.string"), ComplexType(F32), FloatType("f8E4M3FN")])
TENSORS = st.builds(TensorType, SHAPES, st.one_of(SCALARS.filter(lambda t: t != NONE), quantized()))
VECTORS = st.builds(VectorType, st.integers(1, 64), st.sampled_from([F32, I8, I32, I1]))
VALUES = st.one_of(SCALARS, TENSORS, VECTORS)
TYPES = st.one_of(
    VALUES, st.builds(FunctionType, st.lists(VALUES).map(tuple), st.lists(VALUES).map(tuple))
)

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
DTYPES += ["float16", "float32", "float64", "complex64", "complex128"]


@st.composite
def arrays(draw: Any) -> Any:
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9))
    size = int(np.prod(shape)) * dtype.itemsize
    if dtype == np.bool_:
        return draw(hnp.arrays(dtype, shape))
    # Any bits at all: NaNs with payloads, infinities, subnormals, negative zeros.
    seed = draw(st.binary(min_size=1, max_size=16))
    return np.frombuffer((seed * (size // len(seed) + 1))[:size], dtype).reshape(shape)


NUMBERS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=True),
    st.floats(width=32).map(np.float32),
)
ARRAYS = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1)).map(tuple),
    st.lists(st.floats(), min_size=1).map(tuple),
    st.lists(st.booleans(), min_size=1).map(tuple),
)
LEAVES = st.one_of(
    NUMBERS, NAMES, ARRAYS, TYPES, st.none(), st.builds(Symbol, NAMES), arrays().map(Dense)
)
ATTRIBUTES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(NAMES.filter(bool), inner, max_size=3)
    ),
    max_leaves=6,
)
LOCATIONS = st.lists(
    st.builds(NodeLocation, st.integers(0, 3), st.integers(0, 999), NAMES), max_size=3, unique=True
).map(lambda nodes: Location(tuple(nodes)))


@st.composite
def modules(draw: Any) -> Module:
    """A module with functions of made-up ops: operands are what is in scope, regions nest."""
    module = Module(draw(st.dictionaries(KEYS, ATTRIBUTES, max_size=2)))
    for n in range(draw(st.integers(0, 2))):
        module.block.append(
            Operation("test.func", (), (), {"sym_name": f"f{n}"}, [Region(draw(blocks([], 2)))])
        )
    weights = draw(st.lists(arrays(), max_size=2))
    for n, array in enumerate(weights):
        name = draw(NAMES)
        resource = Resource(f"{name}{n}", array)
        module.block.append(Operation("test.weight", (), (), {"value": resource}))
    return module


@st.composite
def blocks(draw: Any, scope: list[Any], depth: int) -> Block:
    types = draw(st.lists(VALUES, max_size=2))
    block = Block(types, [draw(NAMES) for _ in types])
    visible = [*scope, *block.args]
    for _ in range(draw(st.integers(0, 4))):
        operands = draw(st.lists(st.sampled_from(visible), max_size=3)) if visible else []
        regions = []
        if depth and draw(st.booleans()):
            regions.append(Region(draw(blocks(visible, depth - 1))))
        op = Operation(
            "test." + draw(KEYS),
            operands,
            draw(st.lists(TYPES, max_size=2)),
            draw(st.dictionaries(KEYS, ATTRIBUTES, max_size=2)),
            regions,
            draw(LOCATIONS),
        )
        for r in op.results:
            r.name = draw(NAMES)
        block.append(op)
        visible += op.results
    return block
