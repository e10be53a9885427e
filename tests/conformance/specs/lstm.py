"""LSTM, UNIDIRECTIONAL_SEQUENCE_LSTM and BIDIRECTIONAL_SEQUENCE_LSTM.

Left out, as LiteRT reads or writes past its buffers there: outputs wider than the cell (its scratch
is as wide as the cell; int8 cells overrun their state too), merged batch-major outputs of several
batches, diagonals of int8, an int8 cell with 8-bit products but without norm or projection.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, quantization, rng, scale
from tests.conformance.registry import conforms
from tests.conformance.specs.sparse import sparse_rows

GATES = 4
ACTIVATIONS = ("TANH", "TANH", "NONE", "RELU", "RELU6", "RELU_N1_TO_1", "SIGN_BIT")
FAULTS = ("count", "depth", "bias", "peephole", "clip", "state", "norm", "projection", "coupled")


@dataclass(frozen=True)
class Form:
    """A cell's sizes and parts."""

    batch: int
    depth: int
    units: int
    size: int
    weights: str
    coupled: bool = False
    peephole: bool = False
    projection: bool = False
    norm: bool = False
    diagonal: tuple[bool, ...] = (False,) * GATES
    fault: str = ""


def some(draw: Draw, most: int) -> int:
    """A size up to `most`, now and then zero."""
    return 0 if draw(st.integers(0, 24)) == 24 else draw(st.integers(1, most))


def draw_form(draw: Draw, weights: str, *, norm: bool = True, diagonal: bool = False) -> Form:
    """Sizes and parts; now and then a fault that LiteRT refuses."""
    flag = st.booleans()
    units = draw(st.integers(1, 9))
    projection = draw(flag)
    size = draw(st.integers(1, units)) if projection else units
    diagonals = (False,) * GATES
    if diagonal and draw(st.integers(0, 3)) == 3:
        size = units
        diagonals = tuple(draw(flag) for _ in range(GATES))
    return Form(
        batch=some(draw, 4),
        depth=some(draw, 20),
        units=units,
        size=size,
        weights=weights,
        coupled=draw(flag),
        peephole=draw(flag),
        projection=projection,
        norm=norm and draw(flag),
        diagonal=diagonals,
        fault=draw(st.sampled_from(FAULTS)) if draw(st.integers(0, 11)) == 11 else "",
    )


def matrix(r: np.random.Generator, shape: tuple[int, ...], kind: str) -> Arg:
    """Weights, in float32 or with one scale."""
    if kind == "float32":
        return Arg((r.standard_normal(shape) * 0.5).astype(np.float32), constant=True)
    data = r.integers(-127, 128, shape).astype(np.int8)
    size = np.float32(r.uniform(0.001, 0.01))
    return Arg(data.view(kind), scale=size, zero_point=0, constant=True)


def vector(r: np.random.Generator, size: int) -> Arg:
    """A float32 vector."""
    return Arg((r.standard_normal(size) * 0.5).astype(np.float32), constant=True)


def steps_of(r: np.random.Generator, shape: tuple[int, ...], count: int) -> list[np.ndarray]:
    """Feeds of so many invokes; now and then zeros, which LiteRT leaves out of its sums."""
    feeds = [(r.standard_normal(shape) * 2).astype(np.float32) for _ in range(count)]
    return [np.zeros_like(x) if r.random() < 0.1 else x for x in feeds]


