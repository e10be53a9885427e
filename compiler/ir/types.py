"""Types of the IR: immutable, compared by value, printed in MLIR syntax by `printer.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Type:
    """Base of all types."""

    def __str__(self) -> str:
        from litefuse.compiler.ir.printer import print_type

        return print_type(self)


@dataclass(frozen=True, slots=True)
class IndexType(Type):
    """A loop counter or an element offset: 64-bit signed on both targets."""


@dataclass(frozen=True, slots=True)
class IntegerType(Type):
    """`i8` (signless), `si8` or `ui8`.

    A tensor's element is `si32` or `ui8`; arithmetic works on `i32`.
    """

    width: int
    signedness: str = ""  # "", "s" or "u"


@dataclass(frozen=True, slots=True)
class FloatType(Type):
    """`f16`, `f32`, `f64`, `bf16`, and the 8-bit forms by their MLIR names."""

    name: str

    @property
    def width(self) -> int:
        """Bits of storage."""
        return 16 if self.name == "bf16" else int("".join(c for c in self.name[1:3] if c.isdigit()))


@dataclass(frozen=True, slots=True)
class ComplexType(Type):
    """`complex<f32>`."""

    element: FloatType


@dataclass(frozen=True, slots=True)
class OpaqueType(Type):
    """A dialect's type without structure for us, such as `!loop.ptr` or `!tfl.string`."""

    name: str


@dataclass(frozen=True, slots=True)
class QuantizedType(Type):
    """`!quant.uniform<i8:f32, 0.02:-3>`: real = scale * (stored - zero_point).

    Per channel where `axis` is set. A scale is the model's exact float32, held as a Python float.
    `storage` of signed numbers is the signless type (`I8`), as MLIR spells it: `SI8` becomes that.
    """

    storage: IntegerType
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int | None = None

    def __post_init__(self) -> None:
        if self.storage.signedness == "s":
            object.__setattr__(self, "storage", IntegerType(self.storage.width))

    @property
    def scale(self) -> float:
        """The scale of a per-tensor type."""
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        """The zero point of a per-tensor type."""
        return self.zero_points[0]


@dataclass(frozen=True, slots=True)
class TensorType(Type):
    """A ranked tensor with a static shape (-1 prints as `?`)."""

    shape: tuple[int, ...]
    element: Type

    @property
    def size(self) -> int:
        """Number of elements."""
        n = 1
        for d in self.shape:
            n *= d
        return n


@dataclass(frozen=True, slots=True)
class VectorType(Type):
    """A one-dimensional SIMD vector."""

    lanes: int
    element: Type


@dataclass(frozen=True, slots=True)
class NoneType(Type):
    """The type of an absent optional operand."""


@dataclass(frozen=True, slots=True)
class FunctionType(Type):
    """`(inputs) -> (results)`."""

    inputs: tuple[Type, ...]
    results: tuple[Type, ...]


INDEX = IndexType()
I1, I8, I16, I32, I64 = (IntegerType(w) for w in (1, 8, 16, 32, 64))
SI8, SI16, SI32, SI64 = (IntegerType(w, "s") for w in (8, 16, 32, 64))
UI8, UI16, UI32, UI64 = (IntegerType(w, "u") for w in (8, 16, 32, 64))
BF16, F16, F32, F64 = (FloatType(n) for n in ("bf16", "f16", "f32", "f64"))
PTR = OpaqueType("loop.ptr")
NONE = NoneType()


def tensor(shape: Sequence[int], element: Type) -> TensorType:
    """A tensor type from any sequence of sizes."""
    return TensorType(tuple(int(d) for d in shape), element)


def vector(lanes: int, element: Type) -> Type:
    """A vector type; one lane is the scalar itself."""
    return element if lanes == 1 else VectorType(lanes, element)


def element_of(t: Type) -> Type:
    """The element type of a tensor or vector, or the type itself."""
    return t.element if isinstance(t, (TensorType, VectorType)) else t


def lanes_of(t: Type) -> int:
    """Lanes of a vector, 1 for a scalar."""
    return t.lanes if isinstance(t, VectorType) else 1
