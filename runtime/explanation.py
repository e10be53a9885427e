"""What became of every node of a model: claimed or not, and if not the rule, value and remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from litefuse.runtime.plan import NodeRecord


class Explanation(Sequence[NodeRecord]):
    """The nodes' records in order; `print` shows them as lines, rich as a table.

    `notes` are the planner's remarks; `kernels` the names of the fused kernels that compute a
    claimed node, by (subgraph, node).
    """

    def __init__(
        self,
        nodes: Sequence[NodeRecord],
        notes: Sequence[str] = (),
        kernels: Mapping[tuple[int, int], tuple[str, ...]] | None = None,
    ) -> None:
        self.nodes = tuple(nodes)
        self.notes = tuple(notes)
        self.kernels = dict(kernels or {})

    @property
    def claimed(self) -> tuple[NodeRecord, ...]:
        """The nodes that run as machine code."""
        return tuple(node for node in self.nodes if node.claimed)

    @property
    def refused(self) -> tuple[NodeRecord, ...]:
        """The nodes that run on the NumPy kernels, each with its reason."""
        return tuple(node for node in self.nodes if not node.claimed)

    @property
    def is_fully_delegated(self) -> bool:
        """Whether every node is claimed."""
        return bool(self.nodes) and not self.refused

    @property
    def partitions(self) -> int:
        """How many partitions the claimed nodes form."""
        return len({(node.subgraph, node.partition) for node in self.claimed})

    def records(self) -> list[dict[str, Any]]:
        """The same as plain data for JSON: NodeRecord's fields and "kernels" for each node."""
        return [{**asdict(node), "kernels": list(self._kernels(node))} for node in self.nodes]

    def summary(self) -> str:
        """One line: how many nodes are claimed, in how many partitions."""
        plural = "" if self.partitions == 1 else "s"
        return (
            f"{len(self.claimed)} of {len(self.nodes)} nodes claimed, {self.partitions} "
            f"partition{plural}, fully delegated: {'yes' if self.is_fully_delegated else 'no'}"
        )

    def _kernels(self, node: NodeRecord) -> tuple[str, ...]:
        found = self.kernels.get((node.subgraph, node.node), ())
        return found if found or not self.kernels else ("no kernel of its own",)

    def __getitem__(self, index: Any) -> Any:
        return self.nodes[index]

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[NodeRecord]:
        return iter(self.nodes)

    def __str__(self) -> str:
        lines = [self.summary(), *(f"note: {note}" for note in self.notes)]
        several = len({node.subgraph for node in self.nodes}) > 1
        for node in self.nodes:
            name = f"subgraph {node.subgraph} " if several else ""
            name += f"#{node.node} {node.op}"
            if node.claimed:
                lines.append(
                    f"{name}: partition {node.partition}: {', '.join(self._kernels(node))}"
                )
            else:
                lines.append(f"{name}: not claimed: {node.rule}: {node.value}; {node.remedy}")
        return "\n".join(lines)

    def __rich__(self) -> Any:
        from rich.table import Table

        table = Table(
            "node", "operator", "claimed", "kernels or rule", "value", "remedy",
            title=self.summary(), caption="\n".join(self.notes) or None, box=None,
        )  # fmt: skip
        for node in self.nodes:
            where = f"{node.subgraph}:" if node.subgraph else ""
            if node.claimed:
                told = ("\n".join(self._kernels(node)), "", "")
            else:
                told = (node.rule, node.value, node.remedy)
            verdict = f"partition {node.partition}" if node.claimed else "[red]no[/]"
            table.add_row(f"{where}#{node.node}", node.op, verdict, *told)
        return table
