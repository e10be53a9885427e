from __future__ import annotations

import numpy as np

from litefuse.runtime.interpreter import Interpreter
from litefuse.runtime.model.build import ModelBuilder


def _gather(indices: np.ndarray, vector: int) -> np.ndarray:
    b = ModelBuilder()
    x = b.add_tensor("x", (4, 3))
    i = b.add_tensor("i", indices.shape, "int32")
    batch = [d for k, d in enumerate(indices.shape) if k != vector]
    y = b.add_tensor("y", (*batch, 3))
    b.add_op(
        "STABLEHLO_GATHER",
        [x, i],
        [y],
        offset_dims=[len(batch)],
        collapsed_slice_dims=[0],
        start_index_map=[0],
        index_vector_dim=vector,
        slice_sizes=[1, 3],
    )
    interpreter = Interpreter(model_content=b.finish_bytes([x, i], [y]))
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, np.arange(12, dtype=np.float32).reshape(4, 3))
    interpreter.set_tensor(1, indices)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(2))


def test_indices_that_are_numbers() -> None:
    """Not against LiteRT, which reads past the indices' shape: it answers, or crashes, by chance."""
    plain = np.array([[1, 3], [0, 2]], np.int32)
    np.testing.assert_array_equal(_gather(plain, 2), _gather(plain[..., None], 2))
    assert _gather(np.array(2, np.int32), 0).tolist() == [6, 7, 8]
