"""The dictionaries by which LiteRT's Python API describes tensors, nodes and signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from litefuse.runtime.kernels.base import Array, Shape
from litefuse.runtime.model import TensorType

if TYPE_CHECKING:
    from litefuse.runtime.model import Model, Tensor

Details = dict[str, Any]


def tensor_dtype_class(tensor: Tensor) -> type[Any] | None:
    """The NumPy scalar type that LiteRT reports for a tensor; None where it reports none."""
    dtype = tensor.dtype
    if tensor.type in (TensorType.RESOURCE, TensorType.VARIANT):
        return np.object_
    if dtype.kind in "OSU":
        return np.bytes_
    return dtype.type


def tensor_details(
    tensor: Tensor, index: int, shape: Shape, block_scales: Array | None = None
) -> Details:
    """One entry of get_tensor_details(); `shape` is the shape now, `block_scales` are those of a
    blockwise quantised constant.
    """
    quantization = tensor.quantization
    scales: Array = np.array([], np.float32)
    zero_points = np.array([], np.int32)
    dimension = 0
    block_size = 0
    if quantization is not None and quantization.scale is not None:
        scales = np.array(quantization.scale, np.float32)
        given = quantization.zero_point
        zero_points = (
            np.zeros(len(scales), np.int32) if given is None else np.array(given, np.int32)
        )
        if len(zero_points) == 0:
            zero_points = np.zeros(len(scales), np.int32)
        dimension = int(quantization.quantized_dimension)
    details = getattr(quantization, "details", None)
    if details is not None and hasattr(details, "block_size"):
        block_size = int(details.block_size)
        if block_scales is not None:
            scales = block_scales.reshape(-1).copy()
    if len(scales) == 1:
        single = (float(scales[0]), int(zero_points[0]))
    else:
        single = (0.0, 0)
    signature = tensor.shape_signature
    return {
        "name": tensor.name,
        "index": index,
        "shape": np.array(shape, np.int32),
        "shape_signature": np.array(signature or shape, np.int32),
        "dtype": tensor_dtype_class(tensor),
        "quantization": single,
        "quantization_parameters": {
            "scales": scales,
            "zero_points": zero_points,
            "quantized_dimension": dimension,
            "block_size": block_size,
        },
        "sparsity_parameters": sparsity_details(tensor),
    }


def sparsity_details(tensor: Tensor) -> Details:
    """LiteRT's dictionary of a sparse tensor's layout; empty for a dense one."""
    sparsity = tensor.sparsity
    if sparsity is None:
        return {}
    dims: list[Details] = []
    for level in sparsity.dim_metadata:
        if int(level.format) == 0:
            dims.append({"format": 0, "dense_size": int(level.dense_size)})
        else:
            dims.append(
                {
                    "format": 1,
                    "array_segments": np.array(level.array_segments.values, np.int32),
                    "array_indices": np.array(level.array_indices.values, np.int32),
                }
            )
    found: Details = {"traversal_order": np.array(sparsity.traversal_order, np.int32)}
    if len(sparsity.block_map):
        found["block_map"] = np.array(sparsity.block_map, np.int32)
    found["dim_metadata"] = dims
    return found


def node_details(
    model: Model, index: int, name: str, inputs: tuple[int, ...], outputs: tuple[int, ...]
) -> Details:
    """One entry of _get_ops_details(), for subgraph 0."""
    tensors = model.subgraphs[0].tensors
    return {
        "index": index,
        "op_name": name,
        "inputs": np.array(inputs, np.int32),
        "outputs": np.array(outputs, np.int32),
        "operand_types": [tensor_dtype_class(tensors[i]) for i in inputs if i != -1],
        "result_types": [tensor_dtype_class(tensors[i]) for i in outputs if i != -1],
    }


def signature_tensors(model: Model, key: str) -> tuple[dict[str, int], dict[str, int], int] | None:
    """(inputs, outputs, subgraph index) of a signature by key, sorted by name as LiteRT has
    them.
    """
    for signature in model.signature_defs:
        if signature.signature_key == key:
            return (
                dict(sorted(signature.inputs.items())),
                dict(sorted(signature.outputs.items())),
                signature.subgraph_index,
            )
    return None
