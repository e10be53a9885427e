"""One fused kernel out of an image, called by itself with arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np

from litefuse.runtime.arena import SLACK, Memory
from litefuse.runtime.artifact import Arg, Manifest, Step
from litefuse.runtime.errors import ExecutionError, PortError
from litefuse.runtime.loader import LoadedImage


def find_step(info: Manifest, which: str | int) -> Step:
    """The step with this index, symbol, or kernel name; ExecutionError if none or several fit."""
    if not isinstance(which, str):
        if 0 <= which < len(info.steps):
            return info.steps[which]
        raise ExecutionError(
            f"partition {info.name!r} has {len(info.steps)} steps, no step {which}"
        )
    found = [step for step in info.steps if step.symbol == which]
    found = found or [step for step in info.steps if step.kernel == which]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(step.symbol for step in found)
        raise ExecutionError(
            f"{len(found)} steps use kernel {which!r}; choose one by symbol: {names}"
        )
    names = ", ".join(step.symbol for step in info.steps)
    raise ExecutionError(f"partition {info.name!r} has no kernel {which!r}; it has {names}")


class Kernel:
    """A step as a function of arrays, in the order of ``step.args``.

    Each argument's array has the arg's dtype and its `physical_shape` (border included), or, where
    the border is to be zero, its logical shape. Arguments that are constants may be None (or left
    out altogether: give the "in" ones alone), and then the image's own are used; so may outputs.
    Returns the "out" arrays, physical shape, newly made. One thread runs the whole trip.
    """

    def __init__(self, image: LoadedImage, step: Step) -> None:
        self.step = step
        self._image = image
        kinds = [ctypes.c_void_p] * len(step.args) + [ctypes.c_int64] * 2
        signature = ctypes.CFUNCTYPE(None, *kinds)
        self._call: Callable[..., None] = signature(image.code_address + step.entry)

    def __call__(self, *arrays: np.ndarray | None) -> list[np.ndarray]:
        """Run the kernel on `arrays`; PortError if they do not fit (see the class)."""
        image = self._image.retain()  # for the length of the call
        try:
            buffers = [self._buffer(arg, a) for arg, a in self._pair(arrays)]
            pointers = [address for address, _ in buffers]
            self._call(*pointers, 0, self.step.trip)
            roles = zip(self.step.args, buffers, strict=True)
            return [view.copy() for arg, (_, view) in roles if arg.role == "out"]
        finally:
            image.release()

    def _pair(self, arrays: tuple[np.ndarray | None, ...]) -> list[tuple[Arg, np.ndarray | None]]:
        args = self.step.args
        if len(arrays) == len(args):
            return list(zip(args, arrays, strict=True))
        ins = [arg for arg in args if arg.role == "in"]
        if len(arrays) != len(ins):
            roles = ", ".join(f"{arg.role} {arg.dtype}{list(arg.shape)}" for arg in args)
            raise PortError(
                f"kernel {self.step.symbol}: {len(arrays)} arrays given; it takes {len(args)} "
                f"({roles}), or the {len(ins)} inputs alone"
            )
        rest = iter(arrays)
        return [(arg, next(rest) if arg.role == "in" else None) for arg in args]

    def _buffer(self, arg: Arg, array: np.ndarray | None) -> tuple[int, np.ndarray]:
        """The address for an argument, and a view that keeps it alive."""
        shape, dtype = arg.physical_shape, np.dtype(arg.dtype)
        if array is None and arg.space == "const":
            # Read in place: constants have the alignment and slack their kernel wants.
            view = np.frombuffer(self._image.constants(), dtype, _size(shape), arg.offset)
            return self._image.constants_address + arg.offset, view.reshape(shape)
        if array is None and arg.role == "in":
            raise PortError(f"kernel {self.step.symbol}: an input {arg.dtype}{shape} is None")
        memory = Memory(_size(shape) * dtype.itemsize + 2 * SLACK)
        view = memory.view(SLACK, dtype, shape)
        if array is not None:
            self._fill(arg, view, np.asarray(array))
        return memory.address + SLACK, view

    def _fill(self, arg: Arg, view: np.ndarray, array: np.ndarray) -> None:
        if array.dtype != view.dtype:
            raise PortError(
                f"kernel {self.step.symbol}: {arg.role} array is {array.dtype}, must be {arg.dtype}"
            )
        if array.shape == view.shape:
            view[...] = array
        elif array.shape == arg.shape:
            top, _, left, _ = arg.pad
            _, height, width, *_ = arg.shape
            view[:, top : top + height, left : left + width] = array
        else:
            raise PortError(
                f"kernel {self.step.symbol}: {arg.role} array has shape {array.shape}, must have "
                f"{view.shape}" + (f" or, with a zero border, {arg.shape}" if any(arg.pad) else "")
            )


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))
