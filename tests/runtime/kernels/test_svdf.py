from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values

sizes = st.tuples(
    st.integers(1, 3), st.integers(1, 8), st.integers(1, 5), st.integers(1, 3), st.integers(1, 6)
)


@given(
    sizes,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(("NONE", "RELU", "RELU6", "TANH")),
    seeds,
)
def test_float_activations(
    size: tuple[int, ...], hybrid: bool, asymmetric: bool, biased: bool, code: str, seed: int
) -> None:
    r = rng(seed)
    batch, depth, units, rank, memory = size
    filters = units * rank

    def weights(shape: tuple[int, ...]) -> Arg:
        if not hybrid:
            return Arg(values(r, shape, "float32", 0.5), constant=True)
        data = r.integers(-127, 128, shape).astype(np.int8)
        return Arg(data, scale=np.float32(r.uniform(0.001, 0.01)), zero_point=0, constant=True)

    check(
        "SVDF",
        [
            Arg(values(r, (batch, depth), "float32")),
            weights((filters, depth)),
            weights((filters, memory)),
            Arg(values(r, (units,), "float32"), constant=True) if biased else None,
            Arg(shape=(batch, memory * filters), dtype="float32", variable=True),
        ],
        [Arg(shape=(batch, units))],
        times=4,
        rank=rank,
        fused_activation_function=code,
        asymmetric_quantize_inputs=asymmetric,
    )


@given(sizes, st.booleans(), st.integers(-128, 127), st.integers(-128, 127), seeds)
def test_int8(size: tuple[int, ...], biased: bool, z_x: int, z_y: int, seed: int) -> None:
    r = rng(seed)
    batch, depth, units, rank, memory = size
    filters = units * rank
    s_x, s_f, s_t, s_s = (np.float32(r.uniform(0.001, 0.02)) for _ in range(4))
    bias = Arg(
        r.integers(-2000, 2000, (units,)).astype(np.int32),
        scale=s_t * s_s,
        zero_point=0,
        constant=True,
    )
    check(
        "SVDF",
        [
            Arg(values(r, (batch, depth), "int8"), scale=s_x, zero_point=z_x),
            Arg(values(r, (filters, depth), "int8"), scale=s_f, zero_point=0, constant=True),
            Arg(
                values(r, (filters, memory), "int16"), scale=s_t / 100, zero_point=0, constant=True
            ),
            bias if biased else None,
            Arg(
                shape=(batch, memory * filters),
                dtype="int16",
                scale=s_s / 10,
                zero_point=0,
                variable=True,
            ),
        ],
        [Arg(shape=(batch, units), dtype="int8", scale=np.float32(0.05), zero_point=z_y)],
        times=4,
        rank=rank,
        fused_activation_function="RELU",
    )
