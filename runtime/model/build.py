"""Building models in a few lines: for tests, examples and tools.

b = ModelBuilder()
x = b.add_tensor("x", (1, 8, 8, 3), "FLOAT32")
w = b.add_tensor("w", data=np.ones((4, 3, 3, 3), np.float32))
y = b.add_tensor("y", (1, 8, 8, 4), "FLOAT32")
b.add_op("CONV_2D", [x, w, None], [y], padding="SAME", stride_w=1, stride_h=1)
content = b.finish_bytes([x], [y])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.runtime.model import storage
from litefuse.runtime.model.checks import check_model
from litefuse.runtime.model.enums import BuiltinOperator, TensorType
from litefuse.runtime.model.errors import FIX, ModelError
from litefuse.runtime.model.objects import (
    Buffer,
    Metadata,
    Model,
    Operator,
    OperatorCode,
    Quantization,
    SignatureDef,
    SubGraph,
    Tensor,
)
from litefuse.runtime.model.operators import options_table
from litefuse.runtime.model.records import Record, record_class
from litefuse.runtime.model.schema import enum_class, fields
from litefuse.runtime.model.versions import operator_version
from litefuse.runtime.model.writer import write_model

TypeLike = TensorType | str | npt.DTypeLike


def tensor_type(kind: TypeLike) -> TensorType:
    """A tensor type from a `TensorType`, its name ("INT8", "int8") or a NumPy type. ModelError for
    anything else.
    """
    if isinstance(kind, TensorType):
        return kind
    if isinstance(kind, str) and kind.upper() in TensorType.__members__:
        return TensorType[kind.upper()]
    try:
        dtype = np.dtype(kind)
    except TypeError:
        dtype = None
    found = storage.TYPES.get(dtype) if dtype is not None else None
    if found is None and dtype is not None and dtype.kind in "SUO":
        found = TensorType.STRING
    if found is None:
        raise ModelError(
            f"{kind!r} is no tensor type",
            remedy="the types are " + ", ".join(TensorType.__members__),
            table="Tensor",
            field="type",
        )
    return found


def make_options(table: str, values: Mapping[str, Any]) -> Record:
    """The record of an option table; enumerations may be given by name. ModelError for a name that
    is no field (it lists those that are) or no enumerator.
    """
    made = record_class(table)(**values)
    for field in fields(table):
        value = made.__dict__[field.name]
        enum = enum_class(field.type)
        if enum is not None and field.form == "enum":
            made.__dict__[field.name] = _member(enum, table, field.name, value)
        elif field.form == "vector" and isinstance(value, list | np.ndarray):
            made.__dict__[field.name] = tuple(np.asarray(value).tolist())
    return made


def _member(enum: type[IntEnum], table: str, field: str, value: Any) -> IntEnum:
    try:
        return enum[value.upper()] if isinstance(value, str) else enum(value)
    except (KeyError, ValueError):
        raise ModelError(
            f"{value!r} is no {enum.__name__}",
            remedy="choose one of " + ", ".join(enum.__members__),
            table=table,
            field=field,
        ) from None


class ModelBuilder:
    """Collects tensors and operators of one subgraph at a time, the first being the main one.

    Indices returned by `add_tensor` count within the current subgraph.
    """

    def __init__(self, description: str | None = None) -> None:
        self.model = Model(description=description, buffers=[Buffer()])
        self.graph = SubGraph(name="main")
        self.model.subgraphs.append(self.graph)

    def add_buffer(self, data: bytes | memoryview) -> int:
        """Add constant bytes; the buffer's index."""
        self.model.buffers.append(Buffer(data))
        return len(self.model.buffers) - 1

    def add_tensor(
        self,
        name: str = "",
        shape: Sequence[int] | None = None,
        type: TypeLike | None = None,  # noqa: A002 - the schema's name
        data: npt.ArrayLike | bytes | None = None,
        *,
        scale: npt.ArrayLike | None = None,
        zero_point: npt.ArrayLike | None = None,
        quantized_dimension: int = 0,
        details: Record | None = None,
        shape_signature: Sequence[int] | None = None,
        is_variable: bool = False,
        sparsity: Record | None = None,
        buffer: int | None = None,
    ) -> int:
        """Add a tensor and give its index.

        `data` makes it a constant: an array (its shape and type are the defaults; converted to
        `type`, 4-bit types packed, strings encoded) or `bytes` stored as they are. `buffer` uses
        one that is there already. A scale without zero points gets zeros.
        """
        array = None if data is None or isinstance(data, bytes) else np.asarray(data)
        if shape is None:
            shape = array.shape if array is not None else ()
        if type is None:
            type = array.dtype if array is not None else TensorType.FLOAT32  # noqa: A001
        kind = tensor_type(type)
        if array is not None and array.shape != tuple(shape):
            raise ModelError(
                f"tensor {name!r} has shape {list(shape)} and data of shape {list(array.shape)}",
                remedy="give one of them, or make them equal",
                table="Tensor",
                field="shape",
            )
        if data is not None:
            buffer = self.add_buffer(data if array is None else storage.encode(kind, array))  # type: ignore[arg-type]
        quantization = None
        if scale is not None or details is not None:
            scales = np.atleast_1d(np.asarray([] if scale is None else scale, np.float32))
            given = np.zeros(scales.size) if zero_point is None else zero_point
            points = np.atleast_1d(np.asarray(given, np.int64))
            quantization = Quantization(scales, points, quantized_dimension, details=details)
        self.graph.tensors.append(
            Tensor(
                name=name or f"tensor_{len(self.graph.tensors)}",
                shape=tuple(int(d) for d in shape),
                type=kind,
                buffer=buffer or 0,
                quantization=quantization,
                is_variable=is_variable,
                sparsity=sparsity,
                shape_signature=None if shape_signature is None else tuple(shape_signature),
            )
        )
        return len(self.graph.tensors) - 1

    def add_op(
        self,
        operator: str | BuiltinOperator,
        inputs: Sequence[int | None],
        outputs: Sequence[int],
        *,
        version: int | None = None,
        custom_options: bytes | None = None,
        intermediates: Sequence[int] = (),
        with_options: bool = True,
        **options: Any,
    ) -> int:
        """Add a node and give its index. None, or -1, is an absent optional input.

        The keywords are the option table's fields, enumerations by name if you like; the version
        follows from the types unless given. A name that is no builtin, or any name together with
        `custom_options`, makes a custom op. `with_options=False` leaves the table out.
        """
        name = operator.name if isinstance(operator, BuiltinOperator) else operator
        custom = custom_options is not None or name not in BuiltinOperator.__members__
        ins = tuple(-1 if i is None else int(i) for i in inputs)
        table = None if custom else options_table(name)
        if options and table is None:
            raise ModelError(
                f"{name} takes no options, got {', '.join(options)}",
                remedy="a builtin without options takes none; a custom op takes custom_options",
                table="Operator",
                field="builtin_options",
            )
        record = make_options(table, options) if table and with_options else None
        if version is None:
            version = 1 if custom else self._version(name, ins, outputs, record)
        code = (
            OperatorCode(BuiltinOperator.CUSTOM, name, version)
            if custom
            else OperatorCode(BuiltinOperator[name], None, version)
        )
        codes = self.model.operator_codes
        if code not in codes:
            codes.append(code)
        index = codes.index(code)
        self.graph.operators.append(
            Operator(
                opcode_index=index,
                code=codes[index],
                inputs=ins,
                outputs=tuple(outputs),
                options=record,
                custom_options=custom_options or b"",
                intermediates=tuple(intermediates),
            )
        )
        return len(self.graph.operators) - 1

    def _version(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: Record | None
    ) -> int:
        tensors = self.graph.tensors
        for index in (*inputs, *outputs):
            if not -1 <= index < len(tensors):
                raise ModelError(
                    f"{name} names tensor {index}, there are {len(tensors)}",
                    remedy=FIX,
                    table="Operator",
                    field="inputs",
                )
        return operator_version(
            name,
            [tensors[i] if i >= 0 else None for i in inputs],
            [tensors[i] for i in outputs if i >= 0],
            options,
        )

    def add_subgraph(self, name: str) -> int:
        """Start another subgraph, which `add_tensor`, `add_op` and `set_io` then fill; its index.

        Set the previous one's inputs and outputs with `set_io` first.
        """
        self.graph = SubGraph(name=name)
        self.model.subgraphs.append(self.graph)
        return len(self.model.subgraphs) - 1

    def select_subgraph(self, index: int) -> None:
        """Go back to a subgraph that was started earlier."""
        self.graph = self.model.subgraphs[index]

    def set_io(self, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        """Set inputs and outputs of the current subgraph."""
        self.graph.inputs = tuple(inputs)
        self.graph.outputs = tuple(outputs)

    def add_metadata(self, name: str, data: bytes) -> None:
        """Attach a named blob to the model."""
        self.model.metadata.append(Metadata(name, self.add_buffer(data)))

    def finish(
        self,
        inputs: Sequence[int] | None = None,
        outputs: Sequence[int] | None = None,
        signatures: Mapping[str, tuple[Mapping[str, int], Mapping[str, int]]] | None = None,
    ) -> Model:
        """The model, checked. `inputs` and `outputs` are the main subgraph's (None keeps what
        `set_io` set); `signatures` maps a key to (argument names to tensors, result names to
        tensors) of the main subgraph.
        """
        main = self.model.subgraphs[0]
        main.inputs = main.inputs if inputs is None else tuple(inputs)
        main.outputs = main.outputs if outputs is None else tuple(outputs)
        for key, (arguments, results) in (signatures or {}).items():
            self.add_signature(key, arguments, results)
        check_model(self.model)
        return self.model

    def add_signature(
        self, key: str, inputs: Mapping[str, int], outputs: Mapping[str, int], subgraph: int = 0
    ) -> None:
        """Add a named entry point into one subgraph."""
        self.model.signature_defs.append(SignatureDef(key, dict(inputs), dict(outputs), subgraph))

    def finish_bytes(
        self,
        inputs: Sequence[int] | None = None,
        outputs: Sequence[int] | None = None,
        signatures: Mapping[str, tuple[Mapping[str, int], Mapping[str, int]]] | None = None,
    ) -> bytes:
        """As `finish`, and written: the bytes of a .tflite file."""
        return write_model(self.finish(inputs, outputs, signatures))
