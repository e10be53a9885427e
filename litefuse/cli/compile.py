"""``litefuse compile``: a model's partitions as artifact files, for this machine or another."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from litefuse.cli import common

SUFFIX = ".litefuse"


@click.command("compile")
@common.model_argument
@common.compiler_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The artifact file, or a folder for one file a partition (default: beside the model).",
)
@common.json_option
def command(model: Path, output: Path | None, as_json: bool, **compiler: Any) -> None:
    """Compile MODEL and write an artifact for each partition that litefuse claims.

    An artifact needs no compiler to run: compile here with --target, copy the file to the board.
    """
    from litefuse.runtime import artifact, build
    from litefuse.runtime.model import read_model

    options = common.options_of(compiler)
    parsed = read_model(model)
    plans = [build.plan(parsed, index, options) for index in range(len(parsed.subgraphs))]
    partitions = [partition for plan in plans for partition in plan.partitions]
    if not partitions:
        raise click.ClickException(
            f"litefuse claims no node of {model.name}: `litefuse explain {model}` says why"
        )
    paths = _paths(model, output, len(partitions))
    rows: list[dict[str, Any]] = []
    with common.progress() as bar:
        jobs = bar.track(list(zip(partitions, paths, strict=True)), description="compiling")
        for partition, path in jobs:
            begin = time.perf_counter()
            data = build.build_bytes(parsed, partition, options)
            seconds = time.perf_counter() - begin
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            info = artifact.parse(data).info
            rows.append(
                {
                    "file": path,
                    "subgraph": partition.subgraph,
                    "nodes": len(partition.nodes),
                    "kernels": len(info.steps),
                    "target": info.target.name,
                    "code_bytes": info.code.size,
                    "constant_bytes": info.constants.size,
                    "arena_bytes": info.arena_bytes,
                    "seconds": seconds,
                }
            )
    if as_json:
        common.print_json(rows)
        return
    total = sum(len(graph.operators) for graph in parsed.subgraphs)
    for row in rows:
        click.echo(
            f"{row['file']}: {row['nodes']} of {total} nodes in {row['kernels']} kernels for "
            f"{row['target']}; code {common.in_bytes(row['code_bytes'])}, constants "
            f"{common.in_bytes(row['constant_bytes'])}, arena {common.in_bytes(row['arena_bytes'])}"
            f"; {common.in_time(row['seconds'])}"
        )
    left = total - sum(row["nodes"] for row in rows)
    if left:
        click.echo(f"{left} nodes are left over: `litefuse explain {model}` says why")
    if options.dump_ir:
        click.echo(f"IR after every pass, LLVM text and assembly: {options.dump_ir}")


def _paths(model: Path, output: Path | None, count: int) -> list[Path]:
    if output is None:
        output = model.with_suffix(SUFFIX) if count == 1 else model.parent
    if count == 1 and not output.is_dir():
        return [output]
    if output.is_file() or (count > 1 and output.suffix == SUFFIX):
        raise click.BadParameter(
            f"{count} partitions need a folder, {output} is no folder", param_hint="--output"
        )
    return [output / f"{model.stem}.{number}{SUFFIX}" for number in range(count)]
