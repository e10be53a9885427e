"""Both sides run a case, and what they did is compared."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from litefuse.runtime.interpreter import Interpreter, OpResolverType
from litefuse.runtime.interpreter.lookup import find_kernel
from litefuse.runtime.kernels import NodeContext, TensorValue
from litefuse.runtime.kernels.tolerance import allowed_differences
from litefuse.runtime.model import Model, read_model
from tests.conformance.case import Case
from tests.conformance.litert import litert
from tests.conformance.protocol import Answer, State, answer


@dataclass(frozen=True)
class Verdict:
    """How a case went: "equal" (within the bound), "refused" by both, or LiteRT "died".

    `of_range` is the largest difference over the largest magnitude of the output, `of_bound` over
    what the op's file allows; both 0 for integers, which are equal.
    """

    status: str
    of_range: float = 0.0
    of_bound: float = 0.0


class Differs(AssertionError):
    """Ours is not what LiteRT's is; the text says how."""


def ours(content: bytes, steps: list[list[np.ndarray]], states: Sequence[State] = ()) -> Answer:
    """Our interpreter's answer, each invoke from the state given; a NumPy warning is a refusal."""

    def make(content: bytes) -> Interpreter:
        return Interpreter(
            model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        )

    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        return answer(make, content, steps, states=states)


def reference(case: Case) -> Answer:
    """LiteRT's answer, with the values of the variables before each invoke."""
    content = case.content()
    tensors = read_model(content).subgraphs[0].tensors
    variables = [i for i, t in enumerate(tensors) if t.is_variable and all(t.shape)]
    return litert().run(answer, content, case.feeds(), variables)


def judge(case: Case, theirs: Answer | None = None) -> Verdict:
    """Run and compare with LiteRT's answer, perhaps given; `Differs` when the two disagree."""
    content, steps = case.content(), case.feeds()
    model = read_model(content)
    theirs = reference(case) if theirs is None else theirs
    # Every invoke from the reference's own state, which is what an op's bound is for.
    mine = ours(content, steps, theirs.states)
    if theirs.status == "died":
        return Verdict("died")
    if theirs.status != mine.status:
        sides = {"ours": mine, "LiteRT": theirs}
        one = next(name for name, side in sides.items() if side.status == "refused")
        raise Differs(f"only {one} refuses, at {sides[one].stage}: {sides[one].text}")
    if mine.status == "refused":
        return Verdict("refused")
    if mine.allocated != theirs.allocated:
        raise Differs(
            f"output shapes after allocation: ours {mine.allocated}, LiteRT's {theirs.allocated}"
        )
    worst = Verdict("equal")
    for step, (got, want) in enumerate(zip(mine.outputs, theirs.outputs, strict=True)):
        if case.defined is not None:
            got, want = case.defined(got), case.defined(want)
        bounds = allowed(case, model, steps[step], want, theirs.states[step])
        for i, (a, b) in enumerate(zip(got, want, strict=True)):
            found = _compare(f"output {i} of invoke {step}", a, b, bounds[i])
            worst = Verdict(
                "equal",
                max(worst.of_range, found.of_range),
                max(worst.of_bound, found.of_bound),
            )
    return worst


def allowed(
    case: Case, model: Model, feeds: list[np.ndarray], outputs: list[np.ndarray], state: State
) -> list[np.ndarray | None]:
    """The kernel's own bound of each element of each output."""
    if case.exact:
        return [np.zeros(())] * len(outputs)
    graph = model.subgraphs[0]
    op = next(o for o in graph.operators if o.name == case.op)
    given = {**dict(zip(graph.inputs, feeds, strict=True)), **state}
    for caster in graph.operators:  # a bfloat16 input comes out of a CAST
        if caster is not op and caster.name == "CAST" and caster.inputs[0] in given:
            given[caster.outputs[0]] = given[caster.inputs[0]]

    def value(index: int) -> TensorValue | None:
        if index < 0:
            return None
        tensor = graph.tensors[index]
        data = given.get(index)
        constant = data is None and tensor.buffer != 0 and model.raw_data(tensor) is not None
        if constant:
            data = model.tensor_data(tensor)
        elif data is None and 0 in tensor.shape:  # a constant without elements has no buffer
            data = np.empty(tuple(tensor.shape), tensor.dtype)
        shape = tuple(tensor.shape) if data is None else data.shape
        return TensorValue(tensor, shape, data, constant)

    made = [TensorValue(graph.tensors[t], graph.tensors[t].shape) for t in op.outputs]
    for slot, array in zip(made, outputs, strict=True):
        slot.shape = array.shape
    inner = [v for t in op.intermediates if (v := value(t)) is not None]
    context = NodeContext(op, [value(t) for t in op.inputs], made, intermediates=inner)
    kernel = find_kernel(op, {})
    assert kernel is not None
    return list(allowed_differences(kernel, context, outputs))


def _compare(where: str, got: np.ndarray, want: np.ndarray, bound: np.ndarray | None) -> Verdict:
    if got.dtype != want.dtype:
        raise Differs(f"{where}: type {got.dtype}, LiteRT's {want.dtype}")
    if got.shape != want.shape:
        raise Differs(f"{where}: shape {got.shape}, LiteRT's {want.shape}")
    if want.dtype.kind in "OSU":
        same = [bytes(a) == bytes(b) for a, b in zip(got.ravel(), want.ravel(), strict=True)]
        if not all(same):
            raise Differs(f"{where}: {got.tolist()}, LiteRT's {want.tolist()}")
        return Verdict("equal")
    if want.dtype.kind not in "fc":
        if not np.array_equal(got, want):
            raise Differs(f"{where}: {_worst(got, want)}")
        return Verdict("equal")
    assert bound is not None
    parts = [(got.real, want.real), (got.imag, want.imag)]
    of_range = of_bound = 0.0
    for mine, theirs in parts[: 1 + (want.dtype.kind == "c")]:
        finite = np.isfinite(theirs)
        if not np.array_equal(mine[~finite], theirs[~finite], equal_nan=True):
            raise Differs(f"{where}: NaN or infinity: {_worst(mine, theirs)}")
        error = np.abs(mine[finite].astype(np.float64) - theirs[finite].astype(np.float64))
        limit = np.broadcast_to(bound, want.shape)[finite]
        if not (error <= limit).all():
            text = _worst(mine, theirs)
            raise Differs(f"{where}: {np.sum(~(error <= limit))} beyond the op's bound: {text}")
        size = float(np.abs(theirs[finite].astype(np.float64)).max(initial=0.0))
        if error.any():
            of_range = max(of_range, float(error.max()) / max(size, 1e-300))
            of_bound = max(of_bound, float((error[error > 0] / limit[error > 0]).max()))
    return Verdict("equal", of_range, of_bound)


def _worst(got: np.ndarray, want: np.ndarray) -> str:
    a, b = got.astype(np.float64), want.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(all="ignore"):
        distance = np.where(same, -1.0, np.nan_to_num(np.abs(a - b), nan=np.inf, posinf=np.inf))
    at = np.unravel_index(int(np.argmax(distance)), distance.shape)
    spot = [int(i) for i in at]
    return (
        f"{int((~same).sum())} of {same.size} differ; worst at {spot}: ours {got[at]!r}, "
        f"LiteRT's {want[at]!r}"
    )
