"""What the conformance specification of FULLY_CONNECTED cannot say: see its file for the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter as LiteRT
from ai_edge_litert.interpreter import OpResolverType as Resolver
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.interpreter import Interpreter, OpResolverType
from litefuse.runtime.model.build import ModelBuilder, make_options
from tests.runtime.kernels.one_op import assert_close, rng, run, seeds


def ours(content: bytes) -> Any:
    return Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )


def blockwise(weights: np.ndarray, scales: np.ndarray, bias: np.ndarray | None, rows: int) -> bytes:
    units, depth = weights.shape
    b = ModelBuilder()
    x = b.add_tensor("x", (rows, depth))
    s = b.add_tensor("s", data=scales, type="float16")
    size = depth // scales.shape[1]
    details = make_options("BlockwiseQuantization", {"scales": s, "block_size": size})
    w = b.add_tensor("w", data=weights, type="int4", details=details)
    y = b.add_tensor("y", (rows, units))
    c = None if bias is None else b.add_tensor("c", data=bias)
    b.add_op("FULLY_CONNECTED", [x, w, c], [y])
    return b.finish_bytes([x], [y])


@given(st.integers(1, 4), st.integers(4, 9), st.integers(1, 4), st.booleans(), seeds)
def test_blockwise_weights_as_litert_optimised_kernel(
    rows: int, units: int, blocks: int, biased: bool, seed: int
) -> None:
    r = rng(seed)
    weights = r.integers(-8, 8, (units, blocks * 32)).astype(np.int8)
    scales = (r.random((units, blocks)) * 0.02 + 0.005).astype(np.float16)
    bias = r.standard_normal(units).astype(np.float32) if biased else None
    content = blockwise(weights, scales, bias, rows)
    x = r.standard_normal((rows, blocks * 32)).astype(np.float32)
    # The reference has no such kernel: it answers with the bias.
    kind = Resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    theirs = LiteRT(model_content=content, experimental_op_resolver_type=kind)
    (want,) = run(theirs, [x])
    (got,) = run(ours(content), [x])
    np.testing.assert_allclose(got, want, rtol=0, atol=2e-6 * np.abs(want).max())


@given(st.integers(1, 5), st.integers(1, 30), st.integers(1, 6), seeds)
def test_half_weights_through_dequantize(rows: int, depth: int, units: int, seed: int) -> None:
    r = rng(seed)
    b = ModelBuilder()
    x = b.add_tensor("x", (rows, depth))
    half = b.add_tensor("h", data=r.standard_normal((units, depth)).astype(np.float16))
    w = b.add_tensor("w", (units, depth))
    c = b.add_tensor("c", data=r.standard_normal(units).astype(np.float16))
    bias = b.add_tensor("b", (units,))
    y = b.add_tensor("y", (rows, units))
    b.add_op("DEQUANTIZE", [half], [w])
    b.add_op("DEQUANTIZE", [c], [bias])
    b.add_op("FULLY_CONNECTED", [x, w, bias], [y])
    content = b.finish_bytes([x], [y])
    feed = r.standard_normal((rows, depth)).astype(np.float32)
    kind = Resolver.BUILTIN_REF
    theirs = LiteRT(model_content=content, experimental_op_resolver_type=kind)
    (want,) = run(theirs, [feed])
    (got,) = run(ours(content), [feed])
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-6 * max(np.abs(want).max(), 1))


def one(**options: Any) -> ModelBuilder:
    b = ModelBuilder()
    x = b.add_tensor("x", (1, 4), "int8", scale=0.5, zero_point=3)
    w = b.add_tensor("w", data=np.ones((2, 4), np.int8), scale=0.25)
    c = b.add_tensor("c", data=np.ones(2, np.int32), scale=options.pop("bias_scale", 0.125))
    y = b.add_tensor("y", (1, 2), options.pop("output", "int8"), scale=0.5, zero_point=0)
    b.add_op("FULLY_CONNECTED", [x, w, c], [y], **options)
    return b


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"bias_scale": 0.5}, "bias scale 0.5 is not the product 0.125 of input and filter scale"),
        ({"output": "int32"}, "int8 by INT8 giving int32 is no combination of LiteRT's"),
        ({"fused_activation_function": "TANH"}, "fused activation TANH is not supported"),
        ({"weights_format": 1}, "shuffled weights need uint8, uint8 and an integer bias"),
    ],
)
def test_refusals_say_what_is_wrong(options: dict[str, Any], text: str) -> None:
    interpreter = ours(one(**options).finish_bytes([0], [3]))
    with pytest.raises(RuntimeError, match=text):
        interpreter.allocate_tensors()


def test_the_weight_minus_128_keeps_its_sign() -> None:
    # LiteRT's x86 kernels lose it in a hybrid node, those of other processors do not.
    b = ModelBuilder()
    x = b.add_tensor("x", (1, 16))
    w = b.add_tensor("w", data=np.full((1, 16), -128, np.int8), scale=1.0)
    y = b.add_tensor("y", (1, 1))
    b.add_op("FULLY_CONNECTED", [x, w], [y])
    (got,) = run(ours(b.finish_bytes([x], [y])), [np.full((1, 16), -127.0, np.float32)])
    assert_close("FULLY_CONNECTED", got, np.array([[16 * 127 * 128]], np.float32))
