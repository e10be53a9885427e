"""The ops of random graphs: each draws operands that fit and adds a node, or nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.programs.graph import MOST_ELEMENTS, Graph, Made

_UNARY = {"NEG": np.negative, "ABS": np.abs, "ZEROS_LIKE": np.zeros_like}
_BINARY = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
}
_COMPARE = {"LESS": np.less, "GREATER_EQUAL": np.greater_equal, "NOT_EQUAL": np.not_equal}
_LOGICAL = {"LOGICAL_AND": np.logical_and, "LOGICAL_OR": np.logical_or}


def unary(g: Graph) -> None:
    x = g.pick("f", "i")
    if x is not None:
        name = g.draw(st.sampled_from(sorted(_UNARY)))
        g.op(name, [x], _UNARY[name](x.value))


def relu(g: Graph) -> None:
    x = g.pick("f")
    if x is not None:
        g.op("RELU", [x], np.maximum(x.value, 0))


def cast(g: Graph) -> None:
    x = g.pick()
    if x is not None:
        goal = g.draw(st.sampled_from([np.float32, np.int32]))
        g.op("CAST", [x], x.value.astype(goal))


def _pair(g: Graph, *kinds: str) -> tuple[Made, Made] | None:
    """Two tensors of a type whose shapes broadcast."""
    x = g.pick(*kinds)
    if x is None:
        return None
    fitting = [
        m for m in g.made if m.value.dtype == x.value.dtype and _broadcasts(x.shape, m.shape)
    ]
    return x, g.draw(st.sampled_from(fitting[::-1]))


def _broadcasts(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        return bool(np.prod(np.broadcast_shapes(a, b)) <= MOST_ELEMENTS)
    except ValueError:
        return False


def _of_two(g: Graph, table: dict[str, Any], *kinds: str) -> None:
    pair = _pair(g, *kinds)
    if pair is not None:
        name = g.draw(st.sampled_from(sorted(table)))
        g.op(name, pair, table[name](pair[0].value, pair[1].value))


def binary(g: Graph) -> None:
    _of_two(g, _BINARY, "f", "i")


def compare(g: Graph) -> None:
    _of_two(g, _COMPARE, "f", "i")


def logical(g: Graph) -> None:
    _of_two(g, _LOGICAL, "b")


def select(g: Graph) -> None:
    pair, condition = _pair(g), g.pick("b")
    if pair is None or condition is None:
        return
    a, b = pair
    shape = np.broadcast_shapes(a.shape, b.shape)
    if _broadcasts(shape, condition.shape):
        g.op("SELECT_V2", [condition, a, b], np.where(condition.value, a.value, b.value))


def shape_of(g: Graph) -> None:
    x = g.pick()
    if x is not None:
        g.op("SHAPE", [x], np.array(x.shape, np.int32), out_type="INT32")


def rank_of(g: Graph) -> None:
    x = g.pick()
    if x is not None:
        g.op("RANK", [x], np.array(x.rank, np.int32))


def expand_dims(g: Graph) -> None:
    x = g.pick()
    if x is not None and x.rank < 4:
        axis = g.draw(st.integers(-x.rank - 1, x.rank))
        g.op("EXPAND_DIMS", [x, g.runtime(axis)], np.expand_dims(x.value, axis), static=g.flip())


def squeeze(g: Graph) -> None:
    x = g.pick()
    if x is not None:
        g.op("SQUEEZE", [x], np.squeeze(x.value))


def reshape(g: Graph) -> None:
    """To a shape that the file gives, that a run computes, or that is another tensor's."""
    x = g.pick()
    if x is None:
        return
    size = x.value.size
    goals = [m.shape for m in g.made if m.value.size == size and m.rank] + [(-1,), (1, -1)]
    if not size:
        goals = [s for s in goals if -1 not in s]
    if not goals:
        return
    goal = g.draw(st.sampled_from(goals[::-1]))
    g.op("RESHAPE", [x, g.runtime(goal)], x.value.reshape(goal), static=g.flip())


def transpose(g: Graph) -> None:
    x = g.pick(ranks=(1, 2, 3, 4))
    if x is not None:
        order = g.draw(st.permutations(range(x.rank)))
        g.op("TRANSPOSE", [x, g.runtime(order)], x.value.transpose(order))


def reverse(g: Graph) -> None:
    x = g.pick("f", "i", ranks=(1, 2, 3))
    if x is not None:
        axis = g.axis(x)
        g.op("REVERSE_V2", [x, g.constant([axis])], np.flip(x.value, axis))


def tile(g: Graph) -> None:
    x = g.pick(ranks=(1, 2, 3))
    if x is not None:
        times = g.draw(st.lists(st.integers(0, 2), min_size=x.rank, max_size=x.rank))
        g.op("TILE", [x, g.runtime(times)], np.tile(x.value, times), static=g.flip())


