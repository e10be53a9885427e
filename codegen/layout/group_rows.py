"""`group-rows`: chains of ops whose intermediate tensors are too large for the cache are computed
band by band.

`fuse-pool` marks pairs that are worth it anywhere; here, with the target known, chains are grown:
expand, depthwise and project of an inverted residual, depthwise and pointwise of a separable
convolution. An op joins the chain of its operand when it alone reads it, both go row by row over
one image, and its weights are small enough to be read again for every band. Adds `group` (a
number) to every op of a chain and `band` (rows of its result at a time) to the last one.

Before, `%y` being 1.2 MB, and after:

    %y = "kern.contract"(%x, %w0) {kind = "conv", ...}        ... {group = 0}
    %z = "kern.contract"(%y, %w1) {kind = "depthwise", ...}   ... {group = 0, band = 4}
"""

from __future__ import annotations

from litefuse.codegen.families.image import BYTES, Image
from litefuse.codegen.layout.schedule_kernels import buffers_of
from litefuse.compiler.ir.core import Module, Operation, Value
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.compiler.ir.types import TensorType

INTERMEDIATE = 512 * 1024  # bytes of a tensor from which keeping it in the cache pays
WEIGHTS = 96 * 1024  # bytes of weights that may be read again for every band
BAND = 48 * 1024  # bytes of the widest intermediate that a band makes
_LONGEST = 4


def group_rows(module: Module, context: PassContext) -> None:
    """Number the chains of each function from 0; `assign-layouts` has run."""
    for func in module.functions():
        if func.name == "kern.func":
            _Groups(func, context).run()


PASS = Pass("group-rows", group_rows, "chains computed band by band")


class _Groups:
    def __init__(self, func: Operation, context: PassContext) -> None:
        self.func = func
        self.context = context
        self.buffers = buffers_of(func)

    def run(self) -> None:
        marked = {}
        for op in self.func.body.ops:
            if "group" in op.attributes:
                marked[id(op)] = op.attributes.pop("group")
        number = 0
        taken: set[int] = set()
        for op in self.func.body.ops:
            if id(op) in taken or not self._by_rows(op):
                continue
            chain = [op]
            while (
                len(chain) < _LONGEST and (following := self._next(chain[-1], marked)) is not None
            ):
                chain.append(following)
            if len(chain) < 2 or not self._adjacent(chain):
                continue
            taken.update(map(id, chain))
            for member in chain:
                member.attributes["group"] = number
            chain[-1].attributes["band"] = self._band(chain)
            self.context.count("groups")
            number += 1

    def _image(self, value: Value) -> Image:
        assert isinstance(value.type, TensorType)
        return Image.of(value.type, self.buffers[value])

    def _by_rows(self, op: Operation) -> bool:
        if op.name not in ("kern.contract", "kern.window") or op.get("kind") == "dense":
            return False
        out = self._image(op.result)
        return out.n == 1 and out.h > 1

    def _next(self, op: Operation, marked: dict[int, int]) -> Operation | None:
        """The op that may be computed in bands with this one."""
        users = op.result.uses
        if len(users) != 1 or users[0][1] != 0 or self.buffers[op.result]["space"] != "arena":
            return None
        user = users[0][0]
        if not self._by_rows(user):
            return None
        pooled = id(op) in marked and marked.get(id(user)) == marked[id(op)]
        large = self._image(op.result).nbytes >= INTERMEDIATE
        if not pooled and not large:
            return None
        return user if all(self._weights(o) <= WEIGHTS for o in (op, user)) else None

    def _weights(self, op: Operation) -> int:
        if op.name == "kern.window":
            return 0
        w = op.operands[1].type
        assert isinstance(w, TensorType)
        return w.size * BYTES[str(self.buffers[op.operands[0]]["dtype"])]

    def _adjacent(self, chain: list[Operation]) -> bool:
        """Whether all other operands of the chain are there before its first op: it runs as one
        step."""
        ops = self.func.body.ops
        first = ops.index(chain[0])
        members = set(map(id, chain))
        for op in chain:
            for v in op.operands:
                if v.op is None or id(v.op) in members or v.op.name == "kern.const":
                    continue
                if ops.index(v.op) > first:
                    return False
        return True

    def _band(self, chain: list[Operation]) -> int:
        out = self._image(chain[-1].result)
        row = max(
            self._image(op.result).row * BYTES[self._image(op.result).dtype] for op in chain[:-1]
        )
        return max(1, min(BAND // row, -(-out.h // 4)))
