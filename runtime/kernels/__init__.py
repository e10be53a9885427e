"""The meaning of every builtin op in NumPy: what a node computes when nobody compiles it.

`KERNELS` maps an operator's name to its `Kernel`.  The modules behind it are imported when a kernel
is first asked for, so that starting an interpreter costs only the ops that its model has.
"""

from __future__ import annotations

from litefuse.runtime.kernels.base import (
    Host,
    Kernel,
    KernelError,
    NodeContext,
    TensorValue,
    run_node,
)
from litefuse.runtime.kernels.registry import KERNELS, MODULES

__all__ = [
    "KERNELS",
    "MODULES",
    "Host",
    "Kernel",
    "KernelError",
    "NodeContext",
    "TensorValue",
    "run_node",
]
