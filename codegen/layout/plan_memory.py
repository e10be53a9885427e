"""`plan-memory`: offsets of all buffers: constants one after another, activations in one arena.

Arena: greedy by size with lifetimes (`runtime.placement`, which the interpreter plans with too).
Every buffer is followed by slack, so that a kernel may read a few bytes past the last element.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from litefuse.codegen.families.image import Image
from litefuse.codegen.layout.assign_layouts import members_of, root_of
from litefuse.compiler.ir.core import Module, Operation, Value
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.compiler.ir.types import TensorType
from litefuse.runtime.placement import Span, place

ALIGN = 64
SLACK = 64


def plan_memory(module: Module, context: PassContext) -> None:
    """Give every buffer its `offset` and `bytes`; the function its `arena_bytes` and
    `constant_bytes`."""
    for func in module.functions():
        if func.name == "kern.func":
            _constants(func)
            _arena(func, context)


PASS = Pass("plan-memory", plan_memory, "one arena, greedy by size")


def _constants(func: Operation) -> None:
    at = 0
    seen: dict[tuple[str, bytes], int] = {}
    for op in func.body.ops:
        if op.name == "kern.const":
            array: np.ndarray[Any, Any] = op["value"].array
            key = (array.dtype.str, array.tobytes())
            buffer = op["buffer"]
            buffer["bytes"] = array.nbytes
            if key not in seen:
                seen[key] = at
                at += -(-(array.nbytes + SLACK) // ALIGN) * ALIGN
            buffer["offset"] = seen[key]
    for op in func.body.ops:
        if op.name == "kern.reshape" and op["buffer"]["space"] == "const":
            root = root_of(op.result).op
            assert root is not None
            op.attributes["buffer"] = dict(root["buffer"])
    func.attributes["constant_bytes"] = at


def _arena(func: Operation, context: PassContext) -> None:
    first, last_of = _lifetimes(func)
    roots: list[Value] = []
    spans: list[Span] = []
    for op in func.body.ops:
        if op.name == "kern.reshape" or not op.results or op["buffer"]["space"] != "arena":
            continue
        root = op.result
        assert isinstance(root.type, TensorType)
        size = Image.of(root.type, op["buffer"]).nbytes
        last = max(
            (last_of[id(u)] for m in members_of(root) for u in m.users), default=last_of[id(op)]
        )
        roots.append(root)
        spans.append(Span(first[id(op)], max(last, last_of[id(op)]), size + SLACK))
    placement = place(spans, ALIGN)
    for root, span, offset in zip(roots, spans, placement.offsets, strict=True):
        for member in members_of(root):
            assert member.op is not None
            member.op["buffer"].update(offset=offset, bytes=span.size - SLACK)
    func.attributes["arena_bytes"] = placement.total
    context.count("arena_bytes", placement.total)


def _lifetimes(func: Operation) -> tuple[dict[int, int], dict[int, int]]:
    """When each op begins and ends to touch memory; the ops of a group all run together."""
    first = {id(op): i for i, op in enumerate(func.body.ops)}
    last = dict(first)
    groups: dict[int, list[Operation]] = {}
    for op in func.body.ops:
        if "group" in op.attributes:
            groups.setdefault(op["group"], []).append(op)
    for ops in groups.values():
        begin, end = min(first[id(op)] for op in ops), max(last[id(op)] for op in ops)
        for op in ops:
            first[id(op)], last[id(op)] = begin, end
    return first, last
