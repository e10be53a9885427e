"""How far an answer is from the reference's, and how far it may be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from litefuse.cli.compare import Difference, difference
from litefuse.runtime.model import Model, read_model
from litefuse.runtime.model.objects import Operator, SubGraph
from tests.networks.job import Answer

# Operators that take weights, which LiteRT runs on activations quantised at each run (hybrid) when
# the weights are 8-bit or smaller and the activations are float.
_WEIGHTED = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "BATCH_MATMUL": 1}
_SMALL = {"INT8", "UINT8", "INT4", "INT2"}


@dataclass(frozen=True)
class Tolerance:
    """The largest difference: of floats over the range of the output, of integers in steps."""

    floats: float
    integers: float

    def allows(self, kind: str, found: Difference) -> bool:
        """Whether an output of a NumPy kind may differ so."""
        return found.relative <= self.floats if kind in "fc" else found.max <= self.integers


# (case, output, kind of its type, difference) for every output of every case.
Found = list[tuple[str, int, str, Difference]]


def differences(got: Answer, want: Answer) -> Found:
    """Every output of every case compared; both must have run."""
    assert len(got.outputs) == len(want.outputs) == len(want.cases)
    return [
        (name, i, theirs.dtype.kind, difference(ours, theirs))
        for (name, _), mine, reference in zip(want.cases, got.outputs, want.outputs, strict=True)
        for i, (ours, theirs) in enumerate(zip(mine, reference, strict=True))
    ]


def tolerance_of(path: Path, exact: bool) -> Tolerance:
    """How far a model may be from the reference, or (not ``exact``) from the optimized kernels.

    A float model within 1e-5, an integer model not at all. A model that rounds floats to integers
    on its way turns a last bit of a float into a whole step where it meets a tie, and what comes
    after carries it on: such a model may be a step, and 2 % of a float's range, away.
    """
    rounds = _rounds_floats(read_model(path))
    if not exact:
        return Tolerance(2e-2 if rounds else 1e-4, 2 if rounds else 1)
    return Tolerance(2e-2, 1) if rounds else Tolerance(1e-5, 0)


def _rounds_floats(model: Model) -> bool:
    return any(_rounds(graph, op) for graph in model.subgraphs for op in graph.operators)


def _rounds(graph: SubGraph, op: Operator) -> bool:
    def kind(index: int) -> str:
        return graph.tensors[index].type.name

    if op.name == "QUANTIZE":
        # The graph's own inputs are the same to the bit on both sides.
        return kind(op.inputs[0]) == "FLOAT32" and op.inputs[0] not in graph.inputs
    weight = _WEIGHTED.get(op.name)
    return (
        weight is not None and kind(op.inputs[0]) == "FLOAT32" and kind(op.inputs[weight]) in _SMALL
    )
