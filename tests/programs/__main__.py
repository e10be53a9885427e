"""`python -m tests.programs`: many random programs, each found difference told once."""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict

import click
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from litefuse.runtime.model import read_model
from tests.conformance.protocol import Answer
from tests.programs.calls import Program, random_program
from tests.programs.graph import random_model
from tests.programs.judge import check
from tests.runtime.interpreter.outcomes import is_error


@click.command()
@click.option("--examples", default=10_000, show_default=True, help="Programs.")
@click.option("--seed", "start", default=0, show_default=True, help="Another one, other programs.")
def main(examples: int, start: int) -> None:
    """Run random programs in LiteRT and in our interpreter; exit status 1 where they differ."""
    seen: Counter[str] = Counter()
    found: dict[str, list[Program]] = defaultdict(list)

    @seed(start)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        program = random_program(data.draw, random_model(data.draw))
        try:
            theirs = check(program)
        except AssertionError as error:
            found[re.sub(r"\d+", "N", " ".join(str(error).split()))[:300]].append(program)
            return
        if isinstance(theirs, Answer):
            seen[f"LiteRT: {theirs.text}"] += 1
            return
        for call, outcome in zip(program.calls, theirs, strict=True):
            seen[f"{call[0]}{', refused' if is_error(outcome) else ''}"] += 1

    run()
    for name, count in sorted(seen.items()):
        click.echo(f"{count:9}  {name}")
    for text, programs in sorted(found.items(), key=lambda item: -len(item[1])):
        smallest = min(programs, key=lambda program: len(program.content))
        click.echo(f"\n{len(programs)} differ: {text}\n{describe(smallest)}")
    click.echo(f"\n{examples} programs, {sum(map(len, found.values()))} differ")
    sys.exit(bool(found))


def describe(program: Program) -> str:
    """The nodes of every subgraph and the calls, in text."""
    lines = []
    for index, graph in enumerate(read_model(program.content).subgraphs):
        lines.append(f"  subgraph {index}: {list(graph.inputs)} -> {list(graph.outputs)}")
        lines += [f"    {op.name} {op.inputs} -> {op.outputs}" for op in graph.operators]
    calls = (" ".join(str(call).split()) for call in program.calls)
    return "\n".join([*lines, *(f"  {call[:200]}" for call in calls)])


if __name__ == "__main__":
    main(prog_name="python -m tests.programs")
