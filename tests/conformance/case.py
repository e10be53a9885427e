"""A one-op model with what is fed to it: what a specification draws and both sides run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

import numpy as np

from litefuse.runtime.model.build import ModelBuilder

# LiteRT's Python API cannot feed or read bfloat16: such inputs and outputs are float32 and pass
# through a CAST of their own.
_CAST = {"bfloat16": "float32"}


@dataclass
class Arg:
    """A tensor of a one-op model: an input when it has `data`, a constant if `constant` too.

    Outputs and variables have a `shape` and a `dtype`. A `bfloat16` input's data is float32.
    `through` is a type that a CAST puts between the tensor and the API, as for bfloat16.
    `extra` goes to `ModelBuilder.add_tensor` (sparsity, details, shape_signature ...).
    """

    data: np.ndarray | None = None
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    scale: Any = None
    zero_point: Any = None
    axis: int = 0
    constant: bool = False
    variable: bool = False
    through: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return _without_defaults(self)

    @property
    def fed(self) -> bool:
        """Whether it is an input of the model."""
        return self.data is not None and not self.constant and not self.variable


@dataclass
class Case:
    """One op in a model of its own.

    `steps` are the feeds of each invoke, in the order of the fed arguments; by default one, with
    their data. `custom_options` makes a custom op. Where LiteRT leaves part of an output as its
    memory was, `defined` takes an invoke's outputs and gives them with that part made equal.
    `exact` allows floats no difference either, whatever the op's file says.
    """

    op: str
    inputs: Sequence[Arg | None]
    outputs: Sequence[Arg]
    options: dict[str, Any] = field(default_factory=dict)
    intermediates: Sequence[Arg] = ()
    steps: list[list[np.ndarray]] = field(default_factory=list)
    custom_options: bytes | None = None
    version: int | None = None
    defined: Callable[[list[np.ndarray]], list[np.ndarray]] | None = None
    exact: bool = False

    def __repr__(self) -> str:
        return _without_defaults(self)

    def feeds(self) -> list[list[np.ndarray]]:
        """What each invoke is fed."""
        return self.steps or [[a.data for a in self.inputs if a is not None and a.fed]]  # type: ignore[misc]

    def content(self) -> bytes:
        """The bytes of the model."""
        builder = ModelBuilder()
        ins = [None if a is None else _add(builder, a, f"in{i}") for i, a in enumerate(self.inputs)]
        fed = [i for i, a in zip(ins, self.inputs, strict=True) if a is not None and a.fed]
        for k, (index, arg) in enumerate(zip(ins, self.inputs, strict=True)):
            if arg is not None and arg.fed and (kind := _through(arg)) and arg.data is not None:
                outer = builder.add_tensor(f"fed{k}", arg.data.shape, kind)
                builder.add_op("CAST", [outer], [index or 0])
                fed[fed.index(index)] = outer
        outs = [_add(builder, a, f"out{i}") for i, a in enumerate(self.outputs)]
        inner = [_add(builder, a, f"mid{i}") for i, a in enumerate(self.intermediates)]
        builder.add_op(
            self.op,
            ins,
            outs,
            intermediates=inner,
            version=self.version,
            custom_options=self.custom_options,
            **self.options,
        )
        for k, arg in enumerate(self.outputs):
            if kind := _through(arg):
                outer = builder.add_tensor(f"read{k}", arg.shape or (), kind)
                builder.add_op("CAST", [outs[k]], [outer])
                outs[k] = outer
        self.subgraphs(builder)
        return builder.finish_bytes(fed, outs)

    def subgraphs(self, builder: ModelBuilder) -> None:
        """Add what the op needs besides the main subgraph; nothing, unless a subclass says so."""


def case(
    op: str,
    inputs: Sequence[Arg | None],
    outputs: Sequence[Arg],
    *,
    intermediates: Sequence[Arg] = (),
    steps: list[list[np.ndarray]] | None = None,
    version: int | None = None,
    custom_options: bytes | None = None,
    defined: Callable[[list[np.ndarray]], list[np.ndarray]] | None = None,
    **options: Any,
) -> Case:
    """A `Case`; the keywords left over are the op's options, enumerations by name."""
    made = Case(op, inputs, outputs, options, intermediates, steps or [], custom_options, version)
    made.defined = defined
    return made


def _without_defaults(value: Arg | Case) -> str:
    """As a dataclass shows itself, without the fields that are as they are by default."""
    shown = []
    for f in fields(value):
        given = getattr(value, f.name)
        if not f.repr:
            continue
        default = f.default if f.default_factory is MISSING else f.default_factory()
        if isinstance(given, np.ndarray) or given != default:
            shown.append(f"{f.name}={given!r}")
    return f"{type(value).__name__}({', '.join(shown)})"


def _through(arg: Arg) -> str | None:
    return arg.through or _CAST.get(arg.dtype or "")


def _add(builder: ModelBuilder, arg: Arg, name: str) -> int:
    if arg.constant:
        return builder.add_tensor(
            name,
            data=arg.data,
            type=arg.dtype,
            scale=arg.scale,
            zero_point=arg.zero_point,
            quantized_dimension=arg.axis,
            **arg.extra,
        )
    shape = arg.shape if arg.data is None else arg.data.shape
    dtype = arg.dtype or (str(arg.data.dtype) if arg.data is not None else "float32")
    return builder.add_tensor(
        name,
        shape or (),
        "string" if dtype == "object" else dtype,
        scale=arg.scale,
        zero_point=arg.zero_point,
        quantized_dimension=arg.axis,
        is_variable=arg.variable,
        **arg.extra,
    )
