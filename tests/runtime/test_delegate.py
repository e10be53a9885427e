"""litefuse inside its own interpreter: what is claimed, what runs, what is said."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import litefuse
from litefuse.cli import digits
from litefuse.runtime import build
from litefuse.runtime.delegate import CompilingDelegate, FullDelegationError, default_delegate
from litefuse.runtime.errors import BuildError, LitefuseWarning
from litefuse.runtime.interpreter import OpResolverType
from litefuse.runtime.model.build import ModelBuilder

MODEL = str(digits.model_path("int8"))


def interpreter(model: str | bytes, *delegates: Any, **words: Any) -> litefuse.Interpreter:
    """An allocated interpreter over a file or bytes."""
    source = {"model_content": model} if isinstance(model, bytes) else {"model_path": model}
    made = litefuse.Interpreter(**source, experimental_delegates=delegates or None, **words)
    made.allocate_tensors()
    return made


def run(made: litefuse.Interpreter, x: np.ndarray) -> np.ndarray:
    made.set_tensor(made.get_input_details()[0]["index"], x)
    made.invoke()
    return np.asarray(made.get_tensor(made.get_output_details()[0]["index"]))


def images(count: int) -> np.ndarray:
    return digits.as_input(digits.held_out().images[:count], np.int8)


def relus(batch: int = 1) -> bytes:
    """ADD of the input to itself, twice, with RELU: any batch will do."""
    b = ModelBuilder()
    x, y, z = (b.add_tensor(name, (batch, 8), "FLOAT32") for name in "xyz")
    b.add_op("ADD", [x, x], [y], fused_activation_function="RELU")
    b.add_op("ADD", [y, y], [z])
    return b.finish_bytes([x], [z])


def test_it_equals_the_kernels_it_replaces() -> None:
    delegate = CompilingDelegate()
    compiled = interpreter(MODEL, delegate)
    plain = interpreter(
        MODEL, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    assert delegate.is_fully_delegated
    assert "10 nodes delegated out of 10 nodes with 1 partitions" in delegate.summary()
    for image in images(20):
        assert np.array_equal(run(compiled, image[None]), run(plain, image[None]))


def test_a_partition_that_is_fed_nothing() -> None:
    """float16 weights are widened before what the kernels run, their reader comes after it."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((3, 8)).astype(np.float16)
    b = ModelBuilder()
    x, middle = (b.add_tensor(name, (1, 8), "float32") for name in "xm")
    wide = b.add_tensor("w", (3, 8), "float32")
    stored = b.add_tensor("half", data=weights)
    y = b.add_tensor("y", (1, 3), "float32")
    b.add_op("DEQUANTIZE", [stored], [wide])
    b.add_op("COS", [x], [middle])
    b.add_op("FULLY_CONNECTED", [middle, wide, None], [y])
    made = interpreter(b.finish_bytes([x], [y]))
    assert () in [tuple(partition.inputs) for partition in made.subgraph(0).partitions]
    for _ in range(3):
        given = rng.standard_normal((1, 8)).astype(np.float32)
        want = np.cos(given) @ weights.astype(np.float32).T
        np.testing.assert_allclose(run(made, given), want, rtol=1e-5, atol=1e-6)


def test_the_default_is_to_compile() -> None:
    made = interpreter(MODEL)
    assert len(made.subgraph(0).partitions) == 1
    assert default_delegate(2).options.num_threads == 2


def test_one_delegate_serves_either_interpreter() -> None:
    from ai_edge_litert.interpreter import Interpreter

    delegate = litefuse.Delegate()
    ours = interpreter(MODEL, delegate)
    assert delegate.is_fully_delegated
    assert delegate.profile(2)[0].runs == 2
    theirs = Interpreter(MODEL, experimental_delegates=[delegate])
    theirs.allocate_tensors()
    assert delegate.is_fully_delegated
    for image in images(5):
        assert np.array_equal(run(ours, image[None]), run(theirs, image[None]))


def test_new_inputs_are_seen_though_the_arrays_are_the_same() -> None:
    made = interpreter(relus(), CompilingDelegate())
    for value in (1.0, -1.0, 3.0):
        got = run(made, np.full((1, 8), value, np.float32))
        assert np.array_equal(got, np.full((1, 8), 4 * max(value, 0), np.float32))


def test_a_resize_compiles_for_the_new_shapes() -> None:
    delegate = CompilingDelegate()
    made = interpreter(relus(), delegate)
    for batch in (5, 2, 5):
        made.resize_tensor_input(0, [batch, 8])
        made.allocate_tensors()
        assert delegate.is_fully_delegated
        x = np.arange(batch * 8, dtype=np.float32).reshape(batch, 8) - 7
        assert np.array_equal(run(made, x), 4 * np.maximum(x, 0))


def test_threads_are_the_options_or_the_interpreters() -> None:
    for delegate, expected in ((CompilingDelegate(num_threads=2), 2), (CompilingDelegate(), 3)):
        made = interpreter(MODEL, delegate, num_threads=3)
        run(made, images(1))
        assert delegate.profile(1)[0].num_threads == expected


def test_options_refuse_with_rule_and_remedy() -> None:
    delegate = CompilingDelegate(deny_ops="ADD")
    interpreter(MODEL, delegate)
    (refused,) = [record for record in delegate.explain() if not record.claimed]
    assert (refused.op, refused.rule, refused.value) == ("ADD", "deny_ops", "ADD")
    assert refused.remedy
    assert not delegate.is_fully_delegated


def test_full_delegation_can_be_demanded() -> None:
    delegate = CompilingDelegate(deny_ops="ADD", require_full_delegation=True)
    with pytest.raises(FullDelegationError, match=r"1 of 10 nodes .* ADD #3: deny_ops: ADD"):
        interpreter(MODEL, delegate)


def test_a_failing_compiler_leaves_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise BuildError("the compiler is on strike")

    monkeypatch.setattr(build, "build", broken)
    delegate = CompilingDelegate()
    with pytest.warns(LitefuseWarning, match="10 nodes .* the compiler is on strike"):
        made = interpreter(MODEL, delegate)
    assert not any(record.claimed for record in delegate.explain())
    assert {record.rule for record in delegate.explain()} == {"compiling failed"}
    labels = digits.held_out().labels
    assert run(made, images(1)).argmax() == labels[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # said once
        made.resize_tensor_input(0, [1, 8, 8, 1])
        made.allocate_tensors()


def test_profile_needs_something_alive() -> None:
    delegate = CompilingDelegate()
    with pytest.raises(BuildError, match="nothing to profile"):
        delegate.profile()
    made = interpreter(MODEL, delegate)
    assert delegate.profile(3)[0].runs == 3
    del made
    gc.collect()  # an interpreter and its subgraphs know each other
    with pytest.raises(BuildError, match="nothing to profile"):
        delegate.profile()


def test_a_second_start_compiles_nothing(tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    interpreter(MODEL, CompilingDelegate(cache_dir=cache))
    before = {path.name: path.stat().st_size for path in Path(cache).glob("*.artifact")}
    assert len(before) == 1
    interpreter(MODEL, CompilingDelegate(cache_dir=cache))
    assert {p.name: p.stat().st_size for p in Path(cache).glob("*.artifact")} == before
