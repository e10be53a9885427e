"""Walks over the functions of a module."""

from __future__ import annotations

from collections.abc import Iterator

from litefuse.compiler.ir.core import Block, Module, Operation, Value


def bodies(module: Module) -> Iterator[Block]:
    """The body of every function."""
    for function in module.functions():
        yield function.body


def only_user(value: Value) -> Operation | None:
    """The op that alone uses a value (maybe several times), or None."""
    users = value.users
    return users[0] if len(users) == 1 else None
