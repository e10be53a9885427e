"""What the compiler decided about a subgraph's nodes, in a form that is cached as small JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

# Operators with effects that no tensor shows: they stay in their order among themselves, as LiteRT
# keeps them; all others go by data alone.
ORDERED_OPS = frozenset(
    {
        "IF",
        "WHILE",
        "CALL_ONCE",
        "VAR_HANDLE",
        "READ_VARIABLE",
        "ASSIGN_VARIABLE",
        "HASHTABLE",
        "HASHTABLE_FIND",
        "HASHTABLE_IMPORT",
        "HASHTABLE_SIZE",
    }
)

STRANDED_RULE = "all that reads a constant's DEQUANTIZE must be claimed"
STRANDED_REMEDY = "this node costs nothing where it is; other delegates want such weights constant"


def stranded(
    nodes: Iterable[tuple[int, str, Sequence[int], Sequence[int]]],
    is_constant: Callable[[int], bool],
    claimed: Collection[int],
) -> dict[int, int]:
    """Claimed nodes that must stay with the interpreter, each with the reader that keeps it there.

    `nodes` are (id, operator, inputs, outputs). Weights that a DEQUANTIZE makes of a constant are
    constant to whoever looks through it, as XNNPACK does. Claimed, it becomes the output of a
    kernel like any other, which a delegate behind ours refuses or, at worst, reads before it is
    there. A partition that reads such weights computes them for itself wherever the node is.
    """
    free: dict[int, int] = {}
    candidates: list[tuple[int, int]] = []
    for index, op, inputs, outputs in nodes:
        if index not in claimed:
            free.update(dict.fromkeys(inputs, index))
        elif op == "DEQUANTIZE" and is_constant(inputs[0]):
            candidates.append((index, outputs[0]))
    return {index: free[output] for index, output in candidates if output in free}


@dataclass(frozen=True)
class Partition:
    """Nodes of one subgraph to compile together.

    `inputs` and `outputs` are model tensor indices without constants; `shapes` has the shape of
    every tensor the nodes touch, by model tensor index.
    """

    subgraph: int
    nodes: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, in a fixed order."""
        return {
            "subgraph": self.subgraph,
            "nodes": list(self.nodes),
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "shapes": {str(index): list(self.shapes[index]) for index in sorted(self.shapes)},
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Partition:
        """The inverse of `as_dict`; ValueError if the data is not of that form."""
        try:
            return cls(
                subgraph=int(data["subgraph"]),
                nodes=tuple(map(int, data["nodes"])),
                inputs=tuple(map(int, data["inputs"])),
                outputs=tuple(map(int, data["outputs"])),
                shapes={int(i): tuple(map(int, s)) for i, s in data["shapes"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"not a partition: {error!r}") from error


@dataclass(frozen=True)
class Reason:
    """Why a node is not claimed: the rule, the offending value, and a remedy."""

    node: int
    op: str
    rule: str
    value: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.op} #{self.node}: {self.rule}: {self.value}; {self.remedy}"


@dataclass(frozen=True)
class Plan:
    """Which nodes of a subgraph litefuse claims, and for every other node why not.

    `partitions` groups the claimed nodes as our own interpreter compiles them; LiteRT makes its
    own grouping from `claimed`. `notes` are remarks for a person, such as a choice made by cost.
    """

    subgraph: int
    claimed: tuple[int, ...]
    reasons: dict[int, Reason] = field(default_factory=dict)
    partitions: tuple[Partition, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Text that `from_json` takes back."""
        data = {
            "subgraph": self.subgraph,
            "claimed": list(self.claimed),
            "reasons": [
                [r.node, r.op, r.rule, r.value, r.remedy] for _, r in sorted(self.reasons.items())
            ],
            "partitions": [partition.as_dict() for partition in self.partitions],
            "notes": list(self.notes),
        }
        return json.dumps(data, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Plan:
        """The plan in `text`; ValueError if it is not one."""
        data = json.loads(text)
        try:
            reasons = [
                Reason(int(n), str(op), str(rule), str(value), str(remedy))
                for n, op, rule, value, remedy in data["reasons"]
            ]
            return cls(
                subgraph=int(data["subgraph"]),
                claimed=tuple(map(int, data["claimed"])),
                reasons={reason.node: reason for reason in reasons},
                partitions=tuple(Partition.from_dict(item) for item in data["partitions"]),
                notes=tuple(map(str, data["notes"])),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"not a plan: {error!r}") from error


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """What became of one node: claimed into which partition, or refused by which rule and why."""

    subgraph: int
    node: int
    op: str
    claimed: bool
    rule: str = ""
    value: str = ""
    remedy: str = ""
    partition: int | None = None
