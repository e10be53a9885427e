"""What a kernel family is given and what it returns: `Lowering` and `Step`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from litefuse.codegen.families.code import Code, Index, finish, kernel
from litefuse.codegen.families.image import Image
from litefuse.codegen.names import KernelName
from litefuse.codegen.targets import Target
from litefuse.compiler.ir.core import Location, Operation, Value
from litefuse.compiler.ir.types import TensorType


@dataclass
class Step:
    """One call of a kernel in the schedule: the function, its buffers in argument order, and how
    many units it has."""

    spec: str
    func: Operation
    args: list[dict[str, Any]]
    trip: int
    location: Location
    macs: int = 0
    role: str = "compute"  # or "border": what fills physical padding


@dataclass
class Lowering:
    """The surroundings of an op that is lowered: the target, and the buffer of every tensor
    value."""

    target: Target
    buffers: Mapping[Value, dict[str, Any]]
    names: dict[str, int] = field(default_factory=dict)

    def image(self, value: Value) -> Image:
        """The view of a tensor's buffer."""
        assert isinstance(value.type, TensorType)
        return Image.of(value.type, self.buffers[value])

    def lanes(self, bytes_per_lane: int = 4) -> int:
        """Lanes of the target's vectors."""
        return self.target.vector_bytes // bytes_per_lane

    def name(self, storage: str, family: str, tile: str = "", product: str = "") -> str:
        """A kernel's name on this target."""
        return str(KernelName(storage, family, self.target.name, tile, product))

    def argument(self, value: Value, role: str) -> dict[str, Any]:
        """The description of a buffer for `loop.step` and for the artifact's manifest."""
        buffer = self.buffers[value]
        assert isinstance(value.type, TensorType)
        return {
            "space": buffer["space"],
            "offset": buffer["offset"],
            "dtype": buffer["dtype"],
            "bias": buffer.get("bias", 0),
            "shape": tuple(value.type.shape),
            "pad": tuple(buffer.get("pad", (0, 0, 0, 0))),
            "bytes": buffer["bytes"],
            "role": role,
        }

    def begin(
        self,
        spec: str,
        op: Operation,
        operands: Sequence[tuple[Value, str]],
        location: Location | None = None,
    ) -> KernelWriter:
        """Start a kernel that takes these buffers (value, role), the result's last as "out"."""
        unique: dict[Value, str] = {}
        for value, role in operands:
            unique.setdefault(value, role)
        names = [f"{role}{i}" for i, role in enumerate(unique.values())]
        func, code, pointers, first, last = kernel(spec, names, location or op.location)
        args = [self.argument(v, r) for v, r in unique.items()]
        return KernelWriter(
            spec, func, code, dict(zip(unique, pointers, strict=True)), args, first, last, op
        )


def macs_of(op: Operation) -> int:
    """Multiply-accumulates of an op; 0 for what does not multiply."""
    if op.name != "kern.contract":
        return 0
    assert isinstance(op.result.type, TensorType)
    shape: tuple[int, ...] = op["w_shape"]
    each = math.prod(shape[1:3] if op["kind"] == "depthwise" else shape[1:])
    return op.result.type.size * each


def extra_operands(op: Operation, first: int) -> list[tuple[Value, str]]:
    """The extras of an op from operand number `first` on, with the role that an artifact's
    manifest knows."""
    named = {"pixel": "in", "broadcast": "in"}
    return [
        (v, named.get(r, "channel"))
        for v, r in zip(op.operands[first:], op.get("roles", []), strict=True)
    ]


@dataclass
class KernelWriter:
    """A kernel being written."""

    spec: str
    func: Operation
    code: Code
    pointers: dict[Value, Value]
    args: list[dict[str, Any]]
    begin: Value
    end: Value
    op: Operation

    def done(self, trip: int, macs: int = 0, role: str = "compute") -> Step:
        """Close the kernel."""
        finish(self.code)
        self.func.attributes["spec"] = self.spec
        return Step(self.spec, self.func, self.args, trip, self.func.location, macs, role)


def split(code: Code, index: Index, inner: int) -> tuple[Index, Index]:
    """(index // inner, index % inner)."""
    return code.div(index, inner), code.rem(index, inner)
