"""Real networks through the tensor passes: one partition, and LiteRT's result after every pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from litefuse.runtime.model import read_model, write_model
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
ZOO = (
    "mobilenet_v1_f16",
    "mobilenet_v1_int8",
    "mobilenet_v2_f16",
    "mobilenet_v2_f32",
    "mobilenet_v2_int8",
)


def _without_softmax(content: bytes) -> bytes:
    """The model up to its final SOFTMAX.

    LiteRT's reference int8 SOFTMAX ends the process (a check of a shift) where the exponentials of a row sum to more than 256,
    as they do for 1000 nearly equal logits.
    """
    model = read_model(content)
    graph = model.subgraphs[0]
    last = graph.operators.pop()
    assert last.name == "SOFTMAX"
    graph.outputs = (last.inputs[0],)
    model.signature_defs = []
    return write_model(model)


def _check(path: Path, cut: bool = False) -> None:
    content = _without_softmax(path.read_bytes()) if cut else path.read_bytes()
    module = imported(content)
    rng = np.random.default_rng(1)
    small = len(content) < 1 << 20
    result = check(
        content,
        [random_inputs(module, rng)],
        extreme_inputs(module) if small else [],
        after=("tfl_to_kern", "fold_quantization", "fuse_epilogue"),
    )
    names = {op.name for op in result.functions()[0].body.ops}
    assert "kern.rescale" not in names
    # Every node of the model is in some op's location, but those that constants swallowed.
    nodes = {n.node for op in result.walk() for n in op.location.nodes}
    gone = {n.op for op in module.walk() for n in op.location.nodes if n.node not in nodes}
    assert gone <= {"DEQUANTIZE", "RESHAPE", "SQUEEZE"}
    # Bias, requantisation and activation never stand alone behind a contraction.
    for op in result.walk():
        if op.name == "kern.contract":
            assert not any(
                u.name == "kern.map" and len(op.result.users) == 1 for u in op.result.users
            )


@pytest.mark.parametrize("name", NETWORKS)
def test_network(corpus: Path, name: str) -> None:
    _check(corpus / "networks" / f"{name}.tflite")


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_zoo(zoo: Path, name: str) -> None:
    _check(zoo / f"{name}.tflite", cut=name.endswith("int8"))
