from __future__ import annotations

import numpy as np
import pytest

from tests.runtime.kernels.one_op import Arg, check, rng, values


@pytest.mark.parametrize("op", ["RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"])
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int16"])
def test_a_result_of_several_bands(op: str, dtype: str) -> None:
    x = Arg(values(rng(3), (2, 40, 30, 8), dtype), scale=0.5, zero_point=0)
    size = Arg(np.array([170, 70], np.int32), constant=True)
    y = Arg(shape=(1,), dtype=dtype, scale=0.5, zero_point=0)
    assert check(op, [x, size], [y], half_pixel_centers=True) is not None
