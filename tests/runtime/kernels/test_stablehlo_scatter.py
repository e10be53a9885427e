from __future__ import annotations

import numpy as np

from litefuse.runtime.interpreter import Interpreter
from litefuse.runtime.model.build import ModelBuilder


def _scatter(indices: np.ndarray, vector: int) -> list[float]:
    b = ModelBuilder()
    x = b.add_tensor("x", (6,))
    i = b.add_tensor("i", indices.shape, "int32")
    u = b.add_tensor("u", indices.shape[:1])
    y = b.add_tensor("y", (6,))
    b.add_op(
        "STABLEHLO_SCATTER",
        [x, i, u],
        [y],
        update_window_dims=[],
        inserted_window_dims=[0],
        scatter_dims_to_operand_dims=[0],
        index_vector_dim=vector,
        update_computation_subgraph_index=1,
    )
    b.set_io([x, i, u], [y])
    b.add_subgraph("region")
    pair = [b.add_tensor(name, ()) for name in "ab"]
    b.set_io(pair, pair[1:])
    interpreter = Interpreter(model_content=b.finish_bytes())
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, np.zeros(6, np.float32))
    interpreter.set_tensor(1, indices)
    interpreter.set_tensor(2, np.array(5, np.float32) if not indices.ndim else np.float32([5, 7]))
    interpreter.invoke()
    return list(interpreter.get_tensor(3).tolist())


def test_indices_that_are_numbers() -> None:
    """Not against LiteRT, which reads past the indices' shape: it answers, or crashes, by chance."""
    plain = np.array([4, 1], np.int32)
    assert _scatter(plain, 1) == _scatter(plain[:, None], 1) == [0, 7, 0, 0, 5, 0]
    assert _scatter(np.array(3, np.int32), 0) == [0, 0, 0, 5, 0, 0]
