"""LLVM itself, through llvmlite: text in, object or assembly out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import llvmlite.binding as llvm

from litefuse.codegen.targets import Target
from litefuse.compiler.ir.core import IRError


@lru_cache(maxsize=8)
def machine(target: Target) -> Any:
    """The target machine of a target: position independent, small code model."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, reloc="pic", codemodel="small"
    )


def parse(text: str, verify: bool) -> Any:
    """A module from its text. `IRError` with LLVM's words, and the line they mean, where it is
    wrong.
    """
    try:
        module = llvm.parse_assembly(text)
        if verify:
            module.verify()
    except RuntimeError as error:
        raise IRError(
            f"the generated LLVM text is wrong, which is a bug of codegen: {error}"
        ) from None
    return module


def attributes(target: Target) -> str:
    """Attributes of every generated function."""
    words = ["nounwind", '"no-builtins"', '"no-trapping-math"="true"']
    if target.arch == "x86_64" and target.vector_bytes > 16:
        words.append('"stackrealign"')  # a spilled vector must not straddle cache lines
    if target.vector_bytes == 64:
        words += ['"prefer-vector-width"="512"', '"min-legal-vector-width"="512"']
    return " ".join(words)
