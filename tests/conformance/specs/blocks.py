"""DEPTH_TO_SPACE, SPACE_TO_DEPTH, SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Case, case
from tests.conformance.draw import PLAIN, Draw, quantization
from tests.conformance.registry import conforms
from tests.conformance.specs.moving import integers, moved, numbers, rarely

_KINDS = ("float32", "int8", "uint8", "int32", "int64")
_NO_STRINGS = tuple(t for t in PLAIN if t != "string")


def _spoiled(draw: Draw, dims: tuple[int, ...]) -> tuple[int, ...]:
    """The shape, now and then another: of another rank, an axis longer, or empty."""
    if rarely(draw):
        return draw(
            st.sampled_from((dims[1:], (*dims, 1), (*dims[:-1], dims[-1] + 1), (0, *dims[1:])))
        )  # type: ignore[no-any-return]
    return dims


@conforms("DEPTH_TO_SPACE", *_KINDS)
def depth_to_space(draw: Draw, dtype: str) -> Case:
    block = draw(st.integers(1, 3))
    n, h, w, c = (draw(st.integers(1, 3)) for _ in range(4))
    operand, out = moved(draw, _spoiled(draw, (n, h, w, c * block * block)), dtype)
    return case("DEPTH_TO_SPACE", [operand], [out], block_size=0 if rarely(draw, 20) else block)


@conforms("SPACE_TO_DEPTH", *_KINDS)
def space_to_depth(draw: Draw, dtype: str) -> Case:
    block = draw(st.integers(1, 3))
    n, h, w, c = (draw(st.integers(1, 3)) for _ in range(4))
    dims = (n, h * block, w * block, c)
    if rarely(draw, 20):
        dims = (n, h * block + 1, w * block, c)
    operand, out = moved(draw, _spoiled(draw, dims), dtype)
    return case("SPACE_TO_DEPTH", [operand], [out], block_size=0 if rarely(draw, 20) else block)


@conforms("SPACE_TO_BATCH_ND", *_NO_STRINGS)
def space_to_batch(draw: Draw, dtype: str) -> Case:
    spatial = draw(st.integers(1, 2))
    blocks = integers(draw, spatial, 1, 3)
    pads = np.array(integers(draw, 2 * spatial, 0, 3)).reshape(spatial, 2)
    dims = [draw(st.integers(1, 3)), *integers(draw, spatial, 1, 3), draw(st.integers(1, 3))]
    for i, block in enumerate(blocks):  # what is lacking to a multiple of the block
        pads[i, 1] += -(dims[i + 1] + pads[i].sum()) % block
    if rarely(draw):
        pads[0, 1] += 1
    if rarely(draw, 20):
        pads[0] = (-1, blocks[0] - dims[1] % blocks[0] + 1)
    if rarely(draw, 20):
        pads[0] = (-1 - dims[1], draw(st.integers(-1, 1)))
    if rarely(draw, 20):
        blocks[0] = 0
    operand, out = moved(draw, _spoiled(draw, tuple(dims)), dtype)
    if out.scale is not None and rarely(draw):
        for name, value in quantization(draw, dtype).items():
            setattr(out, name, value)
    # Of another type LiteRT reads the bytes as int32.
    kinds = ("int64",) if rarely(draw, 20) else ("int32",)
    return case(
        "SPACE_TO_BATCH_ND",
        [operand, numbers(draw, blocks, kinds), numbers(draw, pads, kinds)],
        [out],
    )


@conforms("BATCH_TO_SPACE_ND", *_NO_STRINGS)
def batch_to_space(draw: Draw, dtype: str) -> Case:
    spatial = draw(st.integers(1, 2))
    blocks = integers(draw, spatial, 1, 3)
    inner = integers(draw, spatial, 1, 3)
    crops = [
        [draw(st.integers(0, d * b // 2)), draw(st.integers(0, d * b // 2))]
        for d, b in zip(inner, blocks, strict=True)
    ]
    if rarely(draw, 20):
        crops[0] = [-1, 0]
    if rarely(draw, 20):
        crops[0] = [inner[0] * blocks[0], 1]
    dims = (int(np.prod(blocks)) * draw(st.integers(1, 2)), *inner, draw(st.integers(1, 3)))
    if rarely(draw, 20):
        dims = (dims[0] + 1, *dims[1:])
    if rarely(draw, 20):
        blocks[0] = 0
    operand, out = moved(draw, _spoiled(draw, dims), dtype)
    if out.scale is not None and rarely(draw):
        for name, value in quantization(draw, dtype).items():
            setattr(out, name, value)
    # Of another type LiteRT reads the bytes as int32.
    kinds = ("int64",) if rarely(draw, 20) else ("int32",)
    return case(
        "BATCH_TO_SPACE_ND",
        [operand, numbers(draw, blocks, kinds), numbers(draw, crops, kinds)],
        [out],
    )
