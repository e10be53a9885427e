"""LSTM and UNIDIRECTIONAL_SEQUENCE_LSTM over many invokes; what a single one gives is in
`tests/conformance/specs/lstm.py`.

An older test here drew projections wider than the cell, and was once seen to depend on the tests
before it: LiteRT writes such a projection's bias past the end of its scratch (two such models are
enough for a "double free or corruption").  No test draws them any more.
"""

from __future__ import annotations

import pytest

from tests.runtime.kernels.state import check_state

KINDS = ("float32", "hybrid-int8", "hybrid-uint8", "int8x8_16")
SINGLE = ("int8x8_8", "basic-float32", "basic-uint8")


@pytest.mark.parametrize("kind", [*KINDS, *SINGLE])
def test_steps(kind: str) -> None:
    more = {} if kind.startswith("basic") else {"fused_activation_function": "TANH"}
    check_state(f"LSTM-{kind}", **more)


@pytest.mark.parametrize("kind", KINDS)
def test_sequences(kind: str) -> None:
    check_state(f"UNIDIRECTIONAL_SEQUENCE_LSTM-{kind}", fused_activation_function="TANH")
