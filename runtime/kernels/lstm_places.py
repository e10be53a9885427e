"""Where an LSTM cell's tensors are among a node's inputs, and LiteRT's checks of them.

One cell of LSTM or UNIDIRECTIONAL_SEQUENCE_LSTM, or either of BIDIRECTIONAL_SEQUENCE_LSTM's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from litefuse.runtime.kernels.base import (
    Array,
    NodeContext,
    TensorValue,
    require,
    require_dtype,
    require_rank,
)
from litefuse.runtime.kernels.hybrid import quantize_rows
from litefuse.runtime.kernels.recurrent import require_state

GATES = ("input", "forget", "cell", "output")


def gates(first: int) -> dict[str, int]:
    """Positions of a tensor of each gate when they are in a row."""
    return {name: first + i for i, name in enumerate(GATES)}


@dataclass(frozen=True, slots=True)
class Places:
    """Positions of a cell's tensors among the node's inputs."""

    weights: Mapping[str, int]
    recurrent: Mapping[str, int]
    peepholes: Mapping[str, int]
    biases: Mapping[str, int]
    projection: int
    projection_bias: int
    output_state: int
    cell_state: int
    norms: Mapping[str, int] = field(default_factory=dict)
    aux_weights: Mapping[str, int] = field(default_factory=dict)


UNIDIRECTIONAL = Places(
    weights=gates(1),
    recurrent=gates(5),
    peepholes={"input": 9, "forget": 10, "output": 11},
    biases=gates(12),
    projection=16,
    projection_bias=17,
    output_state=18,
    cell_state=19,
    norms=gates(20),
)


@dataclass(frozen=True, slots=True)
class Form:
    """What a cell's vectors must be: the types of its biases, peepholes and norms; whether its
    recurrent weights may be the diagonals of square matrices.
    """

    bias: str
    norm: str
    peephole: str | None = None  # None: the weights' type
    diagonal: bool = False
    states: tuple[str, str] = ("float32", "float32")


FLOAT = Form("float32", "float32")
FLOAT_OR_DIAGONAL = Form("float32", "float32", diagonal=True)
INTEGER = Form("int32", "int16", peephole="int16", states=("int8", "int16"))


def is_coupled(ctx: NodeContext, at: Places) -> bool:
    """Whether the input gate is 1 - the forget gate, as it is when it has no weights."""
    return ctx.optional(at.weights["input"]) is None


def runs_coupled(ctx: NodeContext, at: Places) -> bool:
    """Whether LiteRT runs the cell as coupled: without data there are no weights to it either, so
    that a cell of no inputs (depth 0) is, whatever tensors it has.
    """
    value = ctx.optional(at.weights["input"])
    return value is None or math.prod(value.shape) == 0


def row_scales(ctx: NodeContext, at: Places, index: int, x: Array) -> Array | None:
    """What LSTM multiplies a product with sparse weights by (`recurrent.product`): the scales of
    the quantised rows x, which their zero points stay in; None for other weights.
    """
    output = ctx.input(at.weights["output"])
    sparse = output.tensor.sparsity is not None and ctx.input(index).tensor.sparsity is not None
    if ctx.op.name != "LSTM" or output.dtype.kind == "f" or not sparse:
        return None
    return quantize_rows(x, bool(ctx.option("asymmetric_quantize_inputs", False))).scales


def output_size(ctx: NodeContext, at: Places) -> int:
    """How many values the cell gives for a batch, from its recurrent weights."""
    return ctx.input(at.recurrent["output"]).shape[-1]


def check_cell(ctx: NodeContext, at: Places, form: Form, batch: int, depth: int) -> int:
    """The output size; KernelError unless the tensors fit an input [batch, depth]."""
    for name in ("cell_clip", "proj_clip"):
        limit = float(ctx.option(name, 0.0))
        require(limit >= 0, ctx, f"{name} is {limit}, needs 0 (no clipping) or more")
    weights = ctx.input(at.weights["output"])
    require_rank(ctx, weights, 2)
    require_dtype(ctx, weights, "float32", "int8", "uint8")
    units = weights.shape[0]
    for name in GATES[is_coupled(ctx, at) :]:
        _check_matrix(ctx, ctx.input(at.weights[name]), (units, depth), weights)
    size = _check_recurrent(ctx, at, form, weights)
    _check_vectors(ctx, at, form, weights)
    projection = ctx.optional(at.projection)
    if projection is not None:
        _check_matrix(ctx, projection, (size, units), weights)
    else:
        # LiteRT reads or writes past its buffers for a wider output (and an int8 one).
        narrow = size < units and form.bias == "float32"
        require(
            size == units or narrow,
            ctx,
            f"{units} units give {size} values without a projection",
        )
    bias = ctx.optional(at.projection_bias)
    if bias is not None:
        require(projection is not None, ctx, "a projection bias without projection weights")
        _check_vector(ctx, bias, size, form.bias)
    for index, width, dtype in zip(
        (at.output_state, at.cell_state), (size, units), form.states, strict=True
    ):
        require_dtype(ctx, require_state(ctx, index, (batch, width), flat=True), dtype)
    return size


def _check_matrix(
    ctx: NodeContext, value: TensorValue, shape: tuple[int, int], weights: TensorValue
) -> None:
    require(value.shape == shape, ctx, f"{value.name!r} has shape {value.shape}, needs {shape}")
    require(
        value.dtype == weights.dtype,
        ctx,
        f"{value.name!r} is {value.dtype} beside weights of {weights.dtype}",
    )


def _check_vector(ctx: NodeContext, value: TensorValue, size: int, dtype: str) -> None:
    require(value.shape == (size,), ctx, f"{value.name!r} has shape {value.shape}, needs ({size},)")
    require_dtype(ctx, value, dtype)


def _check_recurrent(ctx: NodeContext, at: Places, form: Form, weights: TensorValue) -> int:
    """The output size."""
    units, coupled = weights.shape[0], is_coupled(ctx, at)
    require(
        coupled == (ctx.optional(at.recurrent["input"]) is None),
        ctx,
        "the input gate has weights for one of the input and the state only",
    )
    size = output_size(ctx, at)
    for name in GATES[coupled:]:
        value = ctx.input(at.recurrent[name])
        if len(value.shape) == 1 and form.diagonal:
            _check_vector(ctx, value, units, "float32")
            require(
                size >= units,
                ctx,
                f"{value.name!r} is a diagonal of {units} for a state of {size} values",
            )
        else:
            _check_matrix(ctx, value, (units, size), weights)
    return size


def _check_vectors(ctx: NodeContext, at: Places, form: Form, weights: TensorValue) -> None:
    """Biases, peepholes and normalisation."""
    units, coupled = weights.shape[0], is_coupled(ctx, at)
    peepholes = {name: ctx.optional(i) for name, i in at.peepholes.items()}
    for value in peepholes.values():
        if value is not None:
            _check_vector(ctx, value, units, form.peephole or weights.dtype.name)
    there = [value is not None for name, value in peepholes.items() if name != "input"]
    first = peepholes["input"] is not None
    require(
        (all(there) and (first or coupled)) or not any([*there, first]),
        ctx,
        "peephole weights of some gates only",
    )
    if coupled:
        require(ctx.optional(at.biases["input"]) is None, ctx, "an input gate's bias, and no gate")
    for name in GATES[coupled:]:
        _check_vector(ctx, ctx.input(at.biases[name]), units, form.bias)
    norms = {name: ctx.optional(i) for name, i in at.norms.items()}
    if has_norm(ctx, at) and coupled:
        require(norms["input"] is None, ctx, "a norm of an absent input gate")
    for name, value in norms.items():
        missing = value is None and has_norm(ctx, at) and not (coupled and name == "input")
        require(not missing, ctx, f"the forget gate has norm coefficients, the {name} gate has not")
        if value is not None:
            _check_vector(ctx, value, units, form.norm)


def has_norm(ctx: NodeContext, at: Places) -> bool:
    """Whether all gates are normalised, which the forget gate's coefficients tell."""
    return bool(at.norms) and ctx.optional(at.norms["forget"]) is not None
