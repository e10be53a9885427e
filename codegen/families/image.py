"""How a tensor lies in memory: `Image`, a channels-last view of its buffer, and conversions of
stored elements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litefuse.codegen.families.code import Code, Index
from litefuse.compiler.ir.core import Value
from litefuse.compiler.ir.types import (
    F16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    IntegerType,
    TensorType,
    Type,
    element_of,
    lanes_of,
    vector,
)

SCALARS: dict[str, Type] = {
    "f32": F32,
    "f16": F16,
    "f64": F64,
    "i8": I8,
    "u8": I8,
    "i16": I16,
    "i32": I32,
    "i64": I64,
    "bool": I8,
}
BYTES = {"f32": 4, "f16": 2, "f64": 8, "i8": 1, "u8": 1, "i16": 2, "i32": 4, "i64": 8, "bool": 1}


@dataclass(frozen=True)
class Image:
    """A tensor as N images of H rows of W pixels of C channels, with physical cells around each
    image.

    Lower ranks: [M, C] is one image of one row; [A, B, C] one image; above rank 4 all but the last
    dimension are the pixels of one row. Offsets and pitches are in elements.
    """

    n: int
    h: int
    w: int
    c: int
    dtype: str
    bias: int = 0
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)

    @classmethod
    def of(cls, tensor: TensorType, buffer: Mapping[str, Any]) -> Image:
        """The view of a tensor in its buffer."""
        n, h, w, c = image_shape(tensor.shape)
        return cls(
            n,
            h,
            w,
            c,
            buffer["dtype"],
            buffer.get("bias", 0),
            tuple(buffer.get("pad", (0, 0, 0, 0))),
        )

    @property
    def row(self) -> int:
        """Elements from a row to the next."""
        return (self.w + self.pad[2] + self.pad[3]) * self.c

    @property
    def image(self) -> int:
        """Elements from an image to the next."""
        return (self.h + self.pad[0] + self.pad[1]) * self.row

    @property
    def origin(self) -> int:
        """Offset of pixel (0, 0) of the first image."""
        return self.pad[0] * self.row + self.pad[2] * self.c

    @property
    def dense(self) -> bool:
        """Whether nothing lies between the pixels."""
        return not any(self.pad)

    @property
    def size(self) -> int:
        """Elements, physical cells included."""
        return self.n * self.image

    @property
    def nbytes(self) -> int:
        """Bytes, physical cells included."""
        return self.size * BYTES[self.dtype]

    @property
    def scalar(self) -> Type:
        """The type of a stored element."""
        return SCALARS[self.dtype]

    @property
    def compute(self) -> Type:
        """The type of an element in registers: i32 for the integers that fit, f32 for floats."""
        return {"f32": F32, "f16": F32, "f64": F64, "i64": I64}.get(self.dtype, I32)

    def load(
        self, code: Code, ptr: Value, offset: Index, lanes: int, *, invariant: bool = False
    ) -> Value:
        """Elements in registers, in the form that kern regions take."""
        return widen(
            code,
            code.load(ptr, offset, vector(lanes, self.scalar), invariant=invariant),
            self.dtype,
            self.bias,
        )

    def store(self, code: Code, value: Value, ptr: Value, offset: Index) -> None:
        """Store elements that a kern region gave."""
        code.store(narrow(code, value, self.dtype, self.bias), ptr, offset)


def image_shape(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """(N, H, W, C) of a shape of any rank, see `Image`."""
    if len(shape) == 4:
        return shape[0], shape[1], shape[2], shape[3]
    if len(shape) == 3:
        return 1, shape[0], shape[1], shape[2]
    pixels = 1
    for d in shape[:-1]:
        pixels *= d
    return 1, 1, pixels, shape[-1] if shape else 1


def widen(code: Code, v: Value, dtype: str, bias: int) -> Value:
    """A stored element as the number that it stands for, in registers."""
    lanes = lanes_of(v.type)
    if dtype in ("u8", "bool"):
        wide = code.op("arith.extui", v, result=vector(lanes, I32))
    elif dtype == "f16":
        wide = code.op("arith.extf", v, result=vector(lanes, F32))
    elif dtype in ("i8", "i16"):
        wide = code.op("arith.extsi", v, result=vector(lanes, I32))
    else:
        wide = v
    if bias:
        wide = code.op("arith.subi", wide, code.constant(bias, wide.type))
    return wide


def narrow(code: Code, v: Value, dtype: str, bias: int) -> Value:
    """The stored form of a number in registers."""
    target = SCALARS[dtype]
    if element_of(v.type) == target:
        return v
    if isinstance(target, IntegerType):
        v = code.op("arith.trunci", v, result=vector(lanes_of(v.type), target))
        if bias:  # 128 in eight bits: flipping the top bit after the narrowing costs a quarter
            if (dtype, bias) != ("u8", 128):
                raise ValueError(f"storage {dtype} has no bias {bias}")
            v = code.op("arith.xori", v, code.constant(-128, v.type))
        return v
    return code.op("arith.truncf", v, result=vector(lanes_of(v.type), target))