def broadcast_to(g: Graph) -> None:
    x = g.pick()
    if x is None:
        return
    goals = [
        m
        for m in g.made
        if m.rank
        and _broadcasts(x.shape, m.shape)
        and np.broadcast_shapes(x.shape, m.shape) == m.shape
    ]
    if goals:
        goal = g.draw(st.sampled_from(goals[::-1]))
        [shape] = g.op("SHAPE", [goal], np.array(goal.shape, np.int32), out_type="INT32")
        g.op("BROADCAST_TO", [x, shape], np.broadcast_to(x.value, goal.shape), static=g.flip())


def fill(g: Graph) -> None:
    x = g.pick(ranks=(0,))
    if x is not None:
        dims = g.draw(st.lists(st.integers(0, 4), min_size=1, max_size=3))
        g.op("FILL", [g.runtime(dims), x], np.full(dims, x.value), static=g.flip())


def number_range(g: Graph) -> None:
    first, last = g.draw(st.integers(-2, 3)), g.draw(st.integers(-2, 6))
    step = 1 if last >= first else -1
    ends = [g.runtime(first), g.runtime(last), g.constant(step)]
    g.op("RANGE", ends, np.arange(first, last, step, dtype=np.int32), static=g.flip())


def slice_(g: Graph) -> None:
    x = g.pick(ranks=(1, 2, 3))
    if x is None:
        return
    begin = [g.draw(st.integers(0, d)) for d in x.shape]
    size = [
        g.draw(st.sampled_from([-1, d - b, (d - b) // 2]))
        for b, d in zip(begin, x.shape, strict=True)
    ]
    ends = [d if s < 0 else b + s for b, s, d in zip(begin, size, x.shape, strict=True)]
    part = x.value[tuple(slice(b, e) for b, e in zip(begin, ends, strict=True))]
    g.op("SLICE", [x, g.runtime(begin), g.runtime(size)], part, static=g.flip())


def strided_slice(g: Graph) -> None:
    x = g.pick(ranks=(1, 2, 3))
    if x is None:
        return
    begin, end, step, cut = [], [], [], []
    masks = {"begin_mask": 0, "end_mask": 0, "shrink_axis_mask": 0}
    for axis, size in enumerate(x.shape):
        kind = g.draw(st.sampled_from(["all", "part", "one"] if size else ["all"]))
        at = g.draw(st.integers(0, max(size - 1, 0)))
        stride = g.draw(st.sampled_from([1, 1, 2, -1])) if kind == "all" else 1
        if kind == "all":
            masks["begin_mask"] |= 1 << axis
            masks["end_mask"] |= 1 << axis
            cut.append(slice(None, None, stride))
        elif kind == "one":
            masks["shrink_axis_mask"] |= 1 << axis
            cut.append(at)
        else:
            cut.append(slice(at, size))
        begin.append(at)
        end.append(size if kind != "one" else at + 1)
        step.append(stride)
    # An index that only the run knows may be outside, which LiteRT does not see.
    number = g.constant if masks["shrink_axis_mask"] else g.runtime
    ends = [number(begin), number(end), g.constant(step)]
    g.op("STRIDED_SLICE", [x, *ends], x.value[tuple(cut)], static=g.flip(), **masks)


def gather(g: Graph) -> None:
    x = g.pick(ranks=(1, 2, 3))
    if x is None:
        return
    axis = g.axis(x)
    if x.shape[axis]:
        at = g.draw(st.lists(st.integers(0, x.shape[axis] - 1), max_size=3))
        g.op("GATHER", [x, g.runtime(at)], np.take(x.value, at, axis), axis=axis)


def concatenation(g: Graph) -> None:
    x = g.pick(ranks=(1, 2, 3))
    if x is None:
        return
    axis = g.axis(x)

    def rest(made: Made) -> list[int]:
        return [d for k, d in enumerate(made.shape) if k != axis % x.rank]

    fitting = [
        m
        for m in g.made
        if m.value.dtype == x.value.dtype and m.rank == x.rank and rest(m) == rest(x)
    ]
    parts = [x, *g.draw(st.lists(st.sampled_from(fitting), max_size=3))]
    g.op("CONCATENATION", parts, np.concatenate([p.value for p in parts], axis), axis=axis)


def pack(g: Graph) -> None:
    x = g.pick("f", "i")
    if x is None or x.rank > 3:
        return
    fitting = [m for m in g.made if m.value.dtype == x.value.dtype and m.shape == x.shape]
    parts = [x, *g.draw(st.lists(st.sampled_from(fitting), max_size=2))]
    axis = g.draw(st.integers(-x.rank - 1, x.rank))
    value = np.stack([p.value for p in parts], axis)
    g.op("PACK", parts, value, values_count=len(parts), axis=axis)


def unpack(g: Graph) -> None:
    x = g.pick("f", "i", ranks=(1, 2, 3))
    if x is not None:
        axis = g.axis(x)
        if x.shape[axis]:
            parts = [np.take(x.value, k, axis) for k in range(x.shape[axis])]
            g.op("UNPACK", [x], *parts, num=len(parts), axis=axis)


def split(g: Graph) -> None:
    x = g.pick("f", "i", ranks=(1, 2, 3))
    if x is not None:
        axis = g.axis(x)
        count = g.draw(st.sampled_from([n for n in (1, 2, 3) if x.shape[axis] % n == 0]))
        parts = np.split(x.value, count, axis)
        g.op("SPLIT", [g.runtime(axis), x], *parts, num_splits=count, static=g.flip())


def where(g: Graph) -> None:
    x = g.pick("b", ranks=(1, 2, 3))
    if x is not None:
        g.op("WHERE", [x], np.argwhere(x.value), static=False)


def unique(g: Graph) -> None:
    x = g.pick("i", ranks=(1,))
    if x is not None and x.value.dtype == np.int32:
        _, first, at = np.unique(x.value, return_index=True, return_inverse=True)
        order = np.argsort(first)
        kept = x.value[first[order]]
        place = np.argsort(order)[at].astype(np.int32)
        g.op("UNIQUE", [x], kept, place, static=False, idx_out_type="INT32")


def reduce(g: Graph) -> None:
    x = g.pick("i", "f", ranks=(1, 2, 3))
    if x is None or x.value.dtype == np.int64 or not x.value.size:
        return
    name = g.draw(st.sampled_from(["SUM", "REDUCE_MAX", "REDUCE_MIN"]))
    axis, keep = g.axis(x), g.flip()
    function = {"SUM": np.sum, "REDUCE_MAX": np.max, "REDUCE_MIN": np.min}[name]
    value = np.asarray(function(x.value, axis=axis, keepdims=keep), x.value.dtype)
    g.op(name, [x, g.runtime([axis])], value, keep_dims=keep, static=g.flip())


def any_of(g: Graph) -> None:
    x = g.pick("b", ranks=(1, 2, 3))
    if x is not None:
        every = g.constant(range(x.rank))
        g.op("REDUCE_ANY", [x, every], np.any(x.value), keep_dims=False)


def top_k(g: Graph) -> None:
    x = g.pick("f", "i", ranks=(1, 2))
    if x is None or x.value.dtype == np.int64:
        return
    k = g.draw(st.integers(0, x.shape[-1]))
    order = np.argsort(-x.value, axis=-1, kind="stable")[..., :k]
    values = np.take_along_axis(x.value, order, -1)
    g.op("TOPK_V2", [x, g.runtime(k)], values, order.astype(np.int32), static=g.flip())


def pad(g: Graph) -> None:
    x = g.pick("f", "i", ranks=(1, 2, 3))
    if x is not None:
        amounts = [(g.draw(st.integers(0, 2)), g.draw(st.integers(0, 2))) for _ in range(x.rank)]
        g.op("PAD", [x, g.runtime(amounts)], np.pad(x.value, amounts), static=g.flip())


def cumsum(g: Graph) -> None:
    x = g.pick("i", ranks=(1, 2, 3))
    if x is not None:
        axis = g.axis(x)
        g.op("CUMSUM", [x, g.constant(axis)], np.cumsum(x.value, axis, dtype=x.value.dtype))


def update_slice(g: Graph) -> None:
    x = g.pick("f", "i", ranks=(1, 2, 3))
    if x is None:
        return
    fitting = [
        m
        for m in g.made
        if m.value.dtype == x.value.dtype
        and m.rank == x.rank
        and all(a <= b for a, b in zip(m.shape, x.shape, strict=True))
    ]
    part = g.draw(st.sampled_from(fitting[::-1]))
    start = [g.draw(st.integers(0, a - b)) for a, b in zip(x.shape, part.shape, strict=True)]
    value = x.value.copy()
    value[tuple(slice(s, s + d) for s, d in zip(start, part.shape, strict=True))] = part.value
    g.op("DYNAMIC_UPDATE_SLICE", [x, part, g.runtime(start)], value)


def _operators() -> list[Any]:
    from tests.programs.control import branch, loop, once, variable

    simple = [
        *(unary, relu, cast, binary, binary, binary, compare, logical, select, shape_of, rank_of),
        *(expand_dims, squeeze, reshape, reshape, transpose, reverse, tile, broadcast_to, fill),
        *(number_range, slice_, strided_slice, gather, concatenation, pack, unpack, split, where),
        *(unique, reduce, any_of, top_k, pad, cumsum, update_slice),
    ]
    return [*simple, branch, branch, loop, loop, variable, variable, once]


OPERATORS = _operators()
