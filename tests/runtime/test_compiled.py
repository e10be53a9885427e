"""`litefuse.compile`: calls, names, threads, partial delegation, files, kernels, Numba, other targets."""

from __future__ import annotations

import json
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import litefuse
from litefuse.runtime.artifact import read as read_artifact
from litefuse.runtime.bundle import Bundle, BundleError
from litefuse.runtime.cpu import host_target
from litefuse.runtime.delegate import FullDelegationError
from litefuse.runtime.errors import (
    BuildError,
    ExecutionError,
    LitefuseWarning,
    LoadError,
    OptionError,
    PortError,
)
from litefuse.runtime.kernel_table import KernelNameError
from litefuse.runtime.model import read_model, write_model
from litefuse.runtime.model.build import ModelBuilder
from tests.conftest import ROOT
from tests.elsewhere import python

litert = pytest.importorskip("ai_edge_litert.interpreter")

DATA = ROOT / "litefuse" / "data"
INT8, FLOAT = DATA / "digits_int8.tflite", DATA / "digits_float32.tflite"
FOREIGN = "aarch64-dotprod" if host_target().arch == "x86_64" else "x86-64-avx2"


def digit(seed: int = 0, dtype: str = "int8") -> np.ndarray:
    rng = np.random.default_rng(seed)
    if dtype == "int8":
        return rng.integers(-128, 128, (1, 8, 8, 1)).astype(np.int8)
    return rng.random((1, 8, 8, 1), np.float32)


def reference(content: bytes, *arrays: np.ndarray) -> list[np.ndarray]:
    run = litert.Interpreter(
        model_content=content, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF
    )
    for detail, array in zip(run.get_input_details(), arrays, strict=True):
        run.resize_tensor_input(detail["index"], array.shape)
    run.allocate_tensors()
    for detail, array in zip(run.get_input_details(), arrays, strict=True):
        run.set_tensor(detail["index"], array)
    run.invoke()
    return [run.get_tensor(detail["index"]) for detail in run.get_output_details()]


def two_inputs() -> bytes:
    """The inputs in an order that is not their tensors', two outputs likewise, and a signature."""
    b = ModelBuilder()
    x = b.add_tensor("x", (1, 4, 4, 3), "FLOAT32")
    y = b.add_tensor("y", (1, 4, 4, 3), "FLOAT32")
    added = b.add_tensor("added", (1, 4, 4, 3), "FLOAT32")
    scaled = b.add_tensor("scaled", (1, 4, 4, 3), "FLOAT32")
    half = b.add_tensor("half", data=np.full((1, 1, 1, 3), 0.5, np.float32))
    b.add_op("ADD", [x, y], [added])
    b.add_op("MUL", [added, half], [scaled])
    b.add_signature("serve", {"left": x, "right": y}, {"mean": scaled, "sum": added})
    return b.finish_bytes([y, x], [scaled, added])


@pytest.fixture
def model() -> Iterator[litefuse.CompiledModel]:
    with litefuse.compile(INT8) as compiled:
        yield compiled


def test_positional_calls_give_a_list_and_keywords_a_dictionary(
    model: litefuse.CompiledModel,
) -> None:
    x = digit()
    [want] = reference(INT8.read_bytes(), x)
    [got] = model(x)
    assert got.dtype == np.int8
    assert np.array_equal(got, want)
    named = model(image=x)
    assert list(named) == ["digit"]
    assert np.array_equal(named["digit"], want)
    assert (model.inputs[0].name, model.inputs[0].dtype, model.inputs[0].shape) == (
        "image",
        "int8",
        (1, 8, 8, 1),
    )
    assert model.inputs[0].zero_points == (-128,)
    assert model.outputs[0].scales == (1 / 256,)
    again = model(digit(1))[0]
    assert not np.shares_memory(got, again)
    assert np.array_equal(got, want)


