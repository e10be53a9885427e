"""Convolutions, depthwise convolutions and dense layers as machine code, against the NumPy meaning of the IR."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.compiler.ir.core import Module, Value
from litefuse.compiler.ir.types import F32, SI8, SI32, QuantizedType, tensor
from litefuse.passes.support.body import Body
from tests import kern_interpreter, kern_run
from tests.kern_build import Q8, Function, body_of

BOUND = 1 << 29


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Shapes and attributes of a contraction; small, with every kind of remainder."""
    kind = draw(st.sampled_from(["conv", "conv", "depthwise", "dense"]))
    case: dict[str, Any] = {
        "kind": kind,
        "seed": draw(st.integers(0, 2**16)),
        "residual": draw(st.booleans()),
    }
    case["relu"] = draw(st.booleans())
    case["parts"] = draw(st.integers(1, 3))
    channels = st.integers(1, 40)
    if kind == "dense":
        case |= {
            "rows": draw(st.integers(1, 9)),
            "c": draw(st.integers(1, 70)),
            "o": draw(channels),
        }
        return case
    kh, kw = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    dh, dw = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    case |= {"k": (kh, kw), "d": (dh, dw), "s": (draw(st.integers(1, 3)), draw(st.integers(1, 3)))}
    case["pad"] = tuple(draw(st.integers(0, 2)) for _ in range(4))
    case["n"] = draw(st.integers(1, 2))
    least_h, least_w = (kh - 1) * dh + 1, (kw - 1) * dw + 1
    case["h"] = draw(st.integers(least_h, least_h + 8))
    case["w"] = draw(st.integers(least_w, least_w + 12))
    if kind == "depthwise":
        case["multiplier"] = draw(st.sampled_from([1, 1, 1, 2, 3, 8, 20]))
        case["c"] = draw(st.integers(1, 40 if case["multiplier"] == 1 else 5))
        case["o"] = case["c"] * case["multiplier"]
    else:
        groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
        case["groups"] = groups
        case["c"], case["o"] = (
            draw(st.integers(1, 20)) * groups,
            draw(st.integers(1, 20 if groups > 1 else 40)) * groups,
        )
    return case


def build(case: dict[str, Any], integer: bool) -> tuple[Module, list[Any]]:
    """The module of a case and its inputs."""
    rng = np.random.default_rng(case["seed"])
    element = Q8 if integer else F32
    c, o = case["c"], case["o"]
    if case["kind"] == "dense":
        x_shape, y_shape, w_shape = (case["rows"], c), (case["rows"], o), (o, c)
    else:
        (kh, kw), (sh, sw), (dh, dw), pad = case["k"], case["s"], case["d"], case["pad"]
        oh = (case["h"] + pad[0] + pad[1] - (kh - 1) * dh - 1) // sh + 1
        ow = (case["w"] + pad[2] + pad[3] - (kw - 1) * dw - 1) // sw + 1
        x_shape, y_shape = (case["n"], case["h"], case["w"], c), (case["n"], oh, ow, o)
        w_shape = (
            (1, kh, kw, o) if case["kind"] == "depthwise" else (o, kh, kw, c // case["groups"])
        )
    f = Function(tensor(x_shape, element), tensor(y_shape, element))
    if integer:
        w_type = QuantizedType(SI8, (0.01,), (0,))
        weights = f.constant(rng.integers(-127, 128, w_shape).astype(np.int8), w_type)
        extras = [
            f.constant(rng.integers(-3000, 3000, o).astype(np.int32)),
            f.constant(rng.integers(1 << 30, (1 << 31) - 1, o).astype(np.int32) | 1),
            f.constant(rng.integers(-14, -6, o).astype(np.int32)),
        ]
    else:
        weights = f.constant(rng.standard_normal(w_shape).astype(np.float32))
        extras = [f.constant(rng.standard_normal(o).astype(np.float32))]
    roles = ["channel"] * len(extras)
    residual = [f.inputs[1]] if case["residual"] else []

    def epilogue(b: Body) -> Value:
        if not integer:
            v = b.op("addf", b.args[0], b.args[1])
            if residual:
                v = b.op("addf", v, b.args[2])
            return b.clamp_float(v, 0.0 if case["relu"] else None, None)
        v = b.op("addi", b.args[0], b.args[1])
        proved = {"x_bound": BOUND, "shift_range": (-14, -7), "max_trailing_zeros": 0}
        if case["relu"] and not residual:
            proved["clamped_below"] = True
        v = b.op("mbqm", v, b.args[2], b.args[3], **proved)
        if residual:
            v = b.op("addi", v, b.args[4])
        return b.clamp_int(v, 0 if case["relu"] else -128, 127)

    types = (
        [F32] + [F32] * (len(extras) + len(residual))
        if not integer
        else [SI32] * (1 + len(extras) + len(residual))
    )
    attributes: dict[str, Any] = {"kind": case["kind"], "roles": roles + ["pixel"] * len(residual)}
    if case["kind"] != "dense":
        attributes |= {
            "strides": case["s"],
            "dilations": case["d"],
            "pad": case["pad"],
            "pad_value": 3 if integer else 0.0,
        }
        if case["kind"] == "depthwise":
            attributes["multiplier"] = case["multiplier"]
        else:
            attributes["groups"] = case["groups"]
    y = f.op("kern.contract", [f.inputs[0], weights, *extras, *residual], tensor(y_shape, element), attributes,
             body_of(types, epilogue))  # fmt: skip
    make = (
        (lambda s: rng.integers(-128, 128, s).astype(np.int8))
        if integer
        else (lambda s: rng.standard_normal(s).astype(np.float32))
    )
    return f.returns(y), [make(x_shape), make(y_shape)]


@pytest.mark.parametrize("target", kern_run.all_targets())
@given(case=cases())
def test_int8_is_exact(target: str, case: dict[str, Any]) -> None:
    module, inputs = build(case, integer=True)
    expected = kern_interpreter.run(module, inputs)
    found = kern_run.run(module, inputs, target, case["parts"])
    np.testing.assert_array_equal(found[0], expected[0])


@pytest.mark.parametrize("target", kern_run.all_targets())
@given(case=cases())
def test_float_within_the_bound_of_its_sums(target: str, case: dict[str, Any]) -> None:
    """|difference| <= depth * 2^-23 * sum of |products|: the classic bound of a sum in any order, doubled for the bias."""
    module, inputs = build(case, integer=False)
    expected = kern_interpreter.run(module, inputs)[0]
    found = kern_run.run(module, inputs, target, case["parts"])[0]
    depth = case["c"] * (np.prod(case["k"]) if "k" in case else 1) + 4
    assert np.abs(found - expected).max(initial=0) <= depth * 2.0**-23 * (depth * 6.0 + 8)


@pytest.mark.parametrize("target", kern_run.all_targets())
def test_limits_of_the_type(target: str) -> None:
    """All inputs and weights at their extremes: the largest sums that can occur."""
    for x_value, w_value in ((-128, -127), (-128, 127), (127, 127)):
        case = {"kind": "conv", "seed": 1, "residual": False, "relu": False, "parts": 1, "k": (3, 3), "d": (1, 1), "s": (1, 1),
                "pad": (1, 1, 1, 1), "n": 1, "h": 5, "w": 7, "groups": 1, "c": 64, "o": 24}  # fmt: skip
        module, inputs = build(case, integer=True)
        weights = next(op for op in module.walk() if op.name == "kern.const")
        weights["value"].array[...] = w_value
        inputs[0][...] = x_value
        np.testing.assert_array_equal(
            kern_run.run(module, inputs, target)[0], kern_interpreter.run(module, inputs)[0]
        )
