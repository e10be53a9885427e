"""Memory ops of `loop` as LLVM text."""

from __future__ import annotations

from litefuse.codegen.llvm.emit import Emitter, Handler
from litefuse.codegen.llvm.text import scalar_bytes, suffix, vector_name
from litefuse.compiler.ir.core import IRError, Operation, Value
from litefuse.compiler.ir.types import IntegerType, Type, element_of, lanes_of


def address(e: Emitter, pointer: Value, offset: Value, element: Type) -> tuple[str, str]:
    """ptr[offset] as (hoisted base, text of the address); the constant part is written where it is
    used.
    """
    size = scalar_bytes(element)
    p = e.value(pointer)
    base, constant = e.index(offset)
    if base is not None:
        p = e.pure(f"getelementptr i{8 * size}, ptr {p}, i64 {base}", p, base)
    if not constant:
        return p, p
    return p, e.here(f"getelementptr i8, ptr {p}, i64 {constant * size}")


def _memory_type(e: Emitter, t: Type) -> tuple[str, bool]:
    """The type that is moved; i1 lanes are bytes in memory."""
    lanes, element = e.shape(t)
    if element == "i1":
        return vector_name(lanes, "i8"), True
    return vector_name(lanes, element), False


def _load(e: Emitter, op: Operation) -> None:
    pointer, offset = op.operands
    t = op.result.type
    element = element_of(t)
    align = op.get("align") or scalar_bytes(element)
    whole = _read_as(op)
    name, is_bool = _memory_type(e, whole or t)
    lanes, _ = e.shape(t)
    if op.get("invariant"):
        size = scalar_bytes(element)
        p = e.value(pointer)
        base, constant = e.index(offset)
        if base is not None:
            p = e.pure(f"getelementptr i{8 * size}, ptr {p}, i64 {base}", p, base)
        if constant:
            p = e.pure(f"getelementptr i8, ptr {p}, i64 {constant * size}", p)
        registers = -(-lanes * size // e.target.vector_bytes) if lanes > 1 else 0
        value = e.load_once(
            f"load {name}, ptr {p}, align {align}, !invariant.load !0", registers, p
        )
    else:
        _, p = address(e, pointer, offset, element)
        value = e.here(f"load {name}, ptr {p}, align {align}")
    if is_bool:
        zero = e.splat(lanes, "i8", "0")
        value = e.pure(f"icmp ne {name} {value}, {zero}", value)
    if whole is not None:
        for user in op.result.users:
            e.bind(user.result, value)
        return
    e.bind(op.result, value)


def _read_as(op: Operation) -> Type | None:
    """The integer that a load of a few lanes is only ever used as.

    Lanes that do not fill a register are widened one by one on NEON; as one number they are not.
    """
    types = {user.result.type if user.name == "arith.bitcast" else None for user in op.result.users}
    if lanes_of(op.result.type) == 1 or len(types) != 1:
        return None
    (only,) = types
    return only if isinstance(only, IntegerType) else None


def _store(e: Emitter, op: Operation) -> None:
    value, pointer, offset = op.operands
    element = element_of(value.type)
    text = e.value(value)
    name, is_bool = _memory_type(e, value.type)
    if is_bool:
        text = e.pure(f"zext {e.type(value.type)} {text} to {name}", text)
    _, p = address(e, pointer, offset, element)
    e.effect(f"store {name} {text}, ptr {p}, align {op.get('align') or scalar_bytes(element)}")


def _gather(e: Emitter, op: Operation) -> None:
    pointer, offset, indices = op.operands
    element = element_of(op.result.type)
    size = scalar_bytes(element)
    lanes, scalar = e.shape(op.result.type)
    _, p = address(e, pointer, offset, element)
    i = e.value(indices)
    read = e.pure if op.get("invariant") else lambda text, *_: e.here(text)
    note = ", !invariant.load !0" if op.get("invariant") else ""
    if lanes == 1:
        wide = e.pure(f"sext i32 {i} to i64", i)
        q = e.pure(f"getelementptr i{8 * size}, ptr {p}, i64 {wide}", p, wide)
        e.bind(op.result, read(f"load {scalar}, ptr {q}, align {size}{note}", q))
        return
    if size >= 4 and e.target.vector_bytes >= 32:
        vector = vector_name(lanes, scalar)
        pointers = e.pure(f"getelementptr i{8 * size}, ptr {p}, <{lanes} x i32> {i}", p, i)
        name = f"llvm.masked.gather.{suffix(lanes, scalar)}.v{lanes}p0"
        declared = f"declare {vector} @{name}(<{lanes} x ptr>, <{lanes} x i1>, {vector})"
        e.declared.setdefault(name, declared)
        text = (
            f"call {vector} @{name}(<{lanes} x ptr> align {size} {pointers}, "
            f"<{lanes} x i1> splat (i1 true), {vector} poison)"
        )
        e.bind(op.result, read(text, pointers))
        return
    result = "poison"
    for lane in range(lanes):
        n = e.pure(f"extractelement <{lanes} x i32> {i}, i32 {lane}", i)
        wide = e.pure(f"sext i32 {n} to i64", n)
        q = e.pure(f"getelementptr i{8 * size}, ptr {p}, i64 {wide}", p, wide)
        one = read(f"load {scalar}, ptr {q}, align {size}{note}", q)
        result = e.pure(
            f"insertelement <{lanes} x {scalar}> {result}, {scalar} {one}, i32 {lane}", result, one
        )
    e.bind(op.result, result)


def _advance(e: Emitter, op: Operation) -> None:
    p = e.value(op.operands[0])
    base, constant = e.index(op.operands[1])
    if base is not None:
        p = e.pure(f"getelementptr i8, ptr {p}, i64 {base}", p, base)
    if constant:
        p = e.pure(f"getelementptr i8, ptr {p}, i64 {constant}", p)
    e.bind(op.result, p)


def _scratch(e: Emitter, op: Operation) -> None:
    if op["bytes"] < 1 or op["align"] & (op["align"] - 1):
        raise IRError(
            "loop.scratch wants at least one byte and a power of two, "
            f"not {op['bytes']} and {op['align']}"
        )
    name = e.fresh()
    e.scopes[0].lines.insert(0, f"  {name} = alloca [{op['bytes']} x i8], align {op['align']}")
    e.bind(op.result, name)


def _prefetch(e: Emitter, op: Operation) -> None:
    p = e.value(op.operands[0])
    base, constant = e.index(op.operands[1])
    if base is not None:
        p = e.pure(f"getelementptr i8, ptr {p}, i64 {base}", p, base)
    if constant:
        p = e.here(f"getelementptr i8, ptr {p}, i64 {constant}")
    e.declared["llvm.prefetch.p0"] = (
        "declare void @llvm.prefetch.p0(ptr, i32 immarg, i32 immarg, i32 immarg)"
    )
    e.effect(f"call void @llvm.prefetch.p0(ptr {p}, i32 0, i32 3, i32 1)")


HANDLERS: dict[str, Handler] = {
    "loop.load": _load, "loop.store": _store, "loop.gather": _gather, "loop.advance": _advance,
    "loop.scratch": _scratch, "loop.prefetch": _prefetch,
}  # fmt: skip
