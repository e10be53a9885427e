"""One partition inside a LiteRT interpreter as compiled code, over every shape it is given.

The interpreter calls the trampoline; a State (docs/contracts.md) says where the code of the
current shapes is. A change of shapes selects another State, compiled or taken from those made
before. Where the compiler fails at that point there is no way back to the interpreter's own
kernels, so the partition runs on NumPy instead, right but slow, and says so.
"""

from __future__ import annotations

import ctypes as c
import time
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from litefuse.runtime import build
from litefuse.runtime.errors import LitefuseError, LitefuseWarning
from litefuse.runtime.executor import STATE_BYTES, Executable, StateFields
from litefuse.runtime.litert import kernel
from litefuse.runtime.litert.errors import LiteRTError
from litefuse.runtime.litert.import_graph import ImportedGraph
from litefuse.runtime.litert.trampoline import ENTRY_SLOT
from litefuse.runtime.options import Options
from litefuse.runtime.plan import Partition
from litefuse.runtime.profile import Profile, summarise
from litefuse.runtime.threads import ThreadPool

if TYPE_CHECKING:
    from litefuse.runtime.litert.reference import ReferencePartition

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

MAX_VARIANTS = 8


@dataclass(slots=True)
class GraphCode:
    """What the partitions of one graph share: the model, the options and the worker threads."""

    imported: ImportedGraph
    options: Options
    num_threads: int
    _pool: ThreadPool | None = None
    _users: int = 0

    def pool(self) -> ThreadPool:
        """The threads of this interpreter; the first user starts them, the last stops them."""
        if self._pool is None:
            self._pool = ThreadPool(self.num_threads)
        self._users += 1
        return self._pool

    def leave(self) -> None:
        """Give up what `pool` gave."""
        self._users -= 1
        if self._users == 0 and self._pool is not None:
            self._pool.close()
            self._pool = None


@dataclass(slots=True)
class Variant:
    """The partition for one set of input shapes; without an executable it runs on NumPy.

    `memory` is the tick counters that each invoke fills (with the option `profile`), or the State
    that stands in for an executable's.
    """

    shapes: dict[int, Shape]
    executable: Executable | None
    state_address: int
    memory: object
    graph: GraphCode

    def close(self) -> None:
        """Free the executable and give up the threads."""
        if self.executable is not None:
            self.executable.close()
            self.executable = None
            self.graph.leave()


