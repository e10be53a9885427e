"""FULLY_CONNECTED.

Blockwise int4 weights are not here: the reference answers with the bias alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, rng, scale, values
from tests.conformance.registry import conforms
from tests.conformance.specs.sparse import sparse_rows
from tests.conformance.specs.weighted import (
    ACTIVATIONS,
    BIAS_FLAWS,
    LIMITS,
    activations,
    bias,
    flaw,
    image_values,
    kind_of,
    tiny_scale,
    two_steps,
    weights,
)

SHUFFLED = 1  # the schema names it SHUFFLED4x16INT8

FLAWS = (
    *BIAS_FLAWS,
    "zero point",
    "scale count",
    "no scale",
    "no output scale",
    "no rows",
    "no depth",
    "no units",
    "ragged",
    "int16 zero point",
    "bias promise",
    "output scale",
    "format",
)


def rows(draw: Draw, depth: int, broken: str | None) -> tuple[int, ...]:
    """The input's shape: rank 1 to 4, or one that is no whole number of rows."""
    if broken == "no rows":
        return (0, depth)
    if broken == "ragged":
        return (draw(st.integers(1, 4)), depth + 1)
    return (*draw(st.lists(st.integers(1, 3), min_size=0, max_size=3)), depth)


@conforms(
    "FULLY_CONNECTED",
    "float32",
    "int8",
    "int8-per-channel",
    "uint8",
    "int16x8",
    "int16x8-per-channel",
    "int16x8-bias32",
    "int16x16",
    "int16x16-per-channel",
    "int4-weights",
    "int4-weights-per-channel",
    "int2-weights",
    "int2-weights-per-channel",
    "int16x4",
    "int16x2",
    "hybrid-int8",
    "hybrid-int8-asymmetric",
    "hybrid-int8-per-channel",
    "hybrid-int8-per-channel-asymmetric",
    "hybrid-uint8",
    "hybrid-int4",
    "hybrid-int4-asymmetric",
    "hybrid-int4-per-channel",
    "hybrid-int4-per-channel-asymmetric",
    "hybrid-int2",
    "hybrid-int2-per-channel",
    "uint8-by-int8",
    "int8-by-uint8",
    "int16-by-uint8",
    others=("uint8-by-int4", "int8-by-int16"),
)
def fully_connected(draw: Draw, label: str) -> Case:
    kind = kind_of(label)
    broken = flaw(draw, *FLAWS)
    # A constant without bytes is none; packed types are drawn as constants only.
    empty = broken == "no depth" and kind.w not in LIMITS
    depth = 0 if empty else draw(st.integers(1, 40))
    units = 0 if broken == "no units" and kind.w not in LIMITS else draw(st.integers(1, 8))
    names = (*ACTIVATIONS, *ACTIVATIONS, "TANH", "SIGN_BIT")
    options: dict[str, Any] = {
        "keep_num_dims": draw(st.booleans()),
        "asymmetric_quantize_inputs": label.endswith("-asymmetric"),
        "fused_activation_function": draw(st.sampled_from(names))
        if draw(st.booleans())
        else "NONE",
    }
    x, y = activations(draw, kind, broken)
    # LiteRT reads a scale for each unit of a hybrid node, wherever the file has them: past the end.
    short = kind.x == "float32" and units > depth and broken == "scale count"
    w = weights(draw, kind, (units, depth), units, 0, None if short else broken)
    b: Arg | None = bias(draw, kind, units, x, w, broken)
    if kind.x == "int16":
        bits = "INT32" if kind.bias == "int32" else draw(st.sampled_from(("INT64", "FLOAT32")))
        if broken == "bias promise":
            bits = draw(st.sampled_from(("INT32", "INT64", "INT8")))
        # Without a promise LiteRT reads an int32 bias as int64, past its end.
        narrow = b is not None and b.data is not None and b.data.dtype == "int32"
        if bits == "FLOAT32" and narrow and kind.w != "int16":
            bits = "INT32"
        options["quantized_bias_type"] = bits
    if draw(st.integers(0, 4)) == 4:
        b = None
    if broken == "format":
        options["weights_format"] = SHUFFLED
    if broken == "output scale" and y:
        y["scale"] = tiny_scale(y["scale"])
    size = rows(draw, depth, broken)
    inputs: list[Arg | None] = [Arg(image_values(draw, size, kind), **x), w, b]
    if b is None and draw(st.booleans()):
        inputs.pop()
    return case(
        "FULLY_CONNECTED",
        inputs,
        [Arg(shape=(1,), dtype=kind.x, **y)],
        # LiteRT keeps sums of the weights of the first run, even of weights that are fed.
        steps=two_steps(draw, inputs) if label.endswith("-asymmetric") else None,
        **options,
    )


