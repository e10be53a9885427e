"""Every corpus model in our interpreter beside LiteRT's reference kernels, as a table.

    python tests/tools/corpus_compare.py [--kind networks|graphs] [--match TEXT] [--layers]

Status: equal (every output within tolerance), differs, missing (allocation names ops that we lack),
refused (we refuse what LiteRT runs), litert (LiteRT itself refuses or crashes).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from litefuse.runtime.interpreter import Interpreter, OpResolverType  # noqa: E402
from tests.tools.reference import Reference, ReferenceFailed  # noqa: E402

# Of the output's range: whole networks accumulate the per-op differences of summation order.
FLOAT_TOLERANCE = 1e-3
# Where float activations are quantised at run time, an ulp before the rounding is a step after it.
HYBRID_TOLERANCE = 0.1


@dataclass(frozen=True)
class Outcome:
    """What comparing one model gave; `error` is the largest difference relative to the range."""

    status: str
    error: float = 0.0
    detail: str = ""
    seconds: float = 0.0


def difference(got: np.ndarray, want: np.ndarray) -> float:
    """Largest difference relative to the range of `want`; infinite when shapes or NaNs differ."""
    if got.shape != want.shape or got.dtype.kind != want.dtype.kind:
        return float("inf")
    if want.dtype.kind in "OSU":
        same = [bytes(a) == bytes(b) for a, b in zip(got.ravel(), want.ravel(), strict=True)]
        return 0.0 if all(same) else float("inf")
    if want.size == 0 or np.array_equal(got, want):
        return 0.0
    if want.dtype.kind in "fc":
        finite = np.isfinite(want)
        if not np.array_equal(finite, np.isfinite(got)):
            return float("inf")
        if not np.array_equal(got[~finite], want[~finite], equal_nan=True):
            return float("inf")
        scale = float(np.abs(want[finite]).max(initial=1e-30))
        return float(np.abs(got[finite] - want[finite]).max(initial=0.0)) / scale
    return float(np.abs(got.astype(np.float64) - want.astype(np.float64)).max())


def blockwise(interpreter: Interpreter) -> bool:
    """Whether a constant is quantised in blocks."""
    return any(
        hasattr(tensor.quantization.details, "block_size")
        for graph in interpreter.model.subgraphs
        for tensor in graph.tensors
        if tensor.quantization is not None and tensor.quantization.details is not None
    )


def tolerance(interpreter: Interpreter) -> float:
    """The tolerance of a model's float outputs: wide when a node quantises its float input."""
    for graph in interpreter.model.subgraphs:
        for op in graph.operators:
            types = [graph.tensors[t].dtype for t in op.inputs[:2] if t >= 0]
            weighted = op.name in (
                "CONV_2D",
                "DEPTHWISE_CONV_2D",
                "FULLY_CONNECTED",
                "BATCH_MATMUL",
            )
            if weighted and types[0].kind == "f" and types[-1].kind in "iu":
                return HYBRID_TOLERANCE
    return FLOAT_TOLERANCE


def tolerated(error: float, want: np.ndarray, limit: float) -> bool:
    """Whether a difference is within the limit, which for integers is none."""
    return error <= limit if want.dtype.kind in "fc" else error == 0


def compare(model: Path, reference: Reference, seed: int = 0, layers: bool = False) -> Outcome:
    """Run one model on both sides with the same random inputs."""
    try:
        arrays = reference.run(model, seed, layers)
    except ReferenceFailed as error:
        return Outcome("litert", detail=str(error).replace("\n", " ")[:80])
    start = time.perf_counter()
    interpreter = Interpreter(str(model), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    try:
        interpreter.allocate_tensors()
    except RuntimeError as error:
        text = str(error)
        kind = "missing" if "has no kernel for" in text else "refused"
        return Outcome(kind, detail=" ".join(text.split())[:160])
    try:
        for name, value in arrays.items():
            if name.startswith("in"):
                interpreter.set_tensor(int(name[2:]), value)
        interpreter.invoke()
    except Exception as error:
        return Outcome("refused", detail=" ".join(f"{type(error).__name__}: {error}".split())[:160])
    seconds = time.perf_counter() - start
    if blockwise(interpreter):
        return Outcome("litert", detail="its reference answers zeros for blockwise weights")
    if layers:
        first = _first_difference(interpreter, arrays)
        if first:
            return Outcome("differs", float("nan"), first, seconds)
    worst, ok = 0.0, True
    for name, want in arrays.items():
        if name.startswith("out"):
            error = difference(interpreter.get_tensor(int(name[3:])), want)
            worst = max(worst, error)
            ok = ok and tolerated(error, want, tolerance(interpreter))
    return Outcome("equal" if ok else "differs", worst, "", seconds)


def _first_difference(interpreter: Interpreter, arrays: dict[str, np.ndarray]) -> str:
    """The first node whose output differs from the reference's; empty when none does."""
    limit = tolerance(interpreter)
    for index, op in enumerate(interpreter.model.subgraphs[0].operators):
        for t in op.outputs:
            want = arrays.get(f"t{t}")
            if want is None:
                continue
            error = difference(interpreter.get_tensor(t), want)
            if not tolerated(error, want, limit):
                return f"node {index} {op.name}: tensor {t} differs by {error:.3g}"
    return ""


def main() -> None:
    """Compare all models asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--models", type=Path, default=ROOT.parent / "shared" / "models")
    parser.add_argument("--kind", choices=("networks", "graphs"), action="append")
    parser.add_argument("--match", default="", help="only files whose name contains this")
    parser.add_argument("--layers", action="store_true", help="name the first differing node")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    totals: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as scratch, Reference(Path(scratch)) as reference:
        for kind in args.kind or ("networks", "graphs"):
            for path in sorted((args.models / kind).glob("*.tflite")):
                if args.match not in path.name:
                    continue
                outcome = compare(path, reference, args.seed, args.layers)
                totals[outcome.status] = totals.get(outcome.status, 0) + 1
                print(
                    f"{outcome.status:8} {outcome.error:9.2g} {outcome.seconds:7.2f}s "
                    f"{kind}/{path.stem} {outcome.detail}",
                    flush=True,
                )
    print(", ".join(f"{count} {status}" for status, count in sorted(totals.items())))


if __name__ == "__main__":
    main()
