"""Which kernel runs an operator: a user's own first, then litefuse's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from litefuse.runtime.kernels import KERNELS, Kernel
from litefuse.runtime.kernels.custom import CUSTOM_KERNELS
from litefuse.runtime.model import BuiltinOperator

if TYPE_CHECKING:
    from litefuse.runtime.model import Operator

Registered = Mapping[tuple[bool, str], Kernel]


def kernel_key(op: Operator) -> tuple[bool, str]:
    """(is it a builtin, its name or custom code): what a user's ops are registered by."""
    return op.code.builtin_code != BuiltinOperator.CUSTOM, op.name


def find_kernel(op: Operator, registered: Registered) -> Kernel | None:
    """The op's kernel; None when nothing runs it."""
    builtin, name = key = kernel_key(op)
    found = registered.get(key)
    if found is None:
        found = KERNELS.get(name) if builtin else CUSTOM_KERNELS.get(name)
    return found


def hidden_from_delegates(op: Operator, registered: Registered) -> bool:
    """Whether no delegate may claim the op: a user's, or a custom op with a builtin's name (which
    delegates that go by names would take for the builtin).
    """
    builtin, name = key = kernel_key(op)
    return key in registered or (not builtin and name in BuiltinOperator.__members__)
