from __future__ import annotations

import numpy as np
import pytest

from litefuse.runtime.kernels import KERNELS, KernelError, NodeContext, TensorValue, run_node
from litefuse.runtime.model import Operator, Tensor, read_model
from tests.runtime.kernels.one_op import Interpreter, OpResolverType


def test_a_network_with_sparse_weights(corpus) -> None:  # type: ignore[no-untyped-def]
    path = corpus / "networks" / "mp-face-detection-full-range-sparse.tflite"
    if not path.is_file():
        pytest.skip("the corpus has no sparse network")
    model = read_model(str(path))
    interpreter = Interpreter(
        str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    interpreter.invoke()
    found = [op for op in model.subgraphs[0].operators if op.name == "DENSIFY"]
    assert found
    for op in found:
        want = model.tensor_data(model.subgraphs[0].tensors[op.inputs[0]])
        assert want is not None
        got = interpreter.get_tensor(op.outputs[0])
        np.testing.assert_array_equal(got, want)
        assert (got == 0).mean() > 0.3  # it really was sparse


def test_only_constants_can_be_sparse() -> None:
    x, y = TensorValue(Tensor("x", (2,)), (2,)), TensorValue(Tensor("y", (2,)), (2,))
    with pytest.raises(KernelError, match="must be a constant"):
        run_node(KERNELS["DENSIFY"], NodeContext(Operator(), [x], [y]))
