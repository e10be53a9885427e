"""What each op refuses, read off its kernel's code: the texts of its `require` calls.

The functions that a kernel's `prepare` and `evaluate` call, within `litefuse.runtime.kernels`, are
followed; in the texts, what a run fills in stands in brackets.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

_HOME = "litefuse.runtime.kernels"
# These say the same of every op, or what their callers' texts say better.
_GENERAL = {"require", "require_inputs", "require_rank", "require_dtype", "require_same_dtype"}


def limits(*functions: Callable[..., Any]) -> list[str]:
    """The refusals of the functions and of those they call, in the order of the code."""
    found: list[str] = []
    seen: set[Any] = set()
    for function in functions:
        _follow(function, found, seen)
    return list(dict.fromkeys(found))


def _follow(function: Any, found: list[str], seen: set[Any]) -> None:
    while isinstance(function, functools.partial):
        for inner in (*function.args, *function.keywords.values()):
            if callable(inner):
                _follow(inner, found, seen)
        function = function.func
    function = inspect.unwrap(function)
    if function in seen or not inspect.isfunction(function):
        return
    if not function.__module__.startswith(_HOME):
        return
    seen.add(function)
    closure = inspect.getclosurevars(function)
    names = {**closure.globals, **closure.nonlocals}
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for call in _calls(tree):
        name = call.func.id if isinstance(call.func, ast.Name) else None
        text = _text_of(name, call)
        if text:
            found.append(text)
        elif name and name in names and name not in _GENERAL:
            _follow(names[name], found, seen)


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call, in the order of the source."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    yield from sorted(calls, key=lambda c: (c.lineno, c.col_offset))


def _text_of(name: str | None, call: ast.Call) -> str:
    """What a `require` call or a `KernelError` says; empty for any other call."""
    values = call.args
    if name == "require" and len(values) > 2:
        return _words(values[2])
    if name == "KernelError" and values:
        return _words(values[0])
    if name == "require_rank" and len(values) > 2:
        low, high = _words(values[2]), _words(values[-1])
        return f"{_words(values[1])} has rank {low}" + ("" if len(values) < 4 else f" to {high}")
    if name == "require_dtype" and len(values) > 2:
        return f"{_words(values[1])} is {' or '.join(_words(v) for v in values[2:])}"
    if name == "require_inputs" and len(values) > 1:
        return f"{' to '.join(_words(v) for v in values[1:])} inputs"
    if name == "require_same_dtype":
        return f"{' and '.join(_words(v) for v in values[1:])} have one type"
    return ""


def _words(node: ast.expr) -> str:
    """A text as the source writes it: literal parts as they are, the rest in brackets."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return f"[{_plain(node.value)}]"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _words(node.left) + _words(node.right)
    if isinstance(node, ast.Starred):
        return _plain(node.value)
    return _plain(node)


def _plain(node: ast.expr) -> str:
    """An expression for a reader: `x.shape[0]`, or `input 0` for `ctx.input(0)`."""
    text = ast.unparse(node)
    if text.startswith("ctx.input(") and text.endswith(")") and text.count("(") == 1:
        return f"input {text[10:-1]}"
    return text.removeprefix("ctx.").replace("outputs[0]", "output 0")
