"""Support rules that several ops share. Each refuses by rule, value and remedy."""

from __future__ import annotations

import math
from typing import Any

from litefuse.compiler.ops.tfl.node import LEAVE, NodeView, TensorView, refuse

MAX_RANK = 6
PADDINGS = ("SAME", "VALID")
ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
CLAMPS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6")
_QUANTIZE = "convert the model with full int8 quantisation, or to float32"


def same_kind(node: NodeView, *tensors: TensorView) -> str:
    """All are float32 or all are per-tensor int8: `f32` or `i8`."""
    for t in tensors:
        if t.kind not in ("f32", "i8"):
            refuse("tensors must be FLOAT32 or INT8", f"{t.name} is {t.type_name}")
    kinds = {t.kind for t in tensors}
    if len(kinds) > 1:
        text = ", ".join(f"{t.name} is {t.type_name}" for t in tensors)
        refuse(f"the tensors of {node.name} must have one type", text, _QUANTIZE)
    if kinds == {"i8"}:
        for t in tensors:
            per_tensor(t)
    return kinds.pop()


def per_tensor(t: TensorView) -> None:
    """One finite positive scale, and a zero point that int8 can hold."""
    if len(t.scales) != 1:
        refuse("INT8 tensors must have one scale", f"{t.name}: {t.quantization_text}", _QUANTIZE)
    scale(t)
    if not -128 <= t.zero_points[0] <= 127:
        refuse("zero points must lie in -128..127", f"{t.name}: {t.zero_points[0]}")


def scale(t: TensorView) -> None:
    """Every scale is finite and positive."""
    if not all(math.isfinite(s) and s > 0 for s in t.scales):
        refuse("scales must be finite and positive", f"{t.name}: {min(t.scales)}")


def same_quantization(*tensors: TensorView) -> None:
    """All int8 tensors have one scale and zero point: the op only moves or compares."""
    first = tensors[0]
    for t in tensors[1:]:
        if (t.scales, t.zero_points) != (first.scales, first.zero_points):
            refuse(
                "input and output must share scale and zero point",
                f"{first.name}: {first.quantization_text}; {t.name}: {t.quantization_text}",
            )


def static(t: TensorView, what: str) -> None:
    """Its elements are in the file."""
    if not t.static:
        refuse(f"{what} must be constant", f"{t.name} is computed at run time")


def constant(t: TensorView, what: str) -> Any:
    """The elements, which must be in the file themselves."""
    if t.constant is None:
        refuse(f"{what} must be constant", f"{t.name} is computed at run time")
    return t.constant


def integers(t: TensorView, what: str) -> tuple[int, ...]:
    """The elements of a constant int32 or int64 tensor."""
    if t.kind not in ("i32", "i64"):
        refuse(f"{what} must be INT32 or INT64", f"{t.name} is {t.type_name}")
    return tuple(int(x) for x in constant(t, what).reshape(-1))


def rank(t: TensorView, wanted: int, what: str) -> None:
    """It has that many dimensions."""
    shape = t.shape or ()
    if len(shape) != wanted:
        refuse(f"{what} must have rank {wanted}", f"{t.name} is {list(shape)}")


def activation(node: NodeView) -> str:
    """The fused activation, which must only clamp."""
    name = name_of(ACTIVATIONS, node.option("fused_activation_function"))
    if name not in CLAMPS:
        refuse(f"a fused activation must be one of {', '.join(CLAMPS)}", name)
    return name


def no_activation(node: NodeView) -> None:
    """No fused activation at all."""
    name = name_of(ACTIVATIONS, node.option("fused_activation_function"))
    if name != "NONE":
        refuse(f"{node.name} has no fused activation in LiteRT", name, "repair the model")


def name_of(names: tuple[str, ...], value: Any) -> str:
    """The schema's name of an enum value; unknown values as numbers."""
    number = int(value)
    return names[number] if 0 <= number < len(names) else str(number)


def weights(node: NodeView, w: TensorView, kind: str, channels: int, axis: int) -> None:
    """Constant, dense, and float32 beside float32 or symmetric int8 beside int8."""
    static(w, "weights")
    if w.tensor.sparsity is not None:
        refuse("weights must be dense", f"{w.name} is sparse", "densify the model's weights")
    if w.kind != kind:
        hybrid = kind == "f32" and w.kind == "i8"
        remedy = (
            "this is dynamic-range quantisation: convert with a representative dataset (full int8)"
            if hybrid
            else LEAVE
        )
        refuse(
            f"weights of {node.name} must have the data's type",
            f"{w.name} is {w.type_name}",
            remedy,
        )
    if kind == "i8":
        symmetric(w, channels, axis)


def symmetric(w: TensorView, channels: int, axis: int) -> None:
    """int8 weights: zero point 0, one scale or one an output channel."""
    if len(w.scales) not in (1, channels):
        refuse(f"weights must have 1 or {channels} scales", f"{w.name}: {w.quantization_text}")
    if len(w.scales) > 1 and w.axis != axis:
        refuse(f"per-channel scales must lie along dimension {axis}", f"{w.name}: {w.axis}")
    scale(w)
    if any(w.zero_points):
        refuse("weights must have zero point 0", f"{w.name}: {sorted(set(w.zero_points))[:4]}")


def bias(node: NodeView, i: int, kind: str, channels: int) -> None:
    """Absent, or a constant vector of float32 beside float32, int32 beside int8."""
    b = node.optional(i)
    if b is None:
        return
    static(b, "the bias")
    wanted = {"f32": "f32", "i8": "i32"}[kind]
    if b.kind != wanted:
        refuse(f"the bias must be {wanted}", f"{b.name} is {b.type_name}")
    if math.prod(b.shape or ()) != channels:
        refuse(f"the bias must have {channels} elements", f"{b.name} is {list(b.shape or ())}")


def extents(node: NodeView, *tensors: TensorView) -> None:
    """Static shapes without empty dimensions, of a rank that the compiler handles."""
    for t in tensors or (*node.inputs, *node.outputs):
        shape = t.shape
        if shape is None:
            refuse(
                "shapes must be static",
                f"{t.name} is {list(t.tensor.shape_signature or t.tensor.shape or ())}",
                "fix the shape with resize_tensor_input, or convert with static shapes",
            )
        if len(shape) > MAX_RANK:
            refuse(f"tensors must have at most {MAX_RANK} dimensions", f"{t.name} has {len(shape)}")
        if 0 in shape:
            refuse("tensors must have elements", f"{t.name} is {list(shape)}")