@pytest.mark.parametrize("form", ["path", "str", "bytes", "memoryview", "Model", "built"])
def test_every_form_of_model(form: str) -> None:
    content = FLOAT.read_bytes()
    forms: dict[str, Any] = {
        "path": FLOAT,
        "str": str(FLOAT),
        "bytes": content,
        "memoryview": memoryview(content),
        "Model": read_model(content),
        "built": None,
    }
    if form == "built":
        import copy

        built = copy.deepcopy(read_model(content))
        built.source = None
        forms["built"] = built
    x = digit(2, "float32")
    with litefuse.compile(forms[form]) as compiled:
        assert np.abs(compiled(x)[0] - reference(content, x)[0]).max() < 1e-5


def test_ports_follow_the_models_order_and_the_signatures_names() -> None:
    content = two_inputs()
    x, y = np.random.default_rng(0).standard_normal((2, 1, 4, 4, 3), np.float32)
    with litefuse.compile(content) as compiled:
        assert [port.name for port in compiled.inputs] == ["right", "left"]
        assert [port.tensor_name for port in compiled.inputs] == ["y", "x"]
        mean, total = compiled(y, x)
        assert np.array_equal(total, x + y)
        assert np.allclose(mean, (x + y) / 2)
        named = compiled(left=x, y=y)  # a tensor's own name does too
        assert list(named) == ["mean", "sum"]
        assert np.array_equal(named["sum"], total)


def test_wrong_arrays_say_what_is_wrong(model: litefuse.CompiledModel) -> None:
    with pytest.raises(PortError, match="0 inputs given, 1 needed: image"):
        model()
    with pytest.raises(PortError, match="2 inputs given"):
        model(digit(), digit())
    with pytest.raises(PortError, match="no input 'picture'; it has image"):
        model(picture=digit())
    with pytest.raises(PortError, match="by position or by name"):
        model(digit(), image=digit())
    with pytest.raises(PortError, match=r"'image' is float32 but must be int8; .*astype"):
        model(digit(0, "float32"))
    with pytest.raises(PortError, match=r"has shape \(8, 8, 1\) but must have \(1, 8, 8, 1\)"):
        model(digit()[0])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_are_exactly_as_asked(threads: int) -> None:
    before = threading.active_count()
    with litefuse.compile(INT8, num_threads=threads) as compiled:
        assert compiled.num_threads == threads
        assert threading.active_count() == before + threads - 1
        assert np.array_equal(compiled(digit())[0], reference(INT8.read_bytes(), digit())[0])
    assert threading.active_count() == before
    assert compiled.num_threads == 0


def test_calls_from_several_threads() -> None:
    want = [reference(INT8.read_bytes(), digit(seed))[0] for seed in range(4)]
    wrong: list[int] = []
    with litefuse.compile(INT8, num_threads=2) as compiled:

        def work(seed: int) -> None:
            same = [np.array_equal(compiled(digit(seed))[0], want[seed]) for _ in range(50)]
            wrong.extend(seed for right in same if not right)

        workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert not wrong


def test_what_is_not_claimed_runs_on_numpy() -> None:
    x = digit()
    with litefuse.compile(INT8, deny_ops=["ADD", "SOFTMAX"], num_threads=2) as compiled:
        assert not compiled.is_fully_delegated
        assert compiled.num_threads == 2
        assert np.array_equal(compiled(x)[0], reference(INT8.read_bytes(), x)[0])
        assert np.array_equal(compiled(image=x)["digit"], compiled(x)[0])
        told = compiled.explain()
        assert [node.op for node in told.refused] == ["ADD", "SOFTMAX"]
        assert told.refused[0].rule == "deny_ops"
        assert told.refused[0].remedy == "take ADD out of deny_ops"
        assert told.partitions == 2
        with pytest.raises(PortError, match="must be int8"):
            compiled(digit(0, "float32"))
        with pytest.raises(PortError, match="has shape"):
            compiled(digit()[0])
        with pytest.raises(
            ExecutionError, match="numba_callable needs a model that is one partition"
        ):
            compiled.numba_callable()


