"""What `CompiledModel.load` reads: a file that `save` wrote, or one partition's bare artifact."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from litefuse.runtime.artifact import Manifest, Port
from litefuse.runtime.bundle import ARTIFACT, MODEL, Bundle, BundleError, is_bundle
from litefuse.runtime.cpu import named_target
from litefuse.runtime.engines import runs_alone
from litefuse.runtime.errors import LitefuseError, LoadError
from litefuse.runtime.loader import load
from litefuse.runtime.plan import NodeRecord, Partition
from litefuse.runtime.program import Part, TensorInfo


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The arguments of CompiledModel's constructor, but for the options."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise LoadError(f"{os.fspath(path)}: cannot be opened: {error.strerror}") from error
    return _bundle(path) if is_bundle(head) else _artifact(path)


def _bundle(path: str | os.PathLike[str]) -> dict[str, Any]:
    parts: list[Part] = []
    try:
        with Bundle(path) as opened:
            return {**_manifest(opened.manifest), **_sections(opened, parts)}
    except BaseException as error:
        for part in parts:
            part.close()
        if isinstance(error, (KeyError, TypeError, ValueError)) and not isinstance(
            error, LitefuseError
        ):
            raise BundleError(
                f"{os.fspath(path)}: its manifest is not as it should be ({error!r}); compile and "
                "save the model again"
            ) from error
        raise


def _manifest(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": str(told["name"]),
        "target": named_target(told["target"]),
        "inputs": tuple(TensorInfo.from_dict(item) for item in told["inputs"]),
        "outputs": tuple(TensorInfo.from_dict(item) for item in told["outputs"]),
        "nodes": tuple(NodeRecord(*item) for item in told["nodes"]),
        "notes": tuple(map(str, told["notes"])),
    }


def _sections(opened: Bundle, parts: list[Part]) -> dict[str, Any]:
    """The artifacts, added to `parts` as they are mapped, and the model if there is one."""
    found: dict[str, Any] = {"parts": parts, "model": None, "content": None}
    for section in opened.sections:
        if section.kind == ARTIFACT:
            partition = Partition.from_dict(section.about)
            parts.append(Part(partition, opened.image(section)))
        elif section.kind == MODEL:
            from litefuse.runtime.model import read_model

            found["content"] = opened.data(section)
            found["model"] = read_model(found["content"])
    told = _manifest(opened.manifest)
    main = sum(node.subgraph == 0 for node in told["nodes"])
    alone = runs_alone(parts, main, told["inputs"], told["outputs"])
    if found["model"] is None and not alone:
        raise ValueError("nodes are left to the interpreter and the file holds no model")
    return found


def _artifact(path: str | os.PathLike[str]) -> dict[str, Any]:
    """One partition as a model of its own: what it reads and what it makes."""
    image = load(path)
    info = image.info
    tensors = {port.tensor: port.shape for port in (*info.inputs, *info.outputs)}
    partition = Partition(
        0,
        info.nodes,
        tuple(port.tensor for port in info.inputs),
        tuple(port.tensor for port in info.outputs),
        tensors,
    )
    return {
        "name": info.name,
        "target": named_target(info.target.name),
        "inputs": _ports(info.inputs, "in"),
        "outputs": _ports(info.outputs, "out"),
        "nodes": _records(info),
        "notes": (),
        "parts": [Part(partition, image)],
        "model": None,
        "content": None,
    }


def _ports(ports: tuple[Port, ...], prefix: str) -> tuple[TensorInfo, ...]:
    names = [port.name for port in ports]
    return tuple(
        TensorInfo(
            port.name if port.name and names.count(port.name) == 1 else f"{prefix}{i}",
            port.tensor,
            port.name,
            port.dtype,
            port.shape,
        )
        for i, port in enumerate(ports)
    )


def _records(info: Manifest) -> tuple[NodeRecord, ...]:
    ops = {n: op for step in info.steps for n, op in zip(step.nodes, step.ops, strict=False)}
    # A node without a kernel was computed at compile time, from constants.
    return tuple(NodeRecord(0, n, ops.get(n, "constant"), True, partition=0) for n in info.nodes)