def float_cell(r: np.random.Generator, f: Form) -> list[Arg | None]:
    """Inputs 1 to 23 of a float or hybrid cell."""
    first = int(f.coupled)

    def each(make: Any, count: int = GATES) -> list[Arg | None]:
        return [None if i < first else make(i) for i in range(count)]

    depth = f.depth + (f.fault == "depth")

    def recurrent(i: int) -> Arg:
        return vector(r, f.units) if f.diagonal[i] else matrix(r, (f.units, f.size), f.weights)

    cell = each(lambda i: matrix(r, (f.units, depth if i == 2 else f.depth), f.weights))
    cell += each(recurrent)
    peep = each(lambda _: matrix(r, (f.units,), f.weights), 3) if f.peephole else [None] * 3
    if f.fault == "peephole":
        peep[2] = None if f.peephole else matrix(r, (f.units,), f.weights)
    biases = each(lambda _: vector(r, f.units))
    if f.fault == "bias":
        biases[1] = vector(r, f.units + 1)
    if f.fault == "coupled":
        biases[0] = vector(r, f.units) if f.coupled else vector(r, f.units + 2)
    cell += [*peep, *biases]
    cell.append(matrix(r, (f.size, f.units), f.weights) if f.projection else None)
    biased = (f.projection and r.random() < 0.7) or (f.fault == "projection" and not f.projection)
    cell.append(vector(r, f.size + (f.fault == "projection")) if biased else None)
    state = f.size + (f.fault == "state")
    flat = r.random() < 0.2  # one axis will do
    for width in (state, f.units):
        shape = (f.batch * width,) if flat else (f.batch, width)
        cell.append(Arg(shape=shape, dtype="float32", variable=True))
    norms = each(lambda _: vector(r, f.units))
    if f.fault == "norm":
        norms[3] = None if r.random() < 0.5 else vector(r, f.units + 1)
    return [*cell, *(norms if f.norm else [])]


def options(draw: Draw, f: Form) -> dict[str, Any]:
    """Activation, clips and asymmetry."""
    clips = st.sampled_from((0.0, 0.0, 0.3, 1.5))
    chosen = {
        "fused_activation_function": draw(st.sampled_from(ACTIVATIONS)),
        "cell_clip": draw(clips),
        "proj_clip": draw(clips),
    }
    if f.weights != "float32":
        chosen["asymmetric_quantize_inputs"] = draw(st.booleans())
    if f.fault == "clip":
        chosen[draw(st.sampled_from(("cell_clip", "proj_clip")))] = -1.0
    return chosen


def some_fed(draw: Draw, made: Case) -> Case:
    """The case with one of its constants fed instead, now and then."""
    held = [
        i
        for i, a in enumerate(made.inputs)
        if a is not None and a.constant and not a.extra and a.data is not None and a.data.size
    ]
    if not held or draw(st.integers(0, 5)) < 5:
        return made
    chosen = draw(st.sampled_from(held))
    steps = []
    for feeds in made.feeds():
        rest = iter(feeds)
        args = [(i, a) for i, a in enumerate(made.inputs) if a is not None]
        fed = [a.data if i == chosen else next(rest) for i, a in args if a.fed or i == chosen]
        steps.append([data for data in fed if data is not None])
    inputs = list(made.inputs)
    arg = inputs[chosen]
    assert arg is not None
    inputs[chosen] = replace(arg, constant=False)
    return replace(made, inputs=inputs, steps=steps)


def counted(inputs: list[Arg | None], fault: str) -> list[Arg | None]:
    """The inputs; a number of them that no kernel takes, if that is the fault."""
    return [*inputs, *[None] * (3 if len(inputs) == 20 else 2)] if fault == "count" else inputs


WEIGHTS = {"float32": "float32", "hybrid-int8": "int8", "hybrid-uint8": "uint8"}


def float_step(draw: Draw, kind: str) -> Case:
    """LSTM of float32 activations, over several invokes."""
    f = draw_form(draw, WEIGHTS[kind])
    chosen = options(draw, f)
    r = rng(draw)
    feeds = steps_of(r, (f.batch, f.depth), draw(st.integers(1, 4)))
    inputs = counted([Arg(feeds[0]), *float_cell(r, f)], f.fault)
    out = [Arg(shape=(f.batch, f.size))]
    return some_fed(draw, case("LSTM", inputs, out, steps=[[x] for x in feeds], **chosen))


