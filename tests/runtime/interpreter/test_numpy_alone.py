"""The interpreter where there is Python and NumPy only: a board, a notebook in a browser."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

from tests.elsewhere import python

# Everything that is not the standard library or NumPy, and of the library what a browser lacks.
ALONE = """
import json, sys, warnings
import numpy as np

class Nothing:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        known = top in sys.stdlib_module_names or top in ("numpy", "litefuse")
        if not known or top in ("fcntl", "resource", "multiprocessing"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Nothing())
import litefuse

found = {"outputs": {}, "warnings": []}
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    for kind in ("AUTO", "BUILTIN_REF"):
        interpreter = litefuse.Interpreter(
            sys.argv[1], experimental_op_resolver_type=litefuse.OpResolverType[kind]
        )
        interpreter.allocate_tensors()
        (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
        array = np.arange(64).reshape(given["shape"]).astype(given["dtype"])
        interpreter.set_tensor(given["index"], array)
        interpreter.invoke()
        found["outputs"][kind] = interpreter.get_tensor(made["index"]).tolist()
found["warnings"] = [f"{w.category.__name__}: {w.message}" for w in seen]
print(json.dumps(found))
"""


@pytest.mark.parametrize("name", ["digits_int8", "digits_float32"])
def test_numpy_is_enough(name: str, repo_root: Path, tmp_path: Path) -> None:
    model = repo_root / "litefuse" / "data" / f"{name}.tflite"
    done = python(ALONE, str(model), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    reference = litert.Interpreter(
        str(model), experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF
    )
    reference.allocate_tensors()
    (given,), (made,) = reference.get_input_details(), reference.get_output_details()
    array = np.arange(64).reshape(given["shape"]).astype(given["dtype"])
    reference.set_tensor(given["index"], array)
    reference.invoke()
    want = reference.get_tensor(made["index"])
    for outputs in found["outputs"].values():
        np.testing.assert_allclose(outputs, want, rtol=1e-5)
    (warning,) = found["warnings"]  # of AUTO alone, which would compile
    assert warning.startswith(f"LitefuseWarning: {name}.tflite runs without compiled code")
    assert "pip install litefuse" in warning
