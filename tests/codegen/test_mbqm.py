"""MultiplyByQuantizedMultiplier: every path on every target that this machine runs, against Python's integers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litefuse.codegen.llvm.image import emit_image
from litefuse.codegen.targets import Target, find
from litefuse.compiler.ir.attributes import Dense
from litefuse.compiler.ir.types import I32, vector
from tests.codegen.build import HERE, Code, compiled, function

LANES = (16, 13, 8, 4, 3, 1)
Kernels = dict[tuple[str, int, str], Any]
LOW, HIGH = -(1 << 31), (1 << 31) - 1


def expected(x: int, q: int, shift: int) -> int:
    """numerics.md, section 2, word for word."""
    y = ((x << max(shift, 0)) + (1 << 31)) % (1 << 32) - (1 << 31)
    if y == LOW and q == LOW:
        s = HIGH
    else:
        product = y * q
        nudged = product + (1 << 30 if product >= 0 else 1 - (1 << 30))
        s = abs(nudged) // (1 << 31) * (1 if nudged >= 0 else -1)
    e = max(-shift, 0)
    mask = (1 << e) - 1
    return (s >> e) + ((s & mask) > (mask >> 1) + (s < 0))


# name -> (attributes, x bound, shift range, trailing zeros allowed)
FORMS: dict[str, tuple[dict[str, Any], int, tuple[int, int], int]] = {
    "any": ({}, 1 << 31, (-31, 30), 31),
    "signed": ({"shift_range": (-31, 0)}, 1 << 31, (-31, 0), 31),
    "signed-right": ({"shift_range": (-31, -1), "x_bound": (1 << 28)}, 1 << 28, (-31, -1), 31),
    "signed-left": ({"shift_range": (0, 6), "x_bound": 1 << 20}, 1 << 20, (0, 6), 31),
    "signed-both": ({"shift_range": (-9, 4), "x_bound": 1 << 24}, 1 << 24, (-9, 4), 31),
    "magnitude": (
        {"shift_range": (-31, 0), "x_bound": 1 << 22, "max_trailing_zeros": 7},
        1 << 22,
        (-31, 0),
        7,
    ),
    "magnitude-both": (
        {"shift_range": (-12, 3), "x_bound": 1 << 18, "max_trailing_zeros": 8},
        1 << 18,
        (-12, 3),
        8,
    ),
    "magnitude-left": (
        {"shift_range": (0, 3), "x_bound": 1 << 18, "max_trailing_zeros": 8},
        1 << 18,
        (0, 3),
        8,
    ),
    "positive": ({"shift_range": (-31, 0), "clamped_below": True}, 1 << 31, (-31, 0), 31),
    "positive-both": (
        {"shift_range": (-12, 5), "x_bound": 1 << 25, "clamped_below": True},
        1 << 25,
        (-12, 5),
        31,
    ),
    "positive-left": (
        {"shift_range": (1, 5), "x_bound": 1 << 25, "clamped_below": True},
        1 << 25,
        (1, 5),
        31,
    ),
}


@pytest.fixture(scope="module", params=HERE)
def kernels(request: pytest.FixtureRequest) -> Any:
    """One image with a kernel for each form and number of lanes."""
    target: Target = request.param
    module = None
    for form, (attributes, *_) in FORMS.items():
        for lanes in LANES:

            def body(b: Code, args: Any, lanes: int = lanes, attributes: Any = attributes) -> None:
                t = vector(lanes, I32)
                zero = b.constant(0)
                x, q, s = (b.load(p, zero, t) for p in args[:3])
                b.store(b.op("arith.mbqm", (x, q, s), t, **attributes), args[3], zero)

            module = function(4, body, f"{form.replace('-', '_')}_{lanes}", module)
    assert module is not None
    return compiled(module, target)


def run(kernels: Any, form: str, lanes: int, x: list[int], q: list[int], s: list[int]) -> list[int]:
    operands = [np.array(v, np.int32) for v in (x, q, s)]
    out = np.zeros(lanes + 4, np.int32)
    kernels.call(f"{form.replace('-', '_')}_{lanes}", *operands, out)
    assert not out[lanes:].any()
    return [int(n) for n in out[:lanes]]


def edges(bound: int) -> st.SearchStrategy[int]:
    top = min(bound, HIGH)
    near = st.integers(0, 30).flatmap(lambda k: st.integers(-2, 2).map(lambda d: (1 << k) + d))
    return st.one_of(st.integers(-top, top), near.map(lambda n: max(-top, min(top, n))),
                     near.map(lambda n: max(-top, min(top, -n))), st.just(-bound), st.just(top))  # fmt: skip


def multipliers(zeros: int) -> st.SearchStrategy[int]:
    def cut(q: int) -> int:
        return q | 1 << zeros if zeros < 31 and q and q % (1 << (zeros + 1)) == 0 else q

    plain = st.integers(1 << 30, HIGH).map(cut)
    return st.one_of(
        plain,
        st.integers(0, zeros).map(lambda k: min(HIGH, (1 << 30) | 1 << min(k, 30))),
        st.just(0),
    )


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=60)
@given(data=st.data())
def test_each_form_is_exact(kernels: Any, form: str, data: st.DataObject) -> None:
    attributes, bound, (low, high), zeros = FORMS[form]
    lanes = data.draw(st.sampled_from(LANES))
    column = lambda s: data.draw(st.lists(s, min_size=lanes, max_size=lanes))  # noqa: E731
    x, s = column(edges(bound)), column(st.integers(low, high))
    if form == "any":
        q = column(st.integers(LOW, HIGH) | st.just(LOW))
    else:
        q = column(multipliers(zeros))
    got = run(kernels, form, lanes, x, q, s)
    want = [expected(*row) for row in zip(x, q, s, strict=True)]
    if attributes.get("clamped_below"):
        got, want = [max(n, 0) for n in got], [max(n, 0) for n in want]
    assert got == want


@pytest.mark.parametrize("form", [f for f in FORMS if f != "any"])
def test_many_random_values(kernels: Any, form: str) -> None:
    attributes, bound, (low, high), zeros = FORMS[form]
    random = np.random.default_rng(7)
    for _ in range(150):
        size = int(random.integers(2, min(bound, HIGH).bit_length() + 1))
        x = random.integers(-min(bound, 1 << size), min(bound, 1 << size, HIGH), 16, endpoint=True)
        q = random.integers(1 << 30, 1 << 31, 16) | (1 << min(zeros, 30))
        s = random.integers(low, high, 16, endpoint=True)
        got = run(kernels, form, 16, x.tolist(), q.tolist(), s.tolist())
        want = [expected(int(a), int(b), int(c)) for a, b, c in zip(x, q, s, strict=True)]
        if attributes.get("clamped_below"):
            got, want = [max(n, 0) for n in got], [max(n, 0) for n in want]
        assert got == want


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("lanes", [1, 5, 8])
@pytest.mark.parametrize(
    ("q", "shift"), [(1 << 30, -3), (1518500250, 0), (2147483647, -8), (1 << 30, 4), (0, 0)]
)
def test_constant_multipliers(target: Target, lanes: int, q: int, shift: int) -> None:
    def body(b: Code, args: Any) -> None:
        t = vector(lanes, I32)
        zero = b.constant(0)
        wide = Dense(np.full(lanes, q, np.int32))
        operands = (
            b.load(args[0], zero, t),
            b.constant(wide if lanes == 5 else q, t),
            b.constant(shift, t),
        )
        b.store(b.op("arith.mbqm", operands, t, x_bound=1 << 24), args[1], zero)

    kernel = compiled(function(2, body), target)
    random = np.random.default_rng(3)
    for _ in range(20):
        x = random.integers(-(1 << 24), 1 << 24, lanes).astype(np.int32)
        out = np.zeros(lanes, np.int32)
        kernel.call("k", x, out)
        assert out.tolist() == [expected(int(n), q, shift) for n in x]


def loop_instructions(target: Target, **attributes: Any) -> list[str]:
    """The instructions of a loop over pixels that requantizes one register of channels."""
    lanes = target.lanes(I32)

    def body(b: Code, args: Any) -> None:
        t = vector(lanes, I32)
        zero = b.constant(0)
        q, s = (b.load(p, zero, t, invariant=True) for p in args[1:3])

        def pixel(c: Code, i: Any, _: Any) -> tuple[()]:
            x = c.load(args[0], i, t)
            c.store(c.op("arith.mbqm", (x, q, s), t, **attributes), args[3], i)
            return ()

        b.loop(args[4], args[5], pixel, step=lanes)

    listing = emit_image(function(4, body), target, assembly=True).assembly
    blocks = re.split(r"^\.L\w+:.*$", listing, flags=re.MULTILINE)
    (inner,) = (
        b for b in blocks if "sqrdmulh" in b or ("mul" in b and re.search(r"\bv?pmulu?l?dq", b))
    )
    return [line.split()[0] for line in inner.splitlines() if re.match(r"\t[a-z]", line)]


# Target, form -> instructions a register of results, with 2 for the load and store and 4 at most for the loop itself.
LENGTHS = {
    ("x86-64-avx512vnni", "positive"): 9, ("x86-64-avx512vnni", "magnitude"): 11, ("x86-64-avx512vnni", "signed"): 13,
    ("x86-64-avx2", "positive"): 9, ("x86-64-avx2", "magnitude"): 10, ("x86-64-avx2", "signed"): 15,
    ("aarch64", "positive"): 2, ("aarch64", "signed"): 5,
}  # fmt: skip


@pytest.mark.parametrize(("name", "form"), LENGTHS)
def test_requantization_is_short_in_the_loop(name: str, form: str) -> None:
    """What depends on multipliers and shifts alone has left the loop."""
    found = loop_instructions(find(name), **FORMS[form][0])
    assert len(found) <= LENGTHS[name, form] + 6, found
