"""RNN and its sequences over many invokes; what a single one gives is in
`tests/conformance/specs/rnn.py`.
"""

from __future__ import annotations

import pytest

from tests.runtime.kernels.state import check_state

OPS = ("RNN", "UNIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_RNN")


@pytest.mark.parametrize("kind", ["float32", "hybrid-int8", "hybrid-uint8"])
@pytest.mark.parametrize("op", OPS)
def test_invokes(op: str, kind: str) -> None:
    check_state(f"{op}-{kind}", fused_activation_function="TANH")
