"""Every arith op, scalar and vector, odd lane counts included, on each target that this machine runs, against NumPy."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from litefuse.codegen.targets import Target
from litefuse.compiler.ir.attributes import Dense
from litefuse.compiler.ir.core import Module, Value
from litefuse.compiler.ir.types import (
    BF16,
    F16,
    F32,
    F64,
    I1,
    I8,
    I16,
    I32,
    I64,
    INDEX,
    Type,
    vector,
)
from litefuse.compiler.ops import arith
from tests.codegen.build import ARM, HERE, Code, compiled, function

Array = npt.NDArray[Any]
LANES = (1, 3, 8, 13, 32)
DTYPES = {
    I8: np.int8,
    I16: np.int16,
    I32: np.int32,
    I64: np.int64,
    F16: np.float16,
    F32: np.float32,
    F64: np.float64,
}


def operands(dtype: Any, count: int, lanes: int, seed: int) -> list[Array]:
    random = np.random.default_rng(seed)
    if np.issubdtype(dtype, np.integer):
        info = np.iinfo(dtype)
        wide = random.integers(info.min, info.max, (count, lanes), dtype, endpoint=True)
        wide[:, 0] = [info.min, info.max, 1][:count]
        return list(wide)
    values = random.normal(size=(count, lanes)) * 10.0 ** random.integers(-3, 4, (count, lanes))
    values[:, -1] = [-0.0, 2.5, 0.5][:count]
    return list(values.astype(dtype))


def elementwise(name: str, count: int, t: Type, result: Type, **attributes: Any) -> Module:
    module: Module | None = None
    for lanes in LANES:

        def body(b: Code, args: list[Value], lanes: int = lanes) -> None:
            zero = b.constant(0)
            values = [b.load(p, zero, vector(lanes, t)) for p in args[:count]]
            b.store(
                b.op(f"arith.{name}", values, vector(lanes, result), **attributes),
                args[count],
                zero,
            )

        module = function(count + 1, body, f"k{lanes}", module)
    assert module is not None
    return module


def check(
    target: Target, name: str, t: Type, oracle: Callable[..., Any], count: int = 2, result: Type | None = None,
    prepare: Callable[[list[Array]], list[Array]] = lambda arrays: arrays, **attributes: Any,
) -> None:  # fmt: skip
    """Compare all lane counts with the oracle, exactly; bytes behind the last lane stay untouched."""
    result = result or t
    image = compiled(elementwise(name, count, t, result, **attributes), target)
    dtype = np.bool_ if result == I1 else DTYPES[result]
    for lanes in LANES:
        for seed in range(6):
            values = prepare(operands(DTYPES[t], count, lanes, seed))
            out = np.full(lanes + 9, 1, dtype)
            image.call(f"k{lanes}", *(np.ascontiguousarray(v) for v in values), out)
            with np.errstate(all="ignore"):
                want = np.asarray(oracle(*values)).astype(dtype)
            np.testing.assert_array_equal(
                out[:lanes], want, err_msg=f"{name} {lanes} lanes, seed {seed}"
            )
            assert (out[lanes:] == 1).all()


INTEGERS: dict[str, Callable[[Array, Array], Any]] = {
    "addi": np.add, "subi": np.subtract, "muli": np.multiply, "minsi": np.minimum, "maxsi": np.maximum,
    "andi": np.bitwise_and, "ori": np.bitwise_or, "xori": np.bitwise_xor,
}  # fmt: skip


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("t", [I8, I16, I32, I64], ids=str)
def test_integers(target: Target, t: Type) -> None:
    for name, oracle in INTEGERS.items():
        check(target, name, t, oracle)


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("t", [I8, I32, I64], ids=str)
def test_shifts(target: Target, t: Type) -> None:
    width = DTYPES[t](0).itemsize * 8
    unsigned = np.dtype(f"u{width // 8}")

    def prepare(arrays: list[Array]) -> list[Array]:
        return [arrays[0], np.abs(arrays[1] % width).astype(arrays[1].dtype)]

    check(target, "shli", t, np.left_shift, prepare=prepare)
    check(target, "shrsi", t, np.right_shift, prepare=prepare)
    check(
        target,
        "shrui",
        t,
        lambda a, b: (a.view(unsigned) >> b.view(unsigned)).view(a.dtype),
        prepare=prepare,
    )


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("t", [I32, I64], ids=str)
def test_division_truncates(target: Target, t: Type) -> None:
    def prepare(arrays: list[Array]) -> list[Array]:
        a, b = arrays
        return [
            np.where(a == np.iinfo(a.dtype).min, 7, a).astype(a.dtype),
            np.where(b == 0, 3, b // 5 + 1).astype(b.dtype),
        ]

    def nonzero(arrays: list[Array]) -> list[Array]:
        a, b = prepare(arrays)
        b[b == 0] = -4
        return [a, b]

    def quotient(a: Array, b: Array) -> Any:
        return [
            int(abs(int(x)) // abs(int(y)) * (1 if (x < 0) == (y < 0) else -1))
            for x, y in zip(a, b, strict=True)
        ]

    check(target, "divsi", t, quotient, prepare=nonzero)
    check(
        target, "remsi", t, lambda a, b: a - np.array(quotient(a, b), a.dtype) * b, prepare=nonzero
    )


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("t", [F32, F64], ids=str)
def test_floats(target: Target, t: Type) -> None:
    for name, oracle in {
        "addf": np.add,
        "subf": np.subtract,
        "mulf": np.multiply,
        "divf": np.divide,
        "copysignf": np.copysign,
    }.items():
        check(target, name, t, oracle)
    unary = {
        "negf": np.negative,
        "absf": np.abs,
        "floorf": np.floor,
        "ceilf": np.ceil,
        "truncf_int": np.trunc,
        "roundevenf": np.rint,
    }
    for name, one in unary.items():
        check(target, name, t, one, count=1)
    check(target, "sqrtf", t, np.sqrt, count=1, prepare=lambda a: [np.abs(a[0])])


@pytest.mark.parametrize("target", HERE)
def test_extrema_follow_the_comparison(target: Target) -> None:
    def special(arrays: list[Array]) -> list[Array]:
        a, b = arrays
        a[0], b[-1] = np.nan, np.nan
        if a.size > 2:
            a[1], b[1] = 0.0, -0.0
        return [a, b]

    for prepare in (special, lambda arrays: arrays):
        check(target, "maxf", F32, lambda a, b: np.where(a > b, a, b), prepare=prepare)
        check(target, "minf", F32, lambda a, b: np.where(a < b, a, b), prepare=prepare)
    signs = [np.array([0.0] * 8, np.float32), np.array([-0.0] * 8, np.float32)]
    image = compiled(elementwise("maxf", 2, F32, F32), target)
    out = np.ones(8, np.float32)
    image.call("k8", *signs, out)
    assert np.signbit(out).all()


@pytest.mark.parametrize("target", HERE)
def test_fma_rounds_once_where_the_target_has_it(target: Target) -> None:
    def oracle(a: Array, b: Array, c: Array) -> Array:
        if not target.fma:
            return a * b + c
        exact = a.astype(np.longdouble) * b.astype(np.longdouble) + c.astype(np.longdouble)
        return exact.astype(np.float32)

    check(target, "fma", F32, oracle, count=3)


@pytest.mark.parametrize("target", HERE)
def test_comparisons_and_selection(target: Target) -> None:
    unsigned = {"ult": np.less, "ule": np.less_equal, "ugt": np.greater, "uge": np.greater_equal}
    signed = {
        "slt": np.less,
        "sle": np.less_equal,
        "sgt": np.greater,
        "sge": np.greater_equal,
        "eq": np.equal,
        "ne": np.not_equal,
    }
    for predicate in arith.PREDICATES:
        f = signed.get(predicate) or unsigned[predicate]
        view = np.uint32 if predicate in unsigned else np.int32
        check(
            target,
            "cmpi",
            I32,
            lambda a, b, f=f, view=view: f(a.view(view), b.view(view)),
            result=I1,
            predicate=predicate,
        )

    def some_nan(arrays: list[Array]) -> list[Array]:
        arrays[0][0] = np.nan
        return arrays

    floats = {
        "oeq": np.equal, "one": lambda a, b: (a < b) | (a > b), "olt": np.less, "ole": np.less_equal, "ogt": np.greater,
        "oge": np.greater_equal, "uno": lambda a, b: np.isnan(a) | np.isnan(b), "ord": lambda a, b: ~(np.isnan(a) | np.isnan(b)),
    }  # fmt: skip
    for predicate in arith.FLOAT_PREDICATES:
        check(
            target, "cmpf", F32, floats[predicate], result=I1, prepare=some_nan, predicate=predicate
        )

    def body(b: Code, args: list[Value]) -> None:
        zero = b.constant(0)
        x, y = (b.load(p, zero, vector(13, F32)) for p in args[:2])
        less = b.op("arith.cmpf", (x, y), vector(13, I1), predicate="olt")
        b.store(less, args[2], zero)
        again = b.load(args[2], zero, vector(13, I1))
        b.store(b.op("arith.select", (again, y, x), vector(13, F32)), args[3], zero)

    a, c = operands(np.float32, 2, 13, 1)
    flags, out = np.zeros(13, np.bool_), np.zeros(13, np.float32)
    compiled(function(4, body), target).call("k", a, c, flags, out)
    np.testing.assert_array_equal(flags, a < c)
    np.testing.assert_array_equal(out, np.maximum(a, c))


@pytest.mark.parametrize("target", HERE)
def test_integer_and_float_casts(target: Target) -> None:
    check(target, "extsi", I8, lambda a: a, 1, I32)
    check(target, "extsi", I16, lambda a: a, 1, I64)
    check(target, "extui", I8, lambda a: a.view(np.uint8), 1, I32)
    check(target, "trunci", I32, lambda a: a, 1, I8)
    check(target, "trunci", I64, lambda a: a, 1, I16)
    check(target, "sitofp", I32, lambda a: a, 1, F32)
    check(target, "sitofp", I64, lambda a: a, 1, F32)
    check(target, "sitofp", I8, lambda a: a, 1, F32)
    check(target, "fptosi", F32, np.trunc, 1, I32)
    check(target, "fptosi", F32, np.trunc, 1, I8, prepare=lambda a: [np.clip(a[0], -128, 127)])
    check(target, "extf", F32, lambda a: a, 1, F64)
    check(target, "truncf", F64, lambda a: a, 1, F32)
    check(target, "bitcast", F32, lambda a: a.view(np.int32), 1, I32)


ALL_HALVES = np.arange(65536, dtype=np.uint16)


def convert(
    target: Target, name: str, source: Type, result: Type, values: Array, out: Any
) -> Array:
    def body(b: Code, args: list[Value]) -> None:
        def step(c: Code, i: Value, _: Any) -> tuple[()]:
            c.store(
                c.op(f"arith.{name}", (c.load(args[0], i, vector(8, source)),), vector(8, result)),
                args[1],
                i,
            )
            return ()

        b.loop(args[2], args[3], step, step=8)

    got = np.zeros(values.size, out)
    compiled(function(2, body), target).call("k", values, got, end=values.size)
    return got


@pytest.mark.parametrize("target", HERE)
def test_every_half_extends_exactly(target: Target) -> None:
    halves = ALL_HALVES.view(np.float16)
    got = convert(target, "extf", F16, F32, ALL_HALVES, np.float32)
    np.testing.assert_array_equal(got, halves.astype(np.float32))
    wide = convert(target, "extf", BF16, F32, ALL_HALVES, np.uint32)
    np.testing.assert_array_equal(wide, ALL_HALVES.astype(np.uint32) << 16)


def float_bits() -> Array:
    """Floats around every half: it, its neighbours, the ties between two halves, and random bits."""
    halves = ALL_HALVES.view(np.float16).astype(np.float32).view(np.uint32)
    random = np.random.default_rng(0).integers(0, 1 << 32, 1 << 15, np.uint32)
    bits = np.concatenate(
        [
            halves,
            halves + 1,
            halves - 1,
            halves + 0x1000,
            halves + 0x1001,
            halves + 0xFFF,
            random,
            ALL_HALVES.astype(np.uint32) << 16 | 0x8000,
        ]
    )
    return np.ascontiguousarray(bits[: bits.size // 8 * 8])


@pytest.mark.parametrize("target", HERE)
def test_halves_are_the_nearest_even(target: Target) -> None:
    bits = float_bits()
    values = bits.view(np.float32)
    with np.errstate(all="ignore"):
        want = values.astype(np.float16)
    got = convert(target, "truncf", F32, F16, bits, np.uint16).view(np.float16)
    np.testing.assert_array_equal(got, want)
    brain = convert(target, "truncf", F32, BF16, bits, np.uint16).astype(np.uint32) << 16
    nan = np.isnan(values)
    nearest = (bits.astype(np.uint64) + 0x7FFF + (bits >> 16 & 1)).astype(np.uint32) & 0xFFFF0000
    np.testing.assert_array_equal(brain[~nan], nearest[~nan])
    assert np.isnan(brain.view(np.float32)[nan]).all()


@pytest.mark.parametrize("target", HERE)
def test_doubles_round_to_halves_once(target: Target) -> None:
    halves = ALL_HALVES.view(np.float16).astype(np.float64)
    finite = halves[np.isfinite(halves)]
    with np.errstate(over="ignore"):
        step = np.spacing(finite.astype(np.float16)).astype(np.float64)
    ties = finite + step / 2
    values = np.concatenate(
        [
            ties,
            np.nextafter(ties, np.inf),
            np.nextafter(ties, -np.inf),
            ties * (1 + 2.0**-40),
            [np.inf, -np.inf, 1e300, -1e-300, 0.0, -0.0, 1e-8, 65519.99],
        ]
    )
    values = np.ascontiguousarray(values[: values.size // 8 * 8])
    with np.errstate(all="ignore"):
        want = values.astype(np.float16)
    np.testing.assert_array_equal(
        convert(target, "truncf", F64, F16, values, np.uint16).view(np.float16), want
    )


@pytest.mark.parametrize("target", HERE)
def test_constants_and_index(target: Target) -> None:
    """Index arithmetic is folded into addresses and still has to be right as a value."""

    def body(b: Code, args: list[Value]) -> None:
        n = args[2]  # 5
        index = INDEX
        a = b.add(b.mul(b.add(n, b.constant(3)), b.constant(-4)), b.constant(7))  # -25
        c = b.op("arith.subi", (b.constant(100), a), index)  # 125
        d = b.op("arith.subi", (c, b.add(n, b.constant(1))), index)  # 119
        e = b.mul(b.add(n, b.constant(2)), b.add(d, b.constant(1)))  # 840
        f = b.op("arith.divsi", (b.constant(-17), b.constant(5)), index)  # -3
        g = b.op("arith.remsi", (b.constant(-17), b.constant(5)), index)  # -2
        h = b.op("arith.divsi", (a, n), index)  # -5
        m = b.op("arith.minsi", (a, b.mul(n, b.constant(0))), index)  # -25
        wide = b.op("arith.index_cast", (b.op("arith.index_cast", (e,), I32),), index)  # 840
        for k, value in enumerate((a, c, d, e, f, g, h, m, wide)):
            b.store(b.op("arith.index_cast", (value,), I64), args[0], b.constant(k))
        lanes = b.constant(Dense(np.array([1, -2, 3], np.int8)), vector(3, I8))
        b.store(lanes, args[1], b.add(n, b.constant(-5)))
        b.store(b.constant(True, I1), args[1], n)
        b.store(b.constant(np.float32(0.1), F32), args[1], b.constant(2))
        b.store(b.constant(0.1, F16), args[1], b.constant(6))
        b.store(b.constant(float("inf"), BF16), args[1], b.constant(7))

    numbers, raw = np.zeros(9, np.int64), np.zeros(32, np.uint8)
    compiled(function(2, body), target).call("k", numbers, raw, begin=5, end=9)
    assert numbers.tolist() == [-25, 125, 119, 840, -3, -2, -5, -25, 840]
    assert raw[:3].view(np.int8).tolist() == [1, -2, 3]
    assert raw[5] == 1
    assert raw[8:12].view(np.float32)[0] == np.float32(0.1)
    assert raw[12:14].view(np.float16)[0] == np.float16(0.1)
    assert raw[14:16].view(np.uint16)[0] == 0x7F80


@pytest.mark.parametrize("target", ARM, ids=lambda t: t.name)
def test_every_op_compiles_for_arm(target: Target) -> None:
    """No op may become a library call: the image would not flatten."""
    from litefuse.codegen.llvm.image import emit_image

    for d in arith.OPS:
        name = d.name[6:]
        if name in ("constant", "index_cast", "select", "mbqm"):
            continue
        t, result = {
            "extsi": (I8, I32), "extui": (I8, I32), "trunci": (I32, I8), "sitofp": (I32, F32), "fptosi": (F32, I32),
            "extf": (F16, F32), "truncf": (F64, F16), "bitcast": (F32, I32), "cmpi": (I32, I1), "cmpf": (F32, I1), "fma": (F32, F32),
        }.get(name, (F32, F32) if name.endswith(("f", "f_int")) else (I32, I32))  # fmt: skip
        attributes = (
            {"predicate": "slt" if name == "cmpi" else "olt"} if name.startswith("cmp") else {}
        )
        assert isinstance(d.operands, int)
        assert emit_image(elementwise(name, d.operands, t, result, **attributes), target).code


def test_every_op_has_a_test() -> None:
    """Every op is named by a test that compares numbers; those that only compile do not count."""
    here = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    only_compiles = {"test_every_op_compiles_for_arm", "test_every_op_has_a_test"}
    compared = [n for n in here.body if getattr(n, "name", "") not in only_compiles]
    named = {c.value for n in compared for c in ast.walk(n) if isinstance(c, ast.Constant)}
    unnamed = {d.name for d in arith.OPS if not named & {d.name, d.name.removeprefix("arith.")}}
    # test_mbqm.py, and `b.constant` in test_constants_and_index
    assert unnamed == {"arith.mbqm", "arith.constant"}
