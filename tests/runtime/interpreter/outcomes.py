"""When two outcomes of the same call, in LiteRT and in our interpreter, are equal.

Equal means: the same exception type and LiteRT's text to the letter, numbers and names included,
but for
- source positions ("tflite/core/subgraph.cc:1234 "), which ours leaves out;
- the signatures that LiteRT's binding lists after "incompatible function arguments.";
- earlier texts, which LiteRT repeats before the last one;
- what ours adds behind LiteRT's text: the file, the tensor, what to do;
- what a kernel says about the shapes it refuses: ours names the tensors, found and expected, where
  LiteRT gives a line of its source; the node's number, its op and the stage that failed are equal;
- the number of tensors, since LiteRT counts its kernels' temporary ones.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

_OF_A_NODE = re.compile(r"Node number \d+ \(\w+\) failed to (prepare|invoke)\.$")


def plain(text: str) -> str:
    """A text without what need not be equal."""
    text = re.sub(r"incompatible function arguments\..*", "incompatible", text, flags=re.DOTALL)
    text = re.sub(r"max tensor index \d+", "max tensor index N", text)
    text = re.sub(r"Interpreter\.tensor\.<locals>\.(<lambda>|view)", "tensor", text)
    text = re.sub(r"'[\w.]*\.Interpreter(Wrapper)?' object", "'Interpreter' object", text)
    return re.sub(r"\.?/?tflite/[\w./]*(:\d+)? ", "", text)


def agree(theirs: str, mine: str) -> bool:
    """Whether two error texts say the same."""
    theirs, mine = plain(theirs), plain(mine)
    node = _OF_A_NODE.search(mine)
    if node is not None:
        return theirs.endswith(node[0])
    return mine.startswith(theirs) or theirs.endswith(mine)


def is_error(outcome: Any) -> bool:
    return isinstance(outcome, tuple) and len(outcome) == 2 and isinstance(outcome[0], type)


def same(theirs: Any, mine: Any, where: str, type_only: bool = False) -> None:
    """AssertionError unless the outcomes are equal; `type_only` leaves out the texts of errors."""
    if is_error(theirs):
        assert is_error(mine), f"{where}: LiteRT raises {theirs}, we give {mine!r}"
        assert mine[0] is theirs[0], f"{where}: LiteRT raises {theirs}, we {mine}"
        if not type_only:
            assert agree(theirs[1], mine[1]), f"{where}: LiteRT raises {theirs}, we {mine}"
    elif isinstance(theirs, list):
        assert isinstance(mine, list), where
        assert len(mine) == len(theirs)
        for step, (a, b) in enumerate(zip(theirs, mine, strict=True)):
            same(a, b, f"{where}, step {step}")
    elif isinstance(theirs, dict):
        assert list(mine) == list(theirs), where
        for key, value in theirs.items():
            same(value, mine[key], f"{where}, {key}")
    else:
        assert type(mine) is type(theirs), f"{where}: {theirs!r}, {mine!r}"
        assert getattr(mine, "dtype", None) == getattr(theirs, "dtype", None), where
        assert np.shape(mine) == np.shape(theirs), f"{where}: {theirs!r}, {mine!r}"
        np.testing.assert_array_equal(mine, theirs, err_msg=where)
