"""The table of ops, the modules on disk and their tests agree."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

from litefuse.runtime.kernels import KERNELS, MODULES
from litefuse.runtime.model import BuiltinOperator
from tests.conformance.registry import rows

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
HELPERS = {
    "__init__",
    "accumulate",
    "accurate",
    "activation",
    "base",
    "bfloat16",
    "bounds",
    "broadcast",
    "contraction",
    "detached",
    "erfc",
    "farmhash",
    "fixed_point",
    "gemmlowp",
    "gemmlowp16",
    "geometry",
    "hybrid",
    "int16_tables",
    "int8_tables",
    "libm",
    "lstm_basic",
    "lstm_bytes",
    "lstm_cell",
    "lstm_integer",
    "lstm_places",
    "partial_sort",
    "philox",
    "recurrent",
    "registry",
    "running_error",
    "shuffled",
    "sparse_weights",
    "tiles",
    "tolerance",
}


def test_each_module_holds_what_the_table_says() -> None:
    for module, ops in MODULES.items():
        found = import_module(f"litefuse.runtime.kernels.{module}").KERNELS
        assert tuple(kernel.name for kernel in found) == ops, module


def test_no_op_has_two_kernels_and_each_is_a_builtin() -> None:
    names = [op for ops in MODULES.values() for op in ops]
    assert len(names) == len(set(names)) == len(KERNELS)
    assert set(names) <= set(BuiltinOperator.__members__)
    assert all(KERNELS[name].name == name for name in names)


def test_the_table_names_every_module_on_disk() -> None:
    files = {path.stem for path in (ROOT / "runtime" / "kernels").glob("*.py")}
    assert files == set(MODULES) | HELPERS


def test_each_module_has_its_test() -> None:
    """A file of its own, or a conformance specification of each of its ops, or both."""
    tests = {path.stem.removeprefix("test_") for path in HERE.glob("test_*.py")}
    specified = {row.op for row in rows()}
    assert not {m for m, ops in MODULES.items() if m not in tests and not set(ops) <= specified}


def test_the_table_imports_no_kernel_before_it_is_asked_for() -> None:
    code = (
        "import sys; from litefuse.runtime.kernels import KERNELS; 'CONV_2D' in KERNELS; "
        "print(sum('conv_2d' in name for name in sys.modules)); KERNELS['CONV_2D']; "
        "print(sum(name.endswith('.conv_2d') for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "1"]
