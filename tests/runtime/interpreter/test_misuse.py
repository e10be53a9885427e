"""Every mistake of `misuse.py`, in LiteRT and in our interpreter: only the import differs.

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
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

from litefuse.runtime import interpreter as ours
from tests.runtime.interpreter.misuse import CLASSIFIER, MISTAKES, STRINGS, Mistake, new, swallow

_OF_A_NODE = re.compile(r"Node number \d+ \(\w+\) failed to (prepare|invoke)\.$")

# LiteRT's text is the dynamic linker's, about LiteRT's own libraries; ours says what to give.
_TYPE_ONLY = {"construction: custom ops: symbol", "construction: custom ops: number"}


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


def same(theirs: Any, mine: Any, where: str) -> None:
    """AssertionError unless the outcomes are equal."""
    if is_error(theirs):
        assert is_error(mine), f"{where}: LiteRT raises {theirs}, we give {mine!r}"
        assert mine[0] is theirs[0], f"{where}: LiteRT raises {theirs}, we {mine}"
        if where not in _TYPE_ONLY:
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
        np.testing.assert_array_equal(mine, theirs, err_msg=where)


# LiteRT's Delegate complains from its destructor when its constructor failed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_ends_as_in_litert(name: str, tmp_path: Path) -> None:
    mistake: Mistake = MISTAKES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, mine = (swallow(lambda m=m: mistake(m, tmp_path)) for m in (litert, ours))
    same(theirs, mine, name)


def test_there_are_enough() -> None:
    assert len(MISTAKES) >= 300


# What LiteRT's process does not survive (or answers from memory it never wrote) ours must say.


def test_strings_that_were_never_set_are_empty() -> None:
    interpreter = new(ours, STRINGS)
    assert interpreter.get_tensor(0).tolist() == [b"", b""]
    interpreter.invoke()
    assert interpreter.get_tensor(2).tolist() == [[b""], [b""]]


def test_the_first_index_too_many() -> None:
    count = len(new(ours).get_tensor_details())
    for call in (
        lambda i: i.get_tensor(count),
        lambda i: i.set_tensor(count, 0.0),
        lambda i: i.tensor(count)(),
        lambda i: i._get_tensor_details(count, 0),
    ):
        kind, text = swallow(lambda call=call: call(new(ours)))
        assert (kind, text) == (
            ValueError,
            f"Invalid tensor index {count} exceeds max tensor index {count}",
        )


def test_details_of_a_tensor_in_no_subgraph() -> None:
    kind, text = swallow(lambda: new(ours)._get_tensor_details(0, 1))
    assert (kind, text) == (ValueError, "Invalid subgraph index 1 exceeds max subgraph index 1")


def test_memory_never_written_is_zero() -> None:
    interpreter = new(ours)
    for index in (0, 3, 4, 9):
        assert not interpreter.get_tensor(index).any()
        assert not interpreter.tensor(index)().any()


def test_a_model_in_any_kind_of_bytes() -> None:
    """LiteRT takes bytes only."""
    for content in (bytearray(CLASSIFIER), memoryview(CLASSIFIER)):
        assert ours.Interpreter(model_content=content).num_subgraphs() == 1
