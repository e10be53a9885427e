from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds


@st.composite
def cells(draw: Any) -> dict[str, Any]:
    return {
        "batch": draw(st.integers(1, 2)),
        "time": draw(st.integers(1, 4)),
        "depth": draw(st.integers(1, 5)),
        "units": draw(st.integers(1, 4)),
        "project": draw(st.sampled_from((0, 0, 3))),
        "coupled": draw(st.booleans()),
        "peephole": draw(st.booleans()),
        "norm": draw(st.booleans()),
        "time_major": draw(st.booleans()),
        "cell_clip": draw(st.sampled_from((0.0, 0.5, 10.0))),
        "seed": draw(seeds),
    }


def _inputs(case: dict[str, Any], hybrid: bool, sequence: bool) -> list[Arg | None]:
    r = rng(case["seed"])
    units, depth = case["units"], case["depth"]
    size = case["project"] or units

    def weights(*shape: int) -> Arg:
        if hybrid:
            data = r.integers(-127, 128, shape).astype(np.int8)
            return Arg(data, scale=np.float32(0.01), zero_point=0, constant=True)
        return Arg((r.standard_normal(shape) * 0.5).astype(np.float32), constant=True)

    def vector(n: int) -> Arg:
        return Arg((r.standard_normal(n) * 0.5).astype(np.float32), constant=True)

    gates = [not case["coupled"], True, True, True]
    steps = [case["time"], case["batch"]] if case["time_major"] else [case["batch"], case["time"]]
    shape = [*steps, depth] if sequence else [case["batch"], depth]
    x = Arg(r.standard_normal(shape).astype(np.float32))
    return [
        x,
        *(weights(units, depth) if gate else None for gate in gates),
        *(weights(units, size) if gate else None for gate in gates),
        vector(units) if case["peephole"] and gates[0] else None,
        vector(units) if case["peephole"] else None,
        vector(units) if case["peephole"] else None,
        *(vector(units) if gate else None for gate in gates),
        weights(size, units) if case["project"] else None,
        vector(size) if case["project"] else None,
        Arg(shape=(case["batch"], size), variable=True),
        Arg(shape=(case["batch"], units), variable=True),
        *(vector(units) if gate and case["norm"] else None for gate in gates),
    ]


def _check(op: str, case: dict[str, Any], hybrid: bool) -> None:
    sequence = op != "LSTM"
    options: dict[str, Any] = {"time_major": case["time_major"]} if sequence else {}
    got = check(
        op,
        _inputs(case, hybrid, sequence),
        [Arg(shape=(1, 1, 1) if sequence else (1, 1))],
        times=2,  # the second run starts from the first one's state
        fused_activation_function="TANH",
        cell_clip=case["cell_clip"],
        **options,
    )
    assert got is not None


@given(cells())
@pytest.mark.parametrize("op", ["LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM"])
def test_float(op: str, case: dict[str, Any]) -> None:
    _check(op, case, hybrid=False)
