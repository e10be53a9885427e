"""Print the IR as MLIR generic syntax.

Everything is spelled out: no aliases, no custom assembly. Weights print by name
(`dense_resource<name>`); their bytes are added by `resources=True` in the resource section that
MLIR defines (`{-# ... #-}`), for files that must stand alone.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.compiler.ir.attributes import Dense, Resource, Symbol
from litefuse.compiler.ir.core import Block, IRError, Location, Module, Operation, Value
from litefuse.compiler.ir.types import (
    F32,
    F64,
    ComplexType,
    FloatType,
    FunctionType,
    IndexType,
    IntegerType,
    NoneType,
    OpaqueType,
    QuantizedType,
    TensorType,
    Type,
    VectorType,
)

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_$.]*\Z")
_NOT_NAME = re.compile(r"[^A-Za-z0-9_$]+")
_PLAIN = re.compile(r"[ !#-\[\]-~]*\Z")
_IN_FULL = 64  # elements of a Dense that print one by one; larger ones print as a hex string

_ELEMENTS: dict[str, Type] = {
    "bool": IntegerType(1),
    **{f"int{w}": IntegerType(w, "s") for w in (8, 16, 32, 64)},
    **{f"uint{w}": IntegerType(w, "u") for w in (8, 16, 32, 64)},
    **{f"float{w}": FloatType(f"f{w}") for w in (16, 32, 64)},
    "complex64": ComplexType(F32),
    "complex128": ComplexType(F64),
}


def print_module(
    module: Module, *, locations: bool = False, resources: bool = False, header: str = ""
) -> str:
    """The text of a module, ending in a newline.

    `locations` adds `loc(...)` to every op that has one, `resources` the bytes of every weight,
    `header` lines of comment at the top.
    """
    lines = [f"// {line}" if line else "//" for line in header.splitlines()]
    lines.append(_Printer(locations).op(module.op))
    if resources:
        lines += _resource_section(module)
    return "\n".join(lines) + "\n"


def print_op(op: Operation, *, locations: bool = False) -> str:
    """The text of one op with its regions; values from outside keep their hints where they have
    one.
    """
    return _Printer(locations).op(op)


def print_type(t: Type) -> str:
    """The text of a type."""
    match t:
        case TensorType(shape, element):
            dims = "".join("?x" if d < 0 else f"{d}x" for d in shape)
            return f"tensor<{dims}{print_type(element)}>"
        case VectorType(lanes, element):
            return f"vector<{lanes}x{print_type(element)}>"
        case IntegerType(width, signedness):
            return f"{signedness}i{width}"
        case FloatType(name):
            return name
        case QuantizedType():
            return _quantized(t)
        case IndexType():
            return "index"
        case OpaqueType(name):
            return f"!{name}"
        case NoneType():
            return "none"
        case ComplexType(element):
            return f"complex<{print_type(element)}>"
        case FunctionType(inputs, results):
            return f"({_types(inputs)}) -> ({_types(results)})"
    raise IRError(f"a type of class {type(t).__name__} has no text")


def print_attribute(value: Any) -> str:
    """The text of an attribute value (the table in `attributes.py`)."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return f"{int(value)} : i64"
    if isinstance(value, np.float32):
        return f"{_float32(value)} : f32"
    match value:
        case float():
            return f"{_float64(float(value))} : f64"
        case str():
            return print_string(value)
        case tuple():
            return _array(value)
        case list():
            return "[" + ", ".join(print_attribute(v) for v in value) + "]"
        case dict():
            return _dictionary(value)
        case None:
            return "unit"
        case Type():
            return print_type(value)
        case Symbol(name):
            return f"@{_key(name)}"
        case Dense(array):
            return f"dense<{_dense(array)}> : {print_type(array_type(array))}"
        case Resource(name, array):
            return f"dense_resource<{_key(name)}> : {print_type(array_type(array))}"
    raise IRError(
        f"{value!r} of class {type(value).__name__} is not an attribute; "
        "see compiler/ir/attributes.py"
    )


