"""Rules between tables, on models made by hand; `test_errors.py` has those of files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from litefuse.runtime.model import Model, ModelError, Quantization, read_model, write_model
from litefuse.runtime.model.checks import MAX_RANK, check_model
from litefuse.runtime.model.records import record_class
from tests.runtime.model.samples import rich_builder


def tensor(i: int, **values: Any) -> Any:
    return lambda m: m.subgraphs[0].tensors[i].__dict__.update(values)


def operator(i: int, **values: Any) -> Any:
    return lambda m: m.subgraphs[0].operators[i].__dict__.update(values)


def call(index: int) -> Any:
    def change(m: Model) -> None:
        m.operator_codes[1].builtin_code = type(m.operator_codes[1].builtin_code)["CALL_ONCE"]
        options = record_class("CallOnceOptions")(init_subgraph_index=index)
        m.subgraphs[0].operators[1].options = options

    return change


def scales(count: int, points: int, axis: int = 0) -> Quantization:
    return Quantization(np.ones(count, np.float32), np.zeros(points, np.int64), axis)


BLOCKWISE = record_class("BlockwiseQuantization")

BAD = [
    (tensor(0, shape=(1, -1)), "Tensor.shape[1] (subgraphs[0].tensors[0]): dimension 1 is -1"),
    (tensor(0, shape=(1,) * 33), f"Tensor.shape (subgraphs[0].tensors[0]): it has 33 dimensions; reshape it: {MAX_RANK}"),
    (tensor(0, shape=(2**31 - 1,) * 3), "elements of INT8 cannot be addressed"),
    (tensor(0, shape=(0, 2**31 - 1, 2**31 - 1, 2**31 - 1)), "elements of INT8 cannot be addressed"),
    (tensor(0, buffer=5), "Tensor.buffer (subgraphs[0].tensors[0]): buffer 5 does not exist, there are 5"),
    (tensor(0, buffer=-1), "buffer -1 does not exist"),
    (tensor(1, is_variable=True), "Tensor.is_variable (subgraphs[0].tensors[1]): a variable tensor has constant data (buffer 1)"),
    (tensor(1, shape=(19,), quantization=None), "buffer 1 has 18 bytes, INT8 of shape [19] needs 19"),
    (tensor(0, quantization=scales(1, 0)), "QuantizationParameters.zero_point (subgraphs[0].tensors[0].quantization): 1 scales have 0 zero points"),
    (tensor(0, quantization=scales(2, 2)), "2 scales are neither one nor one for each of 1 channels"),
    (tensor(0, quantization=scales(1, 1, 4)), "axis 4 does not exist, the tensor has 4 dimensions"),
    (tensor(0, quantization=Quantization(details=BLOCKWISE(scales=7))), "BlockwiseQuantization.scales (subgraphs[0].tensors[0].quantization.details): tensor 7 does not exist"),
    (tensor(0, quantization=Quantization(details=BLOCKWISE(zero_points=-2))), "BlockwiseQuantization.zero_points"),
    (operator(0, inputs=(0, 1, 99)), "Operator.inputs[2] (subgraphs[0].operators[0]): tensor 99 does not exist, there are 7"),
    (operator(0, outputs=(-2,)), "Operator.outputs[0] (subgraphs[0].operators[0]): tensor -2 does not exist"),
    (operator(0, outputs=(3, 0)), "Operator.outputs[1] (subgraphs[0].operators[0]): tensor 0 is an input of the same operator (DEPTHWISE_CONV_2D)"),
    (operator(0, intermediates=(7,)), "Operator.intermediates[0]"),
    (call(2), "CallOnceOptions.init_subgraph_index (subgraphs[0].operators[1].builtin_options): subgraph 2 does not exist, there are 2"),
    (call(-1), "subgraph -1 does not exist"),
    (lambda m: setattr(m.operator_codes[2], "custom_code", None), "OperatorCode.custom_code (operator_codes[2]): a CUSTOM operator has no name"),
    (lambda m: setattr(m.metadata[0], "buffer", -1), "Metadata.buffer (metadata[0]): buffer -1 does not exist"),
    (lambda m: setattr(m.signature_defs[0], "subgraph_index", -1), "SignatureDef.subgraph_index (signature_defs[0]): subgraph -1 does not exist"),
    (lambda m: m.signature_defs[1].outputs.update(q=4), "SignatureDef.outputs[1] (signature_defs[1]): tensor 4 does not exist, there are 2"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "text"), BAD, ids=range(len(BAD)))
def test_refused(change: Any, text: str) -> None:
    model = rich_builder().finish()
    change(model)
    with pytest.raises(ModelError) as info:
        check_model(model)
    assert text in str(info.value)
    assert "; " in str(info.value)


GOOD = [
    tensor(0, shape=()),
    tensor(0, shape=(0, 4)),
    tensor(0, shape=(2**31 - 1, 2**20), quantization=None),
    tensor(1, shape=(3,), quantization=None),  # more data than needed: LiteRT ignores the rest
    tensor(0, quantization=Quantization(zero_point=np.int64([1]))),
    tensor(0, quantization=Quantization(details=BLOCKWISE(scales=6, zero_points=-1, block_size=2))),
    operator(0, inputs=(0, 1, -1), outputs=(3, -1)),
    call(1),
]


@pytest.mark.parametrize("change", GOOD, ids=range(len(GOOD)))
def test_allowed_and_written(change: Any) -> None:
    model = rich_builder().finish()
    change(model)
    assert read_model(write_model(model)) == model
