"""`kern`: structured tensor ops, each with a region that computes one element's epilogue.

Values are tensors (`tensor<1x7x7x96x!quant.uniform<i8:f32, 0.02:-3>>`). Inside a region everything
is scalar: a quantised element appears as i32 holding the stored number (not yet minus the zero
point), an i32 accumulator as i32, floats as f32 (float16 tensors widened), a float64 constant as
f64. The region's `kern.yield` gives one scalar: for a quantised result an i32 already clamped to
the stored type's range.

An op's operands beyond its tensors are *extras*, matched by `roles`, and appear as further block
arguments in order:

    "channel"  a vector over the last dimension
    "pixel"    a tensor of the result's shape
    "scalar"   one element
    "init"     contractions only, no block argument: the accumulators start at this vector over the
               last dimension

The ops:

    kern.contract(x, w, extras...)   region (acc, extras...)
        acc = sum (x - x_zero_point) * w, i32 or f32, where x is the stored number and cells outside
        the image hold `pad_value` (stored form; absent means x_zero_point, or 0).
        `fold_quantization` moves x_zero_point (absent means 0) into the bias, so that afterwards
        acc = sum x * w and `pad_value` stays behind as what the padding holds.
        kind "conv":       x NHWC, w [out, kh, kw, in / groups]
        kind "depthwise":  x NHWC, w [1, kh, kw, in * multiplier]
        kind "dense":      x [..., K] (rows = the rest), w [out, K]
    kern.window(x, extras...)        region (acc, count, extras...)
        kind "max", "sum"; count is the number of valid cells
    kern.reduce(x, extras...)        region (acc, extras...)
        kind "sum", "max", "min" over `axes`
    kern.map(xs...)                  region (elements...)
        NumPy broadcasting by shape; roles tell how
    kern.pad, concat, reshape, transpose, slice, resize_nearest
        moves; the element type stays
    kern.softmax(x)
        along the last dimension
    kern.rescale(acc)
        symbolic requantisation of an i32 tensor, before `fold_quantization`: result = acc times the
        multiplier of the last dimension's channel, rounded, + zero_point, not clamped. `arithmetic`
        is "fixed_point" (the default: MultiplyByQuantizedMultiplier, double rounding) or "float64"
        (a double product rounded half away from zero, which is what LiteRT's reference
        FULLY_CONNECTED does; its region then holds f64 scalars)

A `kern.contract` and the `kern.window` that alone reads it may share an integer `group`: windows
neither overlap nor stick out, so rows of both can be computed in turn while they are in cache
(`fuse_pool`). `group` never changes a result. `x_range` of an int8 contract is the proved (least,
largest) stored x, padding included (`prove_bounds`).
"""

from __future__ import annotations

from litefuse.compiler.ir.core import Operation
from litefuse.compiler.ir.opdef import OpDef, require
from litefuse.compiler.ir.types import TensorType

ROLES = ("channel", "pixel", "scalar", "broadcast", "init")
_PADS = "pad is (top, bottom, left, right), each at least 0"


def _region_ends_in_yield(op: Operation) -> None:
    y = op.body.terminator
    require(
        y.name == "kern.yield" and len(y.operands) == 1,
        "the region ends in kern.yield with one value",
    )


def _extras(op: Operation, first: int, leading_args: int) -> None:
    roles = op.get("roles", [])
    require(
        len(roles) == len(op.operands) - first,
        f"{len(op.operands) - first} extras need as many roles, not {len(roles)}",
    )
    require(all(r in ROLES for r in roles), f"roles are among {', '.join(ROLES)}")
    in_region = sum(r != "init" for r in roles)
    require(
        len(op.body.args) == leading_args + in_region,
        "the region takes the accumulators and one scalar an extra",
    )
    _region_ends_in_yield(op)


def _contract(op: Operation) -> None:
    require(op["kind"] in ("conv", "depthwise", "dense"), "kind is conv, depthwise or dense")
    _extras(op, 2, 1)
    if op["kind"] != "dense":
        for key, n in (("strides", 2), ("dilations", 2), ("pad", 4)):
            require(key in op.attributes and len(op[key]) == n, f"{key} has {n} numbers")
        require(min(op["pad"]) >= 0, _PADS)


def _window(op: Operation) -> None:
    require(op["kind"] in ("max", "sum"), "kind is max or sum")
    _extras(op, 1, 2)
    require(min(op["pad"]) >= 0, _PADS)


def _reduce(op: Operation) -> None:
    require(op["kind"] in ("sum", "max", "min"), "kind is sum, max or min")
    _extras(op, 1, 1)


def _map(op: Operation) -> None:
    _extras(op, 0, 0)


def _tensors(op: Operation) -> None:
    for v in (*op.operands, *op.results):
        require(isinstance(v.type, TensorType), "operands and results are tensors")


