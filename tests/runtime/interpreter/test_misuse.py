"""Every mistake of `misuse.py`, in LiteRT and in our interpreter: only the import differs."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from ai_edge_litert import interpreter as litert

from litefuse.runtime import interpreter as ours
from tests.runtime.interpreter.misuse import CLASSIFIER, MISTAKES, STRINGS, Mistake, new, swallow
from tests.runtime.interpreter.outcomes import same

# LiteRT's text is the dynamic linker's, about LiteRT's own libraries; ours says what to give.
_TYPE_ONLY = {"construction: custom ops: symbol", "construction: custom ops: number"}


# LiteRT's Delegate complains from its destructor when its constructor failed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_ends_as_in_litert(name: str, tmp_path: Path) -> None:
    mistake: Mistake = MISTAKES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, mine = (swallow(lambda m=m: mistake(m, tmp_path)) for m in (litert, ours))
    same(theirs, mine, name, name in _TYPE_ONLY)


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
