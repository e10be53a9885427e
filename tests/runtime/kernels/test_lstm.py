from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.interpreter import Interpreter, OpResolverType
from tests.runtime.kernels.one_op import Arg, build, check, litert, rng, seeds, values

Rng = np.random.Generator
sizes = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 5), st.integers(1, 6))
kinds = st.sampled_from(("float32", "int8", "uint8"))
flags = st.fixed_dictionaries(
    {name: st.booleans() for name in ("coupled", "peephole", "projection", "norm")}
)


def weights(r: Rng, shape: tuple[int, ...], kind: str) -> Arg:
    if kind == "float32":
        return Arg(values(r, shape, kind, 0.5), constant=True)
    data = r.integers(-127, 128, shape).astype(np.int8)
    scale = np.float32(r.uniform(0.001, 0.01))
    return Arg(data.view(kind), scale=scale, zero_point=0, constant=True)


def vector(r: Rng, size: int) -> Arg:
    return Arg(values(r, (size,), "float32", 0.5), constant=True)


def float_cell(
    r: Rng, size: tuple[int, ...], kind: str, form: dict[str, bool], out: int
) -> list[Arg | None]:
    """Inputs 1 to 23 of a cell."""
    batch, _, depth, units = size
    skip, peep = form["coupled"], form["peephole"]
    some: list[Arg | None] = []
    some += [None if skip and i == 0 else weights(r, (units, depth), kind) for i in range(4)]
    some += [None if skip and i == 0 else weights(r, (units, out), kind) for i in range(4)]
    some += [
        weights(r, (units,), kind) if peep and not (skip and i == 0) else None for i in range(3)
    ]
    some += [None if skip and i == 0 else vector(r, units) for i in range(4)]
    some += [weights(r, (out, units), kind), vector(r, out)] if form["projection"] else [None, None]
    some += [Arg(shape=(batch, n), dtype="float32", variable=True) for n in (out, units)]
    if form["norm"]:
        some += [None if skip and i == 0 else vector(r, units) for i in range(4)]
    return some


@given(sizes, kinds, flags, st.booleans(), st.sampled_from(("TANH", "RELU", "NONE")), seeds)
def test_one_step(
    size: tuple[int, ...], kind: str, form: dict[str, bool], asymmetric: bool, code: str, seed: int
) -> None:
    r = rng(seed)
    batch, _, depth, units = size
    out = units + 1 if form["projection"] else units
    check(
        "LSTM",
        [Arg(values(r, (batch, depth), "float32")), *float_cell(r, size, kind, form, out)],
        [Arg(shape=(batch, out))],
        keep_absent=True,
        times=2,
        fused_activation_function=code,
        asymmetric_quantize_inputs=asymmetric,
        cell_clip=2.0,
        proj_clip=1.0,
    )


@given(sizes, kinds, flags, st.booleans(), st.booleans(), seeds)
def test_sequence(
    size: tuple[int, ...],
    kind: str,
    form: dict[str, bool],
    asymmetric: bool,
    time_major: bool,
    seed: int,
) -> None:
    r = rng(seed)
    batch, time, depth, units = size
    out = units + 1 if form["projection"] else units
    shape = (time, batch, depth) if time_major else (batch, time, depth)
    check(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        [Arg(values(r, shape, "float32")), *float_cell(r, size, kind, form, out)],
        [Arg(shape=(*shape[:2], out))],
        keep_absent=True,
        times=2,
        time_major=time_major,
        fused_activation_function="TANH",
        asymmetric_quantize_inputs=asymmetric,
    )


def integers(r: Rng, shape: tuple[int, ...], dtype: str, scale: float, zero: int = 0) -> Arg:
    info = np.iinfo(dtype)
    bound = min(int(info.max), 4000)
    data = r.integers(-bound, bound + 1, shape).astype(dtype)
    return Arg(data, scale=np.float32(scale), zero_point=zero, constant=True)


