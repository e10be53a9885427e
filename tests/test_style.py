"""Habits that a linter does not know: small files, contracts on public names, nothing of one machine."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.layout import ROOT, STAGES, parse, python_files, text_files

CEILING = 700
# In two pieces each, so that this file does not hold what it looks for.
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "golang" + ".org",
    "crates" + ".io",
    "anaconda" + ".org",
]
MACHINE_PATH = re.compile(r"(?<![\w.~$}])/(?:root|work|home|Users|mnt)/[\w.-]+")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_hides_two() -> None:
    folders = (*STAGES, "tests", "tools", "benchmarks", "examples")
    lengths = {_name(path): path.read_text().count("\n") for path in python_files(*folders)}
    long = {name: lines for name, lines in lengths.items() if lines > CEILING}
    assert not long, f"over {CEILING} lines, each hiding two files: {long}"


def _public_without_docstring(path: Path) -> list[str]:
    tree = parse(path)
    found = [] if ast.get_docstring(tree) else [f"{_name(path)}:1: the module"]
    found += [
        f"{_name(path)}:{node.lineno}: {node.name}"
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    return found


def test_each_public_name_says_its_contract() -> None:
    missing = [entry for path in python_files(*STAGES) for entry in _public_without_docstring(path)]
    assert not missing, "no docstring:\n" + "\n".join(missing)


def test_no_file_names_a_package_registry() -> None:
    found = [
        f"{_name(path)}: {host}"
        for path in text_files()
        for host in REGISTRY_HOSTS
        if host in path.read_text(errors="replace")
    ]
    assert not found


def test_no_file_names_a_folder_of_one_machine() -> None:
    found = [
        f"{_name(path)}: {match}"
        for path in text_files()
        for match in MACHINE_PATH.findall(path.read_text(errors="replace"))
    ]
    assert not found
