"""The models that several tests here use."""

from __future__ import annotations

import pytest

from tests.runtime.litert.models import make_model


@pytest.fixture(scope="session")
def chain() -> bytes:
    """a = x + x; b = a * a; c = b + a; d = c * c; y = d + c, on [2, 3]."""
    nodes = [
        ("ADD", [0, 0], [1]),
        ("MUL", [1, 1], [2]),
        ("ADD", [2, 1], [3]),
        ("MUL", [3, 3], [4]),
        ("ADD", [4, 3], [5]),
    ]
    return make_model([(2, 3)] * 6, nodes, [0], [5])
