"""Train the bundled digit classifier and write litefuse/data/digits_{float32,int8}.tflite.

    python tools/train_digits.py build/digits.npz      (tools/digits/export.py makes that file)

Plain NumPy throughout; the same seed gives the same files on the same NumPy. Accuracy on the
held-out fifth of the images is measured in LiteRT, from the files as written.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from digits.graph import build
from digits.layers import Array
from digits.network import Network, train
from digits.quantise import activation_scales

DATA = Path(__file__).resolve().parents[1] / "litefuse" / "data"
SEED, EPOCHS, HELD_OUT, BUNDLED = 7, 100, 360, 200


def accuracy(path: Path, images: Array, labels: np.ndarray) -> float:
    """The share of the images that LiteRT's reference kernels classify rightly."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = source["quantization"]
    right = 0
    for image, label in zip(images, labels, strict=True):
        value = image[None]
        if source["dtype"] is np.int8:
            value = np.clip(np.rint(value / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(source["index"], value)
        interpreter.invoke()
        right += int(interpreter.get_tensor(result["index"]).argmax() == label)
    return right / len(images)


def main() -> None:
    archive = np.load(sys.argv[1])
    images = (archive["images"] / np.float32(16)).astype(np.float32)[..., None]
    labels = archive["labels"].astype(np.int64)
    order = np.random.default_rng(SEED).permutation(len(images))
    test, rest = order[:HELD_OUT], order[HELD_OUT:]
    network = Network(SEED)
    train(network, images[rest], labels[rest], EPOCHS, SEED)
    scales = activation_scales(network, images[rest][:500])
    DATA.mkdir(exist_ok=True)
    for kind, chosen in (("float32", None), ("int8", scales)):
        path = DATA / f"digits_{kind}.tflite"
        path.write_bytes(build(network, chosen))
        share = accuracy(path, images[test], labels[test])
        print(f"{path.name}: {path.stat().st_size} bytes, {100 * share:.2f} % of {HELD_OUT}")
    np.savez_compressed(
        DATA / "digits_test.npz",
        images=archive["images"][test][:BUNDLED],
        labels=archive["labels"][test][:BUNDLED],
    )


if __name__ == "__main__":
    main()
