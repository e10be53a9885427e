"""``litefuse inspect``: what is in a .tflite model, an artifact, or a saved compiled model."""

from __future__ import annotations

from collections import Counter
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from litefuse.cli import common

if TYPE_CHECKING:
    from litefuse.runtime.artifact import Artifact
    from litefuse.runtime.model import Model
    from litefuse.runtime.model.objects import Operator, SubGraph, Tensor

ARTIFACT_MAGIC, BUNDLE_MAGIC = b"LITEFUSE", b"LFBUNDLE"
# Option values that go without saying in the table of nodes; --json has them all.
_PLAIN = ("NONE", "DEFAULT", "b''")


@click.command("inspect")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tensors", is_flag=True, help="Also every tensor of a model.")
@click.option("--ops", is_flag=True, help="Only how often each operator occurs.")
@common.json_option
def command(file: Path, tensors: bool, ops: bool, as_json: bool) -> None:
    """Show what FILE holds: a .tflite model, an artifact, or a compiled model.

    `litefuse compile` writes artifacts, `CompiledModel.save` compiled models.
    """
    with file.open("rb") as stream:
        magic = stream.read(len(ARTIFACT_MAGIC))
    if magic in (ARTIFACT_MAGIC, BUNDLE_MAGIC):
        from litefuse.runtime import artifact

        if magic == BUNDLE_MAGIC:
            _show_bundle(file, as_json)
            return
        found = artifact.read(file)
        if as_json:
            common.print_json(found.manifest)
        else:
            _print_artifact(file.name, file.stat().st_size, found)
        return
    from litefuse.runtime.model import read_model

    model = read_model(file)
    if as_json:
        common.print_json(describe(model))
    else:
        _print_model(file, model, tensors, ops)


def describe(model: Model) -> dict[str, Any]:
    """The model as plain data: everything but the bytes of the weights."""
    return {
        "version": model.version,
        "description": model.description,
        "sha256": model.content_hash,
        "operators": dict(histogram(model)),
        "subgraphs": [
            {
                "name": graph.name,
                "inputs": list(graph.inputs),
                "outputs": list(graph.outputs),
                "tensors": [_tensor(model, index, t) for index, t in enumerate(graph.tensors)],
                "nodes": [_node(index, op) for index, op in enumerate(graph.operators)],
            }
            for graph in model.subgraphs
        ],
        "signatures": {
            signature.signature_key: {
                "subgraph": signature.subgraph_index,
                "inputs": signature.inputs,
                "outputs": signature.outputs,
            }
            for signature in model.signature_defs
        },
        "metadata": [entry.name for entry in model.metadata],
        "unknown_fields": list(model.unknown_fields),
    }


def histogram(model: Model) -> Counter[str]:
    """How often each operator occurs, over all subgraphs."""
    return Counter(op.name for graph in model.subgraphs for op in graph.operators)


def _tensor(model: Model, index: int, tensor: Tensor) -> dict[str, Any]:
    data = None if tensor.external_buffer else model.raw_data(tensor)
    found: dict[str, Any] = {
        "index": index,
        "name": tensor.name,
        "type": tensor.type.name,
        "shape": list(tensor.shape),
        "bytes": None if data is None else len(data),
        "variable": tensor.is_variable,
    }
    if tensor.shape_signature is not None:
        found["shape_signature"] = list(tensor.shape_signature)
    if tensor.quantization is not None:
        found["quantization"] = {
            "scales": tensor.quantization.scale,
            "zero_points": tensor.quantization.zero_point,
            "dimension": tensor.quantization.quantized_dimension,
        }
    return found


def _node(index: int, operator: Operator) -> dict[str, Any]:
    return {
        "index": index,
        "op": operator.name,
        "version": operator.code.version,
        "inputs": list(operator.inputs),
        "outputs": list(operator.outputs),
        "options": options_of(operator),
    }


def options_of(operator: Operator) -> dict[str, Any]:
    """The node's options by the schema's names; enums by theirs; empty where there are none."""
    if operator.options is None:
        return {}
    return {
        name: value.name if isinstance(value, IntEnum) else _shown(value)
        for name, value in vars(operator.options).items()
        if name != "quantized_bias_type" or value  # 0 there is "not said", not FLOAT32
    }


def _shown(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float, str, tuple, list)) else repr(value)


def _print_model(file: Path, model: Model, tensors: bool, only_ops: bool) -> None:
    nodes = sum(len(graph.operators) for graph in model.subgraphs)
    click.echo(
        f"{file.name}: {common.in_bytes(file.stat().st_size)}, schema version {model.version}, "
        f"{len(model.subgraphs)} subgraph{'s' if len(model.subgraphs) != 1 else ''}, {nodes} nodes"
    )
    if model.description:
        click.echo(f"description  {model.description}")
    click.echo(f"sha256       {model.content_hash}")
    if model.metadata:
        click.echo(f"metadata     {', '.join(entry.name for entry in model.metadata)}")
    for signature in model.signature_defs:
        arguments = ", ".join(signature.inputs)
        results = ", ".join(signature.outputs)
        click.echo(f"signature    {signature.signature_key}({arguments}) -> {results}")
    if model.unknown_fields:
        click.echo(f"unknown      {', '.join(model.unknown_fields)}")
    from rich.table import Table

    counts = Table("operator", "nodes", box=None)
    for name, count in histogram(model).most_common():
        counts.add_row(name, str(count))
    common.console().print(counts)
    if only_ops:
        return
    for index, graph in enumerate(model.subgraphs):
        click.echo()
        click.echo(f"subgraph {index} {graph.name!r}")
        for kind, ends in (("input", graph.inputs), ("output", graph.outputs)):
            for end in ends:
                click.echo(f"  {kind:6} {_signature(graph, end)} {graph.tensors[end].name!r}")
        common.console().print(_nodes_table(graph))
        if tensors:
            common.console().print(_tensors_table(model, graph))


