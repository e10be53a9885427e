"""A model in memory: plain mutable dataclasses with the schema's field names.

`read_model` makes them from a file and `write_model` the reverse; a test may as well build them by
hand. Vectors of numbers are tuples, quantisation parameters NumPy arrays, and the rarer tables
(options, sparsity, block quantisation) the records of `records.py`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.runtime.model import storage
from litefuse.runtime.model.enums import BuiltinOperator, CustomOptionsFormat, TensorType
from litefuse.runtime.model.errors import FIX, ModelError
from litefuse.runtime.model.records import Record, equal


class Source:
    """The bytes a model was read from and a name for error texts; shared by copies."""

    __slots__ = ("name", "view")

    def __init__(self, view: memoryview, name: str) -> None:
        self.view = view
        self.name = name

    def __deepcopy__(self, memo: Any) -> Source:
        return self


@dataclass
class OperatorCode:
    """What an operator is: a builtin, or CUSTOM with a name. `version` is the builtin's version."""

    builtin_code: BuiltinOperator = BuiltinOperator.ADD
    custom_code: str | None = None
    version: int = 1

    @property
    def name(self) -> str:
        """ "CONV_2D", or the custom op's own name."""
        if self.builtin_code == BuiltinOperator.CUSTOM and self.custom_code is not None:
            return self.custom_code
        return self.builtin_code.name


def _no_floats() -> npt.NDArray[np.float32]:
    return np.empty(0, np.float32)


def _no_integers() -> npt.NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(eq=False)
class Quantization:
    """Affine quantisation, real = scale * (q - zero_point); per channel when there are many scales.

    `quantized_dimension` is then the channels' axis. `details` is a record of CustomQuantization,
    BlockwiseQuantization or MultiAxisQuantization, or None. Arrays read from a file are read-only.
    """

    scale: npt.NDArray[np.float32] = field(default_factory=_no_floats)
    zero_point: npt.NDArray[np.int64] = field(default_factory=_no_integers)
    quantized_dimension: int = 0
    min: npt.NDArray[np.float32] = field(default_factory=_no_floats)
    max: npt.NDArray[np.float32] = field(default_factory=_no_floats)
    details: Record | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quantization):
            return NotImplemented
        return all(equal(value, other.__dict__[name]) for name, value in self.__dict__.items())

    __hash__ = None  # type: ignore[assignment]


@dataclass
class Tensor:
    """A tensor's declaration. `buffer` 0, or an empty buffer, means that it is no constant.

    `shape_signature`, when not None, has -1 where a dimension is dynamic. `external_buffer` is the
    id of an `ExternalBuffer` record (data in another file), 0 for none.
    """

    name: str = ""
    shape: tuple[int, ...] = ()
    type: TensorType = TensorType.FLOAT32
    buffer: int = 0
    quantization: Quantization | None = None
    is_variable: bool = False
    sparsity: Record | None = None
    shape_signature: tuple[int, ...] | None = None
    has_rank: bool = False
    variant_tensors: list[Record] = field(default_factory=list)
    external_buffer: int = 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's type of one element as `Model.tensor_data` gives it (see `storage.DTYPES`)."""
        return storage.DTYPES[self.type]


@dataclass
class Operator:
    """One node. Tensor indices count in its subgraph; -1 is an absent optional input.

    `opcode_index` points into `Model.operator_codes`, and `code` is that entry. `options` is the
    record of the op's option table or None; `custom_options` a custom op's own bytes, which
    `large_custom_options` says lie outside the flatbuffer.
    """

    opcode_index: int = 0
    code: OperatorCode = field(default_factory=OperatorCode)
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    options: Any = None
    custom_options: bytes = b""
    custom_options_format: CustomOptionsFormat = CustomOptionsFormat.FLEXBUFFERS
    intermediates: tuple[int, ...] = ()
    mutating_variable_inputs: tuple[bool, ...] = ()
    large_custom_options: bool = False
    debug_metadata_index: int = -1

    @property
    def name(self) -> str:
        """ "CONV_2D", or the custom op's own name."""
        return self.code.name


