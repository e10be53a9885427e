"""The parts of a compiled model: its inputs and outputs, and one artifact for each partition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from litefuse.runtime import artifact
from litefuse.runtime.errors import BuildError, OptionError
from litefuse.runtime.loader import LoadedImage
from litefuse.runtime.plan import Partition

if TYPE_CHECKING:
    from litefuse.runtime.model import Model, Tensor

InputShapes = Mapping[str, Sequence[int]] | Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One input or output of a model.

    `name` is what keyword calls use: the signature's where the model has one signature, else the
    tensor's. `tensor` is the model's tensor index, `tensor_name` its own name. `scales` and
    `zero_points` are empty for a tensor that is not quantised: real = scale * (q - zero_point).
    """

    name: str
    tensor: int
    tensor_name: str
    dtype: str
    shape: tuple[int, ...]
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {name: _plain(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TensorInfo:
        """The inverse of `as_dict`; KeyError, TypeError or ValueError if it is not that."""
        return cls(
            str(data["name"]),
            int(data["tensor"]),
            str(data["tensor_name"]),
            np.dtype(data["dtype"]).name,
            tuple(map(int, data["shape"])),
            tuple(map(float, data["scales"])),
            tuple(map(int, data["zero_points"])),
        )


@dataclass(slots=True)
class Part:
    """One partition: its artifact as an image where this machine runs it, else as bytes."""

    partition: Partition
    image: LoadedImage | None
    data: bytes = b""

    def contents(self) -> bytes | memoryview:
        """The artifact file's bytes."""
        return self.data if self.image is None else self.image.contents()

    def info(self) -> artifact.Manifest:
        """The artifact's manifest."""
        return artifact.parse(self.data).info if self.image is None else self.image.info

    def close(self) -> None:
        """Give up the image."""
        if self.image is not None:
            self.image.close()


def model_content(model: Model) -> bytes | memoryview:
    """The bytes of the file that a model was read from, or that it would be written as."""
    if model.source is not None:
        return model.source.view
    from litefuse.runtime.model.writer import write_model

    return write_model(model)


def model_ports(model: Model) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """Inputs and outputs of the main subgraph, in the model's order."""
    graph = model.subgraphs[0]
    signatures = model.signature_defs
    inputs: dict[int, str] = {}
    outputs: dict[int, str] = {}
    if len(signatures) == 1 and signatures[0].subgraph_index == 0:
        inputs = {tensor: name for name, tensor in signatures[0].inputs.items()}
        outputs = {tensor: name for name, tensor in signatures[0].outputs.items()}
    return (
        _ports(graph.tensors, graph.inputs, inputs, "in"),
        _ports(graph.tensors, graph.outputs, outputs, "out"),
    )


def at_shapes(model: Model, shapes: InputShapes) -> Model:
    """The model with other input shapes, and every tensor's shape that follows from them.

    `shapes` are by input name or in the inputs' order. OptionError if they are not such, BuildError
    if the model's nodes do not take them.
    """
    from litefuse.runtime.interpreter import infer_shapes
    from litefuse.runtime.model import read_model
    from litefuse.runtime.model.writer import write_model

    wanted = _wanted(model_ports(model)[0], shapes)
    try:
        found = infer_shapes(model, 0, wanted)
    except (RuntimeError, ValueError) as error:
        given = ", ".join(str(list(shape)) for shape in wanted.values())
        why = "; ".join(str(error).splitlines())
        raise BuildError(f"the model does not take input_shapes {given}: {why}") from error
    main = model.subgraphs[0]
    tensors = list(main.tensors)
    for index, now in found.items():
        if now is not None and tuple(tensors[index].shape) != now:
            # The open dimensions of the signature are closed now.
            tensors[index] = replace(tensors[index], shape=now, shape_signature=None)
    graphs = [replace(main, tensors=tensors), *model.subgraphs[1:]]
    return read_model(write_model(replace(model, subgraphs=graphs, source=None)))


def _wanted(inputs: Sequence[TensorInfo], shapes: InputShapes) -> dict[int, tuple[int, ...]]:
    names = ", ".join(port.name for port in inputs)
    if isinstance(shapes, Mapping):
        found = {}
        for name, shape in shapes.items():
            port = find_port(inputs, name)
            if port is None:
                raise OptionError(f"input_shapes names {name!r}; the model's inputs are {names}")
            found[port.tensor] = _shape(name, shape)
        return found
    if len(shapes) != len(inputs):
        raise OptionError(
            f"input_shapes has {len(shapes)} shapes; the model has {len(inputs)} inputs: {names}"
        )
    return {
        port.tensor: _shape(port.name, shape) for port, shape in zip(inputs, shapes, strict=True)
    }


def find_port(ports: Sequence[TensorInfo], name: str) -> TensorInfo | None:
    """The port with this name, or with this tensor name; None if there is none."""
    for port in ports:
        if port.name == name:
            return port
    return next((port for port in ports if port.tensor_name == name), None)


def _shape(name: str, shape: Any) -> tuple[int, ...]:
    try:
        found = tuple(int(dim.__index__()) for dim in shape)
    except (TypeError, AttributeError):
        found = (-1,)
    if any(dim < 0 for dim in found):
        raise OptionError(
            f"input_shapes of {name!r} is {shape!r}; it must be a sequence of dimensions, each 0 "
            "or more"
        )
    return found


def _ports(
    tensors: Sequence[Tensor], indices: Sequence[int], names: Mapping[int, str], prefix: str
) -> tuple[TensorInfo, ...]:
    chosen = [names.get(i) or tensors[i].name or "" for i in indices]
    ports = []
    for position, (index, name) in enumerate(zip(indices, chosen, strict=True)):
        tensor = tensors[index]
        unique = name and chosen.count(name) == 1
        quantization = tensor.quantization
        scales = () if quantization is None else tuple(map(float, quantization.scale))
        zeros = () if quantization is None else tuple(map(int, quantization.zero_point))
        ports.append(
            TensorInfo(
                name if unique else f"{prefix}{position}",
                index,
                tensor.name or "",
                np.dtype(tensor.dtype).name,
                tuple(tensor.shape),
                scales,
                zeros if zeros or not scales else (0,) * len(scales),
            )
        )
    return tuple(ports)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
