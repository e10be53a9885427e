"""``litefuse explain``: for every node whether litefuse claims it, and if not, what to change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from litefuse.cli import common

if TYPE_CHECKING:
    from litefuse.runtime.model import Model
    from litefuse.runtime.plan import Plan


@click.command("explain")
@common.model_argument
@common.compiler_options
@click.option("--refused", is_flag=True, help="Only the nodes that are not claimed.")
@common.json_option
def command(model: Path, refused: bool, as_json: bool, **compiler: Any) -> None:
    """Say for every node of MODEL whether litefuse claims it; if not: rule, value and remedy."""
    from litefuse.runtime import build
    from litefuse.runtime.model import read_model

    options = common.options_of(compiler)
    parsed = read_model(model)
    plans = [build.plan(parsed, index, options) for index in range(len(parsed.subgraphs))]
    if as_json:
        common.print_json([_plain(parsed, plan) for plan in plans])
        return
    for plan in plans:
        nodes = len(parsed.subgraphs[plan.subgraph].operators)
        full = nodes > 0 and len(plan.claimed) == nodes
        click.echo(
            f"subgraph {plan.subgraph}: {len(plan.claimed)} of {nodes} nodes claimed, "
            f"{len(plan.partitions)} partition{'s' if len(plan.partitions) != 1 else ''}, "
            f"fully delegated: {'yes' if full else 'no'}"
        )
        for note in plan.notes:
            click.echo(f"  note: {note}")
        if not (full and refused):
            common.console().print(_table(parsed, plan, refused))


def _partitions(plan: Plan) -> dict[int, int]:
    return {node: number for number, part in enumerate(plan.partitions) for node in part.nodes}


def _plain(model: Model, plan: Plan) -> dict[str, Any]:
    where = _partitions(plan)
    operators = model.subgraphs[plan.subgraph].operators
    nodes = []
    for index, operator in enumerate(operators):
        reason = plan.reasons.get(index)
        nodes.append(
            {
                "node": index,
                "op": operator.name,
                "claimed": index in plan.claimed,
                "partition": where.get(index),
                "rule": reason.rule if reason else None,
                "value": reason.value if reason else None,
                "remedy": reason.remedy if reason else None,
            }
        )
    return {
        "subgraph": plan.subgraph,
        "claimed": len(plan.claimed),
        "nodes": nodes,
        "partitions": len(plan.partitions),
        "fully_delegated": bool(operators) and len(plan.claimed) == len(operators),
        "notes": list(plan.notes),
    }


def _table(model: Model, plan: Plan, refused: bool) -> Any:
    from rich.table import Table

    where = _partitions(plan)
    claimed = set(plan.claimed)
    table = Table("node", "operator", "output", "claimed", "rule", "value", "remedy", box=None)
    graph = model.subgraphs[plan.subgraph]
    for index, operator in enumerate(graph.operators):
        if refused and index in claimed:
            continue
        reason = plan.reasons.get(index)
        names = [graph.tensors[tensor].name for tensor in operator.outputs if tensor >= 0]
        verdict = f"partition {where[index]}" if index in where else "yes"
        table.add_row(
            f"#{index}",
            operator.name,
            ", ".join(names)[-48:],
            verdict if index in claimed else "[red]no[/]",
            *((reason.rule, reason.value, reason.remedy) if reason else ("", "", "")),
        )
    return table
