"""Models and damage that the tests of this folder share."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from litefuse.runtime.model import Model, ModelError, read_model
from litefuse.runtime.model.build import ModelBuilder
from litefuse.runtime.model.locate import locate

FULL = os.environ.get("LITEFUSE_FULL") == "1"


def rich_builder() -> ModelBuilder:
    """A model with a bit of everything that a small one can hold: 2 subgraphs, 3 operators."""
    b = ModelBuilder("a test model")
    x = b.add_tensor(
        "x", (1, 4, 4, 2), "INT8", scale=0.5, zero_point=3, shape_signature=(-1, 4, 4, 2)
    )
    w = b.add_tensor(
        "w", data=np.arange(-9, 9, dtype=np.int8).reshape(1, 3, 3, 2), scale=[0.25, 0.125],
        quantized_dimension=3,
    )  # fmt: skip
    bias = b.add_tensor("bias", data=np.int32([7, -7]), scale=[0.125, 0.0625])
    y = b.add_tensor("y", (1, 2, 2, 2), "INT8", scale=1.0, zero_point=-1)
    b.add_op(
        "DEPTHWISE_CONV_2D", [x, w, bias], [y], padding="VALID", stride_w=1, stride_h=1,
        depth_multiplier=1, fused_activation_function="RELU6",
    )  # fmt: skip
    z = b.add_tensor("z", (8,), "INT8", scale=1.0, zero_point=-1)
    shape = b.add_tensor("shape", data=np.int32([8]))
    b.add_op("RESHAPE", [y, shape], [z], new_shape=[8])
    out = b.add_tensor("out", (8,), "FLOAT32")
    b.add_op("MyOp", [z, None], [out], custom_options=b"\x01\x02\x03")
    b.add_metadata("min_runtime_version", b"1.5.0\0")
    b.set_io([x], [out])
    b.add_subgraph("other")
    a = b.add_tensor("a", (2,), "FLOAT32")
    c = b.add_tensor("c", (2,), "FLOAT32")
    b.add_op("RELU", [a], [c])
    b.set_io([a], [c])
    b.add_signature("serve", {"image": x}, {"score": out})
    b.add_signature("side", {"a": a}, {"c": c}, subgraph=1)
    return b


def rich_model() -> bytes:
    """`rich_builder`'s file."""
    return rich_builder().finish_bytes()


def patched(content: bytes, where: str, field: str, letter: str, value: float) -> bytes:
    """A copy in which the number (or offset) stored in a field is another one."""
    out = bytearray(content)
    struct.pack_into(f"<{letter}", out, locate(memoryview(content), where, field), value)
    return bytes(out)


def readable(corpus: Path, *folders: str) -> Iterator[tuple[Path, Model]]:
    """Every model of these corpus folders that is one."""
    for folder in folders:
        for path in sorted((corpus / folder).glob("*.tflite")):
            try:
                yield path, read_model(path)
            except ModelError:
                assert folder == "odd", path.name
