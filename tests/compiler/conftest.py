"""Every module that a pass manager verifies in these tests is also printed and parsed back."""

from __future__ import annotations

import pytest

from litefuse.compiler.ir import passes
from litefuse.compiler.ir.core import Module
from litefuse.compiler.ir.opdef import Dialects
from litefuse.compiler.ir.verifier import verify
from tests.ir_harness import assert_round_trip


@pytest.fixture(autouse=True)
def _round_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    def verify_and_round_trip(module: Module, dialects: Dialects) -> None:
        verify(module, dialects)
        assert_round_trip(module)

    monkeypatch.setattr(passes, "verify_module", verify_and_round_trip)
