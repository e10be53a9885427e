"""Every loop op on each target that this machine runs, against NumPy."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.codegen.llvm.image import emit_image
from litefuse.codegen.targets import Target, find
from litefuse.compiler.ir.core import IRError, Value
from litefuse.compiler.ir.types import (
    F16,
    F32,
    F64,
    I1,
    I8,
    I16,
    I32,
    I64,
    PTR,
    Type,
    vector,
)
from tests.codegen.build import ARM, HERE, Code, compiled, function

Array = npt.NDArray[Any]
DTYPES = {
    I8: np.int8,
    I16: np.int16,
    I32: np.int32,
    I64: np.int64,
    F16: np.float16,
    F32: np.float32,
    F64: np.float64,
}
LANES = (1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 64)


@pytest.fixture(scope="module", params=HERE)
def target(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("t", DTYPES, ids=str)
@pytest.mark.parametrize("invariant", [False, True])
def test_odd_vectors_touch_nothing_beside_them(target: Target, t: Type, invariant: bool) -> None:
    """The lanes end where unreadable memory begins, at both ends, for loads and stores."""
    dtype = np.dtype(DTYPES[t])
    page = mmap.PAGESIZE
    memory = mmap.mmap(-1, 6 * page)
    base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    module = None
    for lanes in LANES:

        def body(b: Code, args: list[Value], lanes: int = lanes) -> None:
            extra = {"invariant": True} if invariant else {}
            v = b.load(args[0], b.constant(0), vector(lanes, t), **extra)
            b.store(v, args[1], args[2])

        module = function(2, body, f"k{lanes}", module)
    assert module is not None
    image = compiled(module, target)
    for hole in (0, 2, 3, 5):
        assert protect(base + hole * page, page, 0) == 0
    for lanes in LANES:
        size = lanes * dtype.itemsize
        for source, out in ((page, 4 * page), (2 * page - size, 5 * page - size)):
            data = np.random.default_rng(lanes).integers(0, 120, lanes).astype(dtype)
            memory[source : source + size] = data.tobytes()
            call = ctypes.CFUNCTYPE(
                None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
            )
            call(image.address(f"k{lanes}"))(base + source, base + out - 8 * dtype.itemsize, 8, 9)
            assert memory[out : out + size] == data.tobytes()
    for hole in (0, 2, 3, 5):
        protect(base + hole * page, page, 3)


def test_aligned_vectors_and_prefetch(target: Target) -> None:
    def body(b: Code, args: list[Value]) -> None:
        b.create("loop.prefetch", (args[0], b.constant(256)))
        b.create("loop.prefetch", (args[0], args[2]))
        b.store(
            b.load(args[0], b.constant(16), vector(16, F32), align=64),
            args[1],
            b.constant(0),
            align=4,
        )

    from tests.codegen.build import aligned

    data, out = aligned(np.arange(64, dtype=np.float32)), np.zeros(16, np.float32)
    compiled(function(2, body), target).call("k", data, out)
    np.testing.assert_array_equal(out, data[16:32])


@pytest.mark.parametrize("t", [I8, I16, I32, F32, F64], ids=str)
@pytest.mark.parametrize("lanes", [1, 3, 8, 16])
@pytest.mark.parametrize("invariant", [False, True])
def test_gather(target: Target, t: Type, lanes: int, invariant: bool) -> None:
    def body(b: Code, args: list[Value]) -> None:
        indices = b.load(args[1], b.constant(0), vector(lanes, I32))
        extra = {"invariant": True} if invariant else {}
        b.store(
            b.op("loop.gather", (args[0], args[3], indices), vector(lanes, t), **extra),
            args[2],
            b.constant(0),
        )

    data = np.arange(100).astype(DTYPES[t])
    indices = np.random.default_rng(1).integers(-20, 60, lanes).astype(np.int32)
    out = np.zeros(lanes, data.dtype)
    compiled(function(3, body), target).call("k", data, indices, out, begin=20)
    np.testing.assert_array_equal(out, data[indices + 20])


def test_scratch_advance_and_lanes(target: Target) -> None:
    def body(b: Code, args: list[Value]) -> None:
        zero, one = b.constant(0), b.constant(1)
        scratch = b.op("loop.scratch", (), PTR, bytes=256, align=64)
        late = b.op(
            "loop.advance", (args[0], b.add(args[3], b.constant(4))), PTR
        )  # begin = 4 bytes: two floats on
        v = b.load(late, zero, vector(13, F32))
        b.store(v, scratch, one)
        scalar = b.load(scratch, b.constant(5), F32)
        w = b.load(scratch, one, vector(13, F32))
        w = b.op(
            "loop.insert", (b.op("loop.extract", (w,), F32, lane=12), w), vector(13, F32), lane=0
        )
        b.store(
            b.op(
                "arith.addf", (w, b.op("loop.splat", (scalar,), vector(13, F32))), vector(13, F32)
            ),
            args[1],
            zero,
        )
        iota = b.op("loop.iota", (), vector(13, I32))
        b.store(iota, args[2], zero)

    data, out, numbers = (
        np.arange(40, dtype=np.float32),
        np.zeros(13, np.float32),
        np.zeros(13, np.int32),
    )
    compiled(function(3, body), target).call("k", data, out, numbers, begin=4, end=5)
    want = data[2:15].copy()
    want[0] = want[12]
    np.testing.assert_array_equal(out, want + data[6])
    np.testing.assert_array_equal(numbers, np.arange(13))


@given(data=st.data())
def test_shuffles(data: st.DataObject) -> None:
    target = find("host")
    lanes, out_lanes = data.draw(st.integers(1, 17)), data.draw(st.integers(1, 17))
    mask = tuple(
        data.draw(st.lists(st.integers(0, 2 * lanes - 1), min_size=out_lanes, max_size=out_lanes))
    )
    same = data.draw(st.booleans())

    def body(b: Code, args: list[Value]) -> None:
        x = b.load(args[0], b.constant(0), vector(lanes, I32))
        y = x if same else b.load(args[0], b.constant(lanes), vector(lanes, I32))
        b.store(
            b.op("loop.shuffle", (x, y), vector(out_lanes, I32), mask=mask), args[1], b.constant(0)
        )

    source, out = np.arange(2 * lanes, dtype=np.int32) + 5, np.zeros(out_lanes, np.int32)
    compiled(function(2, body), target).call("k", source, out)
    both = np.concatenate([source[:lanes]] * 2) if same else source
    np.testing.assert_array_equal(out, both[list(mask)])


@pytest.mark.parametrize("lanes", [1, 2, 3, 7, 8, 13, 16, 64])
def test_reductions(target: Target, lanes: int) -> None:
    kinds = {"add": np.sum, "max": np.max, "min": np.min}

    def body(b: Code, args: list[Value]) -> None:
        v, f = (
            b.load(p, b.constant(0), vector(lanes, t)) for p, t in ((args[0], I32), (args[1], F32))
        )
        for k, kind in enumerate(kinds):
            b.store(b.op("loop.reduce", (v,), I32, kind=kind), args[2], b.constant(k))
            name = {"add": "addf", "max": "maxf", "min": "minf"}[kind]
            b.store(b.op("loop.reduce", (f,), F32, kind=name), args[3], b.constant(k))

    random = np.random.default_rng(lanes)
    v, f = (
        random.integers(-1000, 1000, lanes).astype(np.int32),
        random.normal(size=lanes).astype(np.float32),
    )
    whole, real = np.zeros(3, np.int32), np.zeros(3, np.float32)
    compiled(function(4, body), target).call("k", v, f, whole, real)
    assert whole.tolist() == [int(g(v)) for g in kinds.values()]
    np.testing.assert_allclose(
        real, [g(f.astype(np.float64)) for g in kinds.values()], rtol=1e-5, atol=1e-6
    )


def test_an_unknown_reduction_is_named() -> None:
    def body(b: Code, args: list[Value]) -> None:
        v = b.load(args[0], b.constant(0), vector(4, F32))
        b.store(b.op("loop.reduce", (v,), F32, kind="mean"), args[0], b.constant(0))

    with pytest.raises(IRError, match=r"kernel @k: loop\.reduce: no kind 'mean'"):
        emit_image(function(1, body), find("x86-64"))


DOTS = {
    "dot4_us": (4, np.uint8, np.int8, I8),
    "dot4_ss": (4, np.int8, np.int8, I8),
    "dot2": (2, np.int16, np.int16, I16),
}


@pytest.mark.parametrize("name", DOTS)
@pytest.mark.parametrize("lanes", [1, 3, 4, 6, 8, 13, 16, 21, 32, 48])
def test_dot_products_wrap_exactly(target: Target, name: str, lanes: int) -> None:
    group, left, right, element = DOTS[name]

    def body(b: Code, args: list[Value]) -> None:
        acc = b.load(args[0], b.constant(0), vector(lanes, I32))
        a, c = (b.load(p, b.constant(0), vector(group * lanes, element)) for p in args[1:3])
        b.store(b.op(f"loop.{name}", (acc, a, c), vector(lanes, I32)), args[3], b.constant(0))

    image = compiled(function(4, body), target)
    random = np.random.default_rng(lanes)
    for extreme in (False, True):
        acc = random.integers(-(1 << 31), 1 << 31, lanes).astype(np.int32)
        a, c = (
            random.integers(np.iinfo(t).min, np.iinfo(t).max, group * lanes, t, endpoint=True)
            for t in (left, right)
        )
        if extreme:
            a[:], c[:] = np.iinfo(left).min or 255, np.iinfo(right).min
        out = np.zeros(lanes + 2, np.int32)
        image.call("k", acc, a, c, out)
        want = acc + (a.astype(np.int64) * c.astype(np.int64)).reshape(lanes, group).sum(1)
        np.testing.assert_array_equal(out[:lanes], want.astype(np.int32))
        assert not out[lanes:].any()


@given(
    lower=st.integers(-3, 6),
    upper=st.integers(-3, 30),
    step=st.integers(1, 5),
    dynamic=st.booleans(),
)
def test_loops_run_as_often_as_they_say(lower: int, upper: int, step: int, dynamic: bool) -> None:
    """Carried values of three types, one of them an index; bounds as constants and as arguments."""

    def body(b: Code, args: list[Value]) -> None:
        first, last = (args[2], args[3]) if dynamic else (b.constant(lower), b.constant(upper))
        inits = [b.constant(10), b.constant(0.5, F32), b.constant(0, vector(3, I32))]

        def turn(c: Code, i: Value, carried: list[Value]) -> list[Value]:
            n, f, v = carried
            wide = c.op("loop.splat", (c.op("arith.index_cast", (i,), I32),), vector(3, I32))
            return [c.add(n, i), c.op("arith.addf", (f, f), F32), c.add(v, wide)]

        n, f, v = b.loop(first, last, turn, inits, step=step)
        b.store(b.op("arith.index_cast", (n,), I32), args[0], b.constant(0))
        b.store(f, args[1], b.constant(0))
        b.store(v, args[0], b.constant(1))

    numbers, real = np.zeros(4, np.int32), np.zeros(1, np.float32)
    compiled(function(2, body), find("host")).call("k", numbers, real, begin=lower, end=upper)
    turns = range(lower, upper, step)
    assert numbers.tolist() == [10 + sum(turns), *[sum(turns)] * 3]
    assert real[0] == 0.5 * 2.0 ** len(turns)


def test_branches_keep_to_themselves(target: Target) -> None:
    """An index computed under one condition is computed again under another; a load never leaves its condition."""

    def body(b: Code, args: list[Value]) -> None:
        far = b.mul(args[2], b.constant(3))

        def turn(c: Code, i: Value, _: Any) -> tuple[()]:
            for k in range(2):
                here = c.op("arith.cmpi", (i, c.constant(k)), I1, predicate="eq")

                def inside(d: Code, k: int = k) -> None:
                    shared = d.add(far, d.constant(2))
                    safe = d.load(args[0], d.constant(0), I32, invariant=True)
                    d.store(
                        d.add(d.op("arith.index_cast", (shared,), I32), safe),
                        args[1],
                        d.constant(k),
                    )

                c.when(here, inside)
            never = c.op("arith.cmpi", (i, c.constant(1000)), I1, predicate="sgt")
            c.when(
                never,
                lambda d: d.store(
                    d.load(args[0], d.constant(1 << 40), I32, invariant=True), args[1], i
                ),
            )
            return ()

        b.loop(args[2], args[3], turn)

    source, out = np.array([100], np.int32), np.zeros(4, np.int32)
    compiled(function(2, body), target).call("k", source, out, begin=0, end=4)
    assert out.tolist() == [102, 102, 0, 0]


def test_invariant_loads_beyond_the_registers_stay_inside() -> None:
    """Sixty vectors that never change cannot all wait in registers; the sum is right wherever they are read."""

    def body(b: Code, args: list[Value]) -> None:
        def turn(c: Code, i: Value, carried: list[Value]) -> list[Value]:
            total = carried[0]
            for k in range(60):
                w = c.load(args[0], c.constant(8 * k), vector(8, F32), invariant=True)
                total = c.op("arith.addf", (total, w), vector(8, F32))
            return [total]

        total = b.loop(args[2], args[3], turn, [b.constant(0.0, vector(8, F32))])
        b.store(total[0], args[1], b.constant(0))

    module = function(2, body)
    data, out = np.arange(480, dtype=np.float32) % 7, np.zeros(8, np.float32)
    compiled(module, find("host")).call("k", data, out, end=3)
    np.testing.assert_array_equal(out, 3 * data.reshape(60, 8).sum(0))
    text = emit_image(module, find("x86-64-avx2")).text
    inside = text[text.index("\nL") :]
    assert 60 > inside.count("load <8 x float>") > 40


def test_names_of_kernels_may_have_any_characters() -> None:
    image = emit_image(function(1, lambda b, a: None, "f32_6x16+2_x86-64.1"), find("x86-64"))
    assert "f32_6x16+2_x86-64.1" in image.symbols


def test_what_has_no_machine_form_is_named() -> None:
    def body(b: Code, args: list[Value]) -> None:
        b.create("kern.reshape", ())

    with pytest.raises(
        IRError, match=r"kernel @k: kern\.reshape cannot be written as machine code"
    ):
        emit_image(function(1, body), find("x86-64"))


@pytest.mark.parametrize("arm", ARM, ids=lambda t: t.name)
@pytest.mark.parametrize("name", DOTS)
def test_dot_products_use_the_instruction_on_arm(arm: Target, name: str) -> None:
    group, _, _, element = DOTS[name]

    def body(b: Code, args: list[Value]) -> None:
        acc = b.load(args[0], b.constant(0), vector(8, I32))
        a, c = (b.load(p, b.constant(0), vector(group * 8, element)) for p in args[1:3])
        b.store(b.op(f"loop.{name}", (acc, a, c), vector(8, I32)), args[0], b.constant(0))

    listing = emit_image(function(3, body), arm, assembly=True).assembly
    want = {"dot4_us": "usdot", "dot4_ss": "sdot", "dot2": "smlal"}[name]
    has = name == "dot2" or (name == "dot4_ss" and arm.dot != "dot2") or arm.dot == name
    assert (f"\t{want}" in listing) == has