@conforms("FULLY_CONNECTED", "uint8-to-int16", "shuffled")
def wide_output(draw: Draw, label: str) -> Case:
    shuffled = label == "shuffled"
    broken = flaw(draw, "bias scale", "bias size", "no bias", "output type")
    units, depth = draw(st.integers(1, 3)) * 4, draw(st.integers(1, 3)) * 16
    batch = draw(st.sampled_from((1, 4)))
    kind = kind_of("uint8")
    x = {"scale": scale(draw), "zero_point": 128}
    w = weights(draw, kind, (units, depth), units, 0, broken, constant=True)
    b = None if broken == "no bias" and shuffled is False else bias(draw, kind, units, x, w, broken)
    if b is None:
        # LiteRT reads the bias of this combination even if there is none.
        b = bias(draw, kind, units, x, w, "bias type")
    outputs = [
        Arg(
            shape=(1,),
            dtype="int32" if broken == "output type" else "int16",
            scale=scale(draw, -4, 4),
            zero_point=0,
        )
    ]
    if shuffled:
        outputs.append(Arg(shape=(batch, depth), dtype="uint8"))
    return case(
        "FULLY_CONNECTED",
        [Arg(values(draw, (batch, depth), "uint8"), **x), w, b],
        outputs,
        weights_format=SHUFFLED if shuffled else 0,
        fused_activation_function=draw(st.sampled_from(ACTIVATIONS)),
    )


@conforms(
    "FULLY_CONNECTED",
    "sparse-float32",
    "sparse-int8",
    "sparse-int8-per-channel",
    "sparse-hybrid-int8",
    "sparse-hybrid-int8-per-channel-asymmetric",
)
def sparse(draw: Draw, label: str) -> Case:
    inner = label.removeprefix("sparse-")
    kind = kind_of(inner)
    broken = flaw(draw, "bias scale", "bias size", "zero point")
    units = draw(st.integers(1, 6))
    # Integer kernels take blocks of 1x16 only; those of float32 any layout.
    block = 16 if kind.w == "int8" else draw(st.sampled_from((1, 4, 16)))
    depth = draw(st.integers(1, 4)) * block
    x, y = activations(draw, kind, None)
    w = weights(draw, kind, (units, depth), units, 0, broken, constant=True)
    b = bias(draw, kind, units, x, w, broken)
    assert w.data is not None
    if kind.w == "int8":
        w.data[w.data == -128] = -127  # as of hybrid weights: another result on each CPU
    keep = rng(draw).random((units, depth // block)) < 0.5
    keep[0, 0] = True  # a constant without bytes is none
    w.data = np.where(np.repeat(keep, block, axis=1), w.data, 0).astype(w.data.dtype)
    w.data, w.extra = sparse_rows(w.data, keep, block, kind.w)
    size = (draw(st.integers(1, 3)), depth)
    return case(
        "FULLY_CONNECTED",
        [Arg(image_values(draw, size, kind), **x), w, b],
        [Arg(shape=(1,), dtype=kind.x, **y)],
        asymmetric_quantize_inputs=label.endswith("-asymmetric"),
        fused_activation_function=draw(st.sampled_from(ACTIVATIONS)),
    )
