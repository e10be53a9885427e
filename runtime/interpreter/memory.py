"""One arena for the tensors of a subgraph, planned when it is allocated.

As LiteRT does: a tensor whose shape is known lies in the arena from the step that writes it to the
last that reads it; inputs and outputs of the graph stay for the whole run; variables have memory of
their own.  An op that only renames positions has its result where its input is, and an op that
works row by row overwrites an input that nothing reads any more.  Tensors of a shape that only the
run can tell, and strings, are not planned: they are given up after their last reader.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from litefuse.runtime.interpreter.limits import require_memory
from litefuse.runtime.interpreter.slices import ROW_BY_ROW
from litefuse.runtime.kernels import TensorValue
from litefuse.runtime.kernels.base import Array
from litefuse.runtime.placement import Span, place

ALIGN = 64

# The same bytes in another shape.
_RENAMES = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "BITCAST"})


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a run reads and writes.

    `op` is the operator of a node that litefuse's own kernel runs, which may share memory; None for
    a partition or a user's op, of which nothing is known.  The outputs of a step that `keeps` them
    lie in memory of its own.
    """

    reads: Sequence[int]
    writes: Sequence[int]
    op: str | None = None
    keeps: bool = False


class TensorMemory:
    """Gives `memory` to the tensors of a subgraph that have a place, and says what to let go.

    `values` are all its tensors, `steps` the run in its order; `unknown` are tensors whose shape
    only the run can tell.  With `preserve` every tensor keeps a place of its own.

    `nbytes` are the arena's bytes, `variable_nbytes` those of the variables.  `releases` has, for
    each step, the tensors without a place that nothing reads after it.
    """

    def __init__(
        self,
        values: Sequence[TensorValue],
        inputs: Collection[int],
        outputs: Collection[int],
        steps: Sequence[Step],
        unknown: Collection[int],
        preserve: bool,
    ) -> None:
        self._values = values
        self._fixed = {*inputs, *outputs}
        self._preserve = preserve
        self._end = len(steps)
        self._first: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._live(inputs, steps)
        written = set(inputs).union(*(step.writes for step in steps if not step.keeps))
        self._planned = {
            t
            for t in written
            if t in self._first
            and t not in unknown
            and not values[t].constant
            and not values[t].tensor.is_variable
            and not values[t].dtype.hasobject
        }
        self._root: dict[int, int] = {}
        for position, step in enumerate(steps):
            self._share(position, step, inputs)
        self.nbytes = self._place_tensors()
        self.variable_nbytes = self._place_variables()
        self.releases = self._releases(steps)

    def _live(self, inputs: Collection[int], steps: Sequence[Step]) -> None:
        """First and last step of each tensor that a step writes or that is the graph's."""
        for t in inputs:
            self._first[t], self._last[t] = 0, self._end
        for position, step in enumerate(steps):
            for t in step.writes:
                self._first.setdefault(t, position)
                self._last[t] = max(self._last.get(t, 0), position)
            for t in step.reads:
                if t in self._first:
                    self._last[t] = max(self._last[t], position)
        for t, last in self._last.items():
            whole = t in self._fixed or self._preserve
            self._last[t] = self._end if whole else last

    def _size(self, t: int) -> int:
        value = self._values[t]
        return math.prod(value.shape) * value.dtype.itemsize

    def _share(self, position: int, step: Step, inputs: Collection[int]) -> None:
        """Let a node's first output lie where its first input does, if that is safe."""
        if step.op not in _RENAMES and step.op not in ROW_BY_ROW:
            return
        if not step.reads or len(step.writes) != 1:
            return
        source, target = step.reads[0], step.writes[0]
        if not {source, target} <= self._planned or target in inputs:
            return
        root = self._root.get(source, source)
        if step.op in _RENAMES:
            if self._size(source) != self._size(target) or self._preserve:
                return
        elif (
            self._last[root] > position
            or self._values[source].shape != self._values[target].shape
            or self._values[source].dtype != self._values[target].dtype
        ):
            return
        self._root[target] = root
        self._last[root] = max(self._last[root], self._last[target])

    def _place_tensors(self) -> int:
        roots = sorted(self._planned - self._root.keys())
        placement = place(
            [Span(self._first[t], self._last[t], self._size(t)) for t in roots], ALIGN
        )
        largest = max(roots, key=self._size, default=None)
        if largest is not None:
            name = self._values[largest].name
            require_memory(placement.total, f"the tensors' arena (the largest is {name!r})")
        arena = _aligned(placement.total)
        at = dict(zip(roots, placement.offsets, strict=True))
        for t in self._planned:
            self._values[t].memory = self._view(arena, at[self._root.get(t, t)], t)
        return placement.total

    def _place_variables(self) -> int:
        variables = [
            t
            for t, value in enumerate(self._values)
            if value.tensor.is_variable and not value.constant and not value.dtype.hasobject
        ]
        placement = place([Span(0, 0, self._size(t)) for t in variables], ALIGN)
        arena = _aligned(placement.total)
        for t, offset in zip(variables, placement.offsets, strict=True):
            self._values[t].memory = self._view(arena, offset, t)
        return placement.total

    def _view(self, arena: Array, offset: int, t: int) -> Array:
        value = self._values[t]
        return arena[offset : offset + self._size(t)].view(value.dtype).reshape(value.shape)

    def _releases(self, steps: Sequence[Step]) -> list[list[int]]:
        releases: list[list[int]] = [[] for _ in steps]
        if self._preserve:
            return releases
        for step in steps:
            for t in () if step.keeps else step.writes:
                value = self._values[t]
                held = t in self._planned or value.constant or value.tensor.is_variable
                if not held and self._last[t] < self._end:
                    releases[self._last[t]].append(t)
        return releases


def _aligned(nbytes: int) -> Array:
    """That many zeroed bytes on a boundary of `ALIGN`, whose pages are only taken when written."""
    memory = np.zeros(nbytes + ALIGN, np.uint8)
    start = -memory.ctypes.data % ALIGN
    return memory[start : start + nbytes]
