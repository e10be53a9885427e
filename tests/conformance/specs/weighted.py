"""What the specifications of ops with weights share: filters, biases, windows, and flaws.

A type label says how the op is quantised: `int8-per-channel`, `int16x8-bias32`, `hybrid-int4` ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg
from tests.conformance.draw import Draw, float32, rng, scale, values

ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")
LIMITS = {"int4": (-8, 7), "int2": (-2, 1)}


@dataclass(frozen=True)
class Kind:
    """How a label quantises: the types of input, filter and bias, and whether the filter has a
    scale for each channel.
    """

    x: str
    w: str
    bias: str
    per_channel: bool = False


KINDS = {
    "float32": Kind("float32", "float32", "float32"),
    "int8": Kind("int8", "int8", "int32"),
    "int8-per-channel": Kind("int8", "int8", "int32", True),
    "uint8": Kind("uint8", "uint8", "int32"),
    "int16x8": Kind("int16", "int8", "int64"),
    "int16x8-per-channel": Kind("int16", "int8", "int64", True),
    "int16x8-bias32": Kind("int16", "int8", "int32", True),
    "int16x16": Kind("int16", "int16", "int64"),
    "int16x16-per-channel": Kind("int16", "int16", "int32", True),
    "int4-weights": Kind("int8", "int4", "int32"),
    "int4-weights-per-channel": Kind("int8", "int4", "int32", True),
    "int2-weights": Kind("int8", "int2", "int32"),
    "int2-weights-per-channel": Kind("int8", "int2", "int32", True),
    "int16x4": Kind("int16", "int4", "int64", True),
    "int16x2": Kind("int16", "int2", "int64", True),
    # Filters of another type than the input's: read as it, or refused.
    "uint8-by-int8": Kind("uint8", "int8", "int32"),
    "uint8-by-int4": Kind("uint8", "int4", "int32"),
    "int8-by-uint8": Kind("int8", "uint8", "int32"),
    "int8-by-int16": Kind("int8", "int16", "int32"),
    "int16-by-uint8": Kind("int16", "uint8", "int64"),
    "hybrid-int8": Kind("float32", "int8", "float32"),
    "hybrid-int8-per-channel": Kind("float32", "int8", "float32", True),
    "hybrid-uint8": Kind("float32", "uint8", "float32"),
    "hybrid-int4": Kind("float32", "int4", "float32"),
    "hybrid-int4-per-channel": Kind("float32", "int4", "float32", True),
    "hybrid-int2": Kind("float32", "int2", "float32"),
    "hybrid-int2-per-channel": Kind("float32", "int2", "float32", True),
}


def kind_of(label: str) -> Kind:
    """The kind of a label; `-asymmetric` at its end is an option of the op, not of its tensors."""
    return KINDS[label.removesuffix("-asymmetric")]


def flaw(draw: Draw, *names: str) -> str | None:
    """One time in eight a thing to be wrong with the case, otherwise None."""
    # Not 7: Hypothesis draws the ends of a range more often than the rest.
    return draw(st.sampled_from(names)) if names and draw(st.integers(0, 7)) == 5 else None


def windows(draw: Draw, broken: str | None, letters: str = "hw") -> dict[str, Any]:
    """Padding, strides, dilations and activation; flaws `stride`, `dilation`, `huge stride` and
    `huge dilation`.
    """
    options: dict[str, Any] = {
        "padding": draw(st.sampled_from(("SAME", "VALID"))),
        "fused_activation_function": draw(st.sampled_from((*ACTIVATIONS, *ACTIVATIONS, "TANH"))),
    }
    for letter in letters:
        options[f"stride_{letter}"] = draw(st.integers(1, 3))
        options[f"dilation_{letter}_factor"] = draw(st.sampled_from((1, 1, 1, 2, 3)))
    for name, option in (("stride", "stride_{}"), ("dilation", "dilation_{}_factor")):
        if broken == name:
            options[option.format(letters[-1])] = draw(st.sampled_from((0, -1)))
        if broken == f"huge {name}":
            options[option.format(letters[0])] = draw(st.sampled_from((20000, 32767, 32768)))
    return options


def fit(
    options: dict[str, Any],
    size: Sequence[int],
    window: Sequence[int],
    broken: str | None,
    letters: str = "hw",
) -> dict[str, Any]:
    """The options of `windows`, SAME where a VALID window does not fit the image; flaw `window`."""
    reach = [
        (kernel - 1) * options[f"dilation_{letter}_factor"] + 1
        for kernel, letter in zip(window, letters, strict=True)
    ]
    if broken != "window" and any(n < r for n, r in zip(size[1:], reach, strict=False)):
        return options | {"padding": "SAME"}
    return options


def activations(
    draw: Draw, kind: Kind, broken: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Scale and zero point of input and output; flaws `int16 zero point`, `no output scale`."""
    x, y = _activations(draw, kind, broken)
    return x, {} if broken == "no output scale" else y


