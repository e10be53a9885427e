"""Sparse constants against LiteRT's own DENSIFY, and against a dense array made sparse here."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.model import Buffer, Model, ModelError, Tensor, TensorType, read_model
from litefuse.runtime.model.enums import DimensionType
from litefuse.runtime.model.records import Record, record_class
from tests.runtime.model.samples import readable

LEVEL = record_class("DimensionMetadata")
SPARSITY = record_class("SparsityParameters")
VECTORS = {"Uint8Vector": np.uint8, "Uint16Vector": np.uint16, "Int32Vector": np.int32}


def test_densify_as_litert_does(corpus: Path) -> None:
    """Every sparse constant of the corpus, as the DENSIFY node behind it computes it."""
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    compared = 0
    for path, model in readable(corpus, "networks"):
        main = model.subgraphs[0]
        nodes = [op for op in main.operators if op.name == "DENSIFY"]
        if not nodes:
            continue
        interp = litert.Interpreter(
            str(path),
            experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=True,
        )
        interp.allocate_tensors()
        interp.invoke()
        for op in nodes:
            mine = model.tensor_data(main.tensors[op.inputs[0]])
            np.testing.assert_array_equal(interp.get_tensor(op.outputs[0]), mine)
            compared += 1
    assert compared > 40


def vector(values: list[int], kind: str) -> Record:
    return record_class(kind)(values=np.asarray(values, VECTORS[kind]))


def sparse(
    dense: np.ndarray[Any, Any],
    order: list[int],
    blocks: dict[int, int],
    compressed: set[int],
    kind: str,
) -> tuple[Record, bytes]:
    """Compress a dense array; `blocks` maps dimension to block size, `compressed` holds levels."""
    block_map = sorted(blocks)
    rank = dense.ndim
    outer = [n // blocks.get(d, 1) for d, n in enumerate(dense.shape)]
    sizes = outer + [blocks[d] for d in block_map]

    def element(coordinates: dict[int, int]) -> Any:
        index = [coordinates[d] for d in range(rank)]
        for i, d in enumerate(block_map):
            index[d] = index[d] * blocks[d] + coordinates[rank + i]
        return dense[tuple(index)]

    prefixes: list[dict[int, int]] = [{}]
    levels: list[Record] = []
    for number, dim in enumerate(order):
        rest = order[number + 1 :]
        if number not in compressed:
            levels.append(LEVEL(format=DimensionType.DENSE, dense_size=sizes[dim]))
            prefixes = [{**p, dim: i} for p in prefixes for i in range(sizes[dim])]
            continue
        segments, indices, kept = [0], [], []
        for p in prefixes:
            for i in range(sizes[dim]):
                q = {**p, dim: i}
                tails = itertools.product(*(range(sizes[r]) for r in rest))
                if any(element({**q, **dict(zip(rest, t, strict=True))}) for t in tails):
                    indices.append(i)
                    kept.append(q)
            segments.append(len(indices))
        levels.append(
            LEVEL(
                format=DimensionType.SPARSE_CSR,
                array_segments=vector(segments, kind),
                array_indices=vector(indices, kind),
            )
        )
        prefixes = kept
    values = np.array([element(p) for p in prefixes], dense.dtype)
    record = SPARSITY(traversal_order=tuple(order), block_map=tuple(block_map), dim_metadata=levels)
    return record, values.tobytes()


@given(st.data())
def test_what_was_compressed_comes_back(data: st.DataObject) -> None:
    rank = data.draw(st.integers(1, 3))
    blocks = {
        d: data.draw(st.sampled_from((1, 2, 4))) for d in range(rank) if data.draw(st.booleans())
    }
    shape = tuple(data.draw(st.integers(1, 3)) * blocks.get(d, 1) for d in range(rank))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    dense = np.where(rng.random(shape) < 0.3, rng.integers(1, 9, shape), 0).astype(np.float32)
    outer = list(data.draw(st.permutations(range(rank))))
    order = outer + list(range(rank, rank + len(blocks)))
    compressed = {i for i in range(rank) if data.draw(st.booleans())}
    record, values = sparse(
        dense, order, blocks, compressed, data.draw(st.sampled_from(sorted(VECTORS)))
    )
    model = Model(buffers=[Buffer(), Buffer(values)])
    tensor = Tensor("w", shape, TensorType.FLOAT32, 1, sparsity=record)
    if values:
        np.testing.assert_array_equal(model.tensor_data(tensor), dense)


def example() -> tuple[Model, Tensor]:
    dense = np.array([[0, 1], [2, 0]], np.float32)
    record, values = sparse(dense, [0, 1], {}, {1}, "Uint8Vector")
    model = Model(buffers=[Buffer(), Buffer(values)])
    return model, Tensor("w", (2, 2), TensorType.FLOAT32, 1, sparsity=record)


def set_level(i: int, **values: Any) -> Any:
    return lambda t: t.sparsity.dim_metadata[i].__dict__.update(values)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda t: setattr(t.sparsity, "traversal_order", (0, 0)), "has traversal order (0, 0), block map ()"),
        (lambda t: setattr(t.sparsity, "block_map", (5,)), "block map (5,)"),
        (lambda t: t.sparsity.dim_metadata.pop(), "describes 1 levels instead of 2"),
        (set_level(0, dense_size=-1), "has a level of size -1"),
        (set_level(0, dense_size=1 << 30), "has a level of size 1073741824"),
        (set_level(0, dense_size=3), "has segments that do not fit 3 parents and 2 indices"),
        (set_level(1, array_segments=None), "has a compressed level without its indices"),
        (set_level(1, array_indices=vector([0, 7], "Uint8Vector")), "has index 7 in dimension 1 of size 2"),
        (set_level(1, array_segments=vector([0, 2, 1], "Uint8Vector")), "has segments that do not fit"),
        (lambda t: setattr(t, "shape", (2, 1 << 30)), "would take more than"),
        (lambda t: setattr(t, "type", TensorType.INT8), "lists 2 values and its buffer has 8 bytes"),
        (lambda t: setattr(t, "type", TensorType.STRING), "has type STRING, which cannot be sparse"),
    ],
)  # fmt: skip
def test_malformed(change: Any, text: str) -> None:
    model, tensor = example()
    change(tensor)
    with pytest.raises(ModelError) as info:
        model.tensor_data(tensor)
    assert text in str(info.value)
    assert str(info.value).startswith("SparsityParameters.")


def test_sparse_file_in_the_odd_corner(corpus: Path) -> None:
    model = read_model(corpus / "odd" / "litert-sparse-tensor.tflite")
    found = [t for t in model.subgraphs[0].tensors if t.sparsity is not None]
    assert found
    for tensor in found:
        data = model.tensor_data(tensor)
        assert data is None or data.shape == tensor.shape