def print_string(text: str) -> str:
    """A quoted string; all but printable ASCII as hexadecimal bytes of its UTF-8 form."""
    if _PLAIN.match(text):
        return f'"{text}"'
    out = []
    for byte in text.encode("utf-8", "surrogateescape"):
        c = chr(byte)
        out.append(c if 0x20 <= byte < 0x7F and c not in '"\\' else f"\\{byte:02X}")
    return '"' + "".join(out) + '"'


def print_location(location: Location) -> str:
    """`loc("CONV_2D"("subgraph0":12:0))`; several nodes as `loc(fused[...])`."""
    nodes = [f'{print_string(n.op)}("subgraph{n.subgraph}":{n.node}:0)' for n in location.nodes]
    if not nodes:
        return "loc(unknown)"
    return f"loc({nodes[0]})" if len(nodes) == 1 else f"loc(fused[{', '.join(nodes)}])"


def array_type(array: npt.NDArray[Any]) -> TensorType:
    """The tensor type that a NumPy array has as an attribute."""
    element = _ELEMENTS.get(array.dtype.name)
    if element is None:
        raise IRError(f"an array of {array.dtype} cannot be an attribute")
    return TensorType(array.shape, element)


def resources_of(module: Module) -> dict[str, npt.NDArray[Any]]:
    """Every weight that the module refers to, by name; two different arrays under one name are an
    error.
    """
    found: dict[str, Resource] = {}
    for op in module.op.walk():
        for r in _resources_in(op.attributes):
            known = found.setdefault(r.name, r)
            if known is not r and known != r:
                raise IRError(f"two different weights are called {r.name!r}")
    return {name: r.array for name, r in found.items()}


class _Printer:
    def __init__(self, locations: bool) -> None:
        self.locations = locations
        self.names: dict[Value, str] = {}
        self.taken: set[str] = set()
        self.scope: list[Value] = []  # what the open regions define, in order
        self.next_number = 0

    def op(self, op: Operation, indent: str = "") -> str:
        text = ""
        if op.results:
            text = ", ".join(self.define(r) for r in op.results) + " = "
        text += f"{print_string(op.name)}({', '.join(self.use(v) for v in op.operands)})"
        if op.regions:
            text += " (" + ", ".join(self.block(r.block, indent) for r in op.regions) + ")"
        if op.attributes:
            text += " " + _dictionary(op.attributes)
        results = [print_type(r.type) for r in op.results]
        # A lone function type needs its own parentheses.
        single = len(results) == 1 and not isinstance(op.results[0].type, FunctionType)
        out = results[0] if single else f"({', '.join(results)})"
        text += f" : ({_types(v.type for v in op.operands)}) -> {out}"
        if self.locations and op.location.nodes:
            text += " " + print_location(op.location)
        return text

    def block(self, block: Block, indent: str) -> str:
        scope, number = len(self.scope), self.next_number
        lines = ["{"]
        if block.args:
            args = ", ".join(f"{self.define(a)}: {print_type(a.type)}" for a in block.args)
            lines.append(f"{indent}^bb0({args}):")
        lines += [f"{indent}  {self.op(op, indent + '  ')}" for op in block.ops]
        lines.append(indent + "}")
        # Names of a region end with it, so that siblings (functions above all) are numbered alike.
        for value in self.scope[scope:]:
            self.taken.discard(self.names.pop(value)[1:])
        del self.scope[scope:]
        self.next_number = number
        return "\n".join(lines)

    def define(self, value: Value) -> str:
        name = self.name(value)
        self.scope.append(value)
        return name

    def use(self, value: Value) -> str:
        # A value without a definition is from outside the printed part, or the module is broken:
        # name it all the same.
        return self.names.get(value) or self.name(value)

    def name(self, value: Value) -> str:
        hint = _NOT_NAME.sub("_", value.name)
        if not hint:
            while str(self.next_number) in self.taken:
                self.next_number += 1
            hint = str(self.next_number)
            self.next_number += 1
        elif hint[0].isdigit():
            hint = f"v{hint}"
        name, n = hint, 0
        while name in self.taken:
            n += 1
            name = f"{hint}_{n}"
        self.taken.add(name)
        self.names[value] = f"%{name}"
        return self.names[value]


