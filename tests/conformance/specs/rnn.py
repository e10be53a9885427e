"""RNN, UNIDIRECTIONAL_SEQUENCE_RNN, BIDIRECTIONAL_SEQUENCE_RNN and SVDF."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, quantization, rng
from tests.conformance.registry import conforms
from tests.conformance.specs.lstm import (
    ACTIVATIONS,
    OTHERS,
    WEIGHTS,
    matrix,
    some,
    some_fed,
    steps_of,
    vector,
    with_input_of,
)

FAULTS = ("count", "depth", "bias", "recurrent", "state", "units", "kind", "constant")


@dataclass(frozen=True)
class Form:
    """A cell's sizes, and what is wrong with it."""

    batch: int
    depth: int
    units: int
    weights: str
    fault: str = ""


def draw_form(draw: Draw, weights: str) -> Form:
    """Sizes; now and then a fault that LiteRT refuses."""
    fault = draw(st.sampled_from(FAULTS)) if draw(st.integers(0, 9)) == 9 else ""
    return Form(some(draw, 4), some(draw, 20), draw(st.integers(1, 9)), weights, fault)


def cell(r: np.random.Generator, f: Form, depth: int | None = None) -> list[Arg]:
    """Weights, recurrent weights, bias and state."""
    n, kind = f.units, f.weights
    wide = (f.depth if depth is None else depth) + (f.fault == "depth")
    other = "int8" if kind == "float32" else "float32"
    state = Arg(
        shape=(f.batch + (f.fault == "state"), n + (f.fault == "units")),
        dtype="float32",
        variable=True,
    )
    if f.fault == "constant":
        state = Arg(np.zeros((f.batch, n), np.float32), constant=True)
    return [
        matrix(r, (n, wide), kind),
        matrix(r, (n + (f.fault == "recurrent"), n), other if f.fault == "kind" else kind),
        vector(r, n + (f.fault == "bias")),
        state,
    ]


def stretched(draw: Draw, inputs: list[Arg | None], ranks: dict[int, int]) -> None:
    """Now and then another axis or two behind one input, which some kernels pass over."""
    if draw(st.integers(0, 9)) < 9:
        return
    index = draw(st.sampled_from(sorted(ranks)))
    arg = inputs[index]
    if arg is not None and arg.data is not None:
        more = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
        whole = np.broadcast_to(arg.data[..., *[None] * len(more)], (*arg.data.shape, *more))
        inputs[index] = replace(arg, data=np.ascontiguousarray(whole))


def attributes(draw: Draw, f: Form) -> dict[str, object]:
    """Activation, and asymmetry where there are integers."""
    made: dict[str, object] = {"fused_activation_function": draw(st.sampled_from(ACTIVATIONS))}
    if f.weights != "float32":
        made["asymmetric_quantize_inputs"] = draw(st.booleans())
    return made


@conforms("RNN", *WEIGHTS, others=OTHERS)
def rnn(draw: Draw, kind: str) -> Case:
    if kind not in WEIGHTS:
        return with_input_of(rnn(draw, "float32"), kind)
    f = draw_form(draw, WEIGHTS[kind])
    chosen = attributes(draw, f)
    r = rng(draw)
    feeds = steps_of(r, (f.batch, f.depth), draw(st.integers(1, 4)))
    inputs: list[Arg | None] = [Arg(feeds[0]), *cell(r, f)]
    if f.fault == "count":
        inputs.append(vector(r, 1))
    stretched(draw, inputs, {1: 2, 2: 2, 3: 1})
    out = [Arg(shape=(f.batch, f.units))]
    return some_fed(draw, case("RNN", inputs, out, steps=[[x] for x in feeds], **chosen))


@conforms("UNIDIRECTIONAL_SEQUENCE_RNN", *WEIGHTS, others=OTHERS)
def unidirectional_sequence_rnn(draw: Draw, kind: str) -> Case:
    op = "UNIDIRECTIONAL_SEQUENCE_RNN"
    if kind not in WEIGHTS:
        return with_input_of(unidirectional_sequence_rnn(draw, "float32"), kind)
    f = draw_form(draw, WEIGHTS[kind])
    chosen = attributes(draw, f)
    time, time_major = some(draw, 5), draw(st.booleans())
    shape = (time, f.batch, f.depth) if time_major else (f.batch, time, f.depth)
    r = rng(draw)
    feeds = steps_of(r, shape, draw(st.integers(1, 2)))
    inputs: list[Arg | None] = [Arg(feeds[0]), *cell(r, f)]
    if f.fault == "count":
        inputs.append(vector(r, 1))
    stretched(draw, inputs, {1: 2, 2: 2, 3: 1})
    made = case(
        op,
        inputs,
        [Arg(shape=(*shape[:2], f.units))],
        steps=[[x] for x in feeds],
        time_major=time_major,
        **chosen,
    )
    return some_fed(draw, made)


