"""A loaded image made runnable: its State, arena, io pointers and threads, called with arrays."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from litefuse.runtime.arena import ALIGN, Arena, Memory
from litefuse.runtime.artifact import Port, Step
from litefuse.runtime.errors import ExecutionError, PortError
from litefuse.runtime.loader import LoadedImage
from litefuse.runtime.threads import ThreadPool

if TYPE_CHECKING:  # imported by the methods that need them: most programs only run
    from litefuse.runtime.profile import Profile
    from litefuse.runtime.step import Kernel

STATE_BYTES: Final = 64
INVOKE: Final = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)


class StateFields(ctypes.Structure):
    """The native State of docs/contracts.md, field by field."""

    _fields_ = (
        ("consts", ctypes.c_void_p),
        ("arena", ctypes.c_void_p),
        ("io", ctypes.c_void_p),
        ("ticks", ctypes.c_void_p),
        ("pool", ctypes.c_void_p),
        ("litert_tensors", ctypes.c_void_p),
        ("_reserved", ctypes.c_uint64 * 2),
    )


def aligned_empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """An uninitialised array at a multiple of 64 bytes, where LiteRT puts its tensors."""
    raw = np.empty(math.prod(shape) * dtype.itemsize + ALIGN, np.uint8)
    return np.ndarray(shape, dtype, raw, -_address(raw) % ALIGN)


def _address(array: np.ndarray) -> int:
    # Twice as fast as array.ctypes.data, and this is on the way of every call.
    address: int = array.__array_interface__["data"][0]
    return address


class Executable:
    """One compiled partition, ready to run on `pool` (default: one thread, the caller's).

    Owns its arena and State, holds a reference to `image`, and runs one invoke at a time (under
    ``pool.lock``), with the GIL released. A pool that was given is the caller's to close.
    """

    def __init__(self, image: LoadedImage, pool: ThreadPool | None = None) -> None:
        self.image = image.retain()
        self.info = image.info
        self.inputs: tuple[Port, ...] = image.info.inputs
        self.outputs: tuple[Port, ...] = image.info.outputs
        self._closed = False
        self._owns_pool = pool is None
        self.pool = pool if pool is not None else ThreadPool(1)
        self.pool.start(image.address("worker"), image)
        self.pool.reserve(len(image.info.steps))
        count = image.info.n_io
        # State, io pointers and tick counters in one block; ticks are 8-byte words, steps + 1.
        self._io_at, self._ticks_at = STATE_BYTES, STATE_BYTES + 8 * max(count, 1)
        self._memory = Memory(self._ticks_at + 8 * (len(image.info.steps) + 1))
        self._arena = Arena(image.info.arena_bytes)
        self._io = (ctypes.c_uint64 * count).from_address(self._memory.address + self._io_at)
        self._unbound = set(range(count))
        self._dtypes = [np.dtype(port.dtype) for port in (*self.inputs, *self.outputs)]
        self._ticks = self._memory.view(
            self._ticks_at, np.dtype(np.uint64), (len(image.info.steps) + 1,)
        )
        self._keep: dict[int, object] = {}
        self.state_address = self._memory.address
        self._state = StateFields.from_address(self.state_address)
        self._state.consts = image.constants_address
        self._state.arena = self._arena.address
        self._state.io = self.state_address + self._io_at
        self._state.pool = self.pool.address
        self._invoke: Callable[[int], int] = INVOKE(image.address("invoke"))

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @property
    def num_threads(self) -> int:
        """The number of threads an invoke really uses."""
        return self.pool.threads_running

    @property
    def steps(self) -> tuple[Step, ...]:
        """The schedule: one step a fused kernel."""
        return self.info.steps

    def bind(self, index: int, address: int, keep: object = None) -> None:
        """Set io pointer `index` (inputs, then outputs) to memory with the port's size.

        The memory must outlive every invoke; `keep` is held until the pointer is bound again.
        """
        self._alive()
        if not 0 <= index < self.info.n_io:
            raise PortError(f"{self._name}: io index {index}; there are {self.info.n_io}")
        self._bind(index, address, keep)

    def bind_litert_tensors(self, indices: Sequence[int]) -> None:
        """Tell ``litert_invoke`` which tensor of the interpreter each io pointer is."""
        self._alive()
        if len(indices) != self.info.n_io:
            raise PortError(f"{self._name}: {len(indices)} tensors for {self.info.n_io} ports")
        table = np.array(indices, np.int32)
        self._keep[-1] = table
        self._state.litert_tensors = table.ctypes.data

    def invoke(self) -> None:
        """Run on the bound pointers. ExecutionError if one is not bound, or the code fails."""
        with self.pool.lock:
            self._run()

    def __call__(
        self, *arrays: np.ndarray, out: Sequence[np.ndarray] | None = None
    ) -> list[np.ndarray]:
        """Run on arrays, one an input in the order of `inputs`; returns the outputs.

        Dtypes and shapes must be the ports' exactly (PortError). `out` gives arrays to write
        instead of new ones: contiguous and writable. Safe to call from several threads.
        """
        self._alive()
        if len(arrays) != len(self.inputs):
            names = ", ".join(port.name for port in self.inputs)
            raise PortError(
                f"{self._name}: {len(arrays)} inputs given, {len(self.inputs)} needed: {names}"
            )
        given = [self._input(index, value) for index, value in enumerate(arrays)]
        results = self._outputs(out)
        with self.pool.lock:
            self._alive()
            for index, array in enumerate([*given, *results]):
                self._bind(index, _address(array), array)
            self._run()
        return results

    def kernel(self, which: str | int) -> Kernel:
        """One step by its index, symbol, or kernel name (where only one step has it), to be called.

        ExecutionError lists the names if there is no such step or several.
        """
        self._alive()
        from litefuse.runtime.step import Kernel, find_step

        return Kernel(self.image, find_step(self.info, which))

    def profile(self, runs: int = 50) -> Profile:
        """Time every step over `runs` invokes on the bound pointers, or on zeros if none are."""
        from litefuse.runtime.profile import measure

        if runs < 1:
            raise ValueError(f"profile of {runs} runs; at least one is needed")
        self._alive()
        with self.pool.lock:
            self._alive()
            ports = [*self.inputs, *self.outputs]
            for index in sorted(self._unbound):
                array = aligned_empty(ports[index].shape, self._dtypes[index])
                array.fill(0)
                self._bind(index, _address(array), array)
            self._state.ticks = self.state_address + self._ticks_at
            try:
                return measure(self._run, self._ticks, self.info, runs, self.num_threads)
            finally:
                self._state.ticks = None

    def numba_callable(self, order: Sequence[int] | None = None) -> Any:
        """A function for use inside Numba's ``@njit``: takes the input then the output arrays.

        `order`: the io index of each argument, where they are to come in another order.

        It checks dtypes, ranks, shapes and contiguity, binds, runs without the GIL, and returns 0.
        It takes no lock: do not run it while another thread invokes the same executable. Imports
        Numba; the function keeps the executable alive.
        """
        self._alive()
        from litefuse.runtime.numba_call import make

        io = self.state_address + self._io_at
        return make(self, self.image.address("invoke"), io, order)

    def close(self) -> None:
        """Free the arena, the state and the reference to the image; again is harmless."""
        if self._closed:
            return
        with self.pool.lock:
            self._closed = True
            self.pool.leave(self.state_address)
        if self._owns_pool:
            self.pool.close()
        self._keep.clear()
        del self._state, self._io, self._ticks
        self.state_address = 0
        self._memory.close()
        self._arena.close()
        self.image.release()

    @property
    def _name(self) -> str:
        return f"partition {self.info.name!r}"

    def _alive(self) -> None:
        if self._closed:
            raise ExecutionError(f"{self._name} is closed; make a new Executable")

    def _bind(self, index: int, address: int, keep: object) -> None:
        self._io[index] = address
        self._keep[index] = keep
        if address:
            self._unbound.discard(index)
        else:
            self._unbound.add(index)

    def _run(self) -> None:
        self._alive()
        if self._unbound:
            index = min(self._unbound)
            port = (*self.inputs, *self.outputs)[index]
            raise ExecutionError(
                f"{self._name}: io {index} ({port.name!r}) is not bound; bind({index}, address) "
                "or call the executable with arrays"
            )
        status = self._invoke(self.state_address)
        if status != 0:
            raise ExecutionError(f"{self._name}: native code returned {status}")

    def _input(self, index: int, value: object) -> np.ndarray:
        array = self._checked(index, value)
        # Kernels may assume the 64-byte alignment that LiteRT gives its tensors.
        if array.flags.c_contiguous and _address(array) % ALIGN == 0:
            return array
        copy = aligned_empty(array.shape, array.dtype)
        copy[...] = array
        return copy

    def _outputs(self, out: Sequence[np.ndarray] | None) -> list[np.ndarray]:
        first = len(self.inputs)
        if out is None:
            dtypes = self._dtypes[first:]
            pairs = zip(self.outputs, dtypes, strict=True)
            return [aligned_empty(port.shape, dtype) for port, dtype in pairs]
        if len(out) != len(self.outputs):
            raise PortError(f"{self._name}: {len(out)} outputs given, {len(self.outputs)} made")
        for index, value in enumerate(out, first):
            array = self._checked(index, value)
            if array is not value or not array.flags.c_contiguous or not array.flags.writeable:
                name = self.outputs[index - first].name
                raise PortError(
                    f"{self._name}: output {name!r} must be a contiguous, writable array"
                )
        return list(out)

    def _checked(self, index: int, value: object) -> np.ndarray:
        """`value` as an array with the dtype and shape of io `index`, or PortError."""
        array = np.asarray(value)
        port = (*self.inputs, *self.outputs)[index]
        if array.dtype != self._dtypes[index]:
            raise PortError(
                f"{self._name}: {port.name!r} is {array.dtype} but must be {port.dtype}; "
                f"convert it with .astype({port.dtype!r}) (or quantise it)"
            )
        if array.shape != port.shape:
            raise PortError(
                f"{self._name}: {port.name!r} has shape {array.shape} but must have {port.shape}; "
                "compile for other shapes by resizing the model's inputs"
            )
        return array

    def __enter__(self) -> Executable:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True) and hasattr(self, "_invoke"):
            self.close()
