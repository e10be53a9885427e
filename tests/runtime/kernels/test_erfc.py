"""erfc of arrays is the C library's, to the float32."""

from __future__ import annotations

import math

import numpy as np

from litefuse.runtime.kernels.erfc import erfc


def test_it_is_the_librarys() -> None:
    rng = np.random.default_rng(0)
    spread = [
        rng.uniform(-11, 11, 20_000),
        rng.normal(0, 1, 20_000),
        10.0 ** rng.uniform(-40, 1, 9_000),
    ]
    special = [0.0, -0.0, math.inf, -math.inf, 10.49999, 10.5, 30.0, -30.0, 3e38, 1e-45]
    z = np.concatenate([*spread, special]).astype(np.float32)
    with np.errstate(over="ignore", under="ignore"):
        want = np.array([math.erfc(float(v)) for v in z], np.float32)
        got = erfc(z)
    assert got.dtype == np.float32
    # Half way between two floats the table's 1e-13 may decide otherwise.
    assert np.abs(got.view(np.int32).astype(np.int64) - want.view(np.int32)).max() <= 1
    assert np.count_nonzero(got != want) <= 1
    assert np.isnan(erfc(np.float32([np.nan]))).all()