def _nodes_table(graph: SubGraph) -> Any:
    from rich.table import Table

    table = Table("node", "operator", "version", "inputs", "outputs", "options", box=None)
    for index, operator in enumerate(graph.operators):
        shown = {k: v for k, v in options_of(operator).items() if v and v not in _PLAIN}
        table.add_row(
            f"#{index}",
            operator.name,
            str(operator.code.version),
            "\n".join(_signature(graph, tensor) for tensor in operator.inputs),
            "\n".join(_signature(graph, tensor) for tensor in operator.outputs),
            " ".join(f"{name}={value}" for name, value in shown.items()),
        )
    return table


def _tensors_table(model: Model, graph: SubGraph) -> Any:
    from rich.table import Table

    table = Table("tensor", "type and shape", "constant", "quantisation", "name", box=None)
    for index, tensor in enumerate(graph.tensors):
        data = None if tensor.external_buffer else model.raw_data(tensor)
        table.add_row(
            f"%{index}",
            _type(tensor),
            "variable"
            if tensor.is_variable
            else ""
            if data is None
            else common.in_bytes(len(data)),
            _quantization(tensor),
            tensor.name,
        )
    return table


def _signature(graph: SubGraph, tensor: int) -> str:
    return "absent" if tensor < 0 else f"%{tensor} {_type(graph.tensors[tensor])}"


def _type(tensor: Tensor) -> str:
    sizes = tensor.shape_signature if tensor.shape_signature is not None else tensor.shape
    return f"{tensor.type.name.lower()}[{'x'.join('?' if n < 0 else str(n) for n in sizes)}]"


def _quantization(tensor: Tensor) -> str:
    found = tensor.quantization
    if found is None or not len(found.scale):
        return ""
    zeros = found.zero_point if len(found.zero_point) else [0]
    if len(found.scale) == 1:
        return f"{found.scale[0]:.6g} * (q - {zeros[0]})"
    low, high = found.scale.min(), found.scale.max()
    return f"{len(found.scale)} scales {low:.3g}..{high:.3g} along {found.quantized_dimension}"


def _show_bundle(file: Path, as_json: bool) -> None:
    from litefuse.runtime import artifact
    from litefuse.runtime.bundle import ARTIFACT, Bundle

    with Bundle(file) as bundle:
        if as_json:
            common.print_json(bundle.manifest)
            return
        told = bundle.manifest
        click.echo(
            f"{file.name}: {common.in_bytes(file.stat().st_size)}, compiled model "
            f"{told['name']!r}, litefuse {told['litefuse']}, {len(told['nodes'])} nodes, "
            f"target {told['target']}"
        )
        content = file.read_bytes()
        for section in bundle.sections:
            click.echo()
            if section.kind == ARTIFACT:
                data = content[section.offset : section.offset + section.size]
                _print_artifact(f"byte {section.offset}", len(data), artifact.parse(data))
            else:
                size = common.in_bytes(section.size)
                click.echo(f"byte {section.offset}: {size}, the .tflite for nodes left over")


def _print_artifact(name: str, size: int, found: Artifact) -> None:
    info = found.info
    target = info.target
    click.echo(f"{name}: {common.in_bytes(size)}, litefuse {info.litefuse}")
    click.echo(f"compiled     {info.name}, {len(info.nodes)} nodes in {len(info.steps)} kernels")
    click.echo(f"target       {target.name} ({target.arch}: {', '.join(sorted(target.features))})")
    click.echo(
        f"sizes        code {common.in_bytes(info.code.size)}, constants "
        f"{common.in_bytes(info.constants.size)}, arena {common.in_bytes(info.arena_bytes)}"
    )
    for kind, ports in (("input", info.inputs), ("output", info.outputs)):
        for port in ports:
            click.echo(f"{kind:12} {port.dtype}[{'x'.join(map(str, port.shape))}] {port.name!r}")
    from rich.table import Table

    table = Table("step", "kernel", "nodes", "operators", "trip", "MACs", box=None)
    for index, step in enumerate(info.steps):
        table.add_row(
            str(index),
            step.kernel,
            " ".join(f"#{node}" for node in step.nodes),
            " ".join(step.ops),
            str(step.trip),
            f"{step.macs:,}" if step.macs else "",
        )
    common.console().print(table)
    for name, value in info.key.items():
        click.echo(f"key {name:12} {value}")