def integer_case(
    r: Rng, size: tuple[int, ...], form: dict[str, bool], sequence: bool, time_major: bool
) -> tuple[list[Arg | None], list[Arg], dict[str, Any]]:
    """Inputs, outputs and keywords of an int8 node."""
    batch, time, depth, units = size
    # LiteRT reads past its peepholes when the output is wider than the cell.
    wider = -min(1, units - 1) if form["peephole"] else 1
    out = units + wider if form["projection"] else units
    skip = form["coupled"]
    shape: tuple[int, ...] = (batch, depth)
    if sequence:
        shape = (time, batch, depth) if time_major else (batch, time, depth)
    zeros = [int(z) for z in r.integers(-100, 100, 3)]
    hidden_scale = np.float32(r.uniform(0.004, 0.02))
    out_scale = np.float32(r.uniform(0.004, 0.02)) if form["projection"] else hidden_scale
    out_zero = zeros[1] if form["projection"] else zeros[2]
    ins: list[Arg | None] = [
        Arg(values(r, shape, "int8"), scale=np.float32(0.02), zero_point=zeros[0])
    ]

    def each(make: Any, count: int = 4) -> list[Arg | None]:
        return [None if skip and i == 0 else make() for i in range(count)]

    ins += each(lambda: integers(r, (units, depth), "int8", r.uniform(0.002, 0.02)))
    ins += each(lambda: integers(r, (units, out), "int8", r.uniform(0.002, 0.02)))
    if form["peephole"]:
        ins += each(lambda: integers(r, (units,), "int16", r.uniform(1e-5, 1e-3)), 3)
    else:
        ins += [None] * 3
    ins += each(lambda: integers(r, (units,), "int32", 1e-4))
    if form["projection"]:
        ins += [
            integers(r, (out, units), "int8", r.uniform(0.002, 0.02)),
            integers(r, (out,), "int32", 1e-4),
        ]
    else:
        ins += [None, None]
    ins.append(
        Arg(shape=(batch, out), dtype="int8", scale=out_scale, zero_point=out_zero, variable=True)
    )
    ins.append(
        Arg(
            shape=(batch, units),
            dtype="int16",
            scale=np.float32(2.0 ** int(r.integers(-15, -8))),
            zero_point=0,
            variable=True,
        )
    )
    if form["norm"]:
        ins += each(lambda: integers(r, (units,), "int16", r.uniform(1e-5, 1e-3)))
    gates = [
        Arg(shape=(), dtype="int16", scale=np.float32(r.uniform(1e-4, 1e-2)), zero_point=0)
        for _ in range(4)
    ]
    hidden = Arg(shape=(), dtype="int8", scale=hidden_scale, zero_point=zeros[2])
    outs = [Arg(shape=(*shape[:-1], out), dtype="int8", scale=out_scale, zero_point=out_zero)]
    more = {
        "intermediates": [*gates, hidden],
        "fused_activation_function": "TANH",
        "cell_clip": float(r.choice([0.0, 0.5])),
        "proj_clip": float(r.choice([0.0, 0.5])),
    }
    return ins, outs, more


@given(sizes, flags, st.booleans(), seeds)
@pytest.mark.parametrize("op", ["LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM"])
def test_int8(
    op: str, size: tuple[int, ...], form: dict[str, bool], time_major: bool, seed: int
) -> None:
    sequence = op != "LSTM"
    ins, outs, more = integer_case(rng(seed), size, form, sequence, time_major)
    if sequence:
        more["time_major"] = time_major
    check(op, ins, outs, keep_absent=True, times=3, **more)


def ours(content: bytes) -> Interpreter:
    made = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    made.allocate_tensors()
    return made


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_state_over_100_invokes_after_reset_and_interleaved(kind: str) -> None:
    r = rng(7)
    form = dict.fromkeys(("coupled", "peephole", "projection", "norm"), False)
    if kind == "int8":
        ins, outs, more = integer_case(r, (1, 1, 4, 5), form, sequence=False, time_major=False)
    else:
        cell = float_cell(r, (1, 1, 4, 5), kind, form, 5)
        ins = [Arg(values(r, (1, 4), "float32")), *cell]
        outs, more = [Arg(shape=(1, 5))], {"fused_activation_function": "TANH"}
    content = build("LSTM", ins, outs, **more)
    theirs, mine, other = litert(content), ours(content), ours(content)
    theirs.allocate_tensors()
    for turn in range(200):
        if turn == 100:
            theirs.reset_all_variables()
            mine.reset_all_variables()
        feed, stranger = values(r, (1, 4), kind), values(r, (1, 4), kind)
        for interpreter, data in ((theirs, feed), (other, stranger), (mine, feed)):
            index = interpreter.get_input_details()[0]["index"]
            interpreter.set_tensor(index, data)
            interpreter.invoke()
        want, got = (
            i.get_tensor(i.get_output_details()[0]["index"]).astype(np.float64)
            for i in (theirs, mine)
        )
        np.testing.assert_allclose(got, want, atol=0 if kind == "int8" else 1e-5)
