"""Save scikit-learn's 8x8 digits as a plain .npz: the only thing that needs scikit-learn.

Run it in a throw-away environment; training itself needs NumPy alone:

    python3 -m venv build/train-venv && build/train-venv/bin/pip install scikit-learn
    build/train-venv/bin/python tools/digits/export.py build/digits.npz
"""

from __future__ import annotations

import sys

import numpy as np
from sklearn.datasets import load_digits

if __name__ == "__main__":
    digits = load_digits()
    np.savez_compressed(
        sys.argv[1], images=digits.images.astype(np.uint8), labels=digits.target.astype(np.uint8)
    )
    print(f"{len(digits.target)} digits in {sys.argv[1]}")
