"""AudioSpectrogram and Mfcc against LiteRT's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert
from flatbuffers import flexbuffers

from litefuse.runtime import interpreter as ours
from litefuse.runtime.model.build import ModelBuilder
from tests.runtime.kernels.one_op import rng

RATE = np.array([16000], np.int32)


def one(op: str, inputs: list[np.ndarray], options: dict[str, Any]) -> bytes:
    b = ModelBuilder()
    ins = [b.add_tensor(f"x{i}", a.shape, str(a.dtype)) for i, a in enumerate(inputs)]
    y = b.add_tensor("y", (1, 1, 1))
    b.add_op(op, ins, [y], custom_options=bytes(flexbuffers.Dumps(options)))
    return b.finish_bytes(ins, [y])


def run(module: Any, content: bytes, feeds: list[np.ndarray]) -> np.ndarray:
    interpreter = module.Interpreter(
        model_content=content,
        experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    for index, value in enumerate(feeds):
        interpreter.set_tensor(index, value)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def agree(op: str, inputs: list[np.ndarray], options: dict[str, Any]) -> np.ndarray:
    content = one(op, inputs, options)
    mine, theirs = run(ours, content, inputs), run(litert, content, inputs)
    assert mine.shape == theirs.shape
    largest = np.abs(theirs).max(initial=0)
    np.testing.assert_allclose(mine, theirs, rtol=3e-7, atol=1e-6 * largest)
    return mine


def test_no_coefficients() -> None:
    content = one("Mfcc", feeds := [np.ones((1, 1, 33), np.float32), RATE], MFCC_NONE)
    assert run(ours, content, feeds).shape == (1, 1, 0)
    run(litert, content, feeds)  # runs; its API cannot say the shape of an empty output


def test_limits_are_cut_to_whole_numbers() -> None:
    x = np.square(rng(5).standard_normal((1, 2, 65))).astype(np.float32)
    options = {
        "lower_frequency_limit": 20.9,
        "upper_frequency_limit": 4000.7,
        "filterbank_channel_count": 10,
        "dct_coefficient_count": 5,
    }
    whole = {key: int(value) for key, value in options.items()}
    np.testing.assert_array_equal(
        agree("Mfcc", [x, RATE], options), agree("Mfcc", [x, RATE], whole)
    )


MFCC = {
    "lower_frequency_limit": 20,
    "upper_frequency_limit": 4000,
    "filterbank_channel_count": 10,
    "dct_coefficient_count": 5,
}

MFCC_NONE = MFCC | {"dct_coefficient_count": 0}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"filterbank_channel_count": 0}, "filterbank_channel_count is 0"),
        ({"dct_coefficient_count": -1}, "dct_coefficient_count is -1"),
        ({"dct_coefficient_count": 11}, "11 coefficients of only 10 filters"),
        ({"lower_frequency_limit": 5000}, "5000 to 4000 are out of order"),
    ],
)
def test_mfcc_refusals(change: dict[str, int], text: str) -> None:
    feeds = [np.ones((1, 1, 33), np.float32), RATE]
    content = one("Mfcc", feeds, MFCC | change)
    with pytest.raises(RuntimeError, match=text):
        run(ours, content, feeds)
    with pytest.raises(RuntimeError):
        run(litert, content, feeds)


@pytest.mark.parametrize(("window", "stride"), [(1, 1), (4, 0)])
def test_spectrogram_refusals(window: int, stride: int) -> None:
    feeds = [np.ones((8, 1), np.float32)]
    content = one("AudioSpectrogram", feeds, {"window_size": window, "stride": stride})
    for module in (ours, litert):
        with pytest.raises(RuntimeError):
            run(module, content, feeds)
