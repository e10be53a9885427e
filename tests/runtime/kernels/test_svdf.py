"""SVDF over many invokes; what a single one gives is in `tests/conformance/specs/rnn.py`."""

from __future__ import annotations

import pytest

from tests.runtime.kernels.state import check_state


@pytest.mark.parametrize("kind", ["float32", "hybrid-int8", "hybrid-uint8", "int8"])
def test_invokes(kind: str) -> None:
    check_state(f"SVDF-{kind}")
