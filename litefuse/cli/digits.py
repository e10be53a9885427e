"""The bundled digit classifier: its files, held-out images, and digits as text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).resolve().parents[1] / "data"
KINDS = ("float32", "int8")
_SHADES = " .:-=+*#%@"


@dataclass(frozen=True)
class HeldOut:
    """Images that training did not see: (n, 8, 8) of 0..16, and the digits they show."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def model_path(kind: str) -> Path:
    """The bundled ``float32`` or ``int8`` model."""
    return DATA / f"digits_{kind}.tflite"


def held_out() -> HeldOut:
    """The bundled test images."""
    with np.load(DATA / "digits_test.npz", allow_pickle=False) as archive:
        return HeldOut(archive["images"], archive["labels"])


def as_input(images: NDArray[np.uint8], dtype: Any) -> NDArray[Any]:
    """Images as the model wants them: (n, 8, 8, 1), 0..1 as float32 or quantised to int8."""
    real: NDArray[Any] = (images / np.float32(16)).astype(np.float32)[..., None]
    if np.dtype(dtype) == np.float32:
        return real
    # By the model's own scale: half a pixel's step is a tie that float32's 1/255 decides.
    quantised: NDArray[Any] = np.clip(np.rint(real / np.float32(1 / 255)) - 128, -128, 127)
    return quantised.astype(np.int8)


def picture(image: NDArray[np.uint8]) -> list[str]:
    """An image as eight lines of text, two characters a pixel."""
    top = len(_SHADES) - 1
    return ["".join(_SHADES[int(v) * top // 16] * 2 for v in row) for row in image]
