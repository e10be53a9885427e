"""Cases of several ops or subgraphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from litefuse.runtime.model.build import ModelBuilder
from tests.conformance.case import Case

# Fills a builder; gives the main subgraph's inputs and outputs.
Make = Callable[[ModelBuilder], tuple[list[int], list[int]]]


@dataclass
class Graph(Case):
    """A case whose model `make` builds. `op` is what the row is about, and occurs in it."""

    make: Make | None = None

    def content(self) -> bytes:
        """The bytes of the model."""
        assert self.make is not None
        builder = ModelBuilder()
        inputs, outputs = self.make(builder)
        return builder.finish_bytes(inputs, outputs)


def graph(op: str, make: Make, *steps: Sequence[np.ndarray], note: object = None) -> Graph:
    """A `Graph` with what is fed at each invoke; `note` shows up when it fails."""
    fed = [list(arrays) for arrays in steps]
    return Graph(op, [], [], {"note": note}, steps=fed, exact=True, make=make)
