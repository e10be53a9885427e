"""Cases of several ops or subgraphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from litefuse.runtime.model.build import ModelBuilder
from tests.conformance.case import Case

# Fills a builder; gives the main subgraph's inputs and outputs.
Make = Callable[[ModelBuilder], tuple[list[int], list[int]]]


@dataclass(repr=False)
class Graph(Case):
    """A case whose whole model is given. `op` is what the row is about, and occurs in it."""

    model: bytes = field(default=b"", repr=False)

    def content(self) -> bytes:
        """The bytes of the model."""
        return self.model


def graph(op: str, make: Make, *steps: Sequence[np.ndarray], note: object = None) -> Graph:
    """A `Graph` that `make` builds, with what is fed at each invoke; `note` shows up when it
    fails.
    """
    builder = ModelBuilder()
    model = builder.finish_bytes(*make(builder))
    fed = [list(arrays) for arrays in steps]
    return Graph(op, [], [], {"note": note}, steps=fed, exact=True, model=model)
