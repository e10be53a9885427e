"""Which module holds which op: one explicit table, read lazily."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from litefuse.runtime.kernels.base import Kernel

# One line a module.  A module's `KERNELS` tuple holds exactly the ops named here.
MODULES: dict[str, tuple[str, ...]] = {
    "add_sub": ("ADD", "SUB"),
    "concatenation": ("CONCATENATION",),
    "conv_2d": ("CONV_2D",),
    "depthwise_conv_2d": ("DEPTHWISE_CONV_2D",),
    "fully_connected": ("FULLY_CONNECTED",),
    "mul": ("MUL",),
    "pad": ("PAD", "PADV2", "MIRROR_PAD"),
    "pool_2d": ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"),
    "quantize": ("QUANTIZE", "DEQUANTIZE", "FAKE_QUANT"),
    "reduce": (
        "MEAN",
        "SUM",
        "REDUCE_MAX",
        "REDUCE_MIN",
        "REDUCE_PROD",
        "REDUCE_ANY",
        "REDUCE_ALL",
    ),
    "relu": ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"),
    "reshape": ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "SHAPE", "RANK"),
    "resize": ("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"),
    "softmax": ("SOFTMAX", "LOG_SOFTMAX"),
}


class KernelTable(Mapping[str, Kernel]):
    """Kernels by operator name; a module is imported when one of its ops is first looked up."""

    def __init__(self, modules: Mapping[str, tuple[str, ...]]) -> None:
        self._home = {op: module for module, ops in modules.items() for op in ops}
        self._loaded: dict[str, Kernel] = {}

    def __getitem__(self, name: str) -> Kernel:
        """The kernel of this op; KeyError when there is none."""
        kernel = self._loaded.get(name)
        if kernel is None:
            module = import_module(f"litefuse.runtime.kernels.{self._home[name]}")
            self._loaded.update((found.name, found) for found in module.KERNELS)
            kernel = self._loaded[name]
        return kernel

    def __contains__(self, name: object) -> bool:
        """Whether the op has a kernel, without importing it."""
        return name in self._home

    def __iter__(self) -> Iterator[str]:
        """The op names in the table's order."""
        return iter(self._home)

    def __len__(self) -> int:
        """How many ops have a kernel."""
        return len(self._home)


KERNELS = KernelTable(MODULES)
