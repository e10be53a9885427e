"""Convolutions in tiles beside the same sums written as loops over the taps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.kernels import tiles
from litefuse.runtime.kernels.contraction import exact_sums
from litefuse.runtime.kernels.geometry import Axis, pad_image, window_axis


@st.composite
def axes(draw: st.DrawFn) -> tuple[Axis, Axis]:
    """Rows and columns of a window that fits its image."""
    found = []
    for _ in range(2):
        kernel, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        padding = draw(st.sampled_from((0, 1)))
        least = (kernel - 1) * dilation + 1 if padding == 1 else 1
        size = draw(st.integers(least, least + 7))
        found.append(window_axis(size, kernel, draw(st.integers(1, 4)), dilation, padding))
    return found[0], found[1]


def naive(x: np.ndarray, w: np.ndarray, rows: Axis, columns: Axis) -> np.ndarray:
    """x[n, h, w, c] with w[filters, kernel_h, kernel_w, c / groups] in int64."""
    padded = pad_image(x, rows, columns)
    filters, _, _, depth = w.shape
    groups = x.shape[3] // depth
    share = filters // groups
    out = np.zeros((len(x), rows.out, columns.out, filters), np.int64)
    for f in range(filters):
        g = f // share
        for i in range(rows.kernel):
            for j in range(columns.kernel):
                tap = padded[:, rows.taps(i), columns.taps(j), g * depth : (g + 1) * depth]
                out[..., f] += tap @ w[f, i, j]
    return out


@given(
    axes(),
    st.integers(1, 3),
    st.sampled_from(((1, 1, 1), (3, 4, 1), (2, 6, 2))),
    st.sampled_from((1, 200, 3000, 1 << 20)),
    st.sampled_from((np.float32, np.float64)),
    st.tuples(st.integers(-9, 9), st.integers(-3, 3)),
    st.booleans(),
)
def test_convolve(
    along: tuple[Axis, Axis],
    images: int,
    sizes: tuple[int, int, int],
    budget: int,
    dtype: type,
    points: tuple[int, int],
    given_out: bool,
) -> None:
    rows, columns = along
    depth, filters, groups = sizes
    r = np.random.default_rng(images + budget)
    x = r.integers(-128, 128, (images, rows.size, columns.size, depth)).astype(np.int8)
    shape = (filters, rows.kernel, columns.kernel, depth // groups)
    w = r.integers(-128, 128, shape).astype(np.int8)
    want = naive(x.astype(np.int64) - points[0], w.astype(np.int64) - points[1], rows, columns)
    flat = want.reshape(-1, filters)
    out = np.full(flat.shape, np.nan, dtype) if given_out else None
    covered = np.zeros(len(flat), int)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "BUDGET", budget)
        for positions, sums in tiles.convolve(x, w, along, dtype, points, out):
            assert sums.dtype == dtype
            np.testing.assert_array_equal(sums, flat[positions])
            covered[positions] += 1
    assert (covered == 1).all()
    if out is not None:
        np.testing.assert_array_equal(out, flat)


@given(
    axes(),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from((1, 300, 1 << 20)),
    st.integers(-9, 9),
)
def test_convolve_depthwise(
    along: tuple[Axis, Axis], images: int, multiplier: int, budget: int, point: int
) -> None:
    rows, columns = along
    r = np.random.default_rng(budget)
    x = r.integers(-128, 128, (images, rows.size, columns.size, 4)).astype(np.int8)
    w = r.integers(-128, 128, (rows.kernel, columns.kernel, 4 * multiplier)).astype(np.int32)
    # A grouped convolution of one channel a group, whose filters come in that order too.
    grouped = w.transpose(2, 0, 1)[..., None].astype(np.int64)
    want = naive(x.astype(np.int64) - point, grouped, rows, columns)
    flat = want.reshape(-1, 4 * multiplier)
    covered = np.zeros(len(flat), int)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "BUDGET", budget)
        for positions, sums in tiles.convolve_depthwise(x, w, along, point):
            np.testing.assert_array_equal(sums, flat[positions])
            covered[positions] += 1
    assert (covered == 1).all()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(-5, 5))
def test_matmul_into(m: int, k: int, n: int, point: int) -> None:
    r = np.random.default_rng(m * k)
    x, w = r.integers(-99, 99, (m, k)), r.integers(-99, 99, (n, k)).astype(np.int16)
    out = np.empty((m, n), np.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "BUDGET", 100)
        tiles.matmul_into(out, x.astype(np.float64), w, np.float64, point)
    np.testing.assert_array_equal(out, x @ (w.astype(np.int64) - point).T)


@given(axes(), st.integers(0, 5), st.integers(1, 300), st.integers(1, 2000))
def test_image_tiles_are_all_rows_once_within_the_budget(
    along: tuple[Axis, Axis], images: int, row_bytes: int, budget: int
) -> None:
    rows, columns = along
    at = 0
    for tile in tiles.image_tiles(images, rows, row_bytes, budget):
        positions = tile.positions(rows, columns)
        assert positions.start == at
        at = positions.stop
        count = (tile.last - tile.first) * (tile.bottom - tile.top)
        assert count * row_bytes <= max(budget, row_bytes)
    assert at == images * rows.out * columns.out


@pytest.mark.parametrize(("depth", "dtype"), [(500, np.float32), (520, np.float64)])
def test_sums_are_exact_in_the_narrowest_type(depth: int, dtype: type) -> None:
    """500 products of 129 (-128 less a zero point of 1) by 255 stay below 2**24; 520 do not."""
    w = np.full((3, depth), -128, np.int8)
    assert exact_sums(w, 1, 255) == dtype
