from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values
from tests.runtime.kernels.test_lstm import flags, float_cell, sizes, weights


@given(sizes, st.sampled_from(("float32", "int8")), flags, st.booleans(), st.booleans(), seeds)
@pytest.mark.parametrize("aux", ["none", "stacked", "crossed"])
def test_both_directions(
    aux: str,
    size: tuple[int, ...],
    kind: str,
    form: dict[str, bool],
    time_major: bool,
    merged: bool,
    seed: int,
) -> None:
    r = rng(seed)
    batch, time, depth, units = size
    form = {**form, "norm": False}
    # LiteRT 2.3 leaves a part of batch-major merged outputs unwritten: they change from run to run.
    time_major = time_major or merged
    shape = (time, batch, depth) if time_major else (batch, time, depth)
    out = units + 1 if form["projection"] else units
    forward, backward = (float_cell(r, size, kind, form, out) for _ in range(2))
    crossed = [
        None
        if aux != "crossed" or (form["coupled"] and i % 4 == 0)
        else weights(r, (units, depth), kind)
        for i in range(8)
    ]
    outs = [Arg(shape=(*shape[:2], out)), Arg(shape=(*shape[:2], out))]
    check(
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        [
            Arg(values(r, shape, "float32")),
            *forward[:17],
            *backward[:17],
            *forward[17:19],
            *backward[17:19],
            None if aux == "none" else Arg(values(r, shape, "float32")),
            *crossed,
        ],
        [Arg(shape=(*shape[:2], 2 * out))] if merged else outs,
        keep_absent=True,
        times=2,
        time_major=time_major,
        merge_outputs=merged,
        fused_activation_function="TANH",
    )
