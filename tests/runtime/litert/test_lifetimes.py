"""Interpreters and delegates destroyed in every order, at exit too: each case in its own process."""

from __future__ import annotations

import pytest

from tests.elsewhere import python

SETUP = """
import gc, sys, atexit
import numpy as np
from tests.runtime.litert.models import make_interpreter, make_model, feed
from litefuse import SimpleDelegate
from litefuse.runtime.litert import kernel

class Plain(SimpleDelegate):
    def is_node_supported(self, node, graph): return node.name == "ADD"
    def eval(self, partition, inputs, outputs):
        for i, out in outputs.items():
            out[...] = sum(inputs[j] for n in partition.nodes for j in n.inputs)

model = make_model([(4,), (4,)], [("ADD", [0, 0], [1])], [0], [1])
delegate = Plain()
interpreter = make_interpreter(model, [delegate])
first = feed(interpreter)
assert (first[0] == 2 * interpreter.get_tensor(0)).all()
"""

CASES = {
    "both live until exit": "",
    "delegate first": "del delegate; gc.collect(); interpreter.invoke(); del interpreter",
    "interpreter first": "del interpreter; gc.collect(); assert not kernel.KERNELS; del delegate",
    "host keeps no reference": (
        "interpreter._delegates = []; del delegate; gc.collect(); interpreter.invoke();"
        "del interpreter; gc.collect(); assert not kernel.KERNELS and not len(kernel.DELEGATES)"
    ),
    "in a cycle": "delegate.interpreter = interpreter; del delegate, interpreter; gc.collect()",
    "interpreter kept by a module": "sys.modules['keeper'] = interpreter",
    "used by an exit function": "atexit.register(interpreter.invoke)",
    "exit inside eval": (
        "def leave(*_): sys.exit(3)\n"
        "delegate.eval = leave\n"
        "try: interpreter.invoke()\n"
        "except RuntimeError as error: assert 'SystemExit' in str(error), error"
    ),
    "many come and go": (
        "for _ in range(200):\n"
        "    other = make_interpreter(model, [delegate]); other.allocate_tensors(); other.invoke()\n"
        "del other; assert len(kernel.KERNELS) == 1, len(kernel.KERNELS)"
    ),
    "resized, then deleted": (
        "interpreter.resize_tensor_input(0, [9]); feed(interpreter); del delegate;"
        "interpreter.resize_tensor_input(0, [3]); feed(interpreter); del interpreter"
    ),
    "a failed constructor": (
        "delegate.prepare = None\n"
        "try: make_interpreter(model, [delegate])\n"
        "except RuntimeError as error: assert 'not callable' in str(error)\n"
        "interpreter.invoke()"
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_crashes_or_leaks(case: str) -> None:
    done = python(SETUP + CASES[case] + "\nprint('reached the end')")
    assert done.returncode == 0, done.stderr
    assert "reached the end" in done.stdout
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr
