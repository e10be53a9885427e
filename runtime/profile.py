"""Time per fused kernel, mapped back to the model's nodes, from the code's cycle counter."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from litefuse.runtime.artifact import Manifest

# Ticks are calibrated against the clock over at least so long, so that its overhead vanishes.
_CALIBRATION_NS = 20_000_000


@dataclass(frozen=True)
class StepTime:
    """One step of the schedule: what it computes, and its time in nanoseconds over the runs.

    `percent` is its share of the medians' sum (one preempted run would own a mean), `cdf_percent`
    the share of all steps up to it.
    """

    index: int
    kernel: str
    symbol: str
    nodes: tuple[int, ...]
    ops: tuple[str, ...]
    macs: int
    start_ns: float
    first_ns: float
    min_ns: float
    median_ns: float
    mean_ns: float
    percent: float
    cdf_percent: float

    @property
    def gmacs_per_second(self) -> float:
        """Multiply-accumulates per nanosecond of the median run, in 10^9 a second."""
        return self.macs / self.median_ns if self.median_ns else 0.0


@dataclass(frozen=True)
class Profile:
    """What `Executable.profile` measured; times in nanoseconds."""

    name: str
    runs: int
    num_threads: int
    invoke_min_ns: float
    invoke_median_ns: float
    invoke_mean_ns: float
    steps: tuple[StepTime, ...]

    def table(self, by: str = "order") -> str:
        """Text with benchmark_model's columns; `by` is "order", "time", or "op" (sums per kind)."""
        if by == "op":
            return _summary(self.steps, self.runs)
        if by not in ("order", "time"):
            raise ValueError(f'table by {by!r}; it must be "order", "time" or "op"')
        rows, cdf = [], 0.0
        steps = sorted(self.steps, key=lambda s: -s.median_ns) if by == "time" else self.steps
        for step in steps:
            cdf += step.percent
            rows.append(
                (
                    _kind(step),
                    _ms(step.start_ns),
                    _ms(step.first_ns),
                    _ms(step.min_ns),
                    _ms(step.median_ns),
                    _ms(step.mean_ns),
                    f"{step.percent:.2f}%",
                    f"{cdf:.2f}%",
                    f"{step.gmacs_per_second:.1f}",
                    " ".join(map(str, step.nodes)),
                    step.symbol,
                )
            )
        head = (
            "node type", "start", "first", "min ms", "median ms", "avg ms", "%", "cdf%",
            "GMAC/s", "nodes", "name",
        )  # fmt: skip
        return _layout(head, rows) + f"\n{self._total()}"

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return asdict(self)

    def _total(self) -> str:
        nodes = sum(len(step.nodes) for step in self.steps)
        return (
            f"{nodes} nodes in {len(self.steps)} kernels, {self.runs} runs, "
            f"{self.num_threads} thread(s); invoke min {_ms(self.invoke_min_ns)} median "
            f"{_ms(self.invoke_median_ns)} avg {_ms(self.invoke_mean_ns)} ms"
        )

    def __str__(self) -> str:
        return self.table()


def measure(
    invoke: Callable[[], None], ticks: np.ndarray, info: Manifest, runs: int, num_threads: int
) -> Profile:
    """Run `invoke` `runs` times, which fills `ticks`, and convert to nanoseconds.

    The counter's rate is taken over all the runs, continued until they last 20 ms at least.
    """
    taken = np.empty((runs, len(ticks)), np.uint64)
    clock = np.empty(runs + 1, np.int64)
    for run in range(runs):
        clock[run] = time.perf_counter_ns()
        invoke()
        taken[run] = ticks
    clock[runs] = time.perf_counter_ns()
    last_clock = clock[runs]
    while last_clock - clock[0] < _CALIBRATION_NS:
        last_clock = time.perf_counter_ns()
        invoke()
    # Both ends are read at the start of an invoke, so the cost of entering it cancels.
    if last_clock == clock[runs]:
        invoke()
    span = int(ticks[0]) - int(taken[0, 0])
    rate = float(last_clock - clock[0]) / span if span > 0 else 0.0
    return summarise(taken.astype(np.float64), rate, np.diff(clock), info, num_threads)


def summarise(
    ticks: np.ndarray, ns_per_tick: float, invoke_ns: np.ndarray, info: Manifest, num_threads: int
) -> Profile:
    """The profile of counter readings, one row a run and one column a boundary between steps."""
    times = np.diff(ticks, axis=1) * ns_per_tick
    starts = np.median((ticks - ticks[:, :1])[:, :-1], axis=0) * ns_per_tick
    medians = np.median(times, axis=0)
    total = float(medians.sum()) or 1.0
    steps, cdf = [], 0.0
    for index, step in enumerate(info.steps):
        percent = 100.0 * float(medians[index]) / total
        cdf += percent
        column = times[:, index]
        steps.append(
            StepTime(
                index=index,
                kernel=step.kernel,
                symbol=step.symbol,
                nodes=step.nodes,
                ops=step.ops,
                macs=step.macs,
                start_ns=float(starts[index]),
                first_ns=float(column[0]),
                min_ns=float(column.min()),
                median_ns=float(medians[index]),
                mean_ns=float(column.mean()),
                percent=percent,
                cdf_percent=cdf,
            )
        )
    return Profile(
        name=info.name,
        runs=len(ticks),
        num_threads=num_threads,
        invoke_min_ns=float(invoke_ns.min()),
        invoke_median_ns=float(np.median(invoke_ns)),
        invoke_mean_ns=float(invoke_ns.mean()),
        steps=tuple(steps),
    )


def _summary(steps: tuple[StepTime, ...], runs: int) -> str:
    sums: dict[str, list[float]] = {}
    for step in steps:
        row = sums.setdefault(_kind(step), [0, 0.0, 0.0])
        row[0] += 1
        row[1] += step.median_ns
        row[2] += step.percent
    rows, cdf = [], 0.0
    for kind, (count, median, percent) in sorted(sums.items(), key=lambda item: -item[1][1]):
        cdf += percent
        times = str(int(count) * runs)
        rows.append((kind, str(int(count)), _ms(median), f"{percent:.2f}%", f"{cdf:.2f}%", times))
    return _layout(("node type", "count", "median ms", "%", "cdf%", "times called"), rows)


def _kind(step: StepTime) -> str:
    return "+".join(step.ops) or step.kernel


def _ms(ns: float) -> str:
    return f"{ns / 1e6:.3f}"


def _layout(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, *rows]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in (0, len(head) - 1) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
