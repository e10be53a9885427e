"""The command: every op in every type against LiteRT, as a table."""

from __future__ import annotations

import multiprocessing
import re
import sys
import time
import traceback
from pathlib import Path

import click

from tests.conformance.registry import Row, rows
from tests.conformance.run import Tally, run_row

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"

_HEAD = """# Conformance

Each op in each type, on one-op models drawn by Hypothesis (`tests/conformance/specs`), in our
interpreter and in LiteRT's reference kernels. Made by

    python -m tests.conformance --examples {examples} --write

- **examples**: how many were drawn; **equal**: both ran, shapes and values agree; **refused**: both
  refuse; **died**: LiteRT ended its process (there is then nothing to compare with).
- **largest difference**: 0 for integers, always; for floats over the output's largest magnitude,
  and as a part of the bound that the op's file states.

{rows} rows, {ops} ops, {count} examples in {seconds:.0f} s.

| op | type | examples | equal | refused | died | largest difference | of the bound |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


# How Hypothesis heads the smallest case that fails: older and newer words.
_SMALLEST = re.compile("Falsifying example|Failing test case")


@click.command()
@click.argument("ops", nargs=-1)
@click.option("--examples", default=200, show_default=True, help="Examples a row.")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
@click.option("--seeded/--random", default=True, help="The same examples each time, or new ones.")
@click.option("--write", is_flag=True, help="Write docs/conformance.md (needs all ops).")
@click.option("--debug", is_flag=True, help="Whole tracebacks.")
def main(
    ops: tuple[str, ...], examples: int, jobs: int, seeded: bool, write: bool, debug: bool
) -> None:
    """Compare OPS (ADD, or ADD-int8 for one row; all by default) with LiteRT."""
    from rich.console import Console
    from rich.progress import Progress

    wanted = {o.upper() for o in ops}
    chosen = [r for r in rows() if not ops or {r.op.upper(), r.name.upper()} & wanted]
    if unknown := wanted - {x for r in chosen for x in (r.op.upper(), r.name.upper())}:
        raise click.UsageError(f"no row is named {', '.join(sorted(unknown))}")
    if write and ops:
        raise click.UsageError("--write needs all ops: leave their names out")
    started = time.monotonic()
    results: list[tuple[Row, Tally | str]] = []
    numbers = {r.name: r for r in chosen}
    tasks = [(name, examples, seeded) for name in numbers]
    console = Console()
    with (
        multiprocessing.get_context("spawn").Pool(jobs) as pool,
        Progress(console=console, transient=True) as progress,
    ):
        bar = progress.add_task("rows", total=len(tasks))
        for name, found in pool.imap_unordered(_one, tasks):
            results.append((numbers[name], found))
            progress.advance(bar)
            if isinstance(found, str):
                text = found if debug else _short(found)
                console.print(f"[red]{name}[/red]\n{text}\n", highlight=False, markup=True)
        pool.close()
        pool.join()
    results.sort(key=lambda pair: (pair[0].op, pair[0].refused, pair[0].type))
    _show(console, results)
    failed = [row.name for row, found in results if isinstance(found, str)]
    if failed:
        console.print(f"{len(failed)} of {len(results)} rows differ: {', '.join(failed)}")
        sys.exit(1)
    seconds = time.monotonic() - started
    console.print(f"{len(results)} rows, all equal, in {seconds:.0f} s")
    if write:
        PAGE.write_text(_page(results, examples, seconds))


def _one(task: tuple[str, int, bool]) -> tuple[str, Tally | str]:
    name, examples, seeded = task
    row = next(r for r in rows() if r.name == name)
    try:
        return name, run_row(row, examples, seeded)
    except Exception:
        return name, traceback.format_exc()


def _short(text: str) -> str:
    """The message, and the smallest case where Hypothesis names it."""
    lines = text.strip().splitlines()
    at = max((i for i, s in enumerate(lines) if _SMALLEST.search(s)), default=None)
    tail = lines[-1:] if at is None else lines[at : at + 40]
    error = [s for s in lines if "Differs:" in s or "Error:" in s][-1:]
    return "\n".join(s.replace("[", r"\[") for s in (*error, *tail))


def _cells(row: Row, tally: Tally) -> tuple[str, ...]:
    counts = tally.statuses
    kind = f"{row.type}: refused" if row.refused else row.type
    return (
        row.op,
        kind,
        str(tally.examples),
        str(counts["equal"]),
        str(counts["refused"]),
        str(counts["died"]),
        f"{tally.of_range:.1e}" if tally.of_range else "0",
        f"{tally.of_bound:.0%}" if tally.of_bound else "",
    )


def _show(console: object, results: list[tuple[Row, Tally | str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    assert isinstance(console, Console)
    table = Table("op", "type", "examples", "equal", "refused", "died", "difference", "of bound")
    for row, found in results:
        if isinstance(found, Tally):
            table.add_row(*_cells(row, found))
        else:
            table.add_row(row.op, row.type, "[red]differs[/red]")
    console.print(table)


def _page(results: list[tuple[Row, Tally | str]], examples: int, seconds: float) -> str:
    tallies = [(row, t) for row, t in results if isinstance(t, Tally)]
    lines = [
        f"| {' | '.join(_cells(row, t))} |".replace("|  |", "| |")
        for row, t in tallies
        if not row.refused
    ]
    none: dict[str, list[str]] = {}
    for row, _ in tallies:
        if row.refused:
            none.setdefault(row.op, []).append(row.type)
    head = _HEAD.format(
        examples=examples,
        rows=len(tallies),
        ops=len({r.op for r, _ in tallies}),
        count=sum(t.examples for _, t in tallies),
        seconds=seconds,
    )
    tail = "\n\n## Types that both refuse\n\n" + "\n".join(
        f"- {op}: {', '.join(types)}" for op, types in none.items()
    )
    return head + "\n".join(lines) + tail + "\n"