def sparse_step(draw: Draw) -> Case:
    """LSTM of float32 activations with weights in blocks of 1 x 16.

    LiteRT needs a projection here, and takes an old scale after an input of zeros; both are left
    out, as are weights without a block, which would be no constants.
    """
    wide = 16 * draw(st.integers(1, 2))
    f = replace(
        draw_form(draw, "int8"),
        batch=draw(st.integers(1, 3)),
        depth=16 * draw(st.integers(1, 3)),
        units=wide,
        size=16,
        projection=True,
        fault="",
    )
    r = rng(draw)
    cell = float_cell(r, f)
    for i in (*range(8), 15):
        arg = cell[i]
        if arg is not None and arg.data is not None:
            rows, columns = arg.data.shape
            keep = r.random((rows, columns // 16)) < 0.6
            keep[0, 0] = True
            dense = np.where(np.repeat(keep, 16, axis=1), arg.data, 0).astype(np.int8)
            stored, extra = sparse_rows(dense, keep, 16, "int8")
            cell[i] = replace(arg, data=stored, dtype="int8", extra=extra)
    feeds = [r.standard_normal((f.batch, f.depth)).astype(np.float32) for _ in range(3)]
    return case(
        "LSTM",
        [Arg(feeds[0]), *cell],
        [Arg(shape=(f.batch, f.size))],
        steps=[[x] for x in feeds],
        **options(draw, f),
    )


def time_shape(draw: Draw, f: Form) -> tuple[bool, tuple[int, int, int]]:
    """Whether time comes first, and the input's shape."""
    time, time_major = some(draw, 5), draw(st.booleans())
    shape = (time, f.batch, f.depth) if time_major else (f.batch, time, f.depth)
    return time_major, shape


def float_sequence(draw: Draw, kind: str) -> Case:
    """UNIDIRECTIONAL_SEQUENCE_LSTM of float32 activations."""
    f = draw_form(draw, WEIGHTS[kind], diagonal=True)
    chosen = options(draw, f)
    time_major, shape = time_shape(draw, f)
    r = rng(draw)
    feeds = steps_of(r, shape, draw(st.integers(1, 2)))
    made = case(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        counted([Arg(feeds[0]), *float_cell(r, f)], f.fault),
        [Arg(shape=(*shape[:2], f.size))],
        steps=[[x] for x in feeds],
        time_major=time_major,
        **chosen,
    )
    return some_fed(draw, made)


def integers(r: np.random.Generator, shape: tuple[int, ...], dtype: str, size: float) -> Arg:
    """A constant of moderate integers."""
    bound = min(int(np.iinfo(dtype).max), 4000)
    data = r.integers(-bound, bound + 1, shape).astype(dtype)
    return Arg(data, scale=np.float32(size), zero_point=0, constant=True)


def integer_cell(draw: Draw, r: np.random.Generator, f: Form) -> tuple[list[Arg | None], Arg]:
    """Inputs 1 to 23 of an int8 cell, and its output (without a shape)."""
    first = int(f.coupled)

    def each(make: Any, count: int = GATES) -> list[Arg | None]:
        return [None if i < first else make() for i in range(count)]

    def weights(*shape: int) -> Arg:
        return integers(r, shape, "int8", r.uniform(0.002, 0.02))

    def small(dtype: str) -> Arg:
        low, high = (1e-5, 1e-3) if dtype == "int16" else (1e-5, 1e-4)
        return integers(r, (f.units,), dtype, r.uniform(low, high))

    cell = each(lambda: weights(f.units, f.depth + (f.fault == "depth")))
    cell += each(lambda: weights(f.units, f.size))
    peep = each(lambda: small("int16"), 3) if f.peephole else [None] * 3
    if f.fault == "peephole":
        peep[2] = None if f.peephole else small("int16")
    biases = each(lambda: small("int32"))
    if f.fault in ("bias", "coupled"):
        biases[f.fault == "bias"] = integers(r, (f.units + 1,), "int32", 1e-4)
    cell += [*peep, *biases]
    cell.append(weights(f.size, f.units) if f.projection else None)
    biased = f.projection or f.fault == "projection"
    wide = f.size + (f.fault == "projection")
    cell.append(integers(r, (wide,), "int32", 1e-4) if biased else None)
    out = Arg(dtype="int8", scale=np.float32(r.uniform(0.004, 0.02)))
    out.zero_point = int(r.integers(-100, 100))
    state = (f.batch, f.size + (f.fault == "state"))
    cell.append(replace(out, shape=state, variable=True))
    power = np.float32(2.0 ** draw(st.integers(-15, -9)))
    memory = (f.batch, f.units)
    cell.append(Arg(shape=memory, dtype="int16", scale=power, zero_point=0, variable=True))
    norms = each(lambda: small("int16"))
    if f.fault == "norm":
        norms[3] = None
    return [*cell, *(norms if f.norm else [])], out


def integer_case(draw: Draw, op: str, intermediates: int) -> Case:
    """An int8 cell over several invokes."""
    f = draw_form(draw, "int8")
    if intermediates == 12:
        f = replace(f, norm=True, projection=True, coupled=draw(st.booleans()))
    r = rng(draw)
    cell, out = integer_cell(draw, r, f)
    if intermediates == 12:
        cell[16] = cell[16] or integers(r, (f.size,), "int32", 1e-4)
        if draw(st.integers(0, 4)):
            cell[18] = replace(cell[18], scale=np.float32(2.0**-15))  # type: ignore[type-var]
    q = quantization(draw, "int8")
    chosen = options(draw, f)
    chosen.pop("asymmetric_quantize_inputs", None)
    shape: tuple[int, ...] = (f.batch, f.depth)
    if op != "LSTM":
        chosen["time_major"], shape = time_shape(draw, f)
    inner = [
        Arg(shape=(1,), dtype="int16", scale=scale(draw, -13, -7), zero_point=0) for _ in range(4)
    ]
    inner.append(Arg(shape=(1,), dtype="int8", scale=out.scale, zero_point=out.zero_point))
    if f.projection:
        inner[4] = Arg(shape=(1,), dtype="int8", **quantization(draw, "int8"))
    if intermediates == 12:
        inner = [
            Arg(shape=(1,), dtype="int8", scale=scale(draw, -9, -3), zero_point=int(z))
            for z in r.integers(-60, 60, 12)
        ]
    if f.fault == "count":
        inner = inner[:-1]
    feeds = [r.integers(-128, 128, shape).astype(np.int8) for _ in range(draw(st.integers(1, 4)))]
    return case(
        op,
        [Arg(feeds[0], **q), *cell],
        [replace(out, shape=(*shape[:-1], f.size))],
        intermediates=inner,
        steps=[[x] for x in feeds],
        **chosen,
    )


def basic(draw: Draw, dtype: str) -> Case:
    """LSTM's kernel of 5 inputs and 4 outputs."""
    batch, depth, units = (draw(st.integers(1, n)) for n in (4, 20, 9))
    fault = (
        draw(st.sampled_from(("depth", "bias", "state"))) if draw(st.integers(0, 9)) == 9 else ""
    )
    r = rng(draw)
    total = depth + units + (fault == "depth")
    count = 4 * units + (fault == "bias")
    last = Arg(shape=(batch, units), dtype=dtype, variable=True)
    shapes = [(batch, units), (batch, units), (batch, depth + units), (batch, 4 * units)]
    if dtype == "float32":
        feeds = steps_of(r, (batch, depth), draw(st.integers(1, 4)))
        inputs = [Arg(feeds[0]), last, matrix(r, (4 * units, total), dtype), vector(r, count)]
        inputs.append(replace(last, shape=(batch, units + (fault == "state"))))
        outputs = [Arg(shape=s) for s in shapes]
    else:
        feeds = [r.integers(0, 256, (batch, depth)).astype(np.uint8) for _ in range(3)]
        q = {"scale": np.float32(1 / 128), "zero_point": 128}
        size = np.float32(r.uniform(0.001, 0.03))
        weights = r.integers(0, 256, (4 * units, total)).astype(np.uint8)
        bias = r.integers(-2000, 2000, count).astype(np.int32)
        power = -11 + (fault == "state")
        s = {"scale": np.float32(2.0**power), "zero_point": 0}
        inputs = [
            Arg(feeds[0], **q),
            replace(last, **q),
            Arg(weights, scale=size, zero_point=draw(st.integers(0, 255)), constant=True),
            Arg(bias, scale=np.float32(size / 128), zero_point=0, constant=True),
            Arg(shape=(batch, units), dtype="int16", variable=True, **s),
        ]
        kinds = (("uint8", q), ("int16", s), ("uint8", q), ("int16", {"scale": np.float32(2**-12)}))
        outputs = [Arg(shape=n, dtype=k, **a) for n, (k, a) in zip(shapes, kinds, strict=True)]
    made = case("LSTM", inputs, outputs, steps=[[x] for x in feeds], kernel_type="BASIC")
    return some_fed(draw, made)


INTEGERS = ("int8x8_16", "int8x8_8")


@conforms("LSTM", *WEIGHTS, "hybrid-int8-sparse", *INTEGERS, "basic-float32", "basic-uint8")
def lstm(draw: Draw, kind: str) -> Case:
    if kind.endswith("sparse"):
        return sparse_step(draw)
    if kind.startswith("basic"):
        return basic(draw, kind.removeprefix("basic-"))
    if kind.startswith("int8x8"):
        return integer_case(draw, "LSTM", 5 if kind == "int8x8_16" else 12)
    return float_step(draw, kind)


@conforms("UNIDIRECTIONAL_SEQUENCE_LSTM", *WEIGHTS, "int8x8_16")
def unidirectional_sequence_lstm(draw: Draw, kind: str) -> Case:
    if kind == "int8x8_16":
        return integer_case(draw, "UNIDIRECTIONAL_SEQUENCE_LSTM", 5)
    return float_sequence(draw, kind)


def with_input_of(made: Case, kind: str) -> Case:
    """The case with zeros of another type for its first input."""
    first = made.inputs[0]
    assert first is not None
    assert first.data is not None
    made.inputs = [Arg(np.zeros(first.data.shape, kind)), *made.inputs[1:]]
    made.steps = []
    return made


OTHERS = ("int8", "int16", "uint8", "int32", "bool", "float16")


@conforms("BIDIRECTIONAL_SEQUENCE_LSTM", *WEIGHTS, others=OTHERS)
def bidirectional_sequence_lstm(draw: Draw, kind: str) -> Case:
    if kind not in WEIGHTS:
        return with_input_of(bidirectional_sequence_lstm(draw, "float32"), kind)
    f = draw_form(draw, WEIGHTS[kind], norm=False)
    chosen = options(draw, f)
    merged = draw(st.booleans())
    time_major, shape = time_shape(draw, f)
    if merged and not time_major:
        f = replace(f, batch=1)
        shape = (1, *shape[1:])
    r = rng(draw)
    forward = float_cell(r, f)
    other = draw(st.integers(0, 14)) == 14  # another width behind, which LiteRT refuses
    backward = float_cell(r, replace(f, units=f.units + 1) if other else f)
    aux = draw(st.sampled_from(("none", "stacked", "crossed")))
    depth = draw(st.integers(1, 12)) if aux == "crossed" else f.depth
    if aux == "stacked" and draw(st.integers(0, 7)) == 7:
        depth += 1
    first = int(f.coupled)
    crossed = [
        None if aux != "crossed" or i % GATES < first else matrix(r, (f.units, depth), f.weights)
        for i in range(2 * GATES)
    ]
    if aux == "crossed" and draw(st.integers(0, 9)) == 9:
        crossed[draw(st.integers(1, 3))] = None
    fed = [steps_of(r, shape, 2)]
    if aux != "none":
        fed.append(steps_of(r, (*shape[:2], depth), 2))
    inputs = [
        Arg(fed[0][0]),
        *forward[:17],
        *backward[:17],
        *forward[17:19],
        *backward[17:19],
        None if aux == "none" else Arg(fed[1][0]),
        *crossed,
    ]
    out = Arg(shape=(*shape[:2], f.size))
    wide = Arg(shape=(*shape[:2], 2 * f.size))
    made = case(
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        inputs[:-1] if f.fault == "count" else inputs,
        [wide] if merged else [out, out],
        steps=[list(pair) for pair in zip(*fed, strict=True)],
        time_major=time_major,
        merge_outputs=merged,
        **chosen,
    )
    return some_fed(draw, made)
