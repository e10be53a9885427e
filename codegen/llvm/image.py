"""A module of loop code -> a flat image of machine code."""

from __future__ import annotations

from dataclasses import dataclass

from litefuse.codegen.llvm import arith, dot, memory, vector
from litefuse.codegen.llvm.emit import Handler, emit_function
from litefuse.codegen.llvm.entries import emit_entries
from litefuse.codegen.llvm.flatten import flatten
from litefuse.codegen.llvm.machine import attributes, emit_assembly, emit_objects
from litefuse.codegen.targets import Target
from litefuse.compiler.ir.core import IRError, Module

HANDLERS: dict[str, Handler] = {
    **arith.HANDLERS,
    **memory.HANDLERS,
    **vector.HANDLERS,
    **dot.HANDLERS,
}

_GROUPS = 16  # objects at most, which LLVM makes side by side
_GROUP_TEXT = 50_000  # characters of LLVM text that are worth an object of their own


@dataclass(frozen=True, slots=True)
class Image:
    """Machine code that needs no linking. `symbols`: byte offset of every kernel and entry; `text`:
    its LLVM source.
    """

    code: bytes
    symbols: dict[str, int]
    text: str
    assembly: str = ""


@dataclass(frozen=True, slots=True)
class _Function:
    """The text of a kernel (or of all entries) and the declarations, by name, that it needs."""

    text: str
    declared: dict[str, str]


def _functions(module: Module, target: Target) -> list[_Function]:
    found = []
    for op in module.ops:
        if op.name == "loop.func":
            try:
                found.append(_Function(*emit_function(op, target, HANDLERS)))
            except IRError as error:
                raise IRError(f"kernel @{op['sym_name']}: {error}") from error
        elif op.name == "loop.program":
            found.append(_Function(*emit_entries(op, target)))
        else:
            raise IRError(f"{op.name} is not loop code")
    return found


def _assemble(functions: list[_Function], target: Target) -> str:
    defined = {_defined(f.text) for f in functions}
    declared = {k: v for f in functions for k, v in f.declared.items() if k not in defined}
    head = f'target triple = "{target.triple}"\n'
    tail = f"attributes #0 = {{ {attributes(target)} }}\n!0 = !{{}}\n"
    return "\n".join([head, *(f.text for f in functions), *sorted(set(declared.values())), tail])


def _defined(text: str) -> str:
    """The symbol, as it is spelled, that a kernel's text defines."""
    start = text.index("@") + 1
    if text[start] == '"':
        return text[start : text.index('"', start + 1) + 1]
    return text[start : text.index("(", start)]


def _share(functions: list[_Function]) -> list[list[_Function]]:
    """Groups of about equal work, the same on every machine: the largest functions are dealt first,
    each to the group that has the least.
    """
    total = sum(len(f.text) for f in functions)
    groups: list[list[int]] = [[] for _ in range(max(1, min(_GROUPS, total // _GROUP_TEXT)))]
    loads = [0] * len(groups)
    for i in sorted(range(len(functions)), key=lambda i: (-len(functions[i].text), i)):
        least = loads.index(min(loads))
        groups[least].append(i)
        loads[least] += len(functions[i].text)
    return [[functions[i] for i in sorted(group)] for group in groups]


def llvm_text(module: Module, target: Target) -> str:
    """The LLVM text of a module's kernels and, if it has a `loop.program`, of its entries."""
    return _assemble(_functions(module, target), target)


def emit_image(
    module: Module, target: Target, verify: bool = True, assembly: bool = False
) -> Image:
    """Compile all kernels and entries of a module. `assembly` also keeps the assembly text (a
    second code generation).
    """
    functions = _functions(module, target)
    texts = [_assemble(group, target) for group in _share(functions)]
    code, symbols = flatten(*emit_objects(texts, target, verify))
    text = _assemble(functions, target)
    return Image(code, symbols, text, emit_assembly(text, target) if assembly else "")
