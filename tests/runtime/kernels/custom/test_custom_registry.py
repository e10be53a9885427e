from __future__ import annotations

from importlib import import_module

from litefuse.runtime.kernels.custom.registry import CUSTOM_KERNELS, MODULES


def test_each_module_holds_what_the_table_says() -> None:
    for module, ops in MODULES.items():
        found = import_module(f"litefuse.runtime.kernels.{module}").KERNELS
        assert tuple(kernel.name for kernel in found) == ops, module
    assert all(CUSTOM_KERNELS[name].name == name for name in CUSTOM_KERNELS)
