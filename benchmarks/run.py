"""Bench every network of the scope with `litefuse bench` and write benchmarks/RESULTS.md.

    python benchmarks/run.py [--threads 1,2] [--min-secs 1.0] [MODEL.tflite ...]

One network at a time, in a process of its own, contenders interleaved by the command. Keep the
machine quiet.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import scope  # beside this file

RESULTS = Path(__file__).with_name("RESULTS.md")
CONTENDERS = "litefuse,own,xnnpack,builtin"


def bench(model: Path, threads: str, seconds: float) -> list[dict[str, Any]]:
    """The rows of one model."""
    options = ["--against", CONTENDERS, "--thread-counts", threads, "--min-secs", str(seconds)]
    command = [sys.executable, "-m", "litefuse", "bench", "--json", *options, str(model.resolve())]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=scope.ROOT)
    if done.returncode:
        raise SystemExit(f"{model.name}: {done.stderr[-2000:]}")
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def milliseconds(seconds: float | None) -> str:
    """Three significant digits."""
    return "" if seconds is None else f"{seconds * 1e3:.3g}"


def geomean(values: Iterable[float]) -> float:
    """The geometric mean."""
    logs = [math.log(v) for v in values]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def table(rows: list[dict[str, Any]], threads: int) -> list[str]:
    """One row a model: medians of all contenders, ratios of ours, starts."""
    columns = (
        "network", "type", "litefuse in LiteRT", "own interpreter", "XNNPACK", "builtin",
        "litefuse / XNNPACK (min)", "cold start", "cached start", "XNNPACK start",
    )  # fmt: skip
    out = [f"| {' | '.join(columns)} |", "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    ratios: dict[str, list[float]] = {"float": [], "int8": []}
    for model in dict.fromkeys(r["model"] for r in rows):
        by = {r["contender"]: r for r in rows if r["model"] == model and r["threads"] == threads}
        ours, xnn = by["litefuse"], by["xnnpack"]
        kind = "int8" if model in scope.INTEGER else "float"
        ratio = ours["median"] / xnn["median"]
        ratios[kind].append(ratio)
        start = {k: (r.get("cold") or {}).get("init") for k, r in by.items()}
        cached = (ours.get("cached") or {}).get("init")
        cells = (
            model,
            kind,
            *(milliseconds(by[c]["median"]) for c in ("litefuse", "own", "xnnpack", "builtin")),
            f"{ratio:.2f} ({ours['min'] / xnn['min']:.2f})",
            milliseconds(start["litefuse"]),
            milliseconds(cached),
            milliseconds(start["xnnpack"]),
        )
        out.append(f"| {' | '.join(cells)} |")
    for kind, values in ratios.items():
        mean = f"**{geomean(values):.2f}** ({len(values)} networks)"
        out.append(f"\nGeometric mean of litefuse / XNNPACK, {kind}: {mean}")
    return out


def main() -> None:
    """Run, then write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--min-secs", type=float, default=1.0)
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args()
    rows = []
    for model in args.models or scope.models():
        rows += bench(model, args.threads, args.min_secs)
        print(model.stem, flush=True)
    notes = args.output.read_text().partition("<!-- notes -->")[2] if args.output.is_file() else ""
    from litefuse.codegen.targets import host_target

    command = f"python benchmarks/run.py --threads {args.threads} --min-secs {args.min_secs}"
    about = (
        f"Made on {date.today()} by `{command}` on a {platform.machine()} machine with two shared "
        f"cores, compiled for `{host_target().name}`. XNNPACK is LiteRT's default delegate. Times "
        "are medians in milliseconds, contenders interleaved in one process; starts in fresh "
        "processes (cold: empty cache)."
    )
    lines = ["# Results", "", about]
    for n in map(int, args.threads.split(",")):
        lines += ["", f"## {n} thread{'s' if n > 1 else ''}", "", *table(rows, n)]
    args.output.write_text("\n".join([*lines, "", "<!-- notes -->"]) + notes)


if __name__ == "__main__":
    main()