@dataclass
class SubGraph:
    """Tensors and operators in execution order; `inputs` and `outputs` index `tensors`."""

    tensors: list[Tensor] = field(default_factory=list)
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    operators: list[Operator] = field(default_factory=list)
    name: str = ""
    debug_metadata_index: int = -1


@dataclass
class Buffer:
    """Constant bytes: a read-only view into the file, or anything bytes-like in a built model.

    `outside` says that they are stored after the flatbuffer (by offset and size), as files beyond
    2 GB need.
    """

    data: bytes | memoryview = b""
    outside: bool = False

    def __deepcopy__(self, memo: Any) -> Buffer:
        return Buffer(self.data, self.outside)


@dataclass
class Metadata:
    """A named blob: `buffer` indexes `Model.buffers`."""

    name: str = ""
    buffer: int = 0


@dataclass
class SignatureDef:
    """A named entry point: argument and result names to tensor indices of `subgraph_index`."""

    signature_key: str = ""
    inputs: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    subgraph_index: int = 0
    deprecated_tag: str | None = None


@dataclass(repr=False)
class Model:
    """A whole model. The first subgraph is the main one; buffer 0 is empty by convention.

    `unknown_fields` lists what the file holds and the model does not, so `write_model` loses it:
    slots that this schema does not know (``"Tensor slot 12"``) and options of a wrong table.
    """

    version: int = 3
    description: str | None = None
    operator_codes: list[OperatorCode] = field(default_factory=list)
    subgraphs: list[SubGraph] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    metadata: list[Metadata] = field(default_factory=list)
    signature_defs: list[SignatureDef] = field(default_factory=list)
    metadata_buffer: tuple[int, ...] = ()
    external_buffer_groups: list[Record] = field(default_factory=list)
    external_buffers: list[Record] = field(default_factory=list)
    unknown_fields: tuple[str, ...] = field(default=(), compare=False)
    source: Source | None = field(default=None, compare=False)
    _hash: str | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        nodes = sum(len(graph.operators) for graph in self.subgraphs)
        name = self.source.name if self.source else ""
        return f"<Model {name!r}: {len(self.subgraphs)} subgraphs, {nodes} operators>"

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the file this model was read from; of `write_model`'s bytes otherwise.

        Changing a model that was read does not change it: write and read such a model again.
        """
        if self.source is None:
            from litefuse.runtime.model.writer import write_model

            return hashlib.sha256(write_model(self)).hexdigest()
        if self._hash is None:
            self._hash = hashlib.sha256(self.source.view).hexdigest()
        return self._hash

    def metadata_bytes(self, name: str) -> memoryview | None:
        """The blob stored under this metadata name, or None."""
        for entry in self.metadata:
            if entry.name == name:
                return memoryview(self.buffers[entry.buffer].data)
        return None

    def raw_data(self, tensor: Tensor) -> memoryview | None:
        """A constant's bytes as stored (4-bit packed, sparse compressed); None when it has none."""
        if tensor.external_buffer:
            raise ModelError(
                f"the data of tensor {tensor.name!r} is in external buffer "
                f"{tensor.external_buffer}, in a file of its own",
                table="Tensor",
                field="external_buffer",
                remedy="export the model with its weights inside",
            )
        if tensor.buffer == 0:
            return None
        if not 0 < tensor.buffer < len(self.buffers):
            raise ModelError(
                f"buffer {tensor.buffer} of tensor {tensor.name!r} does not exist, the model has "
                f"{len(self.buffers)}",
                table="Tensor",
                field="buffer",
                remedy=FIX,
            )
        data = memoryview(self.buffers[tensor.buffer].data)
        return data if len(data) else None

    def tensor_data(self, tensor: Tensor) -> npt.NDArray[Any] | None:
        """A constant as an array of `tensor.shape` and `tensor.dtype`; None when it has no data.

        A read-only view into the file wherever NumPy has the type; 4- and 2-bit integers are
        unpacked to int8 or uint8, strings become an object array of bytes. Sparse tensors are
        expanded to dense. ModelError when the bytes do not fit type and shape.
        """
        data = self.raw_data(tensor)
        return None if data is None else storage.decode(tensor, data)
