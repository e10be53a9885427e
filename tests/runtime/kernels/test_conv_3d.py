from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values

sizes = st.tuples(st.integers(1, 2), *[st.integers(1, 5)] * 3)
taps = st.tuples(*[st.integers(1, 3)] * 3)
channels = st.tuples(st.integers(1, 3), st.integers(1, 3))
windows = st.fixed_dictionaries(
    {
        "padding": st.sampled_from(["SAME", "VALID"]),
        **{f"stride_{letter}": st.integers(1, 2) for letter in "dhw"},
        **{f"dilation_{letter}_factor": st.integers(1, 2) for letter in "dhw"},
        "fused_activation_function": st.sampled_from(["NONE", "RELU", "RELU6", "RELU_N1_TO_1"]),
    }
)


def _extents(kernel: tuple[int, ...], options: dict[str, Any]) -> list[int]:
    steps = [options[f"dilation_{letter}_factor"] for letter in "dhw"]
    return [(k - 1) * step + 1 for k, step in zip(kernel, steps, strict=True)]


@given(sizes, taps, channels, st.booleans(), windows, seeds)
def test_conv_3d(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    depth: tuple[int, int],
    bias: bool,
    options: dict[str, Any],
    seed: int,
) -> None:
    r = rng(seed)
    if options["padding"] == "VALID":  # an empty result aborts LiteRT
        spans = _extents(kernel, options)
        size = (size[0], *(max(s, e) for s, e in zip(size[1:], spans, strict=True)))
    check(
        "CONV_3D",
        [
            Arg(values(r, (*size, depth[0]), "float32")),
            Arg(values(r, (*kernel, *depth), "float32"), constant=True),
            Arg(values(r, (depth[1],), "float32"), constant=True) if bias else None,
        ],
        [Arg(shape=(1,) * 5)],
        **options,
    )


@given(sizes, taps, channels, st.booleans(), st.booleans(), windows, seeds)
def test_conv_3d_transpose(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    depth: tuple[int, int],
    bias: bool,
    constant: bool,
    options: dict[str, Any],
    seed: int,
) -> None:
    r = rng(seed)
    spans = _extents(kernel, options)
    image = []
    out = list(size[1:])
    for i, letter in enumerate("dhw"):
        stride = options[f"stride_{letter}"]
        if options["padding"] == "SAME":
            image.append(-(-out[i] // stride))
        else:
            out[i] = max(out[i], spans[i])
            image.append((out[i] - spans[i]) // stride + 1)
    check(
        "CONV_3D_TRANSPOSE",
        [
            Arg(np.array([size[0], *out, depth[1]], np.int32), constant=constant),
            Arg(values(r, (*kernel, depth[1], depth[0]), "float32"), constant=True),
            Arg(values(r, (size[0], *image, depth[0]), "float32")),
            Arg(values(r, (depth[1],), "float32"), constant=True) if bias else None,
        ],
        [Arg(shape=(1,) * 5)],
        **options,
    )


def test_channels_must_agree() -> None:
    x = Arg(np.zeros((1, 2, 2, 2, 3), np.float32))
    w = Arg(np.zeros((1, 1, 1, 2, 4), np.float32), constant=True)
    window = {f"stride_{letter}": 1 for letter in "dhw"}
    assert check("CONV_3D", [x, w], [Arg(shape=(1,) * 5)], **window) is None
