"""Every option of the delegate, the interpreter and `litefuse.compile`, under familiar names.

One frozen dataclass. `Options.from_kwargs` is what the public constructors call, `from_strings`
and `parse` take the text forms of external delegates (``{"num_threads": "2"}``) and of
benchmark_model (``num_threads:2;deny_ops:ADD,MUL``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from litefuse.runtime.cpu import TARGETS
from litefuse.runtime.errors import OptionError

MAX_INDEX = 2**31 - 1
MAX_THREADS = 256
NUMERICS = ("reference", "strict")


class Refusal(NamedTuple):
    """Why an option keeps a node out: the rule, the offending value, and what to change."""

    rule: str
    value: str
    remedy: str


@dataclass(frozen=True)
class Options:
    """All options; the defaults claim whatever is worth claiming on this machine.

    ``max_delegated_partitions`` and ``min_nodes_per_partition``: 0 is no limit.
    ``first_delegate_node_index`` and ``last_delegate_node_index``: inclusive range of node ids.
    ``num_threads``: exactly so many threads run; None follows the interpreter, or is 1 without one.
    ``allow_*``: if given, only such nodes are claimed; ``deny_*``: never those. ``*_ops`` hold
    operator names as the schema spells them ("CONV_2D") or custom codes, ``*_nodes`` node ids,
    ``*_names`` globs matched against the names of a node's outputs. Deny wins over allow.
    ``target``: None is this machine, else a name out of `litefuse.runtime.cpu.TARGETS`.
    ``cache_dir``: None is the user's cache directory, "" (or False) means no cache at all.
    ``cache_max_bytes``: least recently used entries go when the total exceeds this; 0 is no limit.
    ``numerics``: "reference" (integers bit-exact, floats inside the stated tolerance) or "strict"
    (no change of a float algorithm, such as Winograd).
    ``dump_ir``: a directory for the IR after every pass; such a build always compiles.
    ``profile``: time every step of each invoke.
    ``require_full_delegation``: a node left over is an error instead of running elsewhere.
    ``model``: path, bytes or parsed model, for a delegate whose interpreter does not tell.
    """

    max_delegated_partitions: int = 0
    min_nodes_per_partition: int = 0
    first_delegate_node_index: int = 0
    last_delegate_node_index: int = MAX_INDEX
    num_threads: int | None = None
    allow_ops: tuple[str, ...] = ()
    deny_ops: tuple[str, ...] = ()
    allow_nodes: tuple[int, ...] = ()
    deny_nodes: tuple[int, ...] = ()
    allow_names: tuple[str, ...] = ()
    deny_names: tuple[str, ...] = ()
    target: str | None = None
    cache_dir: str | None = None
    cache_max_bytes: int = 2 << 30
    numerics: str = "reference"
    dump_ir: str | None = None
    profile: bool = False
    require_full_delegation: bool = False
    model: Any = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            object.__setattr__(self, name, check(name, getattr(self, name)))
        if self.first_delegate_node_index > self.last_delegate_node_index:
            raise OptionError(
                f"first_delegate_node_index {self.first_delegate_node_index} is above "
                f"last_delegate_node_index {self.last_delegate_node_index}: nothing to claim"
            )

    @classmethod
    def from_kwargs(cls, **kwargs: Any) -> Options:
        """Options from keyword arguments; OptionError names an unknown one and lists the valid."""
        for name in kwargs:
            if name not in OPTION_NAMES:
                raise OptionError(_unknown(name))
        return cls(**kwargs)

    @classmethod
    def from_strings(cls, pairs: Mapping[str, str]) -> Options:
        """Options from text, as an external delegate gets them: "2", "true", "ADD,MUL", "512M".

        Keys may use dashes for underscores; "none" is None where an option allows it.
        """
        values: dict[str, Any] = {}
        for key, text in pairs.items():
            name = key.strip().replace("-", "_")
            if name not in OPTION_NAMES:
                raise OptionError(_unknown(name))
            if name in values:
                raise OptionError(f"option {name} is given twice")
            values[name] = _from_text(name, str(text).strip())
        return cls(**values)

    @classmethod
    def parse(cls, text: str) -> Options:
        """Options from benchmark_model's form, ``key:value`` pairs separated by semicolons."""
        pairs: dict[str, str] = {}
        for part in filter(None, (piece.strip() for piece in text.split(";"))):
            key, colon, value = part.partition(":")
            if not colon:
                raise OptionError(f"option {part!r} has no value; write it as key:value")
            if key in pairs:
                raise OptionError(f"option {key} is given twice")
            pairs[key] = value
        return cls.from_strings(pairs)

    def replace(self, **changes: Any) -> Options:
        """A copy with some options changed, checked as in `from_kwargs`."""
        for name in changes:
            if name not in OPTION_NAMES:
                raise OptionError(_unknown(name))
        return replace(self, **changes)

    def threads(self, recommended: int | None = None) -> int:
        """The number of threads to run: as asked here, else as recommended, else 1."""
        if self.num_threads is not None:
            return self.num_threads
        return min(recommended, MAX_THREADS) if recommended and recommended > 0 else 1

    def refusal(self, node: int, op: str, names: Iterable[str] = ()) -> Refusal | None:
        """Why these options keep a node from being claimed, or None if they do not.

        `op` is the operator's name or custom code, `names` the names of the node's outputs.
        """
        names = tuple(names)
        first, last = self.first_delegate_node_index, self.last_delegate_node_index
        if not first <= node <= last:
            value = f"node {node} is outside {first}..{last}"
            return Refusal("delegate_node_index", value, "widen first/last_delegate_node_index")
        if op in self.deny_ops:
            return Refusal("deny_ops", op, f"take {op} out of deny_ops")
        if node in self.deny_nodes:
            return Refusal("deny_nodes", str(node), f"take {node} out of deny_nodes")
        if hit := _match(self.deny_names, names):
            return Refusal("deny_names", hit, "narrow the pattern in deny_names")
        if self.allow_ops and op not in self.allow_ops:
            return Refusal("allow_ops", op, f"add {op} to allow_ops")
        if self.allow_nodes and node not in self.allow_nodes:
            return Refusal("allow_nodes", str(node), f"add {node} to allow_nodes")
        if self.allow_names and not _match(self.allow_names, names):
            return Refusal("allow_names", ", ".join(names), "add a pattern to allow_names")
        return None