def _rescale(op: Operation) -> None:
    _tensors(op)
    require(
        op.get("arithmetic", "fixed_point") in ("fixed_point", "float64"),
        "arithmetic is fixed_point or float64",
    )


OPS = (
    OpDef(
        "kern.func",
        "A partition: arguments are its inputs. arg_names and result_names give the model's "
        "tensor names, arg_tensors and result_tensors their indices.",
        0,
        0,
        1,
        required={"sym_name": str},
        optional={
            "arg_names": list,
            "result_names": list,
            "arg_tensors": tuple,
            "result_tensors": tuple,
            "arg_buffers": list,
            "result_buffers": list,
            "arena_bytes": int,
            "constant_bytes": int,
            "target": str,
        },
        pure=False,
    ),
    OpDef("kern.return", "The partition's outputs.", (0, None), 0, pure=False, terminator=True),
    OpDef("kern.yield", "An element's value.", 1, 0, terminator=True),
    OpDef(
        "kern.const",
        "A constant tensor.",
        0,
        1,
        required={"value": object},
        optional={"buffer": dict},
    ),
    OpDef(
        "kern.contract",
        "A contraction with its epilogue.",
        (2, None),
        1,
        1,
        required={"kind": str},
        optional={
            "strides": tuple,
            "dilations": tuple,
            "pad": tuple,
            "groups": int,
            "multiplier": int,
            "x_zero_point": int,
            "w_shape": tuple,
            "pad_value": (int, float),
            "x_range": tuple,
            "group": int,
            "band": int,
            "roles": list,
            "schedule": dict,
            "buffer": dict,
        },
        verify=_contract,
    ),
    OpDef(
        "kern.window",
        "A pooling window with its epilogue.",
        (1, None),
        1,
        1,
        required={"kind": str, "window": tuple, "strides": tuple, "pad": tuple},
        optional={"group": int, "band": int, "roles": list, "schedule": dict, "buffer": dict},
        verify=_window,
    ),
    OpDef(
        "kern.reduce",
        "A reduction with its epilogue.",
        (1, None),
        1,
        1,
        required={"kind": str, "axes": tuple},
        optional={"roles": list, "keep_dims": bool, "schedule": dict, "buffer": dict},
        verify=_reduce,
    ),
    OpDef(
        "kern.map",
        "An elementwise computation.",
        (1, None),
        1,
        1,
        optional={"roles": list, "schedule": dict, "buffer": dict},
        verify=_map,
    ),
    OpDef(
        "kern.rescale",
        "An i32 tensor times real multipliers, one or a channel, plus a zero point; "
        "fold_quantization makes it a kern.map.",
        1,
        1,
        required={"multipliers": tuple, "zero_point": int},
        optional={"arithmetic": str},
        verify=_rescale,
    ),
    OpDef(
        "kern.pad",
        "x with low[i] and high[i] cells of `value` (a number in stored form) around.",
        1,
        1,
        required={"low": tuple, "high": tuple, "value": (int, float)},
        optional={"schedule": dict, "buffer": dict},
        verify=_tensors,
    ),
    OpDef(
        "kern.concat",
        "Operands one after another along an axis.",
        (1, None),
        1,
        required={"axis": int},
        optional={"schedule": dict, "buffer": dict},
        verify=_tensors,
    ),
    OpDef(
        "kern.reshape",
        "The same elements under another shape; never moves anything.",
        1,
        1,
        optional={"buffer": dict},
        verify=_tensors,
    ),
    OpDef(
        "kern.transpose",
        "Dimensions permuted.",
        1,
        1,
        required={"permutation": tuple},
        optional={"schedule": dict, "buffer": dict},
        verify=_tensors,
    ),
    OpDef(
        "kern.slice",
        "x[begin : begin + size*stride : stride] in every dimension.",
        1,
        1,
        required={"begin": tuple, "strides": tuple},
        optional={"schedule": dict, "buffer": dict},
        verify=_tensors,
    ),
    OpDef(
        "kern.resize_nearest",
        "result[n, y, x, c] = x[n, rows[y], columns[x], c].",
        1,
        1,
        required={"rows": tuple, "columns": tuple},
        optional={"schedule": dict, "buffer": dict},
        verify=_tensors,
    ),
    OpDef(
        "kern.softmax",
        "Softmax along the last dimension. float: exp((x - max) * beta) normalised. int8: by a "
        "256-entry table of the reference's fixed-point exponentials.",
        (1, 2),
        1,
        required={"beta": float},
        optional={
            "schedule": dict,
            "buffer": dict,
            "diff_min": int,
            "shift": int,
            "multiplier": int,
        },
        verify=_tensors,
    ),
)
