"""Read the text that `printer.py` writes: MLIR generic syntax, one block a region, no aliases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.compiler.ir.attribute_parser import AttributeParser, ResourceSource
from litefuse.compiler.ir.core import (
    UNKNOWN,
    Block,
    Location,
    Module,
    NodeLocation,
    Operation,
    Region,
    Value,
)
from litefuse.compiler.ir.scanner import ParseError, Scanner
from litefuse.compiler.ir.types import Type

__all__ = [
    "ParseError",
    "ResourceSource",
    "made_up_weights",
    "parse_file",
    "parse_module",
    "parse_type",
]


def parse_module(
    text: str,
    resources: ResourceSource = None,
    *,
    source: str = "<text>",
) -> Module:
    """The module of a text; top-level ops without a module around them get one.

    Weights come from the text's own resource section, else from `resources`: a mapping by name, or
    a function of (name, shape, dtype). Raises `ParseError`, with line, column and a caret, for
    anything else than our syntax.
    """
    scanner = Scanner(text, source)
    attributes = AttributeParser(scanner, resources)
    parser = _Parser(scanner, attributes)
    ops = parser.top_level()
    if len(ops) == 1 and ops[0].name == "builtin.module":
        return Module.of(ops[0])
    module = Module()
    for op in ops:
        module.block.append(op)
    return module


def parse_file(path: str | Path, resources: Mapping[str, npt.NDArray[Any]] | None = None) -> Module:
    """The module in a file; OSError where it cannot be read."""
    return parse_module(Path(path).read_text(encoding="utf-8"), resources, source=Path(path).name)


def parse_type(text: str) -> Type:
    """The type that a text spells."""
    scanner = Scanner(text, "<type>")
    t = AttributeParser(scanner, None).type()
    if scanner.pos != len(text):
        raise scanner.error("nothing may follow the type")
    return t


def made_up_weights(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Weights for a text that carries none: small numbers that depend on the name alone, the same
    on every machine.
    """
    seed = np.frombuffer(name.encode(), np.uint8).astype(np.uint64)
    rng = np.random.default_rng([len(name), *seed.tolist()])
    if dtype.kind == "f":
        return rng.uniform(-1.0, 1.0, shape).astype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(dtype)
    low, high = (0, 200) if dtype.kind == "u" else (-100, 101)
    return rng.integers(low, high, shape).astype(dtype)


class _Parser:
    def __init__(self, scanner: Scanner, attributes: AttributeParser) -> None:
        self.s = scanner
        self.attributes = attributes
        self.values: dict[str, Value] = {}

    def top_level(self) -> list[Operation]:
        ops = []
        while self.s.pos < len(self.s.text):
            if self.s.looking_at("{-#"):
                self.attributes.skip_section()
                continue
            ops.append(self.op())
        return ops

    def op(self) -> Operation:
        s = self.s
        names: list[tuple[str, int, int]] = []  # name, how many, where
        if s.looking_at("%"):
            while True:
                at = s.pos
                name = s.suffix("%", "the name of a result")
                names.append((name, s.integer("a number of results") if s.take(":") else 1, at))
                if not s.take(","):
                    break
            s.need("=", "after the results")
        op_name = s.string("an op's name")
        s.need("(", "before the operands")
        operands: list[Value] = []
        while not s.take(")"):
            if operands:
                s.need(",", "or ')'")
            operands.append(self.use())
        attributes: dict[str, Any] = {}
        if s.take("<"):
            attributes = self.attributes.dictionary()
            s.need(">", "after the properties")
        regions: list[Region] = []
        if s.take("("):
            while True:
                regions.append(self.region())
                if not s.more(")"):
                    break
        if s.looking_at("{"):
            attributes |= self.attributes.dictionary()
        s.need(":", "and the op's function type")
        type_at = s.pos
        ins, outs = self.attributes.function_type()
        if len(ins) != len(operands):
            raise s.error(
                f"{op_name} has {len(operands)} operands but {len(ins)} operand types", type_at
            )
        for i, (v, t) in enumerate(zip(operands, ins, strict=True)):
            if v.type != t:
                raise s.error(f"operand {i} of {op_name} has type {v.type}, not {t}", type_at)
        if sum(n for _, n, _ in names) != len(outs) and names:
            raise s.error(
                f"{op_name} has {len(outs)} result types for {sum(n for _, n, _ in names)} names",
                type_at,
            )
        location = self.location() if s.looking_at("loc(") else UNKNOWN
        op = Operation(op_name, operands, outs, attributes, regions, location)
        self.bind(names, op)
        return op

    def bind(self, names: list[tuple[str, int, int]], op: Operation) -> None:
        results = iter(op.results)
        for name, count, at in names:
            for i in range(count):
                value = next(results)
                self.define(name if count == 1 else f"{name}#{i}", value, at)

    def define(self, name: str, value: Value, at: int) -> None:
        if name in self.values:
            raise self.s.error(f"%{name} is defined twice", at)
        self.values[name] = value
        if not name[0].isdigit():
            value.name = name.replace("#", "_")

    def use(self) -> Value:
        at = self.s.pos
        name = self.s.suffix("%", "an operand such as %x")
        if self.s.take("#"):
            name = f"{name}#{self.s.integer('the number of a result')}"
        value = self.values.get(name) or self.values.get(name.removesuffix("#0"))
        if value is None:
            raise self.s.error(f"%{name} is not defined before this use", at)
        return value

    def region(self) -> Region:
        s = self.s
        s.need("{", "and a region")
        outer = dict(self.values)
        block = Block()
        if s.looking_at("^"):
            s.suffix("^", "a block's name")
            if s.take("("):
                while True:
                    at = s.pos
                    name = s.suffix("%", "a block argument such as %x")
                    s.need(":", "and the argument's type")
                    self.define(name, block.add_arg(self.attributes.type()), at)
                    if s.looking_at("loc("):
                        self.location()
                    if not s.more(")"):
                        break
            s.need(":", "after the block's name")
        while not s.take("}"):
            if s.looking_at("^"):
                raise s.error("a region has one block only: control flow is structured")
            if s.pos >= len(s.text):
                raise s.error("the text ends inside a region; a '}' is missing")
            block.append(self.op())
        self.values = outer
        return Region(block)

    def location(self) -> Location:
        s = self.s
        s.need("loc(")
        location = self.location_body()
        s.need(")", "after the location")
        return location

    def location_body(self) -> Location:
        s = self.s
        if s.take("unknown"):
            return UNKNOWN
        if s.take("fused["):
            nodes: tuple[NodeLocation, ...] = ()
            while True:
                nodes += self.location_body().nodes
                if not s.more("]"):
                    return Location(nodes)
        op = s.string("a location")
        s.need("(", "and the node")
        at = s.pos
        subgraph = s.string("a subgraph")
        if not (subgraph.startswith("subgraph") and subgraph[8:].isdigit()):
            raise s.error('a node\'s place is written "subgraph0":12:0', at)
        s.need(":", "and the node's number")
        node = s.integer("a node's number")
        s.need(":", "and 0")
        s.integer("0")
        s.need(")", "after the node")
        return Location((NodeLocation(int(subgraph[8:]), node, op),))