def _match(patterns: tuple[str, ...], names: tuple[str, ...]) -> str | None:
    if not patterns:
        return None
    from fnmatch import fnmatchcase

    for name in names:
        for pattern in patterns:
            if fnmatchcase(name, pattern):
                return f"{name!r} matches {pattern!r}"
    return None


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, OPTION_NAMES, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"unknown option {name!r}{hint}; valid options: {', '.join(OPTION_NAMES)}"


def _bad(name: str, value: object, want: str) -> OptionError:
    return OptionError(f"option {name} is {value!r} ({type(value).__name__}); it must be {want}")


Check = Callable[[str, Any], Any]


def _integer(low: int, high: int, *, optional: bool = False) -> Check:
    want = f"an integer from {low} to {high}" + (" or None" if optional else "")

    def check(name: str, value: Any) -> int | None:
        if value is None and optional:
            return None
        # NumPy's integers have __index__; bool has it too but True threads is a mistake.
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise _bad(name, value, want)
        number = int(value.__index__())
        if not low <= number <= high:
            raise _bad(name, value, want)
        return number

    return check


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _bad(name, value, "True or False")
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    items = (value,) if isinstance(value, str) else value
    want = "a string or a sequence of strings"
    if not isinstance(items, Iterable) or isinstance(items, (bytes, Mapping)):
        raise _bad(name, value, want)
    items = tuple(items)
    if not all(isinstance(item, str) and item for item in items):
        raise _bad(name, value, want + ", none of them empty")
    return items


def _node_ids(name: str, value: Any) -> tuple[int, ...]:
    want = f"a node id or a sequence of node ids from 0 to {MAX_INDEX}"
    items = (value,) if hasattr(value, "__index__") and not hasattr(value, "__iter__") else value
    if not isinstance(items, Iterable) or isinstance(items, (str, bytes, Mapping)):
        raise _bad(name, value, want)
    try:
        return tuple(_integer(0, MAX_INDEX)(name, item) for item in items)
    except OptionError:
        raise _bad(name, value, want) from None


def _choice(valid: tuple[str, ...]) -> Check:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in valid:
            raise _bad(name, value, "one of " + ", ".join(valid))
        return value

    return check


def _target(name: str, value: Any) -> str | None:
    # "host" is how the command line says None.
    if value is None or value == "host":
        return None
    if not isinstance(value, str) or value not in TARGETS:
        raise _bad(name, value, "one of " + ", ".join(TARGETS) + ", or None (or host) for this CPU")
    return value


def _directory(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if value is False and name == "cache_dir":
        return ""
    want = "a path" + (
        ', None for the default, or "" for no cache' if name == "cache_dir" else " or None"
    )
    if not isinstance(value, (str, os.PathLike)):
        raise _bad(name, value, want)
    text = os.fspath(value)
    if not isinstance(text, str) or (not text and name != "cache_dir"):
        raise _bad(name, value, want)
    return text


_CHECKS: dict[str, Check] = {
    "max_delegated_partitions": _integer(0, MAX_INDEX),
    "min_nodes_per_partition": _integer(0, MAX_INDEX),
    "first_delegate_node_index": _integer(0, MAX_INDEX),
    "last_delegate_node_index": _integer(0, MAX_INDEX),
    "num_threads": _integer(1, MAX_THREADS, optional=True),
    "allow_ops": _texts,
    "deny_ops": _texts,
    "allow_nodes": _node_ids,
    "deny_nodes": _node_ids,
    "allow_names": _texts,
    "deny_names": _texts,
    "target": _target,
    "cache_dir": _directory,
    "cache_max_bytes": _integer(0, 2**63 - 1),
    "numerics": _choice(NUMERICS),
    "dump_ir": _directory,
    "profile": _flag,
    "require_full_delegation": _flag,
}

OPTION_NAMES: tuple[str, ...] = tuple(f.name for f in fields(Options))
"""Every option's name, in the order of declaration."""

_OPTIONAL = ("num_threads", "target", "cache_dir", "dump_ir", "model")
_UNITS = {"k": 10, "m": 20, "g": 30}


def _from_text(name: str, text: str) -> Any:
    """An option's text as a value; what makes no sense stays text, for its check to refuse."""
    if name in _OPTIONAL and text.lower() == "none":
        return None
    check = _CHECKS.get(name)
    if check is _flag:
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    if check is _texts or check is _node_ids:
        items = [item.strip() for item in text.split(",") if item.strip()]
        return items if check is _texts else [_number(item) for item in items]
    if isinstance(getattr(Options, name), int) or name == "num_threads":
        unit = _UNITS.get(text[-1:].lower()) if name == "cache_max_bytes" else None
        number = _number(text[:-1] if unit else text)
        return number << unit if unit and isinstance(number, int) else number
    return text


def _number(text: str) -> int | str:
    try:
        return int(text, 10)
    except ValueError:
        return text
