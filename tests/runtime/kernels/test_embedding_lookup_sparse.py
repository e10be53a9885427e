"""What LiteRT does not refuse, but writes past its output for; the conformance row has the rest."""

from __future__ import annotations

import numpy as np
import pytest

from litefuse.runtime.interpreter import Interpreter
from tests.runtime.kernels.one_op import Arg, build, run


def test_an_index_outside_the_dense_shape_is_refused() -> None:
    feeds = [
        np.array([0], np.int32),
        np.array([[1, 0]], np.int32),
        np.array([1, 1], np.int32),
        np.ones(1, np.float32),
        np.ones((1, 1), np.float32),
    ]
    content = build("EMBEDDING_LOOKUP_SPARSE", [Arg(a) for a in feeds], [Arg(shape=(1, 1))])
    with pytest.raises(RuntimeError, match=r"an index is outside \(1,\)"):
        run(Interpreter(model_content=content), feeds)
