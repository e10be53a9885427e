"""A delegate of one's own: ADD in Numba, without the GIL. Run it on any model that has ADDs:

python examples/numba_delegate.py model.tflite
"""

import sys

import numba
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from litefuse import SimpleDelegate

LOWEST = {0: -np.inf, 1: 0.0, 3: 0.0}  # fused activation: none, RELU, RELU6
HIGHEST = {0: np.inf, 1: np.inf, 3: 6.0}


@numba.njit(nogil=True, fastmath=False)
def add(a, b, low, high, out):
    for i in range(out.size):
        out.flat[i] = min(max(a.flat[i] + b.flat[i], low), high)


class AddDelegate(SimpleDelegate):
    name = "NumbaAdd"

    def is_node_supported(self, node, graph):
        if node.name != "ADD" or node.attributes["fused_activation_function"] not in LOWEST:
            return False
        a, b = node.input_tensors
        return a.type_name == "FLOAT32" and a.shape == b.shape

    def eval(self, partition, inputs, outputs):
        values = {**inputs, **outputs}
        for node in partition.nodes:
            (out,) = node.outputs
            values.setdefault(out, np.empty(partition.tensor(out).shape, np.float32))
            act = node.attributes["fused_activation_function"]
            add(*(values[i] for i in node.inputs), LOWEST[act], HIGHEST[act], values[out])


def run(model, delegates):
    options = {"experimental_op_resolver_type": OpResolverType.BUILTIN_REF}
    interpreter = Interpreter(model, experimental_delegates=delegates, **options)
    interpreter.allocate_tensors()
    for seed, detail in enumerate(interpreter.get_input_details()):
        values = np.random.default_rng(seed).random(detail["shape"])
        interpreter.set_tensor(detail["index"], values.astype(detail["dtype"]))
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


if __name__ == "__main__":
    delegate = AddDelegate()
    ours, theirs = run(sys.argv[1], [delegate]), run(sys.argv[1], None)
    claimed = sum(record.claimed for record in delegate.explain())
    same = all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
    print(f"{claimed} ADD nodes in Numba; outputs {'agree exactly' if same else 'differ'}")
