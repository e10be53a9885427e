"""bfloat16, for which NumPy has no type: arrays hold the bit patterns as uint16."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def widen(bits: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """The float32 values, all exact."""
    wide = np.asarray(bits, np.uint16).astype(np.uint32) << np.uint32(16)
    return wide.view(np.float32)


def narrow(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """The nearest bit patterns, of two the even one; a NaN becomes the quiet one of its sign."""
    bits = np.asarray(values, np.float32).view(np.uint32)
    rounded = (bits + ((bits >> np.uint32(16)) & np.uint32(1)) + np.uint32(0x7FFF)) >> np.uint32(16)
    quiet = np.where(bits >> np.uint32(31) != 0, 0xFFC0, 0x7FC0)
    return np.asarray(np.where(np.isnan(values), quiet, rounded).astype(np.uint16))
