from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values

sizes = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 6), st.integers(1, 6))
codes = st.sampled_from(("NONE", "RELU", "RELU6", "RELU_N1_TO_1", "TANH"))
kinds = st.sampled_from(("float32", "int8", "uint8"))


def weights(r: np.random.Generator, shape: tuple[int, ...], kind: str) -> Arg:
    if kind == "float32":
        return Arg(values(r, shape, kind, 0.4), constant=True)
    data = r.integers(-127, 128, shape).astype(np.int8)
    scale, zero = np.float32(r.uniform(0.001, 0.01)), 0
    return Arg(data.view(kind), scale=scale, zero_point=zero, constant=True)


def cell(r: np.random.Generator, batch: int, depth: int, units: int, kind: str) -> list[Arg]:
    return [
        weights(r, (units, depth), kind),
        weights(r, (units, units), kind),
        Arg(values(r, (units,), "float32", 0.3), constant=True),
        Arg(shape=(batch, units), dtype="float32", variable=True),
    ]


@given(sizes, codes, kinds, st.booleans(), seeds)
def test_one_step(size: tuple[int, ...], code: str, kind: str, asymmetric: bool, seed: int) -> None:
    r = rng(seed)
    batch, _, depth, units = size
    check(
        "RNN",
        [Arg(values(r, (batch, depth), "float32")), *cell(r, batch, depth, units, kind)],
        [Arg(shape=(batch, units))],
        times=3,
        fused_activation_function=code,
        asymmetric_quantize_inputs=asymmetric,
    )


@given(sizes, codes, kinds, st.booleans(), st.booleans(), seeds)
def test_sequence(
    size: tuple[int, ...], code: str, kind: str, asymmetric: bool, time_major: bool, seed: int
) -> None:
    r = rng(seed)
    batch, time, depth, units = size
    shape = (time, batch, depth) if time_major else (batch, time, depth)
    check(
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        [Arg(values(r, shape, "float32")), *cell(r, batch, depth, units, kind)],
        [Arg(shape=(*shape[:2], units))],
        times=2,
        time_major=time_major,
        fused_activation_function=code,
        asymmetric_quantize_inputs=asymmetric,
    )


@given(sizes, kinds, st.booleans(), st.booleans(), seeds)
@pytest.mark.parametrize("aux", ["none", "stacked", "crossed"])
def test_both_directions(
    aux: str,
    size: tuple[int, ...],
    kind: str,
    time_major: bool,
    merged: bool,
    seed: int,
) -> None:
    r = rng(seed)
    batch, time, depth, units = size
    # LiteRT 2.3 sizes the scratch of hybrid steps for batch-major inputs (time-major ones overrun
    # it, and crash now and then) and computes row sums, which asymmetric inputs need, for the
    # forward cell only.
    time_major = time_major and kind == "float32"
    shape = (time, batch, depth) if time_major else (batch, time, depth)
    more = units + 1
    crossed = aux == "crossed"
    outs = [Arg(shape=(*shape[:2], units)), Arg(shape=(*shape[:2], more))]
    check(
        "BIDIRECTIONAL_SEQUENCE_RNN",
        [
            Arg(values(r, shape, "float32")),
            *cell(r, batch, depth, units, kind),
            *cell(r, batch, depth, more, kind),
            None if aux == "none" else Arg(values(r, shape, "float32")),
            weights(r, (units, depth), kind) if crossed else None,
            weights(r, (more, depth), kind) if crossed else None,
        ],
        [Arg(shape=(*shape[:2], units + more))] if merged else outs,
        keep_absent=True,
        times=2,
        time_major=time_major,
        merge_outputs=merged,
        fused_activation_function="TANH",
    )
