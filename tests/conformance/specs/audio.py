"""AudioSpectrogram and Mfcc, custom ops that LiteRT registers."""

from __future__ import annotations

from typing import Any

import numpy as np
from flatbuffers import flexbuffers
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, values
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import flaw


def _packed(options: dict[str, Any]) -> bytes:
    return bytes(flexbuffers.Dumps(options))


@conforms("AudioSpectrogram", "float32")
def audio_spectrogram(draw: Draw, dtype: str) -> Case:
    broken = flaw(draw, "rank", "window", "stride", "absent", "output type")
    window, stride = draw(st.integers(2, 70)), draw(st.integers(1, 40))
    samples = max(window + draw(st.integers(-3, 200)), 1)
    size: tuple[int, ...] = (samples, draw(st.integers(1, 3)))
    if broken == "rank":
        size = draw(st.sampled_from((size[:1], (1, *size))))
    options = {
        "window_size": draw(st.integers(-1, 1)) if broken == "window" else window,
        "stride": draw(st.integers(-1, 0)) if broken == "stride" else stride,
        "magnitude_squared": draw(st.booleans()),
    }
    if broken == "absent":
        del options[draw(st.sampled_from(tuple(options)))]
    return case(
        "AudioSpectrogram",
        [Arg(values(draw, size, dtype), dtype=dtype)],
        [Arg(shape=(1, 1, 1), dtype="int32" if broken == "output type" else "float32")],
        custom_options=_packed(options),
    )


@conforms("Mfcc", "float32")
def mfcc(draw: Draw, dtype: str) -> Case:
    flaws = (
        "rank",
        "rate",
        "rate type",
        "low",
        "high",
        "filters",
        "coefficients",
        "bins",
        "absent",
    )
    broken = flaw(draw, *flaws)
    filters = draw(st.integers(1, 40))
    options: dict[str, Any] = {
        "lower_frequency_limit": draw(st.integers(0, 500)),
        "upper_frequency_limit": draw(st.integers(600, 9000)),
        "filterbank_channel_count": filters,
        "dct_coefficient_count": draw(st.integers(1, filters)),
    }
    if broken == "low":
        options["lower_frequency_limit"] = draw(st.sampled_from((-1, 10000)))
    if broken == "high":
        options["upper_frequency_limit"] = 0
    if broken == "filters":
        options["filterbank_channel_count"] = draw(st.sampled_from((0, -1)))
    if broken == "coefficients":
        options["dct_coefficient_count"] = draw(st.sampled_from((0, -1, filters + 1)))
    if broken == "absent":
        del options[draw(st.sampled_from(tuple(options)))]
    if "lower_frequency_limit" in options and draw(st.integers(0, 5)) == 5:
        options["lower_frequency_limit"] += 0.75
    bins = draw(st.integers(0, 1)) if broken == "bins" else draw(st.integers(9, 300))
    size: tuple[int, ...] = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), bins)
    if broken == "rank":
        size = size[1:]
    low = {"low": 0.0, "high": 20.0} if dtype == "float32" else {}
    rate = np.array([16000], "int64" if broken == "rate type" else "int32")
    if broken == "rate":
        rate = draw(st.sampled_from((rate * 0, -rate, np.tile(rate, 2), rate.reshape(()))))
    return case(
        "Mfcc",
        [
            Arg(values(draw, size, dtype, **low), dtype=dtype),
            Arg(rate, constant=draw(st.booleans())),
        ],
        [Arg(shape=(1, 1, 1))],
        custom_options=_packed(options),
    )
