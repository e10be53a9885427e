"""``litefuse diff``: how far litefuse is from LiteRT's reference kernels, and where it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from litefuse.cli import STATUS_DIFFERENT, common, compare, contenders, inputs, isolated

if TYPE_CHECKING:
    from litefuse.runtime.model import Model
    from litefuse.runtime.options import Options


@dataclass
class Row:
    """One tensor over all cases: its worst difference and the case it was seen in."""

    tensor: int
    name: str
    dtype: str
    node: int | None
    op: str | None
    worst: compare.Difference | None = None
    case: str = ""
    passed: bool = True


@click.command("diff")
@common.model_argument
@common.compiler_options
@click.option(
    "--in",
    "where",
    type=click.Choice(["litert", "own"]),
    default="litert",
    show_default=True,
    help="Run litefuse as a delegate inside LiteRT, or in its own interpreter.",
)
@click.option(
    "--against",
    type=click.Choice(["reference", "builtin", "xnnpack", "plain"]),
    default="reference",
    show_default=True,
    help="What to compare with: LiteRT's reference kernels, its usual ones, XNNPACK, or ours.",
)
@click.option("--runs", default=5, show_default=True, help="Random inputs to try.")
@click.option("--limits", is_flag=True, help="Also inputs at the limits of their types.")
@click.option(
    "--layers",
    is_flag=True,
    help="Also compare what every node writes. Each then has to be stored, so fusions across "
    "nodes do not happen: this finds the node that is wrong, not the fusion.",
)
@click.option(
    "--tolerance",
    default=1e-5,
    show_default=True,
    help="For floats: the largest difference over the range of the tensor's values.",
)
@click.option("--int-tolerance", default=0.0, show_default=True, help="For integers, in steps.")
@common.seed_option
@common.json_option
def command(
    model: Path,
    where: str,
    against: str,
    runs: int,
    limits: bool,
    layers: bool,
    tolerance: float,
    int_tolerance: float,
    seed: int,
    as_json: bool,
    **compiler: Any,
) -> int:
    """Compare MODEL in litefuse with LiteRT's reference kernels (BUILTIN_REF), or with others.

    Exit status 1 if an output, or a layer where layers are compared, is beyond the tolerance.
    """
    if runs < 0 or (runs == 0 and not limits):
        raise click.BadParameter("--runs must be at least 1 unless --limits is given")
    from litefuse.runtime.model import read_model

    parsed = read_model(model)
    options = common.options_of(compiler)
    test = "litefuse" if where == "litert" else "own"
    sought = (tolerance, int_tolerance)
    outputs = _rows(parsed, parsed.subgraphs[0].outputs)
    claimed = _compare(model, test, against, options, outputs, (seed, runs, limits), sought)
    stored: list[Row] = []
    if layers:
        exposed, tensors = expose_layers(model)
        stored = _rows(parsed, tensors)
        _compare(exposed, test, against, options, stored, (seed, runs, limits), sought)
    first = next((row for row in stored if not row.passed), None)
    passed = all(row.passed for row in [*outputs, *stored])
    if as_json:
        document = {
            "model": model.stem,
            "test": contenders.CONTENDERS[test],
            "against": contenders.CONTENDERS[against],
            "claimed": claimed,
            "seed": seed,
            "runs": runs,
            "outputs": [asdict(row) for row in outputs],
            "layers": [asdict(row) for row in stored],
            "first_diverging_node": first.node if first else None,
            "passed": passed,
        }
        common.print_json(document)
    else:
        click.echo(f"{model.name}: {claimed}")
        _print("outputs", outputs)
        if layers:
            _print("layers", stored)
        if first:
            click.echo(f"first diverging node: #{first.node} {first.op}, output {first.name!r}")
        cases = runs + (len(inputs.LIMITS) if limits else 0)
        verdict = "equal within" if passed else "DIFFERENT beyond"
        click.echo(
            f"{verdict} {tolerance:g} of the range (floats), {int_tolerance:g} steps (integers): "
            f"{cases} inputs, seeds from {seed}, {contenders.CONTENDERS[test]} against "
            f"{contenders.CONTENDERS[against]}"
        )
    return 0 if passed else STATUS_DIFFERENT


def expose_layers(model: Path) -> tuple[bytes, tuple[int, ...]]:
    """The model with everything that a node writes as an output, and those tensors in order.

    Variables, resources and text are left out: they are state, or nothing that has a distance.
    """
    from litefuse.runtime.model import read_model
    from litefuse.runtime.model.writer import write_model

    changed = read_model(model)
    graph = changed.subgraphs[0]
    graph.outputs = tuple(
        tensor
        for operator in graph.operators
        for tensor in operator.outputs
        if tensor >= 0
        and not graph.tensors[tensor].is_variable
        and graph.tensors[tensor].type.name not in ("RESOURCE", "VARIANT", "STRING")
    )
    # A signature names outputs by tensor; the new outputs have no names in it.
    changed.signature_defs = []
    return write_model(changed), graph.outputs


def _rows(model: Model, tensors: Sequence[int]) -> list[Row]:
    graph = model.subgraphs[0]
    makers: dict[int, tuple[int, str]] = {
        tensor: (index, operator.name)
        for index, operator in enumerate(graph.operators)
        for tensor in operator.outputs
    }
    rows = []
    for tensor in tensors:
        node, op = makers.get(tensor, (None, None))
        found = graph.tensors[tensor]
        rows.append(Row(tensor, found.name or "", found.type.name, node, op))
    return rows


def _compare(
    model: Path | bytes,
    test: str,
    against: str,
    options: Options,
    rows: Sequence[Row],
    wanted: tuple[int, int, bool],
    tolerances: tuple[float, float],
) -> str:
    """Fill the rows in; say how many nodes litefuse ran."""
    # Nodes left over run on the reference's own kernels, so that what differs is litefuse's doing.
    contender = contenders.make(test, model, options, rest_as="reference")
    contender.allocate()
    if not any(record.claimed for record in contender.delegate.explain()):
        raise click.ClickException(
            "litefuse runs no node of this model here, so there is nothing to compare: "
            "`litefuse explain` and the warnings above say why"
        )
    cases = list(inputs.cases(contender.input_details, *wanted))
    references = isolated.outputs(
        against, model, options.threads(), [arrays for _, arrays in cases]
    )
    with common.progress() as bar:
        pairs = list(zip(cases, references, strict=True))
        for (case, arrays), want in bar.track(pairs, description="comparing"):
            got = contender.run(arrays)
            for row, one, other in zip(rows, got, want, strict=True):
                _judge(row, case, one, other, tolerances)
    return contender.claimed()


def _judge(
    row: Row, case: str, got: NDArray[Any], want: NDArray[Any], tolerances: tuple[float, float]
) -> None:
    found = compare.difference(got, want)
    row.passed = row.passed and found.within(np.dtype(want.dtype), *tolerances)
    kept = compare.worse(row.worst, found)
    if kept is not row.worst:
        row.worst, row.case = kept, case


def _print(title: str, rows: Sequence[Row]) -> None:
    from rich.table import Table

    columns = ("node", "op", "tensor", "type", "max", "mean", "of range", "unequal", "argmax")
    table = Table(*columns, "worst case", "", title=title, title_justify="left")
    for row in rows:
        if row.worst is None:
            continue
        table.add_row(
            "" if row.node is None else f"#{row.node}",
            row.op or "",
            f"{row.tensor} {row.name[-40:]}",
            row.dtype,
            f"{row.worst.max:.3g}",
            f"{row.worst.mean:.3g}",
            f"{row.worst.relative:.2g}",
            f"{row.worst.unequal}/{row.worst.elements}",
            f"{100 * row.worst.argmax_agree:.0f} %",
            f"{row.case} at {list(row.worst.worst)}",
            "ok" if row.passed else "[red]DIFFERENT[/]",
        )
    common.console().print(table)
