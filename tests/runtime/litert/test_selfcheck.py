"""The self-check passes on the real library, costs little, and refuses a library that differs."""

from __future__ import annotations

import types
from typing import Any

import pytest

from litefuse.runtime.litert import selfcheck, structs
from litefuse.runtime.litert.errors import LiteRTError
from litefuse.runtime.litert.simple import SimpleDelegate
from litefuse.runtime.model import read_model
from tests.runtime.litert.models import interpreter_module, make_interpreter


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selfcheck, "_verdicts", {})


def test_the_probe_model_is_what_it_says() -> None:
    model = read_model(selfcheck.PROBE_MODEL)
    (graph,) = model.subgraphs
    (node,) = graph.operators
    assert (node.name, node.code.version) == ("MUL", 2)
    assert node.options.fused_activation_function.name == "RELU6"
    assert [(t.name, t.type.name, t.shape) for t in graph.tensors] == [
        ("x", "INT8", (1, 2, 3, 5)),
        ("y", "INT8", (5,)),
        ("z", "INT8", (1, 2, 3, 5)),
    ]
    assert bytes(model.raw_data(graph.tensors[1]) or b"") == bytes(range(1, 6))


def test_the_real_library_passes_quickly(unchecked: None) -> None:
    check = selfcheck.check_host(interpreter_module)
    assert check.problems == ()
    assert check.milliseconds < 50  # about 1 on a quiet machine
    assert selfcheck.check_host(interpreter_module) is check


@pytest.mark.parametrize(
    ("struct", "field"),
    [
        (structs.TfLiteTensor, "dims"),
        (structs.TfLiteTensor, "name"),
        (structs.TfLiteTensor, "bytes"),
        (structs.TfLiteTensor, "quantization"),
        (structs.TfLiteNode, "outputs"),
        (structs.TfLiteNode, "builtin_data"),
        (structs.TfLiteContext, "tensors"),
        (structs.TfLiteContext, "GetExecutionPlan"),
        (structs.TfLiteContext, "recommended_num_threads"),
    ],
)
def test_a_field_elsewhere_is_found_without_a_crash(
    unchecked: None, monkeypatch: pytest.MonkeyPatch, struct: Any, field: str
) -> None:
    """A mirror with two neighbours of one size exchanged stands for a library that has them so."""
    fields = list(struct._fields_)
    at = [name for name, _ in fields].index(field)
    other = at + 1 if at + 1 < len(fields) and fields[at][1] != fields[at + 1][1] else at - 1
    fields[at], fields[other] = fields[other], fields[at]
    moved = type(struct.__name__, (structs.c.Structure,), {"_fields_": fields})
    monkeypatch.setattr(structs, struct.__name__, moved)
    monkeypatch.setattr(structs, "LAYOUT", {})
    problems = selfcheck.check_host(interpreter_module).problems
    assert problems


def test_a_delegate_is_refused_with_the_reasons(
    unchecked: None, monkeypatch: pytest.MonkeyPatch, chain: bytes
) -> None:
    monkeypatch.setitem(structs.LAYOUT, structs.TfLiteNode, (72, {}))
    with pytest.raises(
        LiteRTError, match=r"sizeof\(TfLiteNode\) is 80, not 72.*without the delegate"
    ):
        make_interpreter(chain, [SimpleDelegate()])


def test_a_library_that_cannot_run_the_probe_is_refused(unchecked: None) -> None:
    class Interpreter:
        def __init__(self, **options: object) -> None:
            raise RuntimeError("no such option")

    module: Any = types.ModuleType("strange.interpreter")
    module.Interpreter = Interpreter
    check = selfcheck.check_host(module)
    with pytest.raises(LiteRTError, match=r"strange\.interpreter .* no such option"):
        check.raise_if_unusable()
