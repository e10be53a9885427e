"""A kernel's name is its specification: one function builds it, one reads it back.

    <storage>_<family>[_<tile>][_<product>]_<target>
    u8_conv3x3s2_1x14p16+16l_dot4_us_x86-64-avx512vnni

storage: how the first operand lies in memory. family: what is computed, with window and stride, or
the ops of a band joined by `+`. tile: rows x columns of pixels and the lanes of each vector of
channels, or the lanes alone. product: the multiply-add that contractions are made of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PRODUCTS = ("f32", "dot4_us", "dot4_ss", "dot2")
_NAME = re.compile(
    r"(?P<storage>f32|f16|f64|u8|i8|i16|i32|i64|bool)"
    r"_(?P<family>[a-z]+[a-z0-9+]*)"
    r"(?:_(?P<tile>(?:\d+x\d+p)?\d+(?:\+\d+)*l))?"
    rf"(?:_(?P<product>{'|'.join(PRODUCTS)}))?"
    r"_(?P<target>[a-z0-9]+(?:-[a-z0-9]+)*)"
)


@dataclass(frozen=True)
class KernelName:
    """The parts of a kernel's name; empty where a kernel has none."""

    storage: str
    family: str
    target: str
    tile: str = ""
    product: str = ""

    def __str__(self) -> str:
        parts = (self.storage, self.family, self.tile, self.product, self.target)
        return "_".join(p for p in parts if p)


def parse(name: str) -> KernelName:
    """The parts of a name; a number after a dot (the copy among kernels of one specification) is
    ignored.

    ValueError for what is not a kernel's name.
    """
    found = _NAME.fullmatch(re.sub(r"\.\d+$", "", name))
    if found is None:
        raise ValueError(
            f"{name!r} is not a kernel's name: <storage>_<family>[_<tile>][_<product>]_<target>"
        )
    return KernelName(
        found["storage"],
        found["family"],
        found["target"],
        found["tile"] or "",
        found["product"] or "",
    )


def tile_name(rows: int, columns: int, vectors: tuple[int, ...]) -> str:
    """`1x14p16+16l`: pixels of the tile, lanes of its vectors."""
    return f"{rows}x{columns}p{'+'.join(map(str, vectors))}l"
