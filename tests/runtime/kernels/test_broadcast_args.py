from __future__ import annotations

import numpy as np
import pytest

from litefuse.runtime.interpreter import Interpreter
from tests.runtime.kernels.one_op import Arg, build, run


def test_broadcast_args_that_do_not_fit() -> None:
    # LiteRT aborts the process here, so that only our refusal can be tested.
    pair = [Arg(np.array([2, 3], np.int32)), Arg(np.array([4], np.int32))]
    content = build("BROADCAST_ARGS", pair, [Arg(shape=(1,), dtype="int32")])
    with pytest.raises(RuntimeError, match="do not broadcast"):
        run(Interpreter(model_content=content), [pair[0].data, pair[1].data])
