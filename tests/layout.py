"""The source tree as data, for the tests that check its shape."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Folder in the checkout -> package once imported.
STAGES = {
    "litefuse": "litefuse",
    "compiler": "litefuse.compiler",
    "passes": "litefuse.passes",
    "codegen": "litefuse.codegen",
    "runtime": "litefuse.runtime",
}
OUTSIDE = {".git", ".venv", "build", "dist", "__pycache__", ".hypothesis"}
OUTSIDE |= {".mypy_cache", ".pytest_cache", ".ruff_cache", "litefuse.egg-info"}


@dataclass(frozen=True)
class Import:
    """One imported module: where, what, and whether it runs when the file is imported."""

    path: Path
    line: int
    target: str
    level: int
    at_import: bool

    def __str__(self) -> str:
        """Where it stands, as an editor would jump to it."""
        return f"{self.path.relative_to(ROOT)}:{self.line}: imports {'.' * self.level}{self.target}"


def text_files() -> Iterator[Path]:
    """Every file of the project that is text, wherever it lies; nothing generated or installed."""
    for folder, below, names in os.walk(ROOT):
        below[:] = sorted(set(below) - OUTSIDE)  # never walks into what it would skip
        for path in (Path(folder, name) for name in sorted(names)):
            if path.is_file() and b"\0" not in path.read_bytes()[:4096]:
                yield path


def python_files(*folders: str) -> list[Path]:
    """The Python files below these folders of the checkout."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def parse(path: Path) -> ast.Module:
    """The syntax tree of a file, parsed once a session."""
    return ast.parse(path.read_text(), filename=str(path))


def module_name(path: Path) -> str:
    """``runtime/model/reader.py`` -> ``litefuse.runtime.model.reader``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join((STAGES[parts[0]], *parts[1:]))
    return name.removesuffix(".__init__")


def imports(path: Path) -> Iterator[Import]:
    """Each import of a file. Those under ``if TYPE_CHECKING`` or in a function do not run with it."""
    yield from _imports(path, parse(path), at_import=True)


def _imports(path: Path, node: ast.AST, at_import: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(path, child.lineno, alias.name, 0, at_import)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            for alias in child.names:
                # `from litefuse.runtime import model` imports litefuse.runtime.model
                whole = f"{base}.{alias.name}" if base in _packages() else base
                yield Import(path, child.lineno, whole, child.level, at_import)
        elif isinstance(child, ast.If) and _is_type_checking(child.test):
            for statement in child.body:
                yield from _imports(path, ast.Module([statement], []), False)
            yield from _imports(path, ast.Module(child.orelse, []), at_import)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _imports(path, child, False)
        else:
            yield from _imports(path, child, at_import)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name in ("TYPE_CHECKING", "_TYPE_CHECKING")


@cache
def _packages() -> frozenset[str]:
    return frozenset(
        module_name(path) for path in python_files(*STAGES) if path.name == "__init__.py"
    )


def packages_on_disk() -> set[str]:
    """Every importable package of the checkout: a folder that holds an ``__init__.py``."""
    return set(_packages())
