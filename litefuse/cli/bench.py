"""``litefuse bench``: ours beside LiteRT's, in one run, taking turns."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from litefuse.cli import common, contenders, inputs, startup

DEFAULT = ("litefuse", "own", "xnnpack", "builtin")
# A contender runs for about this long before the next has its turn: long enough that the caches
# it finds are its own, short enough that a busy moment of the machine hits everybody.
TURN_SECONDS = 0.05


@dataclass(frozen=True)
class Figures:
    """One contender on one model with so many threads; seconds and bytes."""

    model: str
    contender: str
    threads: int
    cold: startup.Start | None
    cached: startup.Start | None
    warmup: float
    runs: int
    min: float
    median: float
    p95: float
    relative: float | None
    claimed: str


@click.command("bench")
@click.argument(
    "models", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@common.compiler_options
@click.option(
    "--thread-counts", help="Bench with each of these, such as 1,2 (default: --threads alone)."
)
@click.option(
    "--against",
    default=",".join(DEFAULT),
    show_default=True,
    help=f"Contenders, of {', '.join(contenders.CONTENDERS)}.",
)
@click.option("--runs", default=50, show_default=True, help="At least so many timed runs each.")
@click.option("--min-secs", default=1.0, show_default=True, help="At least so long each.")
@click.option("--max-secs", default=150.0, show_default=True, help="At most so long each.")
@click.option("--warmup-runs", default=3, show_default=True, help="Untimed runs each.")
@click.option("--no-start", is_flag=True, help="Skip measuring starts in fresh processes.")
@common.seed_option
@common.json_option
def command(
    models: tuple[Path, ...],
    thread_counts: str | None,
    against: str,
    runs: int,
    min_secs: float,
    max_secs: float,
    warmup_runs: int,
    no_start: bool,
    seed: int,
    as_json: bool,
    **compiler: Any,
) -> None:
    """Time MODELS in litefuse and in LiteRT, interleaved in one run.

    Starts are measured in processes of their own: cold with an empty cache, then again with what
    that start has cached. Then all interpreters live in one process and take turns in random order.
    """
    if runs < 1 or warmup_runs < 1:
        raise click.BadParameter("--runs and --warmup-runs must be at least 1")
    names = _names(against)
    found: list[Figures] = []
    for threads in _counts(thread_counts, compiler["threads"]):
        for model in models:
            values = {**compiler, "threads": threads}
            starts = {} if no_start else _starts(names, model, threads)
            limits = (runs, min_secs, max_secs, warmup_runs)
            found += _bench(model, names, values, starts, limits, seed)
    if as_json:
        common.print_json([asdict(figures) for figures in found])
    else:
        _print(found)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in contenders.CONTENDERS:
            valid = ", ".join(contenders.CONTENDERS)
            raise click.BadParameter(f"no contender {name!r}; there are {valid}")
    if not names:
        raise click.BadParameter("--against names no contender")
    return names


def _counts(text: str | None, threads: int) -> list[int]:
    try:
        return [int(part) for part in text.split(",")] if text else [threads]
    except ValueError:
        raise click.BadParameter(f"{text!r} is no list such as 1,2") from None


Starts = Mapping[str, tuple[startup.Start, startup.Start | None]]


def _starts(names: Sequence[str], model: Path, threads: int) -> Starts:
    found = {}
    with common.progress() as bar, tempfile.TemporaryDirectory(prefix="litefuse-") as folder:
        task = bar.add_task(f"starts of {model.stem}", total=len(names))
        for name in names:
            # Each of ours begins with a cache of its own, so that none starts on another's.
            cache_dir = str(Path(folder, name))
            cold = startup.measure(name, model, threads, cache_dir)
            again = name in contenders.OURS
            cached = startup.measure(name, model, threads, cache_dir) if again else None
            found[name] = (cold, cached)
            bar.advance(task)
    return found


def _bench(
    model: Path,
    names: Sequence[str],
    compiler: Mapping[str, Any],
    starts: Starts,
    limits: tuple[int, float, float, int],
    seed: int,
) -> list[Figures]:
    runs, min_secs, max_secs, warmup_runs = limits
    options = common.options_of(compiler)
    running: dict[str, contenders.Contender] = {}
    warmups: dict[str, float] = {}
    turns: dict[str, int] = {}
    for name in names:
        contender = contenders.make(name, model, options)
        contender.allocate()
        contender.run(inputs.random_inputs(contender.input_details, seed))
        warmups[name] = sum(_turn(contender, warmup_runs)) / warmup_runs
        turns[name] = int(np.clip(TURN_SECONDS / max(warmups[name], 1e-6), 3, 1000))
        running[name] = contender
    times: dict[str, list[float]] = {name: [] for name in names}
    rng = np.random.default_rng(seed)
    with common.progress() as bar:
        task = bar.add_task(f"{model.stem}, threads {options.threads()}", total=runs)
        waiting = list(names)
        while waiting:
            for name in rng.permutation(waiting):
                times[name] += _turn(running[name], turns[name])
            waiting = [
                name for name in waiting if _wants_more(times[name], runs, min_secs, max_secs)
            ]
            bar.update(task, completed=min(len(of) for of in times.values()))
    medians = {name: statistics.median(times[name]) for name in names}
    peer = medians.get("xnnpack")
    return [
        Figures(
            model=model.stem,
            contender=name,
            threads=options.threads(),
            cold=starts[name][0] if name in starts else None,
            cached=starts[name][1] if name in starts else None,
            warmup=warmups[name],
            runs=len(times[name]),
            min=min(times[name]),
            median=medians[name],
            p95=float(np.percentile(times[name], 95)),
            relative=medians[name] / peer if peer else None,
            claimed=running[name].claimed(),
        )
        for name in names
    ]


def _turn(contender: contenders.Contender, runs: int) -> list[float]:
    clock, invoke = time.perf_counter, contender.interpreter.invoke
    found = []
    for _ in range(runs):
        begin = clock()
        invoke()
        found.append(clock() - begin)
    return found


def _wants_more(times: Sequence[float], runs: int, min_secs: float, max_secs: float) -> bool:
    spent = sum(times)
    return spent < max_secs and (len(times) < runs or spent < min_secs)


def _print(found: Sequence[Figures]) -> None:
    from rich.table import Table

    columns = ("contender", "init cold", "init cached", "first", "warm-up", "min", "median", "p95")
    for model, threads in dict.fromkeys((figures.model, figures.threads) for figures in found):
        title = f"{model}, {threads} thread{'s' if threads > 1 else ''}"
        table = Table(*columns, "vs XNNPACK", "peak memory", title=title, title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for row in found:
            if (row.model, row.threads) != (model, threads):
                continue
            # The first run as most processes see it: with a warm cache where there is one.
            start = row.cached or row.cold
            table.add_row(
                contenders.CONTENDERS[row.contender],
                common.in_time(row.cold.init) if row.cold else "-",
                common.in_time(row.cached.init) if row.cached else "-",
                common.in_time(start.first) if start else "-",
                common.in_time(row.warmup),
                common.in_time(row.min),
                common.in_time(row.median),
                common.in_time(row.p95),
                f"{row.relative:.2f}x" if row.relative else "-",
                common.in_bytes(start.peak) if start else "-",
            )
        common.console().print(table)
        claims = (row.claimed for row in found if (row.model, row.threads) == (model, threads))
        for claimed in dict.fromkeys(filter(None, claims)):
            click.echo(claimed)
