"""Executes functions of `kern` ops with NumPy: the oracle between passes, before any code is generated.

Regions are evaluated for all elements at once: integers as int64 arrays wrapped to 32 bits after every op, floats in float32.
Contractions of integers are exact (products of int8 sum below 2**53); those of floats sum in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from litefuse.compiler.ir.attributes import Dense, Resource
from litefuse.compiler.ir.core import Block, Module, Operation, Value
from litefuse.compiler.ir.types import (
    F32,
    F64,
    I1,
    I32,
    FloatType,
    IntegerType,
    QuantizedType,
    TensorType,
)
from litefuse.runtime.kernels.fixed_point import mbqm, mbqm_multipliers, round_half_away, wrap32
from litefuse.runtime.kernels.gemmlowp import softmax_int8_table, softmax_rows, softmax_scaling

Array = np.ndarray[Any, Any]


def run(module: Module, inputs: Sequence[Array], name: str | None = None) -> list[Array]:
    """The results of a function (the only one, unless named) on arrays in stored form."""
    function = module.find(name) if name else module.functions()[0]
    env: dict[Value, Array] = {}
    for arg, x in zip(function.body.args, inputs, strict=True):
        assert (x.shape, x.dtype) == (arg.type.shape, storage(arg.type))
        env[arg] = x
    for op in function.body.ops:
        if op.name == "kern.return":
            return [env[v] for v in op.operands]
        y = np.asarray(OPS[op.name](op, [env[v] for v in op.operands]))
        assert y.shape == op.result.type.shape, f"{op.name}: {y.shape} for {op.result.type}"
        assert y.dtype == storage(op.result.type), f"{op.name}: {y.dtype} for {op.result.type}"
        env[op.result] = y
    raise AssertionError("no kern.return")


def storage(t: Any) -> np.dtype[Any]:
    """The NumPy type of a tensor's stored elements."""
    e = t.element if isinstance(t, TensorType) else t
    if isinstance(e, QuantizedType):
        e = e.storage
    if isinstance(e, FloatType):
        return np.dtype(f"float{e.width}")
    assert isinstance(e, IntegerType)
    return np.dtype(f"{'u' if e.signedness == 'u' else ''}int{e.width}")


# --- regions ----------------------------------------------------------------------------------


def evaluate_region(block: Block, args: Sequence[Array]) -> Array:
    """What the region yields, for all elements of its (broadcast) arguments at once."""
    env: dict[Value, Any] = {}
    for value, x in zip(block.args, args, strict=True):
        env[value] = _scalar(x, value.type)
    for op in block.ops:
        if op.name == "kern.yield":
            return np.asarray(env[op.operands[0]])
        with np.errstate(all="ignore"):
            y = _arith(op, [env[v] for v in op.operands])
        env[op.result] = _scalar(y, op.result.type)
    raise AssertionError("no kern.yield")


def _scalar(x: Any, t: Any) -> Array:
    if t in (F32, F64):
        return np.asarray(x, np.float32 if t == F32 else np.float64)
    if t == I1:
        return np.asarray(x, bool)
    assert t == I32, t
    return wrap32(x)


def _truncating(a: Array, b: Array) -> Array:
    return np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "addi": np.add, "subi": np.subtract, "muli": np.multiply, "minsi": np.minimum, "maxsi": np.maximum,
    "andi": np.bitwise_and, "ori": np.bitwise_or, "xori": np.bitwise_xor, "shli": np.left_shift, "shrsi": np.right_shift,
    "divsi": _truncating, "remsi": lambda a, b: a - _truncating(a, b) * b,
    "addf": np.add, "subf": np.subtract, "mulf": np.multiply, "divf": np.divide, "copysignf": np.copysign,
    "maxf": lambda a, b: np.where(a > b, a, b), "minf": lambda a, b: np.where(a < b, a, b),
}  # fmt: skip
_UNARY: dict[str, Callable[[Any], Any]] = {
    "negf": np.negative, "absf": np.abs, "sqrtf": np.sqrt, "floorf": np.floor, "ceilf": np.ceil, "truncf_int": np.trunc,
    "roundevenf": np.rint, "sitofp": lambda a: a, "fptosi": lambda a: np.trunc(a).astype(np.int64),
    "extf": lambda a: a, "extsi": lambda a: a,
}  # fmt: skip
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "eq": np.equal, "ne": np.not_equal, "slt": np.less, "sle": np.less_equal, "sgt": np.greater, "sge": np.greater_equal,
    "oeq": np.equal, "olt": np.less, "ole": np.less_equal, "ogt": np.greater, "oge": np.greater_equal,
    "uno": lambda a, b: np.isnan(a) | np.isnan(b), "ord": lambda a, b: ~(np.isnan(a) | np.isnan(b)),
}  # fmt: skip


