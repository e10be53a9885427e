"""A start from the cache: what it imports."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from litefuse.runtime.build import Partition, artifact_key
from litefuse.runtime.cache import Cache
from litefuse.runtime.options import Options
from tests.elsewhere import python
from tests.runtime import native_image

PARTITION = Partition(0, (0, 2, 3), (3,), (7,), {3: (1000,), 7: (1000,)})

WARM = """
import json, sys
import numpy as np
from litefuse.runtime.build import Partition, build
from litefuse.runtime.executor import Executable
from litefuse.runtime.options import Options
from litefuse.runtime.threads import ThreadPool
partition = Partition(0, (0, 2, 3), (3,), (7,), {3: (1000,), 7: (1000,)})
image = build(None, partition, Options(), content_hash="m")
executable = Executable(image, ThreadPool(2))
[y] = executable(np.ones(1000, np.float32))
print(json.dumps({"cached": image.origin.cached, "y": float(y[0]), "modules": sorted(sys.modules)}))
"""


def _start(cwd: Path) -> Any:
    done = python(WARM, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LITEFUSE_CACHE_DIR", str(tmp_path / "cache"))
    key = artifact_key(None, PARTITION, Options(), content_hash="m")
    Cache().put(key, native_image.make(), seconds=1.0)
    return tmp_path


def test_a_hit_imports_numpy_and_the_standard_library_only(cached: Path) -> None:
    found = _start(cached)
    assert found["cached"]
    assert found["y"] == float(native_image.expected(np.ones(1000, np.float32))[0])
    top = {name.partition(".")[0] for name in found["modules"]}
    foreign = {name for name in top - set(sys.stdlib_module_names) if not name.startswith("_")}
    assert {name for name in foreign if "editable" not in name} <= {
        "numpy",
        "litefuse",
        "cython_runtime",
    }
    stages = (
        "litefuse.compiler",
        "litefuse.passes",
        "litefuse.codegen",
        "litefuse.runtime.kernels",
    )
    assert not [name for name in found["modules"] if name.startswith(stages)]
    assert not {"logging", "asyncio", "tempfile", "importlib.metadata"} & set(found["modules"])
