"""RESHAPE and SQUEEZE: `tfl.reshape(x, shape)`, `tfl.squeeze(x)`; the type says the shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litefuse.compiler.ir.opdef import require
from litefuse.compiler.ops.tfl import rules
from litefuse.compiler.ops.tfl.declare import Arg, Shape, need, size_of, tfl_op
from litefuse.compiler.ops.tfl.node import NodeView, refuse


def _reshaped(args: Sequence[Arg | None], attributes: dict[str, Any]) -> Shape | None:
    del attributes
    x = need(args, 0).shape
    wanted = args[1].constant if len(args) > 1 and args[1] is not None else None
    if wanted is None:
        return None
    dims = [int(d) for d in wanted.reshape(-1)]
    require(dims.count(-1) <= 1, f"a shape has at most one -1, not {dims}")
    rest = size_of(tuple(d for d in dims if d != -1))
    if -1 in dims:
        require(rest > 0 and size_of(x) % rest == 0, f"{list(x)} does not divide into {dims}")
        dims[dims.index(-1)] = size_of(x) // rest
    require(size_of(tuple(dims)) == size_of(x), f"{list(x)} has not as many elements as {dims}")
    return tuple(dims)


def _squeezed(args: Sequence[Arg | None], attributes: dict[str, Any]) -> Shape:
    x, dims = need(args, 0).shape, attributes["squeeze_dims"]
    for d in dims:
        require(-len(x) <= d < len(x), f"dimension {d} is outside rank {len(x)}")
    gone = {d % len(x) for d in dims} or {i for i, d in enumerate(x) if d == 1}
    require(
        all(x[i] == 1 for i in gone), f"only dimensions of 1 can go: {sorted(gone)} of {list(x)}"
    )
    return tuple(d for i, d in enumerate(x) if i not in gone)


def _check(node: NodeView) -> None:
    x, y = node.input(0), node.output
    if rules.same_kind(node, x, y) == "i8":
        rules.same_quantization(x, y)
    if size_of(x.shape or ()) != size_of(y.shape or ()):
        refuse(
            "the number of elements must stay", f"{list(x.shape or ())} to {list(y.shape or ())}"
        )


def _check_reshape(node: NodeView) -> None:
    _check(node)
    shape = node.optional(1)
    if shape is not None:
        rules.integers(shape, "the shape")


def _squeeze_attributes(node: NodeView) -> dict[str, Any]:
    dims = node.option("squeeze_dims", None)
    return {"squeeze_dims": () if dims is None else tuple(int(d) for d in dims)}


RESHAPE = tfl_op(
    "RESHAPE",
    "The same elements under another shape.",
    2,
    shape=_reshaped,
    check=_check_reshape,
)
SQUEEZE = tfl_op(
    "SQUEEZE",
    "Without some dimensions of size 1 (all, where none is named).",
    1,
    shape=_squeezed,
    check=_check,
    attributes=_squeeze_attributes,
    required={"squeeze_dims": tuple},
)