@lru_cache(maxsize=1024)
def _quantized(t: QuantizedType) -> str:
    storage = f"u{t.storage.width}" if t.storage.signedness == "u" else f"i{t.storage.width}"
    pairs = [f"{_float64(s)}:{z}" for s, z in zip(t.scales, t.zero_points, strict=True)]
    if t.axis is None:
        return f"!quant.uniform<{storage}:f32, {pairs[0]}>"
    return f"!quant.uniform<{storage}:f32:{t.axis}, {{{', '.join(pairs)}}}>"


def _key(name: str) -> str:
    return name if _BARE.match(name) else print_string(name)


def _types(types: Any) -> str:
    return ", ".join(print_type(t) for t in types)


def _float64(x: float) -> str:
    text = repr(x)
    if text in ("nan", "inf", "-inf"):
        return f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"
    return _decimal(text)


def _float32(x: np.float32) -> str:
    if not np.isfinite(x):
        return f"0x{int(x.view(np.uint32)):08X}"
    short = str(x)
    # The shortest text of a float32 is read back through a double: keep it only where that is
    # exact.
    return _decimal(short if np.float32(float(short)) == x else repr(float(x)))


def _decimal(text: str) -> str:
    """MLIR wants a point before the exponent: 1e-05 is 1.0e-05."""
    mantissa, e, exponent = text.partition("e")
    return (mantissa if "." in mantissa else mantissa + ".0") + e + exponent


def _array(values: tuple[Any, ...]) -> str:
    if not values:
        return "array<i64>"
    if all(isinstance(v, (bool, np.bool_)) for v in values):
        return "array<i1: " + ", ".join("true" if v else "false" for v in values) + ">"
    if all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in values):
        return "array<i64: " + ", ".join(str(int(v)) for v in values) + ">"
    if all(isinstance(v, float) for v in values):
        return "array<f64: " + ", ".join(_float64(float(v)) for v in values) + ">"
    raise IRError(
        f"a tuple attribute holds integers only or floats only, not {values!r}; use a list"
    )


def _dictionary(values: dict[str, Any]) -> str:
    items = []
    for key, value in values.items():
        name = _key(key)
        items.append(name if value is None else f"{name} = {print_attribute(value)}")
    return "{" + ", ".join(items) + "}"


def _dense(array: npt.NDArray[Any]) -> str:
    if array.size == 0:
        return ""
    flat = array.reshape(-1)
    data = np.ascontiguousarray(array).tobytes()
    if array.size > 1 and data == data[: array.itemsize] * array.size:
        return _element(flat[0])
    if array.size > _IN_FULL and array.dtype != np.bool_:
        return f'"0x{data.hex().upper()}"'
    return _nested(array)


def _nested(array: npt.NDArray[Any]) -> str:
    if array.ndim == 0:
        return _element(array[()])
    return (
        "["
        + ", ".join(_nested(a) if a.ndim else _element(a[()]) for a in map(np.asarray, array))
        + "]"
    )


def _element(x: Any) -> str:
    if isinstance(x, np.bool_):
        return "true" if x else "false"
    if isinstance(x, np.integer):
        return str(int(x))
    if isinstance(x, np.float32):
        return _float32(x)
    if isinstance(x, np.float16):
        return _decimal(repr(float(x))) if np.isfinite(x) else f"0x{int(x.view(np.uint16)):04X}"
    if isinstance(x, np.complex64):
        return f"({_float32(x.real)}, {_float32(x.imag)})"
    if isinstance(x, np.complex128):
        return f"({_float64(float(x.real))}, {_float64(float(x.imag))})"
    return _float64(float(x))


def _resources_in(value: Any) -> Iterator[Resource]:
    match value:
        case Resource():
            yield value
        case dict():
            for v in value.values():
                yield from _resources_in(v)
        case list():
            for v in value:
                yield from _resources_in(v)


def _resource_section(module: Module) -> list[str]:
    blobs = []
    for name, array in resources_of(module).items():
        # An MLIR blob starts with its alignment as four bytes, little endian.
        data = (64).to_bytes(4, "little") + np.ascontiguousarray(array).tobytes()
        blobs.append(f'      {_key(name)}: "0x{data.hex().upper()}"')
    if not blobs:
        return []
    section = ["", "{-#", "  dialect_resources: {", "    builtin: {"]
    return [*section, ",\n".join(blobs), "    }", "  }", "#-}"]
