"""Lay out the installed shape of the package for type checkers.

mypy and pyright see neither an editable install's import hook nor ``__path__``, so they cannot
find ``litefuse.compiler`` in ``compiler/``. This writes ``OUT/litefuse/...`` from pyproject.toml's
package-dir map: real folders (pyright silently skips symlinked ones), one symlink per file.

    python tools/view.py build/view && mypy build/view/litefuse
"""

from __future__ import annotations

import shutil
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def package_folders(root: Path) -> dict[str, Path]:
    """Each package of pyproject.toml's list with its folder, through the longest mapped prefix."""
    table = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    mapping: dict[str, str] = table["package-dir"]
    folders: dict[str, Path] = {}
    for package in table["packages"]:
        parts = package.split(".")
        for cut in range(len(parts), 0, -1):
            base = mapping.get(".".join(parts[:cut]))
            if base is not None:
                folders[package] = root.joinpath(base, *parts[cut:])
                break
        else:
            raise SystemExit(
                f"pyproject.toml: package {package} is under no entry of package-dir; "
                "add its top folder there"
            )
    return folders


def lay_out(root: Path, out: Path) -> int:
    """Write the view afresh below ``out``; return the number of files linked."""
    shutil.rmtree(out, ignore_errors=True)
    linked = 0
    for package, folder in package_folders(root).items():
        if not folder.is_dir():
            raise SystemExit(f"pyproject.toml lists {package}, but {folder} is no folder")
        target = out.joinpath(*package.split("."))
        target.mkdir(parents=True, exist_ok=True)
        for source in sorted(folder.iterdir()):
            if source.suffix in (".py", ".pyi") or source.name == "py.typed":
                (target / source.name).symlink_to(source)
                linked += 1
    return linked


if __name__ == "__main__":
    destination = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "view")
    print(f"{lay_out(ROOT, destination)} files in {destination}")
