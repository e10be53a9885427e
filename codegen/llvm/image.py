"""A module of loop code -> a flat image of machine code."""

from __future__ import annotations

from dataclasses import dataclass

from litefuse.codegen.llvm import arith, dot, memory, vector
from litefuse.codegen.llvm.emit import Handler, emit_function
from litefuse.codegen.llvm.entries import emit_entries
from litefuse.codegen.llvm.flatten import flatten
from litefuse.codegen.llvm.machine import attributes, machine, parse
from litefuse.codegen.targets import Target
from litefuse.compiler.ir.core import IRError, Module

HANDLERS: dict[str, Handler] = {
    **arith.HANDLERS,
    **memory.HANDLERS,
    **vector.HANDLERS,
    **dot.HANDLERS,
}


@dataclass(frozen=True, slots=True)
class Image:
    """Machine code that needs no linking. `symbols`: byte offset of every kernel and entry; `text`:
    its LLVM source.
    """

    code: bytes
    symbols: dict[str, int]
    text: str
    assembly: str = ""


def llvm_text(module: Module, target: Target) -> str:
    """The LLVM text of a module's kernels and, if it has a `loop.program`, of its entries."""
    functions: list[str] = []
    declared: dict[str, str] = {}
    for op in module.ops:
        if op.name == "loop.func":
            try:
                text, needs = emit_function(op, target, HANDLERS)
            except IRError as error:
                raise IRError(f"kernel @{op['sym_name']}: {error}") from error
            functions.append(text)
            declared.update(needs)
        elif op.name == "loop.program":
            text, needs = emit_entries(op, target)
            functions.append(text)
            declared.update(needs)
        else:
            raise IRError(f"{op.name} is not loop code")
    head = f'target triple = "{target.triple}"\n'
    tail = f"attributes #0 = {{ {attributes(target)} }}\n!0 = !{{}}\n"
    return "\n".join([head, *functions, *sorted(declared.values()), tail])


def emit_image(
    module: Module, target: Target, verify: bool = True, assembly: bool = False
) -> Image:
    """Compile all kernels and entries of a module. `assembly` also keeps the assembly text (a
    second code generation).
    """
    text = llvm_text(module, target)
    tm = machine(target)
    code, symbols = flatten(tm.emit_object(parse(text, verify)))
    listing = tm.emit_assembly(parse(text, False)) if assembly else ""
    return Image(code, symbols, text, listing)
