from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, float32, rng, seeds, values


@given(
    st.tuples(*[st.integers(1, 4)] * 3, st.integers(1, 8)),
    st.integers(0, 9),
    st.floats(0.1, 3),
    st.floats(0, 2),
    st.floats(-1, 2),
    seeds,
)
def test_local_response_normalization(
    shape: tuple[int, ...], radius: int, bias: float, alpha: float, beta: float, seed: int
) -> None:
    x = values(rng(seed), shape, "float32")
    check(
        "LOCAL_RESPONSE_NORMALIZATION",
        [Arg(x)],
        [Arg(shape=shape)],
        radius=radius,
        bias=float32(bias),
        alpha=float32(alpha),
        beta=float32(beta),
    )
