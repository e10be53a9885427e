"""``litefuse opt``: IR text in, passes, IR text out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from litefuse.cli import common

if TYPE_CHECKING:
    from litefuse.compiler.ir.passes import Pass


@click.command("opt")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), default="-")
@click.option("--pass", "names", multiple=True, metavar="NAME", help="A pass to run; may repeat.")
@click.option("--pipeline", metavar="TEXT", help="Passes as text: a,b{key=value},c.")
@click.option("--all", "everything", is_flag=True, help="The whole pipeline of the compiler.")
@click.option("--target", help="Machine that target-dependent passes decide for (default: this).")
@click.option("--print-pipeline", is_flag=True, help="Print the compiler's pipeline and stop.")
@click.option("--list", "list_passes", is_flag=True, help="List the passes and stop.")
@click.option("--locations", is_flag=True, help="Print where each op comes from.")
@click.option("--no-verify", is_flag=True, help="Leave out the verifier after each pass.")
@click.option("--timing", is_flag=True, help="Say on stderr what each pass took and counted.")
@click.option("--dump-ir", type=click.Path(file_okay=False), help="Folder for the IR in between.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Where the text goes.")
def command(
    file: str,
    names: tuple[str, ...],
    pipeline: str | None,
    everything: bool,
    target: str | None,
    print_pipeline: bool,
    list_passes: bool,
    locations: bool,
    no_verify: bool,
    timing: bool,
    dump_ir: str | None,
    output: str | None,
) -> None:
    """Run passes on the IR text in FILE (or on stdin) and print what they make of it.

    A reproducer file, which a failing pass leaves behind, names its own pipeline and target:
    `litefuse opt FILE` runs just that.
    """
    passes = known_passes()
    if list_passes or print_pipeline:
        _show(passes, list_passes)
        return
    from litefuse.compiler import driver
    from litefuse.compiler.ir.parser import made_up_weights, parse_module
    from litefuse.compiler.ir.pass_text import parse_pipeline, read_header
    from litefuse.compiler.ir.passes import PassContext, PassManager
    from litefuse.compiler.ir.printer import print_module
    from litefuse.compiler.ir.verifier import verify

    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    header = read_header(text)
    if sum((bool(names), pipeline is not None, everything)) > 1:
        raise click.UsageError("give one of --pass, --pipeline and --all")
    chosen: tuple[Pass, ...] = driver.PIPELINE
    if not everything:
        wanted = pipeline if pipeline is not None else ",".join(names)
        chosen = parse_pipeline(wanted or header.get("pipeline", ""), passes)
    module = parse_module(text, made_up_weights, source="<stdin>" if file == "-" else file)
    context = PassContext(target=driver.resolve(target or header.get("target")))
    if not chosen and not no_verify:
        verify(module, context.dialects)
    records = PassManager(chosen).run(module, context, dump_dir=dump_ir, verify=not no_verify)
    if timing:
        for record in records:
            counted = ", ".join(f"{name} {n}" for name, n in record.statistics.items())
            took = common.in_time(record.seconds)
            ops = f"{record.ops_before} -> {record.ops_after} ops"
            click.echo(f"{record.name:24} {took:>9}  {ops}  {counted}", err=True)
    for warning in context.warnings:
        click.echo(f"litefuse: warning: {warning}", err=True)
    result = print_module(module, locations=locations, resources="{-#" in text)
    if output:
        Path(output).write_text(result, encoding="utf-8")
    else:
        click.echo(result, nl=not result.endswith("\n"))


def known_passes() -> dict[str, Pass]:
    """Every pass of the compiler by name, in the order of its first place in the pipeline."""
    from litefuse.compiler.driver import PIPELINE

    return {p.name: p for p in PIPELINE}


def _show(passes: dict[str, Pass], with_summaries: bool) -> None:
    if with_summaries:
        for found in passes.values():
            click.echo(f"{found.text:32} {found.summary}")
        return
    from litefuse.compiler.driver import PIPELINE

    click.echo(",".join(p.text for p in PIPELINE))
