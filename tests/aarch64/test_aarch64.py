"""64-bit Arm, emulated: artifacts compiled here run there, kernels pass there, LiteRT runs with our delegate there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import litefuse
from litefuse.runtime.model import read_model
from tests.aarch64.emulator import CORES, EVERYTHING, KERNEL_TESTS, Emulator, pytest_words
from tests.aarch64.models import small_models
from tests.sources import copy_sources

pytestmark = pytest.mark.slow
litert = pytest.importorskip("ai_edge_litert.interpreter", reason="needs LiteRT as oracle")

DIGITS = ("digits_int8", "digits_float32")
NETWORKS = ("mlperf-tiny-kws-ref-model",)
COMPILER = ("litefuse.compiler", "litefuse.passes", "litefuse.codegen", "llvmlite", "numba")
TOLERANCE = 1e-5  # of the output's range, as everywhere


def values(content: bytes) -> list[list[np.ndarray]]:
    """Inputs for a few runs: random, and for integers both limits of the type."""
    graph = read_model(content).subgraphs[0]
    ports = [(graph.tensors[i].shape, np.dtype(graph.tensors[i].dtype)) for i in graph.inputs]
    rng = np.random.default_rng(0)
    if any(dtype.kind == "f" for _, dtype in ports):
        return [[rng.uniform(-1, 1, s).astype(d) for s, d in ports] for _ in range(2)]
    limits = [[np.full(s, v, d) for s, d in ports] for v in (-128, 127)]
    return [[rng.integers(-128, 128, s).astype(d) for s, d in ports], *limits]


def reference(content: bytes, runs: list[list[np.ndarray]]) -> list[list[np.ndarray]]:
    interpreter = litert.Interpreter(
        model_content=content, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    results = []
    for arrays in runs:
        for detail, array in zip(interpreter.get_input_details(), arrays, strict=True):
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        results.append(
            [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
        )
    return results


def assert_right(name: str, got: np.ndarray, want: np.ndarray) -> None:
    assert got.shape == want.shape, name
    assert got.dtype == want.dtype, name
    if want.dtype.kind == "f":
        scale = max(float(np.ptp(want)), 1e-6)
        assert np.abs(got - want).max() <= TOLERANCE * scale, name
    else:
        assert np.array_equal(got, want), (
            f"{name}: {np.count_nonzero(got != want)} of {want.size} differ"
        )


@pytest.fixture(scope="module")
def models(repo_root: Path) -> dict[str, bytes]:
    data = repo_root / "litefuse" / "data"
    made = small_models() | {name: (data / f"{name}.tflite").read_bytes() for name in DIGITS}
    from tests.conftest import SHARED

    for name in NETWORKS:
        path = SHARED / "models" / "networks" / f"{name}.tflite"
        if path.is_file():
            made[name] = path.read_bytes()
    return made


@pytest.mark.parametrize("target", CORES)
def test_artifacts_compiled_here_run_there(
    target: str, models: dict[str, bytes], tmp_path: Path, emulator: Emulator
) -> None:
    """On a core with just what the target asks for, by a process that imports our runtime and NumPy only."""
    runs = {name: values(content) for name, content in models.items()}
    for name, content in models.items():
        with litefuse.compile(content, target=target, require_full_delegation=True) as compiled:
            compiled.save(tmp_path / f"{name}.litefuse")
        arrays = {f"{r}.{i}": a for r, given in enumerate(runs[name]) for i, a in enumerate(given)}
        np.savez(tmp_path / f"{name}.in.npz", **arrays)
    script = str(Path(__file__).with_name("run_saved.py"))
    done = emulator.python(script, str(tmp_path), core=CORES[target])
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert (told["machine"], told["target"]) == ("aarch64", target)
    assert set(told["threads"].values()) == {1, 2}
    assert not [name for name in told["modules"] if name.startswith((*COMPILER, "ai_edge_litert"))]
    for name, content in models.items():
        with np.load(tmp_path / f"{name}.out.npz") as made:
            for r, outputs in enumerate(reference(content, runs[name])):
                for i, want in enumerate(outputs):
                    assert_right(f"{name}, run {r}, output {i}", made[f"{r}.{i}"], want)


# Left out: what starts processes (the kernel here does not run Arm programs by itself) or forks while threads run,
# which qemu's user mode does not survive.
RUNTIME_TESTS = (
    *(f"tests/runtime/test_{name}.py" for name in ("executor", "threads", "loader", "step", "profile")),
    "-k", "not forked_child and not program_that_just_ends",
)  # fmt: skip


@pytest.mark.parametrize("tests", [KERNEL_TESTS, RUNTIME_TESTS], ids=["kernels", "runtime"])
def test_our_tests_pass_there(tests: tuple[str, ...], emulator: Emulator) -> None:
    """The same files that run here, with fewer examples; targets of x86-64 skip themselves."""
    done = emulator.python(
        *pytest_words(*tests), env={"HYPOTHESIS_PROFILE": "emulated"}, timeout=900
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    last = done.stdout.strip().splitlines()[-1]
    assert " passed" in last, last
    assert "failed" not in last


LITERT_SCRIPT = """
import json, sys
import numpy as np
import litefuse
from ai_edge_litert.interpreter import Interpreter
model, given, made, threads = sys.argv[1:]
delegate = litefuse.Delegate(num_threads=int(threads))
interpreter = Interpreter(model, experimental_delegates=[delegate])
interpreter.allocate_tensors()
[detail] = interpreter.get_input_details()
outputs = []
for array in np.load(given):
    interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    outputs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
np.save(made, np.stack(outputs))
print(json.dumps({"full": delegate.is_fully_delegated, "summary": delegate.summary(), "modules": sorted(sys.modules)}))
"""


def test_litert_runs_there_with_our_delegate(
    models: dict[str, bytes], tmp_path: Path, emulator: Emulator
) -> None:
    """It compiles there the first time; the second start takes the artifact from the cache."""
    name = next((name for name in NETWORKS if name in models), "digits_int8")
    runs = values(models[name])
    want = np.stack([outputs[0] for outputs in reference(models[name], runs)])
    (tmp_path / "model.tflite").write_bytes(models[name])
    np.save(tmp_path / "in.npy", np.stack([arrays[0] for arrays in runs]))
    sources = copy_sources(tmp_path / "checkout")
    path = f"{sources}{os.pathsep}{emulator.extra}"
    env = {"LITEFUSE_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": path}
    for start, threads in (("cold", "1"), ("cached", "2")):
        made = tmp_path / f"{start}.npy"
        words = ("-W", "error", "-c", LITERT_SCRIPT, "model.tflite", "in.npy", str(made), threads)
        done = emulator.python(*words, core=EVERYTHING, env=env, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout.splitlines()[-1])
        assert told["full"], told["summary"]
        assert np.array_equal(np.load(made), want), start
        compiler = [module for module in told["modules"] if module.startswith(COMPILER)]
        assert bool(compiler) == (start == "cold"), compiler[:5]
