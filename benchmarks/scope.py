"""The networks that the benchmarks and the acceptance tests speak of, and where they lie."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NETWORKS = ROOT.parent / "shared" / "models" / "networks"
ZOO = ROOT / "build" / "zoo"  # made by ../shared/tools/make_zoo.py

NAMES = (
    "mlperf-tiny-vww-96-float",
    "mlperf-tiny-pretrainedresnet",
    "mlperf-tiny-pretrainedresnet-large-float",
    "mlperf-tiny-pretrainedresnet-large-int8",
    "mlperf-tiny-kws-ref-model",
    "mlperf-tiny-ad01-fp32",
    "mlperf-tiny-ad01-int8",
    "support-mobilenet-v1-0-25-224-1-default-1",
    "mp-body-pix-float-050-8",
    "mp-face-detection-front",
    "litert-blazeface-mlkit-v1",
    "mltk-visual-wake-words",
    "mltk-keyword-spotting-pacman-v3",
    "nxp-yolo-face-detect",
    "gles-face-detection-front-128-full-integer-quant",
    "stm-miniresnetv2-2stacks-64x50-tl-int8",
)
ZOO_NAMES = tuple(f"mobilenet_v{v}_{mode}" for v in (1, 2) for mode in ("f32", "f16", "int8"))
INTEGER = frozenset(
    {
        "mlperf-tiny-pretrainedresnet-large-int8",
        "mlperf-tiny-kws-ref-model",
        "mlperf-tiny-ad01-int8",
        "mltk-visual-wake-words",
        "mltk-keyword-spotting-pacman-v3",
        "nxp-yolo-face-detect",
        "gles-face-detection-front-128-full-integer-quant",
        "stm-miniresnetv2-2stacks-64x50-tl-int8",
        "mobilenet_v1_int8",
        "mobilenet_v2_int8",
    }
)


def models() -> list[Path]:
    """The files that are there, in order."""
    paths = [NETWORKS / f"{n}.tflite" for n in NAMES] + [ZOO / f"{n}.tflite" for n in ZOO_NAMES]
    return [p for p in paths if p.is_file()]
