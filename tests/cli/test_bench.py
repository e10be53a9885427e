"""`litefuse bench`: every contender is measured."""

from __future__ import annotations

import json

import click
import pytest

from litefuse.cli import bench
from tests.cli.commands import MODEL, run


def test_bench_measures_each_contender() -> None:
    words = ("--against", "litefuse,xnnpack,builtin", "--runs", "5", "--min-secs", "0.01")
    done = run(bench.command, MODEL, *words, "--thread-counts", "1,2", "--json")
    rows = json.loads(done.output)
    assert [(row["contender"], row["threads"]) for row in rows] == [
        (name, threads) for threads in (1, 2) for name in ("litefuse", "xnnpack", "builtin")
    ]
    for row in rows:
        assert 0 < row["min"] <= row["median"] <= row["p95"]
        assert row["runs"] >= 5
        assert row["cold"]["init"] > 0
        assert (row["cached"] is not None) == (row["contender"] == "litefuse")
    assert "fully delegated" in rows[0]["claimed"]
    assert rows[1]["relative"] == 1


def test_bench_refuses_an_unknown_contender() -> None:
    with pytest.raises(click.BadParameter, match="no contender 'tvm'; there are litefuse, own"):
        run(bench.command, MODEL, "--against", "tvm")
