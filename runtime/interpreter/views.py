"""Writable views of tensor memory that the interpreter can tell are still alive."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import Array


class _Owner:
    """Lends an array's memory through NumPy's array interface; every view keeps it alive."""

    def __init__(self, array: Array, writable: bool) -> None:
        self._array = array
        interface: dict[str, Any] = dict(array.__array_interface__)
        address, read_only = interface["data"]
        interface["data"] = (address, read_only or not writable)
        self.__array_interface__ = interface


class ViewTracker:
    """Hands out views and knows whether any of them, or a slice of one, is still referenced."""

    def __init__(self) -> None:
        self._owners: weakref.WeakSet[_Owner] = weakref.WeakSet()

    def view(self, array: Array, writable: bool) -> Array:
        """A view of `array`'s memory; strings, which are objects, are copied instead."""
        if array.dtype.hasobject:
            return array.copy()
        owner = _Owner(array, writable)
        self._owners.add(owner)
        return np.asarray(owner)

    def alive(self) -> bool:
        """Whether a view handed out before is still referenced."""
        return len(self._owners) > 0
