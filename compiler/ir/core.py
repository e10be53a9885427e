"""The SSA core: values, operations, blocks, regions, modules. It never learns an op's name.

Regions have one block each: control flow is structured, so there are no successors and dominance is
order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litefuse.compiler.ir.types import Type
from litefuse.runtime.errors import LitefuseError


class IRError(LitefuseError, ValueError):
    """A broken rule of the IR: the text names the op, its location and the rule."""


@dataclass(frozen=True, slots=True)
class NodeLocation:
    """One node of the model: where an op came from."""

    subgraph: int
    node: int
    op: str


@dataclass(frozen=True, slots=True)
class Location:
    """All nodes that an op came from; empty when unknown. Fusion joins locations."""

    nodes: tuple[NodeLocation, ...] = ()

    def __add__(self, other: Location) -> Location:
        return Location(self.nodes + tuple(n for n in other.nodes if n not in self.nodes))


UNKNOWN = Location()


class Value:
    """An SSA value: the result of an op or the argument of a block."""

    __slots__ = ("_uses", "index", "name", "owner", "type")

    def __init__(
        self,
        type: Type,  # noqa: A002
        owner: Operation | Block,
        index: int,
        name: str = "",
    ) -> None:
        self.type = type
        self.owner = owner
        self.index = index
        self.name = name  # a hint for the printer
        self._uses: dict[tuple[int, int], Operation] = {}

    @property
    def op(self) -> Operation | None:
        """The operation that makes this value; None for a block argument."""
        return self.owner if isinstance(self.owner, Operation) else None

    @property
    def uses(self) -> list[tuple[Operation, int]]:
        """(operation, operand number) of every use, in order of their creation."""
        return [(op, index) for (_, index), op in self._uses.items()]

    @property
    def users(self) -> list[Operation]:
        """Every operation that uses the value, once each."""
        return list({id(op): op for op in self._uses.values()}.values())

    def replace_by(self, new: Value) -> None:
        """Make every use of this value use `new` instead."""
        for op, index in self.uses:
            op.set_operand(index, new)


class Operation:
    """One op: operands, results, attributes, regions, location. Ops are told apart by name only."""

    __slots__ = ("_operands", "attributes", "block", "location", "name", "regions", "results")

    def __init__(
        self,
        name: str,
        operands: Iterable[Value] = (),
        result_types: Iterable[Type] = (),
        attributes: Mapping[str, Any] | None = None,
        regions: Iterable[Region] = (),
        location: Location = UNKNOWN,
    ) -> None:
        self.name = name
        self._operands: list[Value] = list(operands)
        for i, v in enumerate(self._operands):
            v._uses[(id(self), i)] = self
        self.results: list[Value] = [Value(t, self, i) for i, t in enumerate(result_types)]
        self.attributes: dict[str, Any] = dict(attributes) if attributes else {}
        self.regions: list[Region] = list(regions)
        for r in self.regions:
            r.owner = self
        self.location = location
        self.block: Block | None = None

    @property
    def operands(self) -> tuple[Value, ...]:
        """The operands, in order."""
        return tuple(self._operands)

    @property
    def result(self) -> Value:
        """The only result."""
        if len(self.results) != 1:
            raise IRError(f"{self.name} has {len(self.results)} results, one was expected")
        return self.results[0]

    @property
    def dialect(self) -> str:
        """The part of the name before the first dot."""
        return self.name.partition(".")[0]

    @property
    def body(self) -> Block:
        """The block of the only region."""
        if len(self.regions) != 1:
            raise IRError(f"{self.name} has {len(self.regions)} regions, one was expected")
        return self.regions[0].block

    def __getitem__(self, key: str) -> Any:
        try:
            return self.attributes[key]
        except KeyError:
            raise IRError(
                f"{self.name} has no attribute {key!r}; it has {sorted(self.attributes)}"
            ) from None

    def get(self, key: str, default: Any = None) -> Any:
        """An attribute, or the default where it is absent."""
        return self.attributes.get(key, default)

    def set_operand(self, index: int, value: Value) -> None:
        """Replace one operand, keeping the use lists right."""
        old = self._operands[index]
        old._uses.pop((id(self), index), None)
        self._operands[index] = value
        value._uses[(id(self), index)] = self

    def set_operands(self, values: Iterable[Value]) -> None:
        """Replace all operands; their number may change."""
        for i, v in enumerate(self._operands):
            v._uses.pop((id(self), i), None)
        self._operands = list(values)
        for i, v in enumerate(self._operands):
            v._uses[(id(self), i)] = self

    def add_result(self, type: Type) -> Value:  # noqa: A002
        """Append a result."""
        self.results.append(Value(type, self, len(self.results)))
        return self.results[-1]

    def walk(self) -> Iterator[Operation]:
        """This op, then all nested ones in order."""
        yield self
        for region in self.regions:
            for op in list(region.block.ops):
                yield from op.walk()

    def erase(self) -> None:
        """Remove the op, which must be without uses, from its block, dropping what it uses."""
        for r in self.results:
            if r._uses:
                raise IRError(f"{self.name} is erased while its result has {len(r._uses)} uses")
        self.drop_uses()
        if self.block is not None:
            self.block.ops.remove(self)
            self.block = None

    def drop_uses(self) -> None:
        """Forget operands, here and in all nested ops: what erasing a whole subtree needs."""
        for i, v in enumerate(self._operands):
            v._uses.pop((id(self), i), None)
        self._operands = []
        for region in self.regions:
            for op in region.block.ops:
                op.drop_uses()

    def clone(self, mapping: dict[Value, Value] | None = None) -> Operation:
        """A deep copy; operands go through `mapping`, which gains this op's results and nested
        values.
        """
        m: dict[Value, Value] = {} if mapping is None else mapping
        regions = []
        copy = Operation(
            self.name,
            [m.get(v, v) for v in self._operands],
            [r.type for r in self.results],
            self.attributes,
            (),
            self.location,
        )
        for old, new in zip(self.results, copy.results, strict=True):
            new.name = old.name
            m[old] = new
        for region in self.regions:
            block = Block([a.type for a in region.block.args])
            for a, b in zip(region.block.args, block.args, strict=True):
                b.name = a.name
                m[a] = b
            for op in region.block.ops:
                block.append(op.clone(m))
            regions.append(Region(block))
        copy.regions = regions
        for r in regions:
            r.owner = copy
        return copy

    def __str__(self) -> str:
        from litefuse.compiler.ir.printer import print_op

        return print_op(self)


class Block:
    """Arguments and a list of operations."""

    __slots__ = ("args", "ops", "region")

    def __init__(self, arg_types: Sequence[Type] = (), names: Sequence[str] = ()) -> None:
        self.args: list[Value] = [Value(t, self, i) for i, t in enumerate(arg_types)]
        for arg, name in zip(self.args, names, strict=False):
            arg.name = name
        self.ops: list[Operation] = []
        self.region: Region | None = None

    @property
    def terminator(self) -> Operation:
        """The last op."""
        if not self.ops:
            raise IRError("an empty block has no terminator")
        return self.ops[-1]

    def add_arg(self, type: Type, name: str = "") -> Value:  # noqa: A002
        """Append an argument."""
        self.args.append(Value(type, self, len(self.args), name))
        return self.args[-1]

    def append(self, op: Operation) -> Operation:
        """Add an op at the end."""
        op.block = self
        self.ops.append(op)
        return op

    def insert_before(self, anchor: Operation, op: Operation) -> Operation:
        """Add an op right before another of this block."""
        op.block = self
        self.ops.insert(self.ops.index(anchor), op)
        return op


class Region:
    """A block and the op that holds it."""

    __slots__ = ("block", "owner")

    def __init__(self, block: Block | None = None) -> None:
        self.block = block if block is not None else Block()
        self.block.region = self
        self.owner: Operation | None = None


class Module:
    """The top: a `builtin.module` op whose block holds functions."""

    __slots__ = ("op",)

    def __init__(self, attributes: Mapping[str, Any] | None = None) -> None:
        self.op = Operation("builtin.module", attributes=attributes, regions=[Region()])

    @classmethod
    def of(cls, op: Operation) -> Module:
        """A module around an existing `builtin.module` op."""
        module = cls.__new__(cls)
        module.op = op
        return module

    @property
    def block(self) -> Block:
        """The block with the module's functions."""
        return self.op.regions[0].block

    @property
    def ops(self) -> list[Operation]:
        """The top-level ops, as a copy that may be walked while the block changes."""
        return list(self.block.ops)

    def functions(self) -> list[Operation]:
        """Top-level ops that carry a `sym_name`."""
        return [op for op in self.block.ops if "sym_name" in op.attributes]

    def find(self, name: str) -> Operation:
        """The function of that name."""
        for op in self.block.ops:
            if op.attributes.get("sym_name") == name:
                return op
        raise IRError(f"no function @{name}; there are {[o['sym_name'] for o in self.functions()]}")

    def walk(self) -> Iterator[Operation]:
        """Every op but the module itself."""
        for op in self.ops:
            yield from op.walk()

    def __str__(self) -> str:
        return str(self.op)


class Builder:
    """Creates ops at an insertion point: the end of a block, or before one of its ops."""

    __slots__ = ("anchor", "block", "location")

    def __init__(
        self, block: Block, before: Operation | None = None, location: Location = UNKNOWN
    ) -> None:
        self.block = block
        self.anchor = before
        self.location = location

    def insert(self, op: Operation) -> Operation:
        """Put an existing op at the insertion point."""
        if self.anchor is None:
            return self.block.append(op)
        return self.block.insert_before(self.anchor, op)

    def create(
        self,
        name: str,
        operands: Iterable[Value] = (),
        result_types: Iterable[Type] = (),
        attributes: Mapping[str, Any] | None = None,
        regions: Iterable[Region] = (),
    ) -> Operation:
        """Create an op with the builder's location and insert it."""
        return self.insert(
            Operation(name, operands, result_types, attributes, regions, self.location)
        )
