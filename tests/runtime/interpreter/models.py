"""Small models for the interpreter's tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from litefuse.runtime.model.build import ModelBuilder


def classifier(dtype: str = "float32") -> bytes:
    """CONV_2D, MAX_POOL_2D, RESHAPE, FULLY_CONNECTED, SOFTMAX on a dynamic batch; one signature."""
    r = np.random.default_rng(7)
    b = ModelBuilder("classifier")
    x = b.add_tensor("image:0", (1, 8, 8, 2), dtype, shape_signature=(-1, 8, 8, 2))
    w = b.add_tensor("kernel", data=r.standard_normal((4, 3, 3, 2)).astype(np.float32))
    bias = b.add_tensor("bias", data=r.standard_normal(4).astype(np.float32))
    c = b.add_tensor("conv", (1, 8, 8, 4), dtype, shape_signature=(-1, 8, 8, 4))
    p = b.add_tensor("pool", (1, 4, 4, 4), dtype, shape_signature=(-1, 4, 4, 4))
    shape = b.add_tensor("shape", data=np.array([-1, 64], np.int32))
    f = b.add_tensor("flat", (1, 64), dtype, shape_signature=(-1, 64))
    dense = b.add_tensor("dense", data=r.standard_normal((10, 64)).astype(np.float32) / 8)
    y = b.add_tensor("logits", (1, 10), dtype, shape_signature=(-1, 10))
    s = b.add_tensor("probabilities", (1, 10), dtype, shape_signature=(-1, 10))
    b.add_op(
        "CONV_2D",
        [x, w, bias],
        [c],
        padding="SAME",
        stride_w=1,
        stride_h=1,
        fused_activation_function="RELU",
    )
    b.add_op(
        "MAX_POOL_2D",
        [c],
        [p],
        padding="VALID",
        stride_w=2,
        stride_h=2,
        filter_width=2,
        filter_height=2,
    )
    b.add_op("RESHAPE", [p, shape], [f], new_shape=[-1, 64])
    b.add_op("FULLY_CONNECTED", [f, dense, None], [y])
    b.add_op("SOFTMAX", [y], [s], beta=1.0)
    return b.finish_bytes([x], [s], {"serve": ({"image": x}, {"scores": s})})


def two_signatures() -> bytes:
    """Two signatures over two subgraphs: x + y, and x * y of int32."""
    b = ModelBuilder()
    for index, op in enumerate(("ADD", "MUL")):
        if index:
            b.add_subgraph("product")
        tensors = [b.add_tensor(n, (3,), "int32") for n in ("x", "y", "out")]
        b.add_op(op, tensors[:2], tensors[2:])
        b.set_io(tensors[:2], tensors[2:])
    for index, key in enumerate(("sum", "product")):
        b.add_signature(key, {"y": 1, "x": 0}, {"out": 2}, subgraph=index)
    return b.finish_bytes()


def with_unknown_ops() -> bytes:
    """RELU, then two nodes of a custom op and one of another."""
    b = ModelBuilder()
    t = [b.add_tensor(f"t{i}", (1, 4), "float32") for i in range(5)]
    b.add_op("RELU", t[:1], t[1:2])
    b.add_op("Frobnicate", t[1:2], t[2:3], custom_options=b"")
    b.add_op("Frobnicate", t[2:3], t[3:4], custom_options=b"")
    b.add_op("Defrag", t[3:4], t[4:5], custom_options=b"")
    return b.finish_bytes(t[:1], t[4:5])


def dynamic() -> bytes:
    """RESHAPE to a shape that is an input, then RELU and MEAN over the last axis."""
    b = ModelBuilder()
    x = b.add_tensor("x", (6,), "float32")
    shape = b.add_tensor("shape", (2,), "int32")
    y = b.add_tensor("y", (), "float32", shape_signature=(-1, -1))
    z = b.add_tensor("z", (), "float32", shape_signature=(-1, -1))
    axes = b.add_tensor("axes", data=np.array([1], np.int32))
    m = b.add_tensor("m", (), "float32", shape_signature=(-1,))
    b.add_op("RESHAPE", [x, shape], [y])
    b.add_op("RELU", [y], [z])
    b.add_op("MEAN", [z, axes], [m], keep_dims=False)
    return b.finish_bytes([x, shape], [m])


def save(folder: Path, content: bytes, name: str = "model.tflite") -> str:
    """The model as a file; its path."""
    path = folder / name
    path.write_bytes(content)
    return str(path)