def test_a_model_without_any_claim_still_runs() -> None:
    x = digit()
    with litefuse.compile(INT8, allow_ops="TILE") as compiled:
        assert np.array_equal(compiled(x)[0], reference(INT8.read_bytes(), x)[0])
        assert not compiled.explain().claimed
        assert compiled.profile(2) == []
        assert len(compiled.kernels) == 0
    with pytest.raises(
        FullDelegationError, match="10 of 10 nodes cannot be claimed: CONV_2D #0: allow_ops"
    ):
        litefuse.compile(INT8, allow_ops="TILE", require_full_delegation=True)


def test_a_failing_compiler_leaves_its_nodes_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    from litefuse.compiler import driver

    def fail(*_: Any) -> bytes:
        raise ArithmeticError("no registers left")

    monkeypatch.setattr(driver, "compile_partition", fail)
    with pytest.warns(LitefuseWarning, match="10 nodes run on NumPy .*no registers left") as said:
        compiled = litefuse.compile(INT8, cache_dir="")
    assert said[0].filename == __file__
    with compiled:
        assert np.array_equal(compiled(digit())[0], reference(INT8.read_bytes(), digit())[0])
        assert {node.rule for node in compiled.explain()} == {"compiling failed"}


def test_options_are_checked() -> None:
    with pytest.raises(OptionError, match=r"unknown option 'threads' .*num_threads"):
        litefuse.compile(INT8, threads=2)
    with pytest.raises(OptionError, match="num_threads is 0"):
        litefuse.compile(INT8, num_threads=0)
    with pytest.raises(litefuse.ModelError):
        litefuse.compile(b"not a model")


def test_other_input_shapes() -> None:
    content = two_inputs()
    x, y = np.random.default_rng(0).standard_normal((2, 5, 4, 4, 3), np.float32)
    for shapes in ({"left": x.shape, "y": y.shape}, [x.shape, y.shape]):
        with litefuse.compile(content, input_shapes=shapes) as compiled:
            assert compiled.is_fully_delegated
            assert compiled.inputs[0].shape == (5, 4, 4, 3)
            assert np.array_equal(compiled(y, x)[1], x + y)
    with pytest.raises(OptionError, match="names 'z'; the model's inputs are right, left"):
        litefuse.compile(content, input_shapes={"z": (1,)})
    with pytest.raises(OptionError, match="1 shapes; the model has 2 inputs"):
        litefuse.compile(content, input_shapes=[(1,)])
    with pytest.raises(OptionError, match="sequence of dimensions"):
        litefuse.compile(content, input_shapes={"left": (1, "a")})
    with pytest.raises(
        BuildError, match=r"does not take input_shapes \[3, 8, 8, 1\]: RESHAPE: 384 elements"
    ):
        litefuse.compile(INT8, input_shapes=[(3, 8, 8, 1)])


