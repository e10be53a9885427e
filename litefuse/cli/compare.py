"""How far one tensor is from its reference: the figures that `litefuse diff` prints and judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Difference:
    """Of two arrays of one shape: figures in the tensor's own units (steps for integers).

    ``relative`` is ``max`` over the reference's range (largest minus smallest value), or over the
    largest magnitude where the range is 0. ``argmax_agree`` is the share of last-axis rows whose
    largest element is at the same place. ``worst`` is the index of the largest difference.
    """

    max: float
    mean: float
    relative: float
    unequal: int
    elements: int
    argmax_agree: float
    worst: tuple[int, ...]

    def within(self, dtype: np.dtype[Any], float_tolerance: float, int_tolerance: float) -> bool:
        """Whether it is acceptable: floats by ``relative``, everything else by ``max``."""
        if dtype.kind in "fc":
            return self.relative <= float_tolerance
        return self.max <= int_tolerance


def difference(got: NDArray[Any], want: NDArray[Any]) -> Difference:
    """Compare; equal NaNs and infinities count as equal, one-sided ones as infinitely far."""
    if got.shape != want.shape or got.dtype != want.dtype:
        elements = int(want.size)
        return Difference(np.inf, np.inf, np.inf, elements, elements, 0.0, ())
    if want.size == 0:
        return Difference(0.0, 0.0, 0.0, 0, 0, 1.0, ())
    if want.dtype.kind not in "fciub":
        unequal = int(np.sum(got != want))
        far = float(unequal > 0)
        return Difference(far, unequal / want.size, far, unequal, want.size, 1.0 - far, ())
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    a, b = got.astype(wide), want.astype(wide)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        gap = np.where(same, 0.0, np.abs(a - b))
    gap[np.isnan(gap)] = np.inf
    finite = np.abs(b[np.isfinite(b)]) if wide is np.complex128 else b[np.isfinite(b)]
    spread = float(finite.max() - finite.min()) if finite.size else 0.0
    scale = spread or (float(np.abs(finite).max()) if finite.size else 0.0) or 1.0
    worst = np.unravel_index(int(gap.argmax()), gap.shape)
    return Difference(
        max=float(gap.max()),
        mean=float(gap.mean()),
        relative=float(gap.max()) / scale,
        unequal=int(np.sum(~same)),
        elements=int(want.size),
        argmax_agree=_argmax_agreement(got, want),
        worst=tuple(int(i) for i in worst),
    )


def worse(one: Difference | None, other: Difference) -> Difference:
    """The one with the larger relative (then absolute) difference."""
    if one is None or (other.relative, other.max) > (one.relative, one.max):
        return other
    return one


def _argmax_agreement(got: NDArray[Any], want: NDArray[Any]) -> float:
    if want.ndim == 0 or want.dtype.kind == "c":
        return float(np.array_equal(got, want))
    return float(np.mean(got.argmax(-1) == want.argmax(-1)))
