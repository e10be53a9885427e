"""A network that LiteRT shows only the ends of, taken apart: each node a model of its own.

XNNPACK runs some custom ops that LiteRT has no kernel for, and then shows no tensor in between; and
the reference kernels end the process on some nodes. So each node runs alone in LiteRT, in the
reference's kernels or where those do not run it in the others, on the tensors that our own run gave;
what ours wrote must be within the kernel's bound of that. Where the reference ended the process (an
int8 SOFTMAX of many equal scores), XNNPACK and LiteRT's other kernels round in ways of their own,
and integers may be one step apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from litefuse.runtime.interpreter import Interpreter
from litefuse.runtime.interpreter.subgraph import Node, SubgraphState
from litefuse.runtime.kernels.tolerance import allowed_differences, part_of_bound
from litefuse.runtime.model import Model, write_model
from litefuse.runtime.model.checks import SUBGRAPH_FIELDS
from tests.networks.job import Answer, Job
from tests.networks.process import Child
from tests.networks.sweep import OPTIMIZED, answers
from tests.networks.walk import Array, Compared


def one_node(model: Model, index: int) -> tuple[bytes, list[int]]:
    """A model of one node of the main subgraph, and the tensors that it is fed with.

    What makes an input of constants alone (float16 weights widened) comes along: XNNPACK takes
    weights only as constants, and sees through such a node.
    """
    graph = model.subgraphs[0]
    makers = {t: op for op in graph.operators for t in op.outputs}

    def constant(t: int) -> bool:
        if t < 0 or model.raw_data(graph.tensors[t]) is not None:
            return True
        return t in makers and all(constant(i) for i in makers[t].inputs)

    op = graph.operators[index]
    with_makers = [op]
    for one in with_makers:
        for t in one.inputs:
            if t in makers and constant(t) and makers[t] not in with_makers:
                with_makers.append(makers[t])
    fed = list(dict.fromkeys(t for t in op.inputs if not constant(t)))
    alone = replace(
        graph, operators=with_makers[::-1], inputs=tuple(fed), outputs=tuple(op.outputs)
    )
    graphs = [alone]
    if SUBGRAPH_FIELDS.get(getattr(op.options, "TABLE", "")):
        graphs += model.subgraphs[1:]
    return write_model(
        _with_its_own_codes(replace(model, subgraphs=graphs, signature_defs=[]))
    ), fed


def _with_its_own_codes(model: Model) -> Model:
    """The model without the operator codes that it does not use: one that LiteRT's reference lacks
    would keep the rest from it.
    """
    used = sorted({op.opcode_index for graph in model.subgraphs for op in graph.operators})
    graphs = [
        replace(
            graph,
            operators=[
                replace(op, opcode_index=used.index(op.opcode_index)) for op in graph.operators
            ],
        )
        for graph in model.subgraphs
    ]
    codes = [model.operator_codes[i] for i in used]
    return replace(model, subgraphs=graphs, operator_codes=codes)


def compare_nodes(child: Child, ours: Sequence[Interpreter]) -> Compared:
    """Every node of runs of ours that kept all tensors, beside LiteRT's."""
    found = Compared()
    states = [one.subgraph(0) for one in ours]
    for node in states[0].nodes:
        found.nodes += 1
        content, fed = one_node(ours[0].model, node.index)
        cases = [(str(k), [state.data(t) for t in fed]) for k, state in enumerate(states)]
        answer, died = _in_litert(child, content, cases)
        where = f"node {node.index} {node.op.name}"
        if answer.stage != "done":
            found.beyond.append(f"{where}: LiteRT {answer.stage}: {answer.error}")
            continue
        for state, outputs in zip(states, answer.outputs, strict=True):
            _compare(found, state, state.nodes[node.index], outputs, where, int(died))
    return found


def _in_litert(
    child: Child, content: bytes, cases: list[tuple[str, list[Array]]]
) -> tuple[Answer, bool]:
    """The answer, and whether the reference kernels ended the process before."""
    answer = child.run(Job(content, "litert", "BUILTIN_REF", cases=cases))
    died = answer.stage == "died"
    for resolver in (OPTIMIZED, "AUTO"):
        if not answers(answer):
            other = child.run(Job(content, "litert", resolver, cases=cases))
            answer = other if answer.stage != "done" or answers(other) else answer
    return answer, died


def _compare(
    found: Compared,
    state: SubgraphState,
    node: Node,
    outputs: Sequence[Array],
    where: str,
    steps: int,
) -> None:
    """`steps` is how far integers may be apart."""
    assert node.kernel is not None
    bounds = allowed_differences(node.kernel, node.context, outputs)
    for t, want, bound in zip(node.op.outputs, outputs, bounds, strict=True):
        found.floats += want.dtype.kind in "fc"
        got = state.data(t)
        if steps and bound is None and want.dtype.kind in "iu" and got.shape == want.shape:
            apart = np.abs(got.astype(np.int64) - want)
            found.add(float(apart.max(initial=0)) / steps, where)
        else:
            found.add(part_of_bound(got, want, bound), where)
