"""The pass manager: order, records, dumps, verification, reproducers; pipelines as text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from litefuse.compiler.ir.attributes import Resource
from litefuse.compiler.ir.core import IRError, Module, Operation
from litefuse.compiler.ir.equality import difference
from litefuse.compiler.ir.parser import parse_file, parse_module
from litefuse.compiler.ir.pass_text import parse_pipeline, read_header
from litefuse.compiler.ir.passes import Pass, PassContext, PassError, PassManager
from litefuse.compiler.ir.types import F32, tensor


@dataclass(frozen=True)
class Grow:
    by: int = 1
    fast: bool = False
    factor: float = 1.5
    name: str = "n"


def grow(module: Module, context: PassContext, options: Grow) -> None:
    """Add some weights."""
    for _ in range(options.by):
        n = len(module.ops)
        value = Resource(f"w{n}", np.full(3, n, np.float32))
        module.block.append(Operation("kern.const", (), [tensor((3,), F32)], {"value": value}))
        context.count("grown")


def nothing(module: Module, context: PassContext) -> None:
    context.warn("nothing to do")


def spoil(module: Module, context: PassContext) -> None:
    module.ops[-1].attributes.clear()


def crash(module: Module, context: PassContext) -> None:
    module.ops[-1].erase()
    raise KeyError("lost")


GROW, NOTHING = Pass("grow", grow, "", Grow()), Pass("nothing", nothing, "")
SPOIL, CRASH = Pass("spoil", spoil, ""), Pass("crash", crash, "")
KNOWN = {p.name: p for p in (GROW, NOTHING, SPOIL, CRASH)}


def test_records_and_statistics():
    module, context = Module(), PassContext()
    records = PassManager([GROW, NOTHING, GROW.with_options(by=2)]).run(module, context)
    assert [r.name for r in records] == ["grow", "nothing", "grow"]
    assert [(r.ops_before, r.ops_after) for r in records] == [(0, 1), (1, 1), (1, 3)]
    assert [r.statistics for r in records] == [{"grown": 1}, {}, {"grown": 2}]
    assert all(r.seconds >= 0 and r.changed is None for r in records)
    assert context.statistics == {"grown": 3}
    assert context.warnings == ["nothing to do"]


def test_dumps_are_numbered_across_managers(tmp_path):
    module, context = Module(), PassContext()
    first = PassManager([GROW, NOTHING]).run(module, context, dump_dir=tmp_path)
    PassManager([GROW]).run(module, context, dump_dir=tmp_path)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["00_import.mlir", "01_grow.mlir", "02_nothing.mlir", "03_grow.mlir"]
    assert [r.changed for r in first] == [True, False]
    assert "// no change" in (tmp_path / "02_nothing.mlir").read_text()
    weights = {f"w{n}": np.full(3, n, np.float32) for n in range(2)}
    assert difference(parse_file(tmp_path / "03_grow.mlir", weights), module) is None


@pytest.mark.parametrize("verify", [True, "end"])
def test_a_broken_module_is_blamed_on_its_pass(tmp_path, verify):
    module = Module()
    with pytest.raises(PassError) as failure:
        PassManager([GROW, NOTHING, SPOIL]).run(module, PassContext(), tmp_path, verify)
    said, e = str(failure.value), failure.value
    assert said.startswith('pass spoil left a broken module: "kern.const": attribute value')
    assert e.pass_name == "spoil"
    assert f"litefuse opt {e.reproducer}" in said
    text = e.reproducer.read_text()
    assert read_header(text)["pipeline"] == "spoil"
    again = parse_module(text)
    assert len(again.ops) == 1  # as it was before the pass
    with pytest.raises(PassError, match="pass spoil left"):
        PassManager(parse_pipeline("spoil", KNOWN)).run(again, PassContext(), tmp_path)


def test_without_verification_nobody_looks():
    PassManager([GROW, SPOIL]).run(Module(), PassContext(), verify=False)


def test_an_empty_pipeline_verifies():
    module = parse_module('"t.gone"() : () -> ()')
    with pytest.raises(IRError, match="not a known op"):
        PassManager([]).run(module, PassContext())


def test_a_crash_keeps_its_cause(tmp_path):
    with pytest.raises(PassError) as failure:
        PassManager([GROW, CRASH]).run(
            Module(), PassContext(reproducer_dir=tmp_path / "deep" / "down")
        )
    assert str(failure.value).startswith("pass crash failed: KeyError: 'lost'\nreproducer: ")
    assert isinstance(failure.value.__cause__, KeyError)
    assert failure.value.reproducer.parent == tmp_path / "deep" / "down"
    header = read_header(failure.value.reproducer.read_text())
    assert header["error"].startswith("pass crash failed")


def test_a_reproducer_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PassError, match="no reproducer: ") as failure:
        PassManager([CRASH]).run(
            parse_module('%0 = "t.a"() : () -> f32'),
            PassContext(reproducer_dir=tmp_path / "file"),
        )
    assert failure.value.reproducer is None


def test_what_was_left_is_dumped_too(tmp_path):
    with pytest.raises(PassError):
        PassManager([GROW, SPOIL]).run(Module(), PassContext(), dump_dir=tmp_path)
    assert "kern.const" in (tmp_path / "02_spoil.failed.mlir").read_text()


def test_pipelines_as_text():
    manager = PassManager([GROW.with_options(by=3, fast=True), NOTHING])
    assert manager.text == "grow{by=3 fast=true factor=1.5 name=n},nothing"
    assert parse_pipeline(manager.text, KNOWN) == manager.passes
    assert parse_pipeline(" nothing , grow{factor=2} ", KNOWN)[1].options == Grow(factor=2.0)
    assert parse_pipeline("", KNOWN) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gone", "there is no pass gone; there are crash, grow, nothing, spoil"),
        ("grow{x=1}", "pass grow has no option x; it has by, fast, factor, name"),
        ("nothing{x=1}", "pass nothing has no option x; it has none"),
        ("grow{by=two}", "option by of pass grow is a int, 'two' is not"),
        ("grow{fast=2}", "option fast of pass grow is a bool, '2' is not"),
        ("grow{by}", "is written key=value, not 'by'"),
        ("grow nothing", "a pipeline is written"),
    ],
)
def test_errors_of_pipelines(text, message):
    with pytest.raises(IRError) as failure:
        parse_pipeline(text, KNOWN)
    assert message in str(failure.value)
