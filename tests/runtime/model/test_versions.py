from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from litefuse.runtime.model import BuiltinOperator, Tensor, TensorType
from litefuse.runtime.model.build import ModelBuilder
from litefuse.runtime.model.operators import options_table
from litefuse.runtime.model.schema_options import OPTION_TABLES
from litefuse.runtime.model.versions import REFERENCE_MAX, VERSIONS, operator_version
from tests.runtime.model.samples import readable

# Operators that some LiteRT resolver registers from a later version than 1.
FIRST = {"BROADCAST_TO": 2}


def accepted(operator: str, version: int, resolver: object) -> bool:
    import ai_edge_litert.interpreter as litert

    b = ModelBuilder()
    x, y = b.add_tensor("x", (1,)), b.add_tensor("y", (1,))
    b.add_op(operator, [x], [y], version=version)
    content = b.finish_bytes([x], [y])
    try:
        litert.Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    except ValueError as error:
        if "Didn't find op for builtin" not in str(error):
            raise
        return False
    return True


@pytest.mark.parametrize("resolver", ["BUILTIN_REF", "BUILTIN_WITHOUT_DEFAULT_DELEGATES"])
def test_every_version_is_one_that_litert_knows(resolver: str) -> None:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    kind = getattr(litert.OpResolverType, resolver)
    refused = []
    for operator, rows in VERSIONS.items():
        most = REFERENCE_MAX.get(operator, 99)
        versions = {min(row.version, most) for row in rows} | {FIRST.get(operator, 1)}
        refused += [(operator, v) for v in versions if not accepted(operator, v, kind)]
        if resolver == "BUILTIN_REF" and operator in REFERENCE_MAX:
            assert not accepted(operator, most + 1, kind), operator
    assert not refused


def test_agrees_with_what_converters_wrote(corpus: Path) -> None:
    """Converters of many years and runtimes made these files, so not every node can agree."""
    same, all_nodes = Counter(), Counter()
    for _, model in readable(corpus, "networks", "graphs"):
        for graph in model.subgraphs:
            for op in graph.operators:
                if op.code.custom_code is not None:
                    continue
                tensors = [graph.tensors[i] if i >= 0 else None for i in op.inputs]
                outs = [graph.tensors[i] for i in op.outputs if i >= 0]
                version = operator_version(op.name, tensors, outs, op.options)
                same[op.name] += version == op.code.version
                all_nodes[op.name] += 1
    assert sum(same.values()) > 0.93 * sum(all_nodes.values())
    for name in ("CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MUL", "RESHAPE", "FULLY_CONNECTED"):
        assert same[name] > 0.9 * all_nodes[name], name


@pytest.mark.parametrize(
    ("operator", "types", "out", "version"),
    [
        ("CONV_2D", "FLOAT32 FLOAT32", "FLOAT32", 1),
        ("CONV_2D", "INT8 INT8", "INT8", 3),
        ("CONV_2D", "INT16 INT8", "INT16", 4),
        ("CONV_2D", "FLOAT32 INT8", "FLOAT32", 2),
        ("DEPTHWISE_CONV_2D", "INT8 INT8", "INT8", 3),
        ("FULLY_CONNECTED", "INT8 INT8 INT32", "INT8", 4),
        ("FULLY_CONNECTED", "INT8 INT4 INT32", "INT8", 10),
        ("ADD", "INT64 INT64", "INT64", 4),
        ("SOFTMAX", "INT16", "INT16", 3),
        ("STRIDED_SLICE", "INT16", "INT16", 4),
        ("BROADCAST_TO", "FLOAT32", "FLOAT32", 2),
        ("LOGICAL_NOT", "BOOL", "BOOL", 1),
    ],
)
def test_examples(operator: str, types: str, out: str, version: int) -> None:
    ins = [Tensor(shape=(2,), type=TensorType[t]) for t in types.split()]
    assert operator_version(operator, ins, [Tensor(shape=(2,), type=TensorType[out])]) == version


def test_every_option_table_has_an_operator() -> None:
    used = {options_table(op.name) for op in BuiltinOperator}
    assert used - {None} == set(OPTION_TABLES)


def test_options_tables_as_converters_use_them(corpus: Path) -> None:
    for path, model in readable(corpus, "networks", "graphs"):
        for graph in model.subgraphs:
            for op in graph.operators:
                if op.options is not None:
                    assert options_table(op.name) == op.options.TABLE, path.name