class CompiledPartition:
    """The code of one partition for its current shapes, and for those it had before.

    The constructor compiles (or loads from the cache) and raises what the build raises; nothing
    of the interpreter has changed by then.
    """

    def __init__(self, graph: GraphCode, partition: Partition) -> None:
        self.graph = graph
        self.partition = partition
        self._variants: OrderedDict[tuple[Shape, ...], Variant] = OrderedDict()
        self._reference: ReferencePartition | None = None
        self.current = self._compile(partition)
        self._variants[self._key(partition.shapes)] = self.current

    @property
    def executable(self) -> Executable | None:
        """What runs now; None while the partition runs on NumPy."""
        return self.current.executable

    def reshape(self, shapes: Mapping[int, Shape]) -> dict[int, Shape]:
        """Switch to these input shapes; the shape of every tensor under them."""
        key = self._key(shapes)
        variant = self._variants.get(key)
        if variant is None:
            everything = self.reference().shapes(shapes)
            try:
                variant = self._compile(replace(self.partition, shapes=everything))
            except LitefuseError as error:
                warnings.warn(
                    f"litefuse: {len(self.partition.nodes)} nodes run on NumPy at the new shapes, "
                    f"much slower: {error}",
                    LitefuseWarning,
                    stacklevel=2,
                )
                variant = _on_numpy(everything, self.graph)
            self._variants[key] = variant
        self._variants.move_to_end(key)
        self.current = variant
        while len(self._variants) > MAX_VARIANTS:
            self._variants.popitem(last=False)[1].close()
        return variant.shapes

    def run(self, inputs: Mapping[int, Array], outputs: Mapping[int, Array]) -> None:
        """Run from Python: on NumPy, or in compiled code where no trampoline could be had."""
        executable = self.executable
        if executable is None:
            for i, value in self.reference().run(inputs, list(outputs)).items():
                outputs[i][...] = value
            return
        arrays = {**inputs, **outputs}
        for index, port in enumerate((*executable.inputs, *executable.outputs)):
            executable.bind(index, arrays[port.tensor].ctypes.data, arrays[port.tensor])
        executable.invoke()

    def reference(self) -> ReferencePartition:
        """The same nodes by NumPy kernels."""
        if self._reference is None:
            from litefuse.runtime.litert.reference import ReferencePartition

            self._reference = ReferencePartition(self.graph.imported.model, self.partition.nodes)
        return self._reference

    def profile(self, runs: int) -> Profile:
        """Time the current code in an executable of its own; 0 runs: the interpreter's last one."""
        variant, executable = self.current, self.current.executable
        if executable is None:
            raise LiteRTError("this partition runs on NumPy at these shapes: nothing to profile")
        pool = ThreadPool(self.graph.num_threads)
        with closing(pool), Executable(executable.image, pool) as own:
            measured = own.profile(runs or 1)
            if runs:
                return measured
            rate = _nanoseconds_per_tick(own)
        assert isinstance(variant.memory, c.Array)  # the option `profile` made it
        ticks = np.array([list(variant.memory)], np.float64)
        if not ticks.any():
            raise LiteRTError("no invoke has been timed yet; invoke the interpreter first")
        whole = (ticks[:, -1] - ticks[:, 0]) * rate
        return summarise(ticks, rate, whole, executable.info, executable.num_threads)

    def close(self) -> None:
        """Free every variant; the interpreter has let go of the partition."""
        for variant in self._variants.values():
            variant.close()
        self._variants.clear()
        self._reference = None

    def _key(self, shapes: Mapping[int, Shape]) -> tuple[Shape, ...]:
        return tuple(shapes[i] for i in self.partition.inputs)

    def _compile(self, partition: Partition) -> Variant:
        graph = self.graph
        image = build.build(
            graph.imported.model,
            partition,
            graph.options,
            content_hash=graph.imported.content_hash,
        )
        pool = graph.pool()
        try:
            executable = Executable(image, pool)
        except BaseException:
            graph.leave()
            raise
        finally:
            image.close()  # the executable holds its own reference
        ports = (*executable.inputs, *executable.outputs)
        executable.bind_litert_tensors([port.tensor for port in ports])
        entry = executable.image.address("litert_invoke")
        c.c_void_p.from_address(executable.state_address + ENTRY_SLOT).value = entry
        ticks = (c.c_uint64 * (len(executable.steps) + 1))() if graph.options.profile else None
        if ticks is not None:
            slot = executable.state_address + StateFields.ticks.offset
            c.c_void_p.from_address(slot).value = c.addressof(ticks)
        shapes = dict(partition.shapes)
        return Variant(shapes, executable, executable.state_address, ticks, graph)


def _nanoseconds_per_tick(executable: Executable) -> float:
    """The period of the counter that generated code reads, over 20 ms."""
    ticks = (c.c_uint64 * (len(executable.steps) + 1))()
    slot = c.c_void_p.from_address(executable.state_address + StateFields.ticks.offset)
    slot.value = c.addressof(ticks)
    try:
        executable.invoke()
        first, start = ticks[0], time.perf_counter_ns()
        time.sleep(0.02)
        elapsed = time.perf_counter_ns() - start
        executable.invoke()
        return elapsed / max(ticks[0] - first, 1)
    finally:
        slot.value = None


def _on_numpy(shapes: dict[int, Shape], graph: GraphCode) -> Variant:
    state = (c.c_uint64 * (STATE_BYTES // 8))()
    state[ENTRY_SLOT // 8] = kernel.INVOKE
    return Variant(shapes, None, c.addressof(state), state, graph)
