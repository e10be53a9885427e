"""What stands for the compiler in a key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from litefuse.runtime import fingerprint


def _digest(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(fingerprint, "__file__", str(root / "runtime" / "fingerprint.py"))
    return fingerprint.compiler_digest.__wrapped__()


def test_it_follows_the_sources_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [
        "compiler/driver.py",
        "passes/fold.py",
        "codegen/llvm/emit.py",
        "runtime/kernels/add.py",
        "runtime/artifact.py",
    ]
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    seen = [_digest(tmp_path, monkeypatch)]
    assert _digest(tmp_path, monkeypatch) == seen[0]
    for name in files:
        file = tmp_path / name
        file.write_text("x = 12\n")
        seen.append(_digest(tmp_path, monkeypatch))
        status = file.stat()
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        seen.append(_digest(tmp_path, monkeypatch))
        file.rename(file.with_name("renamed.py"))
        seen.append(_digest(tmp_path, monkeypatch))
    assert len(set(seen)) == len(seen)
    for name in (
        "passes/__pycache__/fold.pyc",
        "passes/notes.md",
        "litefuse/cli/run.py",
        "runtime/executor.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert _digest(tmp_path, monkeypatch) == seen[-1]


def test_a_runtime_without_a_compiler_has_a_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(_digest(tmp_path, monkeypatch)) == 16


def test_the_installed_llvm_is_named() -> None:
    llvmlite = pytest.importorskip("llvmlite")
    assert fingerprint.llvm_version.__wrapped__() == llvmlite.__version__


def test_no_llvm_is_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    assert fingerprint.llvm_version.__wrapped__() == "absent"