@conforms("BIDIRECTIONAL_SEQUENCE_RNN", *WEIGHTS, others=OTHERS)
def bidirectional_sequence_rnn(draw: Draw, kind: str) -> Case:
    if kind not in WEIGHTS:
        return with_input_of(bidirectional_sequence_rnn(draw, "float32"), kind)
    f = draw_form(draw, WEIGHTS[kind])
    f = replace(f, fault="" if f.fault == "kind" else f.fault)  # LiteRT would read past it
    chosen = attributes(draw, f)
    time, time_major, merged = some(draw, 4), draw(st.booleans()), draw(st.booleans())
    if time_major and f.batch > 1 and kind != "float32":
        merged = False  # there LiteRT reads zero points at an address that is none, and dies
    shape = (time, f.batch, f.depth) if time_major else (f.batch, time, f.depth)
    aux = draw(st.sampled_from(("none", "stacked", "crossed")))
    behind = replace(f, units=draw(st.integers(1, 9)), fault="")
    r = rng(draw)
    # A shallower auxiliary input LiteRT would read past, but for batch-major floats.
    crossed = aux == "crossed"
    least = 1 if kind == "float32" and not time_major else f.depth
    depth = draw(st.integers(least, f.depth + 3)) if crossed else f.depth
    fed = [steps_of(r, shape, 2)]
    if aux != "none":
        fed.append(steps_of(r, (*shape[:2], depth), 2))
    inputs = [
        Arg(fed[0][0]),
        *cell(r, f),
        *cell(r, behind),
        None if aux == "none" else Arg(fed[1][0]),
        matrix(r, (f.units, depth), f.weights) if crossed else None,
        matrix(r, (behind.units, depth), f.weights) if crossed else None,
    ]
    if crossed and draw(st.integers(0, 9)) == 9:
        inputs[10] = None
    if f.fault == "count":
        inputs.append(vector(r, 1))
    stretched(draw, inputs, {1: 2, 2: 2, 3: 1, 5: 2, 6: 2, 7: 1, 10: 2, 11: 2})
    both = f.units + behind.units
    outs = [both] if merged else [f.units, behind.units]
    made = case(
        "BIDIRECTIONAL_SEQUENCE_RNN",
        inputs,
        [Arg(shape=(*shape[:2], n)) for n in outs],
        steps=[list(pair) for pair in zip(*fed, strict=True)],
        time_major=time_major,
        merge_outputs=merged,
        **chosen,
    )
    return some_fed(draw, made)


@conforms("SVDF", *WEIGHTS, "int8", others=("int16", "uint8", "int32", "bool", "float16"))
def svdf(draw: Draw, kind: str) -> Case:
    if kind not in (*WEIGHTS, "int8"):
        return with_input_of(svdf(draw, "float32"), kind)
    faults = ("count", "rank", "depth", "time", "bias", "state", "constant", "activation")
    fault = draw(st.sampled_from(faults)) if draw(st.integers(0, 9)) == 9 else ""
    # LiteRT dies of an empty batch: it moves a state of no values by one.
    batch, depth = draw(st.integers(1, 4)), some(draw, 20)
    units, rank, memory = (draw(st.integers(1, n)) for n in (6, 3, 8))
    filters = units * rank
    code = draw(st.sampled_from(ACTIVATIONS))
    r = rng(draw)
    shapes = [
        (filters, depth + (fault == "depth")),
        (filters + (fault == "time"), memory),
        (units + (fault == "bias"),),
    ]
    state = Arg(shape=(batch, memory * filters + (fault == "state")), variable=True)
    out = Arg(shape=(batch, units))
    if kind == "int8":
        code = "RELU" if fault != "activation" else "NONE"
        sizes = [np.float32(v) for v in r.uniform(0.001, 0.02, 5)]
        feeds = [r.integers(-128, 128, (batch, depth)).astype(np.int8) for _ in range(4)]
        time = r.integers(-32768, 32768, shapes[1]).astype(np.int16)
        bias = r.integers(-2000, 2000, shapes[2]).astype(np.int32)
        x = Arg(feeds[0], **quantization(draw, "int8"))
        zero = {"zero_point": 0, "constant": True}
        parts = [
            Arg(r.integers(-128, 128, shapes[0]).astype(np.int8), scale=sizes[0], **zero),
            Arg(time, scale=sizes[1] / 100, **zero),
            Arg(bias, scale=sizes[2], **zero),
        ]
        point = draw(st.integers(-3, 3))  # of a state, which LiteRT passes over
        state = replace(state, dtype="int16", scale=sizes[3] / 10, zero_point=point)
        out = replace(out, dtype="int8", **quantization(draw, "int8"))
    else:
        weights = WEIGHTS[kind]
        feeds = steps_of(r, (batch, depth), draw(st.integers(1, 4)))
        x = Arg(feeds[0])
        parts = [matrix(r, s, weights) for s in shapes[:2]] + [vector(r, shapes[2][0])]
        state = replace(state, dtype="float32")
    inputs = [x, *parts[:2], parts[2] if draw(st.booleans()) or fault == "bias" else None, state]
    if fault == "constant":
        assert state.shape is not None
        held = np.zeros(state.shape, state.dtype)
        inputs[4] = replace(state, data=held, shape=None, variable=False, constant=True)
    chosen: dict[str, object] = {"fused_activation_function": code, "rank": rank}
    if fault == "rank":
        chosen["rank"] = 0 if draw(st.booleans()) else filters + 1
    if kind.startswith("hybrid"):
        chosen["asymmetric_quantize_inputs"] = draw(st.booleans())
    stretched(draw, inputs, {1: 2, 2: 2, 3: 1})
    if fault == "count":
        inputs = inputs[:4]
    return some_fed(draw, case("SVDF", inputs, [out], steps=[[f] for f in feeds], **chosen))
