"""A second process starts real networks from the cache: no compiler, no LLVM, no Numba in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sources import copy_sources

COMPILER = ("litefuse.compiler", "litefuse.passes", "litefuse.codegen", "llvmlite", "numba")
HOSTS = ("Interpreter", "compile", "LiteRT")

SCRIPT = """
import hashlib, json, sys
import numpy as np
import litefuse

MODEL, hosts = sys.argv[1], sys.argv[2].split(",")

def digest(arrays):
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()

def value(shape, dtype):
    rng, dtype = np.random.default_rng(7), np.dtype(dtype)
    if dtype.kind == "f":
        return rng.uniform(-1, 1, shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, endpoint=True).astype(dtype)

def through(interpreter):
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], value(detail["shape"], detail["dtype"]))
    interpreter.invoke()
    ops = [detail["op_name"] for detail in interpreter._get_ops_details()]
    outputs = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
    return digest(outputs), sum("DELEGATE" in op.upper() or op == "litefuse" for op in ops)

found = {}
for host in hosts:
    if host == "Interpreter":
        found[host] = through(litefuse.Interpreter(MODEL))
    elif host == "compile":
        with litefuse.compile(MODEL) as model:
            outputs = model(*[value(port.shape, port.dtype) for port in model.inputs])
            cached = all(origin.cached for origin in model.origins)
            found[host] = digest(outputs), len(model.origins), cached, model.is_fully_delegated
    else:
        from ai_edge_litert.interpreter import Interpreter
        delegate = litefuse.Delegate()
        found[host] = through(Interpreter(MODEL, experimental_delegates=[delegate]))
        assert delegate.is_fully_delegated, delegate.summary()
homes = {n: m.__file__ for n, m in sys.modules.items() if n.startswith("litefuse") and m.__file__}
print(json.dumps({"found": found, "modules": sorted(sys.modules), "homes": homes}))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources that both starts use."""
    return copy_sources(tmp_path_factory.mktemp("checkout"))


def _start(model: Path, hosts: str, cache: Path, root: Path) -> Any:
    # Away from the checkout: what is imported must come through the package alone.
    env = {**os.environ, "PYTHONPATH": str(root), "LITEFUSE_CACHE_DIR": str(cache)}
    words = [sys.executable, "-W", "error", "-c", SCRIPT, str(model), hosts]
    done = subprocess.run(
        words, env=env, cwd=cache.parent, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert all(file.startswith(f"{root}{os.sep}") for file in told["homes"].values())
    return told


def _check(model: Path, tmp_path: Path, root: Path) -> None:
    pytest.importorskip("ai_edge_litert.interpreter")
    cache = tmp_path / "cache"
    cold = _start(model, ",".join(HOSTS), cache, root)
    assert "litefuse.compiler.driver" in cold["modules"]
    entries = _entries(cache)
    assert any(name.endswith(".artifact") for name in entries)
    for host in HOSTS:
        warm = _start(model, host, cache, root)
        loaded = [name for name in warm["modules"] if name.startswith(COMPILER)]
        assert not loaded, f"{host} imported {loaded[:5]}"
        outputs, partitions, *rest = warm["found"][host]
        assert outputs == cold["found"][host][0]
        assert partitions == 1
        assert all(rest)
    assert _entries(cache) == entries


def _entries(cache: Path) -> dict[str, int]:
    """What the cache holds; a file that is written again is another one (a read changes its times)."""
    return {
        path.name: path.stat().st_ino
        for path in cache.iterdir()
        if path.suffix in (".artifact", ".plan")
    }


@pytest.mark.parametrize("name", ["digits_int8", "digits_float32"])
def test_bundled_models(name: str, tmp_path: Path, package: Path) -> None:
    _check(package / "litefuse" / "data" / f"{name}.tflite", tmp_path, package)


@pytest.mark.parametrize("name", ["mlperf-tiny-kws-ref-model", "mlperf-tiny-vww-96-float"])
def test_corpus_networks(name: str, tmp_path: Path, package: Path, corpus: Path) -> None:
    _check(corpus / "networks" / f"{name}.tflite", tmp_path, package)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mobilenet_v2_f32", "mobilenet_v2_int8"])
def test_mobilenet_v2(name: str, tmp_path: Path, package: Path, zoo: Path) -> None:
    if not (zoo / f"{name}.tflite").is_file():
        pytest.skip(f"build/zoo has no {name}.tflite (make it with the shared tools/make_zoo.py)")
    _check(zoo / f"{name}.tflite", tmp_path, package)
