"""What is read from the interpreter equals what the file says, for every model of the corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from litefuse.runtime.litert import attributes
from litefuse.runtime.litert.attributes import PARAMS, TABLES, WITHOUT_PARAMS, read_attributes
from litefuse.runtime.litert.import_graph import ImportedGraph, import_graph
from litefuse.runtime.litert.simple import SimpleDelegate
from litefuse.runtime.litert.views import GraphView, NodeView
from litefuse.runtime.model import BuiltinOperator, Model, SubGraph, read_model
from litefuse.runtime.model.schema import fields
from tests.runtime.litert.models import make_interpreter


class Reader(SimpleDelegate):
    """Imports each graph and claims nothing."""

    allow_dynamic_shapes = True

    def __init__(self) -> None:
        super().__init__()
        self.graphs: list[ImportedGraph] = []

    def begin(self, graph: GraphView) -> None:
        self.graphs.append(import_graph(graph))

    def is_node_supported(self, node: NodeView, graph: GraphView) -> bool:
        return False


def test_the_tables_name_operators_and_fields_of_the_schema() -> None:
    assert set(PARAMS) == set(TABLES)
    assert not set(PARAMS) & WITHOUT_PARAMS
    assert {*PARAMS, *WITHOUT_PARAMS} <= set(BuiltinOperator.__members__)
    for op, members in PARAMS.items():
        known = {field.name for field in fields(TABLES[op])}
        assert {m.name.removeprefix("#") for m in members} <= known, op


def test_unknown_operators_and_missing_structs_are_unreadable() -> None:
    assert read_attributes("WHILE", 1, 0x1000) is None
    assert read_attributes("CONV_2D", 1, 0) is None
    assert read_attributes("RELU", 1, 0) == {}


def test_values_outside_their_enumeration_are_unreadable() -> None:
    import ctypes as c

    for padding, known in ((0, False), (1, True), (2, True)):
        struct = (c.c_int * 7)(padding, 2, 3, 1, 1, 1, 0)
        found = read_attributes("CONV_2D", 1, c.addressof(struct))
        assert (found is not None) == known
    assert found is not None
    assert (found["padding"], found["stride_w"], found["stride_h"]) == (1, 2, 3)
    shape = (c.c_int32 * 9)(*range(1, 9), 9)
    assert read_attributes("RESHAPE", 1, c.addressof(shape)) is None
    shape[8] = 2
    assert read_attributes("RESHAPE", 1, c.addressof(shape)) == {"new_shape": (1, 2)}


@pytest.mark.parametrize("folder", ["networks", "graphs"])
def test_every_model_of_the_corpus_is_read_alike(corpus: Path, folder: str) -> None:
    compared: set[str] = set()
    for path in sorted((corpus / folder).glob("*.tflite")):
        reader = Reader()
        try:
            interpreter = make_interpreter(str(path), [reader])
        except (RuntimeError, ValueError):
            continue  # LiteRT itself does not take it (a custom operator, an unknown version)
        model = read_model(path)
        assert len(reader.graphs) == len(model.subgraphs)
        for graph, imported in zip(model.subgraphs, reader.graphs, strict=True):
            compared |= _compare(path.name, model, graph, imported)
        del interpreter
    assert len(compared) > 30, compared


def _compare(name: str, model: Model, graph: SubGraph, imported: ImportedGraph) -> set[str]:
    ours = imported.model.subgraphs[0]
    assert len(ours.operators) == len(graph.operators), name
    compared = set()
    for theirs, op in zip(graph.operators, ours.operators, strict=True):
        assert (op.name, op.inputs, op.outputs) == (theirs.name, theirs.inputs, theirs.outputs), (
            name
        )
        if op.options is not None and theirs.options is not None:
            # LiteRT drops RESHAPE's own shape where an input gives it.
            mine, told = dict(vars(op.options)), dict(vars(theirs.options))
            if op.name == "RESHAPE" and mine["new_shape"] == ():
                told["new_shape"] = ()
            assert mine == told, (name, op.name)
            compared.add(op.name)
    touched = {i for op in ours.operators for i in (*op.inputs, *op.outputs) if i >= 0}
    for i in touched:
        _compare_tensor(name, model, graph.tensors[i], imported.model, ours.tensors[i])
    return compared


def _compare_tensor(name: str, model: Model, told: Any, imported: Model, mine: Any) -> None:
    assert (mine.name, mine.type, mine.shape, mine.is_variable) == (
        told.name, told.type, told.shape, told.is_variable,
    ), name  # fmt: skip
    data, found = model.raw_data(told), imported.raw_data(mine)
    assert (data is None) == (found is None), (name, told.name)
    assert data is None or bytes(data) == bytes(found or b"")[: len(data)], (name, told.name)
    if mine.quantization is not None:
        assert np.array_equal(mine.quantization.scale, told.quantization.scale)
        assert np.array_equal(mine.quantization.zero_point, told.quantization.zero_point)
        assert mine.quantization.quantized_dimension == told.quantization.quantized_dimension
    else:
        assert told.quantization is None or not len(told.quantization.scale)


def test_the_type_numbers_are_the_schemas() -> None:
    from litefuse.runtime.litert.structs import TENSOR_TYPES
    from litefuse.runtime.model import TensorType

    for value, (name, _) in TENSOR_TYPES.items():
        assert attributes.tensor_type(value) == TensorType[name]
    assert attributes.tensor_type(0) == TensorType.FLOAT32
