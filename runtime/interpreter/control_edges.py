"""Control dependencies that a model's metadata states: node a must run before node b.

The entry `model_control_dependencies` holds, as variable-length integers of 7 bits a byte: a
version (1), the number of subgraphs, and for each the number of its edges and their two node
indices, zigzag-coded.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

from litefuse.runtime.errors import LitefuseWarning

if TYPE_CHECKING:
    from litefuse.runtime.model import Model

METADATA_KEY = "model_control_dependencies"
VERSION = 1

Edge = tuple[int, int]


def control_edges(model: Model, subgraph: int) -> tuple[Edge, ...]:
    """The subgraph's edges (before, after).

    An entry that cannot be read, or that names nodes which do not exist, says nothing, as in
    LiteRT, and causes a LitefuseWarning.
    """
    data = model.metadata_bytes(METADATA_KEY)
    if data is None:
        return ()
    try:
        found = parse(bytes(data))
        edges = found[subgraph] if subgraph < len(found) else ()
        count = len(model.subgraphs[subgraph].operators)
        for edge in edges:
            if not all(0 <= node < count for node in edge):
                raise ValueError(
                    f"metadata {METADATA_KEY!r}: edge {edge} of subgraph {subgraph} names a node "
                    f"outside [0, {count})"
                )
    except ValueError as error:
        warnings.warn(
            f"{error}; the model's control dependencies are ignored", LitefuseWarning, stacklevel=2
        )
        return ()
    return edges


def parse(data: bytes) -> list[tuple[Edge, ...]]:
    """Edges by subgraph; ValueError for bytes that are no such entry."""
    position = 0

    def number() -> int:
        nonlocal position
        value = shift = 0
        while True:
            if position >= len(data) or shift > 28:
                raise ValueError(f"metadata {METADATA_KEY!r} is damaged at byte {position}")
            byte = data[position]
            position += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def signed() -> int:
        value = number()
        return -(value // 2) - 1 if value % 2 else value // 2

    version = number()
    if version != VERSION:
        raise ValueError(f"metadata {METADATA_KEY!r} has version {version}, needs {VERSION}")
    found = [tuple((signed(), signed()) for _ in range(number())) for _ in range(number())]
    if position != len(data):
        raise ValueError(f"metadata {METADATA_KEY!r} goes on after its end, at byte {position}")
    return found


def serialize(subgraphs: Iterable[Iterable[Edge]]) -> bytes:
    """The entry that says these edges; what `parse` reads."""
    out = bytearray()

    def number(value: int) -> None:
        while value >= 128:
            out.append(value % 128 + 128)
            value //= 128
        out.append(value)

    graphs = [list(edges) for edges in subgraphs]
    number(VERSION)
    number(len(graphs))
    for edges in graphs:
        number(len(edges))
        for edge in edges:
            for node in edge:
                number(-2 * node - 1 if node < 0 else 2 * node)
    return bytes(out)
