from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

from litefuse.runtime import interpreter as ours
from litefuse.runtime.model.build import ModelBuilder


def array(items: list[Any], kind: str) -> np.ndarray:
    out = np.empty(len(items), object if kind == "string" else np.int64)
    out[:] = items
    return out


def model(key: str, value: str, queries: int, entries: int, fill: bool = True) -> bytes:
    """HASHTABLE, IMPORT, FIND, SIZE; queries, default, keys and values are inputs."""
    b = ModelBuilder()
    handle = b.add_tensor("table", (1,), "RESOURCE")
    q, d = b.add_tensor("q", (queries,), key), b.add_tensor("d", (1,), value)
    keys, values = b.add_tensor("k", (entries,), key), b.add_tensor("v", (entries,), value)
    found, size = b.add_tensor("found", (queries,), value), b.add_tensor("size", (1,), "int64")
    types = {"key_dtype": key.upper(), "value_dtype": value.upper()}
    b.add_op("HASHTABLE", [], [handle], table_id=3, **types)
    if fill:
        b.add_op("HASHTABLE_IMPORT", [handle, keys, values], [])
    b.add_op("HASHTABLE_FIND", [handle, q, d], [found])
    b.add_op("HASHTABLE_SIZE", [handle], [size])
    return b.finish_bytes([q, d, keys, values], [found, size])


def runs(module: Any, content: bytes, feeds: list[list[np.ndarray]]) -> list[list[Any]]:
    """Lists of the outputs of each invoke, in one interpreter (tables stay)."""
    interpreter = module.Interpreter(
        model_content=content,
        experimental_op_resolver_type=module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    results = []
    for arrays in feeds:
        for details, value in zip(interpreter.get_input_details(), arrays, strict=True):
            interpreter.set_tensor(details["index"], value)
        interpreter.invoke()
        outs = interpreter.get_output_details()
        results.append([interpreter.get_tensor(d["index"]).tolist() for d in outs])
    return results


@pytest.mark.parametrize("types", [("int64", "int64"), ("string", "string"), ("int32", "string")])
def test_types_that_both_refuse(types: tuple[str, str]) -> None:
    for module in (litert, ours):
        with pytest.raises(RuntimeError, match=r"key|KEY|INT64"):
            runs(module, model(*types, 1, 1), [])


def test_a_table_that_nobody_fills() -> None:
    feed = [array([b"a"], "string"), array([1], "int64")]
    feed += [array([b"a"], "string"), array([2], "int64")]
    for module in (litert, ours):
        with pytest.raises(RuntimeError, match=r"initiali"):
            runs(module, model("string", "int64", 1, 1, fill=False), [feed])