def _arith(op: Operation, args: list[Array]) -> Any:
    name = op.name.removeprefix("arith.")
    if name == "constant":
        return np.asarray(op["value"])
    if name in _BINARY:
        return _BINARY[name](*args)
    if name in _UNARY:
        return _UNARY[name](*args)
    if name in ("cmpi", "cmpf"):
        return _COMPARE[op["predicate"]](*args)
    if name == "select":
        return np.where(*args)
    if name == "fma":
        return args[0] * args[1] + args[2]
    assert name == "mbqm", op.name
    x, q, s = args
    if "x_bound" in op.attributes:  # what was proved must hold
        assert np.abs(x).max(initial=0) <= op["x_bound"], (np.abs(x).max(), op["x_bound"])
        low, high = op["shift_range"]
        assert s.min() >= low
        assert s.max() <= high
        assert all(int(v) % 2 ** (op["max_trailing_zeros"] + 1) for v in np.ravel(q) if v)
    result = mbqm(x, q, s)
    if op.get("clamped_below"):  # negative results may be anything that is not positive
        result = np.where(result < 0, result - 1, result)
    return result


def _finish(
    op: Operation, leading: Sequence[Any], extras: Sequence[Array], roles: Sequence[str]
) -> Array:
    shape = op.result.type.shape
    args = list(leading)
    for x, role in zip(extras, roles, strict=True):
        if role == "channel":
            assert x.shape == shape[-1:], (x.shape, shape)
        elif role == "pixel":
            assert x.shape == shape, (x.shape, shape)
        elif role == "scalar":
            assert x.size == 1
            x = x.reshape(())
        args.append(x)
    y = np.broadcast_to(evaluate_region(op.body, args), shape)
    kind = storage(op.result.type)
    if kind.kind == "i":
        info = np.iinfo(kind)
        assert y.size == 0 or (y.min() >= info.min and y.max() <= info.max), (
            f"{op.name} yields {y.min()}..{y.max()} for {kind}"
        )
    return y.astype(kind)


# --- tensor ops -------------------------------------------------------------------------------


def _patches(x: Array, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], pad: Sequence[int],
             fill: float, out: Sequence[int]) -> Array:  # fmt: skip
    """[n, oh, ow, kh, kw, c] by plain indexing; exactly the stated padding may be touched."""
    top, bottom, left, right = pad
    p = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    rows = np.arange(out[0])[:, None] * strides[0] + np.arange(kernel[0])[None] * dilations[0]
    columns = np.arange(out[1])[:, None] * strides[1] + np.arange(kernel[1])[None] * dilations[1]
    return p[:, rows[:, None, :, None], columns[None, :, None, :], :]


def contract(op: Operation, args: list[Array]) -> Array:
    x, w = args[:2]
    integer = x.dtype.kind == "i"
    shape = op.result.type.shape
    zero_point = op.get("x_zero_point", 0)
    if integer and "x_range" in op.attributes:
        low, high = op["x_range"]
        assert x.size == 0 or (x.min() >= low and x.max() <= high)
    if op["kind"] == "dense":
        acc = (x.astype(np.float64) - zero_point).reshape(-1, w.shape[1]) @ w.astype(np.float64).T
    else:
        fill = op.get("pad_value", zero_point)
        p = _patches(x, w.shape[1:3], op["strides"], op["dilations"], op["pad"], fill, shape[1:3])
        p = p.astype(np.float64) - zero_point
        if op["kind"] == "depthwise":
            wide = np.repeat(p, op["multiplier"], axis=-1)
            acc = np.einsum("nyxijc,ijc->nyxc", wide, w[0].astype(np.float64))
        else:
            groups = op.get("groups", 1)
            n_in, n_out = w.shape[3], w.shape[0] // groups
            flat = p.reshape(*p.shape[:5], groups, n_in)
            parts = [
                flat[..., g, :].reshape(-1, w[0].size)
                @ w[g * n_out : (g + 1) * n_out].reshape(n_out, -1).astype(np.float64).T
                for g in range(groups)
            ]
            acc = np.concatenate(parts, axis=-1)
    acc = acc.reshape(shape)
    acc = wrap32(acc.astype(np.int64)) if integer else acc.astype(np.float32)
    return _finish(op, [acc], args[2:], op["roles"])