def _activations(
    draw: Draw, kind: Kind, broken: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    if kind.x == "float32":
        return {}, {}
    if kind.x == "int16":
        point = 3 if broken == "int16 zero point" else 0
        return (
            {"scale": scale(draw, -15, -5), "zero_point": point},
            {"scale": scale(draw), "zero_point": 0},
        )
    info = np.iinfo(kind.x)
    points = [draw(st.integers(int(info.min), int(info.max))) for _ in range(2)]
    return (
        {"scale": scale(draw), "zero_point": points[0]},
        {"scale": scale(draw), "zero_point": points[1]},
    )


def weights(
    draw: Draw,
    kind: Kind,
    shape: tuple[int, ...],
    channels: int,
    axis: int,
    broken: str | None,
    *,
    constant: bool | None = None,
) -> Arg:
    """The filter; flaws `zero point`, `scale count` and `no scale`."""
    if constant is None:
        constant = kind.w in LIMITS or draw(st.booleans())
    if kind.w == "float32":
        return Arg(values(draw, shape, "float32"), constant=constant)
    low, high = LIMITS.get(kind.w, (None, None))
    data = values(draw, shape, "int8" if kind.w in LIMITS else kind.w, low=low, high=high)
    if kind.x == "float32":
        # LiteRT's x86 kernels lose the sign of -128 in blocks of 16; those of other CPUs do not.
        data[data.view(np.int8) == -128] += 1
    count = channels if kind.per_channel else 1
    if broken == "scale count":
        axis, count = (axis + 1) % len(shape), shape[(axis + 1) % len(shape)]
    noise = rng(draw).random(count) * 0.02 + 0.001
    scales = np.full(count, noise[0] if count else 1) if draw(st.integers(0, 5)) == 5 else noise
    points = np.zeros(count, np.int64)
    if kind.w == "uint8" and kind.x != "int16":
        points[:] = draw(st.integers(0, 255))
    if broken == "zero point" and count:
        points[-1] = draw(st.integers(1, 5))
    if broken == "no scale":
        return Arg(data, dtype=kind.w, constant=constant)
    return Arg(
        data,
        dtype=kind.w,
        scale=scales.astype(np.float32),
        zero_point=points,
        axis=axis,
        constant=constant,
    )


def bias(
    draw: Draw, kind: Kind, channels: int, x: dict[str, Any], w: Arg, broken: str | None
) -> Arg:
    """The bias; flaws `bias type`, `bias size`, `bias zero point`, `bias scale`, `no bias scale`."""
    dtype = kind.bias
    if broken == "bias type":
        dtype = draw(st.sampled_from(("int32", "int64", "float32", "int16")))
    size = channels + 1 if broken == "bias size" else channels
    high = 2000 if dtype.startswith("int") else None
    data = values(draw, (size,), dtype, low=None if high is None else -high, high=high)
    constant = size > 0 and draw(st.integers(0, 3)) > 0
    if kind.x == "float32" or broken in ("no bias scale", "no scale"):
        return Arg(data, constant=constant)
    scales = np.float32(x["scale"]) * np.asarray(w.scale, np.float32)
    if broken == "bias scale":
        scales = scales * np.float32(draw(st.sampled_from((1.0001, 1.5, 40.0))))
    scales = scales if len(scales) in (1, size) else scales[:1]
    points = np.zeros(len(scales), np.int64)
    if broken == "bias zero point" and len(points):
        points[0] = 1
    return Arg(data, constant=constant, scale=scales.astype(np.float32), zero_point=points)


BIAS_FLAWS = ("bias type", "bias size", "bias zero point", "bias scale", "no bias scale")

# What may be wrong with any convolution that slides a window.
WINDOW_FLAWS = (
    *BIAS_FLAWS,
    "stride",
    "dilation",
    "rank",
    "window",
    "huge stride",
    "huge dilation",
    "zero point",
    "scale count",
    "no scale",
    "no output scale",
    "empty batch",
    "empty image",
    "empty filter",
    "depth",
    "absent bias",
    "two inputs",
    "int16 zero point",
)


def without_bias(inputs: list[Arg | None], broken: str | None) -> list[Arg | None]:
    """Image, filter and bias; flaws `absent bias` and `two inputs`."""
    if broken == "absent bias":
        return [*inputs[:2], None]
    return inputs[:2] if broken == "two inputs" else inputs


def bias_promise(draw: Draw, kind: Kind, given: Arg, broken: str | None) -> dict[str, Any]:
    """`quantized_bias_type` of an int16 node, nothing for others; flaw `bias promise`."""
    if kind.x != "int16":
        return {}
    bits = "INT32" if kind.bias == "int32" else draw(st.sampled_from(("INT64", "FLOAT32")))
    if broken == "bias promise":
        bits = draw(st.sampled_from(("INT32", "INT64", "INT8")))
    # LiteRT reads a bias as int64 unless it is promised otherwise: a shorter one past its end.
    if given.data is not None and given.data.dtype != "int64" and bits == "FLOAT32":
        bits = "INT32"
    return {"quantized_bias_type": bits}


def narrow(kind: Kind, y: dict[str, Any], broken: str | None) -> dict[str, Any]:
    """The output's quantisation; flaw `output scale`: an activation's bound leaves int32.

    Not for int16: LiteRT shifts 64-bit sums by a negative count there, which C++ leaves undefined.
    """
    if broken == "output scale" and y and kind.x != "int16":
        return {**y, "scale": tiny_scale(y["scale"])}
    return y


def image(draw: Draw, depth: int, broken: str | None, axes: int = 2) -> tuple[int, ...]:
    """[n, ..., depth] with small spatial axes; flaws `empty batch`, `empty image`, `rank`."""
    batch = 0 if broken == "empty batch" else draw(st.sampled_from((1, 1, 2, 3)))
    sizes = [draw(st.integers(1, 8)) for _ in range(axes)]
    if broken == "empty image":
        sizes[draw(st.integers(0, axes - 1))] = 0
    return (batch, *sizes, depth)[: axes + 1 if broken == "rank" else None]


def image_values(draw: Draw, size: tuple[int, ...], kind: Kind) -> np.ndarray:
    """The input's data; of floats now and then special ones where nothing quantises them, and
    tiny or huge ones where something does.
    """
    odd = kind.x == "float32" and draw(st.integers(0, 5)) == 5
    data = values(draw, size, kind.x, special=odd and kind.w == "float32")
    if odd and kind.w != "float32":
        data = data * np.float32(10.0 ** draw(st.integers(-20, 20)))
    return data


def tiny_scale(value: float) -> float:
    """A scale on which an activation's bound leaves int32."""
    return float32(value * 1e-12)


def two_steps(draw: Draw, inputs: Sequence[Arg | None]) -> list[list[np.ndarray]]:
    """Feeds of two invokes: the inputs' data, and other data of the same shapes and types."""
    fed = [a for a in inputs if a is not None and a.fed]
    first = [a.data for a in fed if a.data is not None]
    second = [values(draw, data.shape, data.dtype.name) for data in first]
    for data in second:
        if data.dtype == np.int8:
            data[data == -128] = -127
    return [first, second]
