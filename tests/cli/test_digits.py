"""The bundled models: small, real, and as good as they claim in LiteRT."""

from __future__ import annotations

import numpy as np
import pytest

from litefuse.cli import contenders, digits
from litefuse.runtime.options import Options


@pytest.mark.parametrize("kind", digits.KINDS)
def test_it_is_small_and_right_in_litert(kind: str) -> None:
    path = digits.model_path(kind)
    assert path.stat().st_size < 100_000
    contender = contenders.make("reference", path, Options())
    contender.allocate()
    held_out = digits.held_out()
    images = digits.as_input(held_out.images, contender.input_details[0]["dtype"])
    got = [contender.run([image[None]])[0].argmax() for image in images]
    assert np.mean(np.array(got) == held_out.labels) > 0.97


def test_inputs_are_quantised_as_the_model_says() -> None:
    contender = contenders.make("reference", digits.model_path("int8"), Options())
    scale, zero = contender.input_details[0]["quantization"]
    images = digits.held_out().images[:20]
    real = digits.as_input(images, np.float32)
    assert np.array_equal(digits.as_input(images, np.int8), np.rint(real / scale) + zero)


def test_a_picture_has_a_line_a_row() -> None:
    lines = digits.picture(np.arange(64, dtype=np.uint8).reshape(8, 8) % 17)
    assert len(lines) == 8
    assert {len(line) for line in lines} == {16}
