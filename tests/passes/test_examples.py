"""Each pass's docstring shows before and after; here both are run. Also: one pass a file, and all of them in the pipeline."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import litefuse.passes
from litefuse.compiler.ir.core import Module
from litefuse.compiler.ir.parser import parse_module
from litefuse.compiler.ir.passes import Pass, PassContext, PassManager
from litefuse.compiler.ir.printer import print_module

HELPERS = {"pipeline", "support"}
NAMES = sorted(
    m.name for m in pkgutil.iter_modules(litefuse.passes.__path__) if m.name not in HELPERS
)


def example(docstring: str) -> tuple[str, str]:
    found = re.findall(r"^(Before|After):\n```mlir\n(.*?)^```", docstring, re.DOTALL | re.MULTILINE)
    assert [kind for kind, _ in found] == ["Before", "After"], (
        "a pass shows one before and one after"
    )
    return found[0][1], found[1][1]


def canonical(module: Module) -> str:
    """The text without the author's choice of names."""
    for op in module.op.walk():
        for value in [*op.results, *(a for r in op.regions for a in r.block.args)]:
            value.name = ""
    return print_module(module)


@pytest.mark.parametrize("name", NAMES)
def test_docstring_example(name: str) -> None:
    module = importlib.import_module(f"litefuse.passes.{name}")
    assert isinstance(module.PASS, Pass)
    assert module.PASS.name == name
    before, after = example(module.__doc__)
    ir = parse_module(before)
    PassManager([module.PASS]).run(ir, PassContext(), verify=True)
    assert canonical(ir) == canonical(parse_module(after))


@pytest.mark.parametrize("name", NAMES)
def test_a_second_run_changes_nothing(name: str) -> None:
    module = importlib.import_module(f"litefuse.passes.{name}")
    ir = parse_module(example(module.__doc__)[1])
    text = canonical(ir)
    PassManager([module.PASS]).run(ir, PassContext())
    assert canonical(ir) == text
