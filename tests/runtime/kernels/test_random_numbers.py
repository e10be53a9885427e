from __future__ import annotations

import numpy as np

from litefuse.runtime.interpreter import Interpreter
from tests.runtime.kernels.one_op import Arg, build, run


def test_without_a_seed_the_distribution_holds() -> None:
    shape = Arg(np.array([100, 100], np.int32), constant=True)
    uniform = build("RANDOM_UNIFORM", [shape], [Arg(shape=(1, 1))])
    normal = build("RANDOM_STANDARD_NORMAL", [shape], [Arg(shape=(1, 1))])
    first, second = (run(Interpreter(model_content=uniform), [])[0] for _ in range(2))
    assert (first != second).any()
    assert abs(first.mean() - 0.5) < 0.02
    assert first.min() >= 0
    assert first.max() < 1
    (bell,) = run(Interpreter(model_content=normal), [])
    assert abs(bell.mean()) < 0.06
    assert abs(bell.std() - 1) < 0.05
