"""Types and attributes from text: the half of the parser that knows no ops."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from litefuse.compiler.ir.attributes import Dense, Resource, Symbol
from litefuse.compiler.ir.scanner import Scanner
from litefuse.compiler.ir.types import (
    INDEX,
    NONE,
    ComplexType,
    FloatType,
    FunctionType,
    IntegerType,
    OpaqueType,
    QuantizedType,
    TensorType,
    Type,
    VectorType,
)

ResourceMaker: TypeAlias = Callable[[str, tuple[int, ...], np.dtype[Any]], npt.NDArray[Any]]
ResourceSource: TypeAlias = Mapping[str, npt.NDArray[Any]] | ResourceMaker | None

_INT_TYPE = re.compile(r"([su]?)i([0-9]+)\b")
_FLOAT_TYPE = re.compile(r"(?:bf16|f16|f32|f64|tf32|f80|f128|f8E[0-9]M[0-9][A-Z0-9]*)\b")
_DIMENSION = re.compile(r"([0-9]+|\?)x")
_NUMBER = re.compile(r"-?(?:0x[0-9A-Fa-f]+|[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)")
_DIALECT_TYPE = re.compile(r"!([A-Za-z_][A-Za-z0-9_$]*(?:\.[A-Za-z0-9_$]+)*)")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_$.]*")
_SECTION_END = re.compile(r"#-\}")
_FORMATS = {"f16": ("<e", "<H"), "f32": ("<f", "<I"), "f64": ("<d", "<Q")}


class AttributeParser:
    """Reads types and attribute values at the scanner's cursor."""

    def __init__(self, scanner: Scanner, resources: ResourceSource) -> None:
        self.s = scanner
        self.source = resources
        self.blobs = self._section()
        self.made: dict[str, Resource] = {}

    # Types

    def type(self) -> Type:
        """Read a type."""
        s = self.s
        found = s.regex(_INT_TYPE)
        if found is not None:
            signedness = found[0] if found[0] in "su" else ""
            return IntegerType(int(found[len(signedness) + 1 :]), signedness)
        found = s.regex(_FLOAT_TYPE)
        if found is not None:
            return FloatType(found)
        if s.looking_at("("):
            ins, outs = self.function_type()
            return FunctionType(ins, outs)
        if s.looking_at("!"):
            return self._dialect_type()
        at = s.pos
        word = s.regex(_WORD)
        match word:
            case "index":
                return INDEX
            case "none":
                return NONE
            case "tensor":
                shape, element = self._shaped()
                return TensorType(shape, element)
            case "vector":
                shape, element = self._shaped()
                if len(shape) != 1 or shape[0] < 0:
                    raise s.error("vectors have one static dimension", at)
                return VectorType(shape[0], element)
            case "complex":
                s.need("<", "after complex")
                element = self.type()
                if not isinstance(element, FloatType):
                    raise s.error("a complex number is made of floats", at)
                s.need(">", "after the element type")
                return ComplexType(element)
        raise s.error("expected a type" if word is None else f"{word} is not a type", at)

    def function_type(self) -> tuple[tuple[Type, ...], tuple[Type, ...]]:
        """Read `(types) -> types`."""
        self.s.need("(", "and operand types")
        ins = self._types_until_close()
        self.s.need("->", "and result types")
        if not self.s.take("("):
            return ins, (self.type(),)
        return ins, self._types_until_close()

    def _types_until_close(self) -> tuple[Type, ...]:
        types: list[Type] = []
        if self.s.take(")"):
            return ()
        while True:
            types.append(self.type())
            if not self.s.more(")"):
                return tuple(types)

    def _shaped(self) -> tuple[tuple[int, ...], Type]:
        s = self.s
        s.need("<", "and a shape")
        shape: list[int] = []
        while True:
            match = _DIMENSION.match(s.text, s.pos)
            if match is None:
                break
            shape.append(-1 if match.group(1) == "?" else int(match.group(1)))
            s.pos = match.end()
        element = self.type()
        s.need(">", "after the element type")
        return tuple(shape), element

    def _dialect_type(self) -> Type:
        s = self.s
        at = s.pos
        name = s.need_regex(_DIALECT_TYPE, "a dialect's type")[1:]
        if name == "quant.uniform":
            return self._quantized(at)
        if not s.looking_at("<"):
            return OpaqueType(name)
        depth, end = 0, s.pos
        while end < len(s.text):
            c = s.text[end]
            depth += (c in "<([{") - (c in ")]}" or (c == ">" and s.text[end - 1] != "-"))
            end += 1
            if depth == 0:
                body = s.text[s.pos : end]
                s.pos = end
                s.skip()
                return OpaqueType(name + body)
        raise s.error("the type's '<' is not closed", at)

    def _quantized(self, at: int) -> Type:
        s = self.s
        s.need("<", "after !quant.uniform")
        word = s.need_regex(_WORD, "a storage type such as i8")
        if not re.fullmatch(r"[iu][0-9]+", word):
            raise s.error(f"{word} is not a storage type; i8, u8, i16 are", at)
        storage = IntegerType(int(word[1:]), "u" if word[0] == "u" else "")
        s.need(":", "and the expressed type")
        s.need("f32", "(the expressed type)")
        axis = s.integer("the quantised dimension") if s.take(":") else None
        s.need(",", "and the scales")
        pairs = []
        if axis is None:
            pairs.append(self._scale())
        else:
            s.need("{", "and the scales of the channels")
            while True:
                pairs.append(self._scale())
                if not s.more("}"):
                    break
        s.need(">", "after the scales")
        return QuantizedType(storage, tuple(p[0] for p in pairs), tuple(p[1] for p in pairs), axis)

    def _scale(self) -> tuple[float, int]:
        scale = self._float(self.s.need_regex(_NUMBER, "a scale"), "f64")
        return scale, self.s.integer("a zero point") if self.s.take(":") else 0

    # Attributes

    def dictionary(self) -> dict[str, Any]:
        """Read `{key = value, ...}`."""
        s = self.s
        s.need("{", "and attributes")
        out: dict[str, Any] = {}
        if s.take("}"):
            return out
        while True:
            at = s.pos
            key = (
                s.string("an attribute's name")
                if s.looking_at('"')
                else s.identifier("an attribute's name")
            )
            if key in out:
                raise s.error(f"attribute {key} is given twice", at)
            out[key] = self.attribute() if s.take("=") else None
            if not s.more("}"):
                return out

    def attribute(self) -> Any:
        """Read an attribute value."""
        s = self.s
        c = s.text[s.pos : s.pos + 1]
        if c == '"':
            return s.string("a string")
        if c == "[":
            return self._list()
        if c == "{":
            return self.dictionary()
        if c == "@":
            s.pos += 1
            return Symbol(s.string("a symbol") if s.looking_at('"') else s.identifier("a symbol"))
        if c and (c in "-0123456789"):
            return self._number()
        at = s.pos
        word = s.regex(_WORD)
        match word:
            case "true":
                return True
            case "false":
                return False
            case "unit":
                return None
            case "array":
                return self._array()
            case "dense":
                return self._dense()
            case "dense_resource":
                return self._resource()
        s.pos = at
        return self.type()

    def _list(self) -> list[Any]:
        self.s.need("[")
        values: list[Any] = []
        if self.s.take("]"):
            return values
        while True:
            values.append(self.attribute())
            if not self.s.more("]"):
                return values

    def _number(self) -> Any:
        s = self.s
        at = s.pos
        text = s.need_regex(_NUMBER, "a number")
        if s.take(":"):
            t = self.type()
        else:
            t = IntegerType(64) if _is_integer(text) else FloatType("f64")
        if isinstance(t, FloatType):
            if t.name == "f32":
                return self._float32(text)
            return self._float(text, t.name, at)
        if not _is_integer(text):
            raise s.error(f"{text} is not an integer", at)
        return int(text, 0)

    def _array(self) -> tuple[Any, ...]:
        s = self.s
        s.need("<", "after array")
        at = s.pos
        element = self.type()
        values: list[Any] = []
        if s.take(">"):
            return ()
        s.need(":", "and the array's numbers")
        while True:
            if isinstance(element, IntegerType) and element.width == 1:
                values.append(s.identifier("true or false") == "true")
            elif isinstance(element, FloatType):
                values.append(self._float(s.need_regex(_NUMBER, "a number"), element.name, at))
            else:
                values.append(s.integer("an integer"))
            if not s.more(">"):
                return tuple(values)

    def _float(self, text: str, kind: str, at: int | None = None) -> float:
        if "x" not in text:
            return float(text)
        if kind not in _FORMATS:
            raise self.s.error(f"no bit patterns of {kind}", at)
        as_float, as_bits = _FORMATS[kind]
        try:
            return float(struct.unpack(as_float, struct.pack(as_bits, int(text, 16)))[0])
        except struct.error:
            raise self.s.error(f"{text} has more bits than an {kind}", at) from None

    def _float32(self, text: str) -> np.float32:
        if "x" in text:
            return np.uint32(int(text, 16) & 0xFFFFFFFF).view(np.float32)
        return np.float32(float(text))

    # Constants

    def _dense(self) -> Dense:
        s = self.s
        s.need("<", "after dense")
        at = s.pos
        blob: bytes | None = None
        tokens: list[Any] = []
        nesting: list[int] = []
        if s.looking_at('"'):
            blob = self._hex(s.string("hexadecimal bytes"), at)
        elif not s.looking_at(">"):
            self._nested(tokens, nesting, 0)
        s.need(">", "after the numbers")
        s.need(":", "and the constant's type")
        t, dtype = self._constant_type()
        size = t.size
        if blob is not None:
            if len(blob) not in (size * dtype.itemsize, dtype.itemsize):
                raise s.error(f"{t} has {size * dtype.itemsize} bytes, not {len(blob)}", at)
            flat = np.frombuffer(blob, dtype)
        else:
            flat = self._elements(tokens, dtype, at)
        if flat.size == 1 and size != 1 and not nesting:
            flat = np.broadcast_to(flat, (size,)).copy()
        if flat.size != size:
            raise s.error(f"{t} has {size} elements, not {flat.size}", at)
        if nesting and tuple(nesting) != t.shape:
            raise s.error(f"the numbers nest as {tuple(nesting)}, not as {t.shape}", at)
        return Dense(flat.reshape(t.shape))

    def _nested(self, tokens: list[Any], nesting: list[int], depth: int) -> None:
        s = self.s
        if not s.take("["):
            tokens.append(self._dense_element())
            return
        if len(nesting) <= depth:
            nesting.append(-1)
        at, count = s.pos, 0
        if not s.take("]"):
            while True:
                self._nested(tokens, nesting, depth + 1)
                count += 1
                if not s.more("]"):
                    break
        if nesting[depth] not in (-1, count):
            raise s.error(f"rows of {nesting[depth]} and of {count} elements", at)
        nesting[depth] = count

    def _dense_element(self) -> Any:
        s = self.s
        if s.take("("):
            real = s.need_regex(_NUMBER, "a number")
            s.need(",", "and the imaginary part")
            imaginary = s.need_regex(_NUMBER, "a number")
            s.need(")", "after the imaginary part")
            return real, imaginary
        if s.take("true"):
            return "1"
        if s.take("false"):
            return "0"
        return s.need_regex(_NUMBER, "a number")

    def _elements(self, tokens: list[Any], dtype: np.dtype[Any], at: int) -> npt.NDArray[Any]:
        try:
            if dtype.kind == "c":
                part = f"f{dtype.itemsize * 4}"
                pairs = [[self._float(p, part, at) for p in t] for t in tokens]
                # Assembled by halves: arithmetic on infinities would make NaN.
                out = np.zeros(len(pairs), dtype)
                out.real, out.imag = [p[0] for p in pairs], [p[1] for p in pairs]
                return out
            if dtype.kind == "f":
                bits = np.dtype(f"u{dtype.itemsize}")
                out = np.empty(len(tokens), dtype)
                for i, t in enumerate(tokens):
                    if "x" in t:
                        out.view(bits)[i] = int(t, 16)
                    else:
                        out[i] = float(t)
                return out
            return np.array([int(t, 0) for t in tokens], dtype)
        except (ValueError, OverflowError, TypeError) as e:
            raise self.s.error(f"not a {dtype} constant: {e}", at) from None

    def _constant_type(self) -> tuple[TensorType, np.dtype[Any]]:
        s = self.s
        at = s.pos
        t = self.type()
        if isinstance(t, VectorType):
            t = TensorType((t.lanes,), t.element)
        if not isinstance(t, TensorType) or min(t.shape, default=0) < 0:
            raise s.error("a constant's type is a tensor of static shape", at)
        dtype = _dtype(t.element)
        if dtype is None:
            raise s.error(f"constants of {t.element} have no text", at)
        return t, dtype

    def _resource(self) -> Resource:
        s = self.s
        s.need("<", "after dense_resource")
        at = s.pos
        name = s.string("a resource") if s.looking_at('"') else s.identifier("a resource")
        s.need(">", "after the resource's name")
        s.need(":", "and the resource's type")
        t, dtype = self._constant_type()
        known = self.made.get(name)
        if known is None:
            known = Resource(name, self._bytes_of(name, t.shape, dtype, at))
            self.made[name] = known
        if known.array.shape != t.shape or known.array.dtype != dtype:
            raise s.error(
                f"resource {name} is {known.array.dtype}{list(known.array.shape)}, not {t}", at
            )
        return known

    def _bytes_of(
        self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], at: int
    ) -> npt.NDArray[Any]:
        place = self.blobs.get(name)
        if place is not None:
            data = self._hex(place, at)[4:]
            size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
            if len(data) != size:
                raise self.s.error(
                    f"resource {name} has {len(data)} bytes, its type needs {size}", at
                )
            return np.frombuffer(data, dtype).reshape(shape)
        if callable(self.source):
            return self.source(name, shape, dtype)
        if self.source is not None and name in self.source:
            return self.source[name]
        raise self.s.error(
            f"no bytes for resource {name}: the text has no resource section with it "
            "(a dump has none; a reproducer has)",
            at,
        )

    def _hex(self, text: str, at: int) -> bytes:
        try:
            if not text.startswith("0x"):
                raise ValueError("it does not start with 0x")
            return bytes.fromhex(text[2:])
        except ValueError as e:
            raise self.s.error(f"not a hexadecimal string: {e}", at) from None

    # The resource section

    def _section(self) -> dict[str, str]:
        # It stands at the end of the text, but attributes need it from the start. A quoted newline
        # is escaped, so the mark at the start of a line cannot be inside a string.
        text = self.s.text
        start = 0 if text.startswith("{-#") else text.rfind("\n{-#") + 1
        if not text.startswith("{-#", start):
            return {}
        s = Scanner(text, self.s.source)
        s.pos = start + 3
        s.skip()
        blobs: dict[str, str] = {}
        s.need("dialect_resources", "in the metadata")
        s.need(":", "after dialect_resources")
        s.need("{", "after dialect_resources")
        s.identifier("a dialect")
        s.need(":", "after the dialect")
        s.need("{", "after the dialect")
        while not s.take("}"):
            name = s.string("a resource") if s.looking_at('"') else s.identifier("a resource")
            s.need(":", "after the resource's name")
            blobs[name] = s.string("the resource's bytes")
            s.take(",")
        s.need("}", "after the resources")
        s.need("#-}", "at the end of the metadata")
        return blobs

    def skip_section(self) -> None:
        """Go past the metadata, which was read first."""
        match = _SECTION_END.search(self.s.text, self.s.pos)
        if match is None:
            raise self.s.error("the metadata's '{-#' is not closed by '#-}'")
        self.s.pos = match.end()
        self.s.skip()


def _is_integer(text: str) -> bool:
    return text.lstrip("-").isdigit() or "x" in text


def _dtype(element: Type) -> np.dtype[Any] | None:
    match element:
        case IntegerType(1):
            return np.dtype(np.bool_)
        case IntegerType(width, signedness) if width in (8, 16, 32, 64):
            return np.dtype(f"{'uint' if signedness == 'u' else 'int'}{width}")
        case FloatType(name) if name in _FORMATS:
            return np.dtype(f"float{name[1:]}")
        case ComplexType(part) if part.name in ("f32", "f64"):
            return np.dtype(f"complex{2 * part.width}")
    return None
