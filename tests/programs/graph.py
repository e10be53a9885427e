"""Random graphs of ops whose results are exact, for comparing interpreters rather than kernels.

Every tensor is drawn with a value that it would have for the inputs drawn, so that shapes fit: what
a program then feeds or resizes may not fit any more, which both interpreters must find out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from litefuse.runtime.model.build import ModelBuilder
from tests.conformance.draw import Draw

MOST_ELEMENTS = 200


@dataclass(frozen=True, eq=False)
class Made:
    """A tensor of the subgraph under construction, and a value that it may have; `fixed` where
    LiteRT may compute it before any run.
    """

    index: int
    value: np.ndarray
    fixed: bool = False

    @property
    def rank(self) -> int:
        return self.value.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape


class Graph:
    """The current subgraph of a builder: `made` are its tensors that ops may read."""

    def __init__(self, draw: Draw, builder: ModelBuilder, depth: int = 0) -> None:
        self.draw = draw
        self.builder = builder
        self.depth = depth  # subgraphs around this one
        self.made: list[Made] = []

    def input(self, value: np.ndarray, signature: Sequence[int] | None = None) -> Made:
        """An input of the subgraph."""
        index = self.builder.add_tensor("", value.shape, value.dtype, shape_signature=signature)
        self.made.append(Made(index, value))
        return self.made[-1]

    def constant(self, data: Any, dtype: Any = np.int32) -> Made:
        """A constant."""
        value = np.asarray(data, dtype)
        return Made(self.builder.add_tensor("", data=value), value, fixed=True)

    def output(self, value: Any, static: bool = True, fixed: bool = False) -> Made:
        """The output of an op; of unknown shape, as converters write it, unless static."""
        value = np.asarray(value)
        shape = value.shape if static else (1,) * value.ndim
        signature = None if static else (-1,) * value.ndim
        index = self.builder.add_tensor("", shape, value.dtype, shape_signature=signature)
        return Made(index, value, fixed)

    def op(
        self,
        name: str,
        inputs: Sequence[Made | None],
        *values: Any,
        static: bool = True,
        **options: Any,
    ) -> list[Made]:
        """A node whose outputs have these values."""
        fixed = name in ("SHAPE", "RANK") or all(made is None or made.fixed for made in inputs)
        outs = [self.output(value, static, fixed) for value in values]
        indices = [None if made is None else made.index for made in inputs]
        self.builder.add_op(name, indices, [out.index for out in outs], **options)
        self.made += outs
        return outs

    def pick(self, *kinds: str, ranks: Sequence[int] = ()) -> Made | None:
        """A tensor of one of the kinds ("f", "i", "b"; any by default) and ranks, late ones first."""
        fitting = [
            made
            for made in reversed(self.made)
            if (not kinds or made.value.dtype.kind in kinds) and (not ranks or made.rank in ranks)
        ]
        return self.draw(st.sampled_from(fitting)) if fitting else None

    def flip(self) -> bool:
        return bool(self.draw(st.booleans()))

    def axis(self, x: Made) -> int:
        """An axis of the tensor, counted from either end."""
        return int(self.draw(st.integers(-x.rank, x.rank - 1)))

    def runtime(self, data: Any) -> Made:
        """An int32 constant, or the same numbers as only a run knows them: added to an input."""
        made = self.constant(data)
        fed = [
            m
            for m in self.made
            if m.value.dtype == np.int32 and m.value.size == 1 and not m.value.any()
        ]
        if not fed or self.flip():
            return made
        zero = self.draw(st.sampled_from(fed))
        if zero.rank > made.rank:
            return made
        return self.op("ADD", [made, zero], made.value + zero.value)[0]

    def grow(self, nodes: int) -> None:
        """Add so many random ops (fewer where one finds nothing to work on)."""
        from tests.programs.ops import OPERATORS

        for _ in range(nodes):
            self.draw(st.sampled_from(OPERATORS))(self)
            self.made = [made for made in self.made if made.value.size <= MOST_ELEMENTS]


@dataclass(frozen=True)
class Model:
    """A model, the values that its inputs may have, and the tensors that a run makes.

    Among these are no outputs of loops: what nothing reads of them LiteRT does not make.
    """

    content: bytes
    inputs: list[np.ndarray]
    tensors: tuple[int, ...]


def value(draw: Draw, dtype: Any, shape: Sequence[int]) -> np.ndarray:
    """Small whole numbers, which no op rounds."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if dtype == np.bool_:
        return rng.integers(0, 2, tuple(shape)).astype(bool)
    return rng.integers(-4, 8, tuple(shape)).astype(dtype)


def random_model(draw: Draw) -> Model:
    """A model of a few inputs, up to ten random nodes and what these call."""
    builder = ModelBuilder()
    graph = Graph(draw, builder)
    inputs = []
    for dtype in draw(
        st.lists(st.sampled_from([np.float32, np.int32, np.bool_]), min_size=1, max_size=3)
    ):
        shape = draw(st.lists(st.integers(1, 4), max_size=3))
        signature = draw(
            st.sampled_from([None, (-1,) * len(shape), (-1, *shape[1:])[: len(shape)]])
        )
        inputs.append(graph.input(value(draw, dtype, shape), signature))
    # A zero that is fed makes any number one that only a run knows.
    inputs.append(graph.input(np.zeros((), np.int32)))
    graph.grow(draw(st.integers(1, 10)))
    count = draw(st.integers(1, 4))
    outputs = [draw(st.sampled_from(graph.made[::-1])) for _ in range(count)]
    ins, outs = [made.index for made in inputs], [made.index for made in outputs]
    names = {f"x{k}": index for k, index in enumerate(ins)}
    builder.select_subgraph(0)
    content = builder.finish_bytes(
        ins, outs, {"go": (names, {f"y{k}": index for k, index in enumerate(outs)})}
    )
    nodes = [op for op in builder.graph.operators if op.name not in ("WHILE", "VAR_HANDLE")]
    return Model(
        content, [made.value for made in inputs], tuple(t for op in nodes for t in op.outputs)
    )
