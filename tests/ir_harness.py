"""Run passes on text and check text: what the tests of `compiler` and `passes` are written with.

A test of a pass is text in, text out::

    out = run_pass('''...''', PASS)
    check(out, '''
    // CHECK: "kern.contract"
    // CHECK-NOT: "kern.map"
    ''')

Weights need no bytes in a text: `made_up_weights` makes them from their names.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.options import Options as CheckOptions
from filecheck.parser import Parser as CheckParser
from filecheck.parser import pattern_for_opts

from litefuse.compiler.ir.core import Module
from litefuse.compiler.ir.equality import difference
from litefuse.compiler.ir.parser import made_up_weights, parse_module
from litefuse.compiler.ir.passes import Pass, PassContext, PassManager
from litefuse.compiler.ir.printer import print_module, resources_of
from litefuse.compiler.ir.verifier import verify
from litefuse.compiler.ops import DIALECTS

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"(before|after)[^\n`]*:+\s*```mlir\n(.*?)```", re.DOTALL | re.IGNORECASE)


def load(text: str, resources: Mapping[str, npt.NDArray[Any]] | None = None) -> Module:
    """The verified module of a text; weights that `resources` lacks are made up."""

    def weights(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        if resources is not None and name in resources:
            return resources[name]
        return made_up_weights(name, shape, dtype)

    module = parse_module(text, weights)
    verify(module, DIALECTS)
    assert_round_trip(module)
    return module


def assert_round_trip(module: Module) -> None:
    """`parse(print(m)) == m`, locations included, and printing again gives the same text."""
    text = print_module(module, locations=True)
    again = parse_module(text, resources_of(module))
    found = difference(module, again, locations=True)
    assert found is None, f"{found}\n{text}"
    assert print_module(again, locations=True) == text


def run_on(
    module: Module,
    passes: Pass | Iterable[Pass],
    *,
    target: Any = None,
    options: Any = None,
    context: PassContext | None = None,
) -> PassContext:
    """Run passes on a module in place, verifying and round-tripping after each."""
    c = context or PassContext(target=target, options=options)
    for p in [passes] if isinstance(passes, Pass) else passes:
        PassManager([p]).run(module, c)
        assert_round_trip(module)
    return c


def run_pass(
    text: str,
    passes: Pass | Iterable[Pass],
    *,
    target: Any = None,
    options: Any = None,
    resources: Mapping[str, npt.NDArray[Any]] | None = None,
    locations: bool = False,
) -> str:
    """Text in, passes, text out."""
    module = load(text, resources)
    run_on(module, passes, target=target, options=options)
    return print_module(module, locations=locations)


def same_ir(a: str, b: str) -> str | None:
    """The first difference of two texts as modules, or None."""
    return difference(load(a), load(b))


def check(output: str, checks: str) -> None:
    """Compare an output with `// CHECK` lines as FileCheck does; AssertionError shows where it fails."""
    options = CheckOptions(match_filename="checks", input_file="output")
    parser = CheckParser(options, io.StringIO(checks), *pattern_for_opts(options))
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        matcher = Matcher(options, FInput("output", output), parser)
        status = matcher.run()
    assert status == 0, f"{said.getvalue()}\n--- output ---\n{output}"


def find_pass(name: str) -> Pass:
    """The pass of that name, from `passes/` or `codegen/`."""
    for folder in ("passes", "codegen", "codegen.passes"):
        try:
            found = importlib.import_module(f"litefuse.{folder}.{name}").PASS
        except ModuleNotFoundError as e:
            if e.name is None or not f"litefuse.{folder}.{name}".startswith(e.name):
                raise
            continue
        assert isinstance(found, Pass)
        return found
    raise AssertionError(f"no pass {name}")


def pass_modules() -> list[str]:
    """The names of all files and packages of `passes/` that are passes: those with a `PASS`."""
    names = []
    folder = ROOT / "passes"
    for path in sorted((*folder.glob("*.py"), *folder.glob("*/__init__.py"))):
        tree = ast.parse(path.read_text())
        assigned = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        if "PASS" in assigned:
            names.append(path.parent.name if path.stem == "__init__" else path.stem)
    return names


def examples(docstring: str) -> list[tuple[str, str]]:
    """The (before, after) texts of a docstring: a line ending in ``before:`` or ``after:``, then a ```mlir block."""
    pairs: list[tuple[str, str]] = []
    before: str | None = None
    for kind, text in _BLOCK.findall(docstring):
        if kind.lower() == "before":
            assert before is None, "two 'before' blocks in a row"
            before = text
        else:
            assert before is not None, "'after' without 'before'"
            pairs.append((before, text))
            before = None
    assert before is None, "'before' without 'after'"
    return pairs


def run_file(path: Path) -> None:
    """Run a test file: cases separated by `// -----`, each with a `// RUN: pass{options},pass` line.

    `// RUN:` of the first case holds for those without one. `// TARGET: name` gives the target. A case has `// CHECK`
    lines for its output, or `// EXPECT-ERROR: text` for what the failure must say.
    """
    from litefuse.compiler.ir.pass_text import parse_pipeline

    pipeline = ""
    for number, case in enumerate(path.read_text().split("// -----")):
        run = re.search(r"// RUN: (.*)", case)
        pipeline = run.group(1) if run else pipeline
        assert pipeline, f"{path.name}: no // RUN: line"
        names = re.findall(r"([A-Za-z_]\w*)\s*(?:\{[^}]*\})?\s*(?:,|$)", pipeline)
        passes = parse_pipeline(pipeline, {n: find_pass(n) for n in names})
        wanted = re.findall(r"// EXPECT-ERROR: (.*)", case)
        target = re.search(r"// TARGET: (\S+)", case)
        chosen = _target(target.group(1)) if target else None
        if wanted:
            with pytest.raises(ValueError) as failure:
                run_pass(case, passes, target=chosen)
            for text in wanted:
                assert text.strip() in str(failure.value), f"{path.name}, case {number}"
        else:
            check(run_pass(case, passes, target=chosen, locations=True), case)


def _target(name: str) -> Any:
    from litefuse.codegen import targets

    return targets.TARGETS[name]
