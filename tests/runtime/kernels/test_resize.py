from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, values

images = st.tuples(st.integers(1, 2), st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
sizes = st.tuples(st.integers(1, 12), st.integers(1, 12))
modes = st.sampled_from(((False, False), (True, False), (False, True)))


@given(images, sizes, modes, st.booleans(), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int16"])
@pytest.mark.parametrize("op", ["RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"])
def test_same_as_reference(
    op: str,
    dtype: str,
    image: Any,
    size: Any,
    mode: Any,
    constant: bool,
    data: st.DataObject,
    seed: int,
) -> None:
    scale, zero_point = data.draw(quantization(dtype))
    check(
        op,
        [
            Arg(values(rng(seed), image, dtype), scale=scale, zero_point=zero_point),
            Arg(np.array(size, np.int32), constant=constant),
        ],
        [Arg(shape=(1,), dtype=dtype, scale=scale, zero_point=zero_point)],
        align_corners=mode[0],
        half_pixel_centers=mode[1],
    )
