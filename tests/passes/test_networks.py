"""Real networks through the tensor passes: one partition, and LiteRT's result after every pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.passes.oracle import check, extreme_inputs, imported, random_inputs

NETWORKS = (
    "mlperf-tiny-vww-96-float",
    "mlperf-tiny-pretrainedresnet",
    "mlperf-tiny-pretrainedresnet-large-float",
    "mlperf-tiny-pretrainedresnet-large-int8",
    "mlperf-tiny-kws-ref-model",
    "mlperf-tiny-ad01-fp32",
    "mlperf-tiny-ad01-int8",
    "mltk-visual-wake-words",
    "mltk-keyword-spotting-pacman-v3",
    "nxp-yolo-face-detect",
    "gles-face-detection-front-128-full-integer-quant",
    "stm-miniresnetv2-2stacks-64x50-tl-int8",
    pytest.param("support-mobilenet-v1-0-25-224-1-default-1", marks=pytest.mark.slow),
    pytest.param("mp-body-pix-float-050-8", marks=pytest.mark.slow),
    pytest.param("mp-face-detection-front", marks=pytest.mark.slow),
    pytest.param("litert-blazeface-mlkit-v1", marks=pytest.mark.slow),
)
ZOO = ("mobilenet_v1_f16", "mobilenet_v1_int8", "mobilenet_v2_f16", "mobilenet_v2_f32", "mobilenet_v2_int8")


def _check(path: Path) -> None:
    content = path.read_bytes()
    module = imported(content)
    rng = np.random.default_rng(1)
    inputs = [random_inputs(module, rng)]
    if path.stat().st_size < 1 << 20:
        inputs += extreme_inputs(module)
    result = check(content, inputs)
    names = {op.name for op in result.functions()[0].body.ops}
    assert "kern.rescale" not in names
    # Whatever could be an epilogue is one: bias, requantisation, activation never stand alone behind a contraction.
    for op in result.walk():
        if op.name == "kern.contract":
            assert not any(u.name == "kern.map" and len(op.result.users) == 1 for u in op.result.users)


@pytest.mark.parametrize("name", NETWORKS)
def test_network(corpus: Path, name: str) -> None:
    _check(corpus / "networks" / f"{name}.tflite")


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_zoo(zoo: Path, name: str) -> None:
    _check(zoo / f"{name}.tflite")
