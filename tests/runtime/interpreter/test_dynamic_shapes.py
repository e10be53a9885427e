from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

from litefuse.runtime import interpreter as ours
from litefuse.runtime.model.build import ModelBuilder
from tests.runtime.interpreter.models import dynamic

X = np.array([-1, 2, -3, 4, -5, 6], np.float32)


def test_a_shape_that_only_the_run_knows() -> None:
    for module in (litert, ours):
        interpreter = module.Interpreter(
            model_content=dynamic(),
            experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF,
        )
        interpreter.allocate_tensors()
        for shape in ((2, 3), (3, 2), (1, 6)):
            interpreter.set_tensor(0, X)
            interpreter.set_tensor(1, np.array(shape, np.int32))
            interpreter.invoke()
            want = np.maximum(X, 0).reshape(shape).mean(1)
            np.testing.assert_allclose(interpreter.get_tensor(5), want, rtol=1e-6)
            assert tuple(interpreter.get_output_details()[0]["shape"]) == want.shape


def test_a_dynamic_tensor_has_no_value_before_the_run() -> None:
    interpreter = ours.Interpreter(model_content=dynamic())
    interpreter.allocate_tensors()
    with pytest.raises(ValueError, match="Tensor data is null"):
        interpreter.get_tensor(5)


def test_a_shape_that_does_not_fit_fails_the_run_and_names_the_node() -> None:
    interpreter = ours.Interpreter(model_content=dynamic())
    interpreter.allocate_tensors()
    interpreter.set_tensor(1, np.array([4, 4], np.int32))
    with pytest.raises(RuntimeError, match=r"RESHAPE.*(?s:.*)Node number 0 \(RESHAPE\)"):
        interpreter.invoke()


def flatten() -> bytes:
    """x reshaped to [SHAPE(x)[0], -1], the shape computed from SHAPE, STRIDED_SLICE and PACK."""
    b = ModelBuilder()
    x = b.add_tensor("x", (2, 3, 4), "float32", shape_signature=(-1, 3, 4))
    shape = b.add_tensor("s", (3,), "int32")
    first = b.add_tensor("f", (), "int32")
    ends = [b.add_tensor(f"e{v}", data=np.array([v], np.int32)) for v in (0, 1)]
    rest = b.add_tensor("r", data=np.array(-1, np.int32))
    packed = b.add_tensor("p", (2,), "int32")
    y = b.add_tensor("y", (2, 12), "float32", shape_signature=(-1, 12))
    b.add_op("SHAPE", [x], [shape], out_type="INT32")
    b.add_op("STRIDED_SLICE", [shape, ends[0], ends[1], ends[1]], [first], shrink_axis_mask=1)
    b.add_op("PACK", [first, rest], [packed], values_count=2, axis=0)
    b.add_op("RESHAPE", [x, packed], [y])
    return b.finish_bytes([x], [y])


def test_shapes_made_of_shapes_are_static() -> None:
    interpreter = ours.Interpreter(model_content=flatten())
    interpreter.allocate_tensors()
    assert interpreter.get_output_details()[0]["shape"].tolist() == [2, 12]
    interpreter.resize_tensor_input(0, [5, 3, 4])
    interpreter.allocate_tensors()
    assert interpreter.get_output_details()[0]["shape"].tolist() == [5, 12]
    x = np.arange(60, dtype=np.float32).reshape(5, 3, 4)
    interpreter.set_tensor(0, x)
    interpreter.invoke()
    np.testing.assert_array_equal(
        interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), x.reshape(5, 12)
    )
