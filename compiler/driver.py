"""The whole way: a partition of a model in, an artifact out. The only place that knows all
stages."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from litefuse import __version__
from litefuse.codegen import pipeline as code_pipeline
from litefuse.codegen import targets
from litefuse.codegen.families.image import BYTES
from litefuse.codegen.llvm.image import Image, emit_image
from litefuse.compiler.frontend.import_partition import import_partition
from litefuse.compiler.frontend.plan import plan_subgraph
from litefuse.compiler.ir.core import Module, Operation
from litefuse.compiler.ir.passes import PassContext, PassManager, PassRecord
from litefuse.passes import pipeline as tensor_pipeline
from litefuse.runtime import artifact

if TYPE_CHECKING:
    from litefuse.runtime.model import Model
    from litefuse.runtime.options import Options
    from litefuse.runtime.plan import Partition

__all__ = ["PIPELINE", "compile_partition", "lower", "plan_subgraph", "resolve"]

TENSOR_LEVEL = (*tensor_pipeline.TENSOR_PASSES, *code_pipeline.SCHEDULE_PASSES)
LOOP_LEVEL = (*code_pipeline.LOWER_PASSES, *code_pipeline.LOOP_PASSES)
PIPELINE = (*TENSOR_LEVEL, *LOOP_LEVEL)
Port: TypeAlias = dict[str, Any]
_DTYPES = {
    "f32": "float32",
    "f16": "float16",
    "f64": "float64",
    "i8": "int8",
    "u8": "uint8",
    "i16": "int16",
    "i32": "int32",
    "i64": "int64",
    "bool": "bool",
}


def resolve(target: Any) -> targets.Target:
    """The code generator's target: by name, from the runtime's description of one, or the host's
    for None."""
    if target is None:
        return targets.host_target()
    return targets.find(target if isinstance(target, str) else target.name)


def compile_partition(
    model: Model, partition: Partition, options: Options, target: Any = None
) -> bytes:
    """The bytes of an artifact file for the partition. IRError or PassError name the node at
    fault."""
    chosen = resolve(target)
    with _no_collection():
        return _compile(model, partition, options, chosen)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the cyclic collector: a compile makes 10^5 objects that all live until its end."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _compile(model: Model, partition: Partition, options: Options, chosen: targets.Target) -> bytes:
    module, _ = lower(model, partition, options, chosen)
    image = emit_image(module, chosen, assembly=bool(options.dump_ir))
    if options.dump_ir:
        Path(options.dump_ir, "llvm.ll").write_text(image.text, encoding="utf-8")
        Path(options.dump_ir, "assembly.s").write_text(image.assembly, encoding="utf-8")
    name = f"subgraph{partition.subgraph}_{partition.nodes[0]}_{partition.nodes[-1]}"
    ports = _ports(model, partition, partition.inputs), _ports(model, partition, partition.outputs)
    return assemble(module, image, chosen, name, ports, list(partition.nodes))


def lower(
    model: Model,
    partition: Partition,
    options: Options,
    target: targets.Target,
    verify: bool | None = None,
) -> tuple[Module, list[PassRecord]]:
    """The partition as loop IR, with what each pass took.

    Verified after every pass when dumping (or as `verify` says), else once, before the loops are
    written: they are many times more ops, and come from our own families alone.
    """
    module = import_partition(model, partition)
    context = PassContext(target=target, options=options)
    every = bool(options.dump_ir) if verify is None else verify
    dump = options.dump_ir or None
    records = PassManager(TENSOR_LEVEL).run(
        module, context, dump_dir=dump, verify=True if every else "end"
    )
    records += PassManager(LOOP_LEVEL).run(module, context, dump_dir=dump, verify=every)
    return module, records


def assemble(
    module: Module,
    image: Image,
    target: targets.Target,
    name: str,
    ports: tuple[list[Port], list[Port]],
    nodes: list[int],
) -> bytes:
    """Manifest, image and constants as an artifact's bytes; `ports`: inputs and outputs as the
    manifest has them."""
    program = next(op for op in module.ops if op.name == "loop.program")
    constants = np.zeros(max(program["constant_bytes"], 64), np.uint8)
    for entry in program["constants"]:
        array = np.ascontiguousarray(entry["value"].array)
        constants[entry["offset"] : entry["offset"] + array.nbytes] = array.view(np.uint8).reshape(
            -1
        )
    manifest = {
        "litefuse": __version__,
        "name": name,
        "target": {"arch": target.arch, "name": target.name, "features": list(target.required)},
        "entries": {name: image.symbols[name] for name in artifact.ENTRY_NAMES},
        "arena_bytes": program["arena_bytes"],
        "n_io": len(ports[0]) + len(ports[1]),
        "inputs": ports[0],
        "outputs": ports[1],
        "steps": [_step(op, image) for op in program.body.ops],
        "nodes": nodes,
        "key": {"target": target.name},
    }
    return artifact.write(manifest, image.code, constants)


def port(index: int, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Port:
    """An input or output as the manifest has it."""
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    return {"tensor": index, "name": name, "dtype": dtype.name, "shape": list(shape), "bytes": size}


def _ports(model: Model, partition: Partition, indices: tuple[int, ...]) -> list[Port]:
    tensors = model.subgraphs[partition.subgraph].tensors
    return [
        port(
            i,
            tensors[i].name or f"tensor{i}",
            np.dtype(tensors[i].dtype),
            partition.shapes.get(i, tensors[i].shape),
        )
        for i in indices
    ]


def _step(op: Operation, image: Image) -> dict[str, Any]:
    symbol = op["callee"].name
    nodes = op.location.nodes
    return {
        "kernel": op["kernel"],
        "symbol": symbol,
        "entry": image.symbols[symbol],
        "trip": op["trip"],
        "nodes": [n.node for n in nodes],
        "ops": [n.op for n in nodes],
        "args": [
            {
                "space": a["space"],
                "offset": a["offset"],
                "dtype": _DTYPES[a["dtype"]],
                "shape": _shape(a),
                "pad": list(a["pad"]),
                "role": a["role"],
            }
            for a in op["args"]
        ],
        "macs": op["macs"],
    }


def _shape(a: dict[str, Any]) -> list[int]:
    """The logical shape; constants that have been packed are described as they lie."""
    return list(a["shape"]) if a["space"] != "const" else [a["bytes"] // BYTES[a["dtype"]]]
