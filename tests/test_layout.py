"""The house's rules: who may import whom, and that the wheel holds what the checkout holds."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.layout import ROOT, STAGES, Import, imports, module_name, packages_on_disk, python_files

# module prefix -> what it may import of ours when it is imported; the longest prefix that fits rules.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "litefuse.runtime.model": ("litefuse.runtime.model",),
    "litefuse.runtime.artifact": (),
    "litefuse.runtime": ("litefuse.runtime",),
    "litefuse.compiler.ir": ("litefuse.compiler.ir",),
    "litefuse.compiler.ops": ("litefuse.compiler.ir", "litefuse.compiler.ops"),
    "litefuse.compiler.frontend": (
        "litefuse.compiler.ir",
        "litefuse.compiler.ops",
        "litefuse.compiler.frontend",
        "litefuse.runtime.model",
        "litefuse.runtime.plan",
    ),
    "litefuse.passes": (
        "litefuse.compiler.ir",
        "litefuse.compiler.ops",
        "litefuse.passes",
        "litefuse.runtime.kernels",
    ),
    "litefuse.codegen": (
        "litefuse.compiler.ir",
        "litefuse.compiler.ops",
        "litefuse.codegen",
        "litefuse.runtime.artifact",
        "litefuse.runtime.placement",
    ),
    # The list of passes over loop code names those that lie in passes/.
    "litefuse.codegen.pipeline": ("litefuse.codegen", "litefuse.passes"),
    "litefuse.compiler": (
        "litefuse.compiler",
        "litefuse.passes",
        "litefuse.codegen",
        "litefuse.runtime",
    ),
    "litefuse": ("litefuse",),
}
# The bases of our exceptions, and the version: everybody's.
ALWAYS = ("litefuse.runtime.errors", "litefuse.__version__")
COMPILER_SIDE = ("litefuse.compiler", "litefuse.passes", "litefuse.codegen")
SEAM = "litefuse.runtime.build"

SOURCES = python_files(*STAGES)


def _within(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


def _listing(found: list[Import]) -> str:
    return "\n".join(map(str, found))


def _ours(path: Path) -> list[Import]:
    return [found for found in imports(path) if _within(found.target, "litefuse")]


def _rule(module: str) -> str:
    return max((prefix for prefix in MAY_IMPORT if _within(module, prefix)), key=len)


def test_nobody_imports_upward_at_module_scope() -> None:
    wrong = []
    for path in SOURCES:
        allowed = MAY_IMPORT[_rule(module_name(path))] + ALWAYS
        wrong += [
            found
            for found in _ours(path)
            if found.at_import and not any(_within(found.target, prefix) for prefix in allowed)
        ]
    assert not wrong, _listing(wrong)


def test_the_runtime_reaches_the_compiler_in_one_module_only() -> None:
    wrong = [
        found
        for path in python_files("runtime")
        if not _within(module_name(path), SEAM)
        for found in _ours(path)
        if any(_within(found.target, prefix) for prefix in COMPILER_SIDE)
    ]
    assert not wrong, _listing(wrong)


def test_imports_are_absolute_and_by_full_name() -> None:
    """A bare ``import compiler`` would work in tests and make a second copy of every class."""
    bare = set(STAGES) - {"litefuse"}
    wrong = [
        found
        for path in python_files(*STAGES, "tests", "tools", "examples", "benchmarks")
        for found in imports(path)
        if found.level or found.target.split(".")[0] in bare
    ]
    assert not wrong, _listing(wrong)


def test_every_package_on_disk_is_in_the_wheel() -> None:
    """A package missing from the list works in a checkout and is silently absent from the wheel."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert sorted(packages_on_disk()) == table["packages"]


def test_every_source_folder_is_a_package() -> None:
    homeless = {
        path.parent.relative_to(ROOT).as_posix()
        for path in SOURCES
        if not (path.parent / "__init__.py").is_file()
    }
    assert not homeless


@pytest.mark.parametrize("module", ["litefuse", "litefuse.runtime", "litefuse.compiler"])
def test_a_checkout_needs_no_installation(module: str, tmp_path: Path) -> None:
    """PYTHONPATH alone is enough, which is how the emulated aarch64 Python runs it."""
    code = f"import {module}; print({module}.__name__, {module}.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    name, file = done.stdout.split()
    assert name == module
    assert Path(file).is_relative_to(ROOT)


def test_importing_the_front_door_imports_nothing_else(tmp_path: Path) -> None:
    code = "import sys; import litefuse; print(*[m for m in sys.modules if 'litefuse' in m])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [name for name in done.stdout.split() if "editable" not in name] == ["litefuse"]


def test_each_public_name_resolves() -> None:
    import litefuse

    for name in litefuse.__all__:
        assert getattr(litefuse, name) is not None, name
    with pytest.raises(AttributeError, match="no attribute 'Compiler'"):
        _ = litefuse.Compiler


def test_the_view_for_type_checkers_holds_every_module(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("view", ROOT / "tools" / "view.py")
    assert spec is not None
    assert spec.loader is not None
    view = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(view)
    view.lay_out(ROOT, tmp_path)
    laid_out = {
        ".".join(path.relative_to(tmp_path).with_suffix("").parts).removesuffix(".__init__")
        for path in tmp_path.rglob("*.py")
    }
    assert laid_out == {module_name(path) for path in SOURCES}