@pytest.mark.parametrize("options", [{}, {"deny_ops": ["ADD"]}], ids=["full", "partial"])
def test_saved_and_loaded(options: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "digits.litefuse"
    with litefuse.compile(INT8, **options) as compiled:
        assert compiled.save(file) == file
        told = compiled.explain()
        want = compiled(digit())[0]
    assert [path.name for path in tmp_path.iterdir()] == ["digits.litefuse"]
    with Bundle(file) as opened:
        assert ("model" in {section.kind for section in opened.sections}) == bool(options)
        assert all(section.offset % 4096 == 0 for section in opened.sections)
    with litefuse.CompiledModel.load(file, num_threads=2) as loaded:
        assert loaded.num_threads == 2
        assert np.array_equal(loaded(digit())[0], want)
        assert np.array_equal(loaded(image=digit())["digit"], want)
        assert loaded.explain().records() == told.records()
        assert loaded.inputs == compiled.inputs
        assert loaded.name == "digits_int8.tflite"
        loaded.save(tmp_path / "again")
        if not options:
            with pytest.raises(BuildError, match="no model to compile"):
                loaded.dump_ir(tmp_path / "ir")
        else:
            assert loaded.dump_ir(tmp_path / "ir")
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_a_whole_model_loads_with_numpy_and_the_standard_library_only(tmp_path: Path) -> None:
    file = tmp_path / "digits.litefuse"
    with litefuse.compile(INT8) as compiled:
        compiled.save(file)
        want = compiled(digit())[0]
    np.save(tmp_path / "x.npy", digit())
    script = """
import json, sys, numpy as np
import litefuse
model = litefuse.CompiledModel.load("digits.litefuse")
y = model(np.load("x.npy"))[0]
maps = [line for line in open("/proc/self/maps") if "digits.litefuse" in line and "r-xp" in line]
print(json.dumps({"y": y.tolist(), "modules": sorted(sys.modules), "mapped": len(maps)}))
"""
    done = python(script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert np.array_equal(found["y"], want)
    assert found["mapped"] == 1
    top = {name.partition(".")[0] for name in found["modules"]} - set(sys.stdlib_module_names)
    assert {t for t in top if "editable" not in t and not t.startswith("_")} <= {
        "numpy",
        "litefuse",
        "cython_runtime",
    }
    unwanted = (
        "compiler",
        "passes",
        "codegen",
        "runtime.model",
        "runtime.kernels",
        "runtime.interpreter",
        "runtime.build",
    )
    assert not [
        name
        for name in found["modules"]
        if name.startswith(tuple(f"litefuse.{u}" for u in unwanted))
    ]


def test_a_bare_artifact_loads_too(tmp_path: Path) -> None:
    with litefuse.compile(INT8) as compiled, Bundle(compiled.save(tmp_path / "a")) as opened:
        data = (tmp_path / "a").read_bytes()
        [section] = opened.sections
        (tmp_path / "bare").write_bytes(data[section.offset : section.offset + section.size])
        (tmp_path / "bare").chmod(0o644)
        with litefuse.CompiledModel.load(tmp_path / "bare") as loaded:
            assert np.array_equal(loaded(image=digit())["digit"], compiled(digit())[0])
            assert loaded.is_fully_delegated
            assert [node.op for node in loaded.explain()][:2] == ["CONV_2D", "DEPTHWISE_CONV_2D"]


def test_files_that_are_not_to_be_trusted(tmp_path: Path) -> None:
    file = tmp_path / "m"
    for options in ({}, {"deny_ops": ["ADD"]}):
        with litefuse.compile(INT8, **options) as compiled:
            compiled.save(file)
        data = file.read_bytes()
        with Bundle(file) as opened:
            places = [section.offset + section.size // 2 for section in opened.sections] + [100, 40]
        for place in places:
            damaged = bytearray(data)
            damaged[place] ^= 1
            file.write_bytes(damaged)
            with pytest.raises((LoadError, BundleError), match=r"damaged|checksum"):
                litefuse.CompiledModel.load(file)
        file.write_bytes(data[:-1])
        with pytest.raises(BundleError, match="cut or grown"):
            litefuse.CompiledModel.load(file)
    file.write_bytes(data)
    file.chmod(0o666)
    with pytest.raises(LoadError, match="lets other users write it"):
        litefuse.CompiledModel.load(file)
    file.write_bytes(b"something else entirely, and long enough for a header of 64 bytes, surely")
    file.chmod(0o644)
    with pytest.raises(LoadError, match="not a litefuse artifact"):
        litefuse.CompiledModel.load(file)
    with pytest.raises(LoadError, match="cannot be opened: No such file"):
        litefuse.CompiledModel.load(tmp_path / "absent")


@pytest.mark.parametrize("options", [{}, {"deny_ops": ["ADD"]}], ids=["full", "partial"])
def test_compiled_for_another_machine(options: dict[str, Any], tmp_path: Path) -> None:
    compiled = litefuse.compile(INT8, target=FOREIGN, **options)
    with compiled:
        with pytest.raises(
            ExecutionError, match=f"compiled for {FOREIGN} and this machine is .*save it"
        ):
            compiled(digit())
        with pytest.raises(ExecutionError, match="load the file there"):
            compiled.profile()
        assert compiled.num_threads == 0
        assert len(compiled.explain().claimed) >= 9
        assert FOREIGN in repr(compiled)
        compiled.save(tmp_path / "m")
    with Bundle(tmp_path / "m") as opened:
        artifacts = [section for section in opened.sections if section.kind == "artifact"]
        for section in artifacts:
            data = (tmp_path / "m").read_bytes()[section.offset : section.offset + section.size]
            assert read_artifact(data).info.target.name == FOREIGN
    with pytest.raises(LoadError, match=f"compiled for {FOREIGN}.*this machine is"):
        litefuse.CompiledModel.load(tmp_path / "m")


def test_kernels_by_name(model: litefuse.CompiledModel) -> None:
    steps = model.kernels.steps()
    assert list(model.kernels) == list(steps)
    [softmax] = [name for name, step in steps.items() if step.ops == ("SOFTMAX",)]
    logits = np.arange(-50, 50, 10, dtype=np.int8).reshape(1, 10)
    kernel = model.kernels[softmax]
    [got] = kernel(logits)
    graph = read_model(INT8).subgraphs[0]
    cut = _only_last(INT8.read_bytes())
    [want] = reference(cut, logits)
    assert np.array_equal(got.reshape(-1), want.reshape(-1))
    assert model.kernels[kernel.step.kernel].step is kernel.step
    assert graph.operators[kernel.step.nodes[0]].name == "SOFTMAX"
    with pytest.raises(KernelNameError, match=r"no kernel 'nothing'; the model has .*softmax"):
        model.kernels["nothing"]
    assert "nothing" not in model.kernels


def _only_last(content: bytes) -> bytes:
    """The model's last node alone."""
    found = read_model(content)
    graph = found.subgraphs[0]
    graph.operators = graph.operators[-1:]
    graph.inputs = graph.operators[0].inputs
    found.signature_defs = []
    return write_model(found)


def test_kernels_of_several_partitions_are_numbered() -> None:
    with litefuse.compile(INT8, deny_ops=["ADD"]) as compiled:
        names = list(compiled.kernels)
        assert {name.partition(":")[0] for name in names} == {"0", "1"}
        [softmax] = [
            name for name, step in compiled.kernels.steps().items() if "SOFTMAX" in step.ops
        ]
        assert compiled.kernels[softmax.partition(":")[2]].step.ops == ("SOFTMAX",)
        shared = [
            k
            for k in {s.kernel for s in compiled.kernels.steps().values()}
            if sum(s.kernel == k for s in compiled.kernels.steps().values()) > 1
        ]
        if shared:
            with pytest.raises(KernelNameError, match=r"kernels are .*0:.*1:|kernels are"):
                compiled.kernels[shared[0]]


def test_explain_prints_and_is_data(model: litefuse.CompiledModel) -> None:
    told = model.explain()
    assert told.is_fully_delegated
    assert str(told).startswith(
        "10 of 10 nodes claimed, 1 partition, fully delegated: yes\n#0 CONV_2D: partition 0: "
    )
    records = json.loads(json.dumps(told.records()))
    assert len(records) == len(told) == 10
    assert records[0]["op"] == "CONV_2D"
    assert records[0]["claimed"] is True
    assert set(records[0]["kernels"]) <= set(model.kernels)
    assert told[0].op == "CONV_2D"
    rich = pytest.importorskip("rich.console")
    with litefuse.compile(INT8, deny_ops=["ADD"]) as partial:
        console = rich.Console(width=200, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
        console.print(partial.explain())
        text = console.export_text()
    assert "9 of 10 nodes claimed" in text
    assert "take ADD out of deny_ops" in text


def test_profile_times_every_kernel(model: litefuse.CompiledModel) -> None:
    x, want = digit(), model(digit())[0]
    [profile] = model.profile(5)
    assert [step.symbol for step in profile.steps] == [
        step.symbol for step in model.kernels.steps().values()
    ]
    assert profile.runs == 5
    assert np.array_equal(model(x)[0], want)


def test_dump_ir_writes_every_stage(model: litefuse.CompiledModel, tmp_path: Path) -> None:
    files = model.dump_ir(tmp_path / "ir")
    names = [path.name for path in files]
    assert "llvm.ll" in names
    assert "assembly.s" in names
    assert sum(name.endswith(".mlir") for name in names) > 5
    with litefuse.compile(INT8, deny_ops=["ADD"]) as partial:
        partial.dump_ir(tmp_path / "two")
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == [
        "partition0",
        "partition1",
    ]


def test_inside_numba() -> None:
    numba = pytest.importorskip("numba")
    content = two_inputs()
    x, y = np.random.default_rng(0).standard_normal((2, 1, 4, 4, 3), np.float32)
    with litefuse.compile(content) as compiled:
        call = compiled.numba_callable()

        @numba.njit(nogil=True)
        def best(y: np.ndarray, xs: np.ndarray) -> int:
            mean, total = np.empty_like(y), np.empty_like(y)
            best, top = -1, -np.inf
            for i in range(xs.shape[0]):
                if call(y, xs[i], mean, total) == 0 and total.sum() - mean.sum() > top:
                    top = total.sum() - mean.sum()
                    best = i
            return best

        xs = np.stack([x, x + 3, x - 1, x + 2])
        assert best(y, xs) == 1


def test_closing_is_final_and_harmless_twice() -> None:
    for options in ({}, {"deny_ops": ["ADD"]}):
        compiled = litefuse.compile(INT8, **options)
        kernel = next(iter(compiled.kernels.values()))
        compiled.close()
        compiled.close()
        for use in (
            lambda: compiled(digit()),  # noqa: B023
            lambda: compiled.kernels,  # noqa: B023
            lambda: compiled.explain(),  # noqa: B023
            lambda: compiled.save("x"),  # noqa: B023
        ):
            with pytest.raises(ExecutionError, match=r"digits_int8\.tflite is closed"):
                use()
        with pytest.raises(LoadError, match="closed"):
            kernel(*[None] * len(kernel.step.args))
        assert "closed" in repr(compiled)


def test_nothing_is_said_when_all_is_well(model: litefuse.CompiledModel) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(digit())
        assert "fully delegated: yes" in repr(model)


def test_variables_go_back_to_where_they_start() -> None:
    b = ModelBuilder()
    x = b.add_tensor("x", (4,), "FLOAT32")
    state = b.add_tensor("state", (4,), "FLOAT32", is_variable=True)
    y = b.add_tensor("y", (4,), "FLOAT32")
    b.add_op("ADD", [x, state], [y])
    ones = np.ones(4, np.float32)
    with litefuse.compile(b.finish_bytes([x], [y])) as compiled:
        assert not compiled.is_fully_delegated  # code keeps no state
        assert compiled(ones)[0].tolist() == [1] * 4
        compiled._engine._interpreter.set_tensor(state, ones)  # type: ignore[union-attr]
        assert compiled(ones)[0].tolist() == [2] * 4
        compiled.reset_variables()
        assert compiled(ones)[0].tolist() == [1] * 4


def test_a_node_that_nothing_can_run_is_named() -> None:
    b = ModelBuilder()
    x = b.add_tensor("x", (4,), "FLOAT32")
    y = b.add_tensor("y", (4,), "FLOAT32")
    b.add_op("NobodyKnows", [x], [y])
    with pytest.raises(RuntimeError, match="NobodyKnows"):
        litefuse.compile(b.finish_bytes([x], [y]))