def window(op: Operation, args: list[Array]) -> Array:
    x = args[0]
    shape, size, strides = op.result.type.shape, op["window"], op["strides"]
    fill = (
        0
        if op["kind"] == "sum"
        else (np.finfo(np.float32).min if x.dtype.kind == "f" else np.iinfo(x.dtype).min)
    )
    p = _patches(x, size, strides, (1, 1), op["pad"], fill, shape[1:3])
    ones = _patches(np.ones_like(x, np.int32), size, strides, (1, 1), op["pad"], 0, shape[1:3])
    count = ones.sum(axis=(3, 4))
    if op["kind"] == "sum":
        acc = (
            p.sum(axis=(3, 4), dtype=np.int64)
            if x.dtype.kind == "i"
            else p.sum(axis=(3, 4), dtype=np.float32)
        )
    else:
        acc = p.max(axis=(3, 4))
    return _finish(op, [acc, count], args[1:], op["roles"])


def reduce(op: Operation, args: list[Array]) -> Array:
    x = args[0]
    wide = x.astype(np.int64) if x.dtype.kind == "i" else x.astype(np.float64)
    acc = getattr(wide, op["kind"])(axis=op["axes"])
    return _finish(op, [acc.reshape(op.result.type.shape)], args[1:], op["roles"])


def map_(op: Operation, args: list[Array]) -> Array:
    return _finish(op, [], args, op["roles"])


def rescale(op: Operation, args: list[Array]) -> Array:
    if op.get("arithmetic") == "float64":
        product = args[0].astype(np.float64) * np.asarray(op["multipliers"])
        return (round_half_away(product) + op["zero_point"]).astype(np.int32)
    q, s = mbqm_multipliers(op["multipliers"])
    return (mbqm(args[0], q, s) + op["zero_point"]).astype(np.int32)


def const(op: Operation, args: list[Array]) -> Array:
    value = op["value"]
    assert isinstance(value, (Dense, Resource))
    return value.array


def pad(op: Operation, args: list[Array]) -> Array:
    return np.pad(
        args[0], list(zip(op["low"], op["high"], strict=True)), constant_values=op["value"]
    )


def slice_(op: Operation, args: list[Array]) -> Array:
    shape = op.result.type.shape
    index = tuple(
        slice(b, b + (n - 1) * s + 1, s)
        for b, s, n in zip(op["begin"], op["strides"], shape, strict=True)
    )
    return args[0][index]


def softmax(op: Operation, args: list[Array]) -> Array:
    x = args[0]
    if x.dtype.kind == "f":
        wide = (x - x.max(axis=-1, keepdims=True)).astype(np.float64) * op["beta"]
        e = np.exp(wide)
        return (e / e.sum(axis=-1, keepdims=True)).astype(np.float32)
    scale = op.operands[0].type.element.scale
    assert softmax_scaling(op["beta"], scale) == (op["multiplier"], op["shift"], op["diff_min"])
    table = softmax_int8_table(op["beta"], scale)
    difference = x.max(axis=-1, keepdims=True).astype(np.int64) - x
    return softmax_rows(table[difference], x.dtype)


OPS: dict[str, Callable[[Operation, list[Array]], Array]] = {
    "kern.const": const,
    "kern.contract": contract,
    "kern.window": window,
    "kern.reduce": reduce,
    "kern.map": map_,
    "kern.rescale": rescale,
    "kern.pad": pad,
    "kern.concat": lambda op, args: np.concatenate(args, axis=op["axis"]),
    "kern.reshape": lambda op, args: args[0].reshape(op.result.type.shape),
    "kern.transpose": lambda op, args: args[0].transpose(op["permutation"]),
    "kern.slice": slice_,
    "kern.resize_nearest": lambda op, args: args[0][:, np.array(op["rows"])][
        :, :, np.array(op["columns"])
    ],
    "kern.softmax": softmax,
}
