"""BIDIRECTIONAL_SEQUENCE_LSTM over many invokes; what a single one gives is in
`tests/conformance/specs/lstm.py`.
"""

from __future__ import annotations

import pytest

from tests.runtime.kernels.state import check_state


@pytest.mark.parametrize("kind", ["float32", "hybrid-int8", "hybrid-uint8"])
def test_sequences(kind: str) -> None:
    check_state(f"BIDIRECTIONAL_SEQUENCE_LSTM-{kind}", fused_activation_function="TANH")
