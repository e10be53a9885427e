"""`schedule-kernels`: a tile for every contraction, chosen by the cost model of `codegen.schedule`.

Adds `w_shape` (the weights' shape before packing) and `schedule = {product, tile}`.
"""

from __future__ import annotations

from litefuse.codegen.families.contract import GROUP, geometry
from litefuse.codegen.families.image import Image
from litefuse.codegen.schedule import schedule_contract, schedule_depthwise
from litefuse.compiler.ir.core import Module, Operation, Value
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.compiler.ir.types import QuantizedType, TensorType


def schedule_kernels(module: Module, context: PassContext) -> None:
    """Schedule every contraction; `assign-layouts` has run."""
    for func in module.functions():
        if func.name != "kern.func":
            continue
        buffers = buffers_of(func)
        for op in func.body.ops:
            if op.name == "kern.contract":
                _schedule(op, buffers, context)


PASS = Pass("schedule-kernels", schedule_kernels, "register tiles by a cost model")


def buffers_of(func: Operation) -> dict[Value, dict[str, object]]:
    """The buffer of every tensor value of a function."""
    found: dict[Value, dict[str, object]] = dict(
        zip(func.body.args, func["arg_buffers"], strict=True)
    )
    for op in func.body.ops:
        for result in op.results:
            found[result] = op["buffer"]
    return found


def _image(value: Value, buffers: dict[Value, dict[str, object]]) -> Image:
    assert isinstance(value.type, TensorType)
    return Image.of(value.type, buffers[value])


def _schedule(op: Operation, buffers: dict[Value, dict[str, object]], context: PassContext) -> None:
    target = context.target
    x, w = op.operands[:2]
    assert isinstance(x.type, TensorType)
    assert isinstance(w.type, TensorType)
    op.attributes["w_shape"] = w.type.shape
    image_x, out = _image(x, buffers), _image(op.result, buffers)
    lanes = target.vector_bytes // 4
    grouped = "group" in op.attributes
    if op["kind"] == "depthwise":
        kernel = (w.type.shape[1], w.type.shape[2])
        tile = schedule_depthwise(
            out.h, out.w, out.c, op.get("multiplier", 1), kernel, lanes, target.registers, grouped
        )
        op.attributes["schedule"] = {"product": "f32", "tile": tile.attribute()}
        return
    product = target.dot if isinstance(x.type.element, QuantizedType) else "f32"
    extras = [
        _image(v, buffers)
        for v, r in zip(op.operands[2:], op.get("roles", []), strict=True)
        if r == "pixel"
    ]
    g = geometry(op, image_x, out, extras)
    unit = GROUP[product]
    depth = g.tap_count * -(-g.run // unit)
    height, width = (1, g.out.w) if g.flat else (g.out.h, g.out.w)
    chosen = schedule_contract(
        height,
        width,
        out.c // g.groups,
        depth,
        lanes,
        target.registers,
        image_x.nbytes,
        depth * unit * out.c * (4 // unit),
        grouped,
        target.weight_registers if product == target.dot else 1,
    )
    op.attributes["schedule"] = {"product": product, "tile": chosen.attribute()}
