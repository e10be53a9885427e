"""The examples in the passes' docstrings are true, and every pass has a test."""

from __future__ import annotations

import importlib

import pytest

from tests.ir_harness import ROOT, examples, find_pass, pass_modules, run_file, run_pass, same_ir

FOLDER = ROOT / "tests" / "passes"
FILES = sorted(FOLDER.glob("*.mlir"))


@pytest.mark.parametrize("name", pass_modules())
def test_docstring_example(name: str) -> None:
    module = importlib.import_module(f"litefuse.passes.{name}")
    pairs = examples(module.__doc__ or "")
    assert pairs, f"the docstring of passes/{name}.py shows no before and after"
    for before, after in pairs:
        out = run_pass(before, find_pass(name))
        found = same_ir(after, out)
        assert found is None, f"{found}; the pass gives\n{out}"


@pytest.mark.parametrize("name", pass_modules())
def test_pass_is_what_its_file_says(name: str) -> None:
    p = find_pass(name)
    assert p.name == name
    assert p.run.__name__ == name
    assert p.summary


@pytest.mark.parametrize("name", pass_modules())
def test_every_pass_has_a_test(name: str) -> None:
    wanted = [FOLDER / f"test_{name}.py", FOLDER / f"{name}.mlir"]
    assert any(p.exists() for p in wanted), f"neither of {[p.name for p in wanted]}"


@pytest.mark.skipif(not FILES, reason="no pass is tested by an .mlir file")
@pytest.mark.parametrize("path", FILES, ids=[p.stem for p in FILES])
def test_file(path) -> None:
    run_file(path)
