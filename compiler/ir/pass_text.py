"""Pipelines as text: `fuse_pads,fuse_activation{limit=3 fast=true}`, written and read back."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from litefuse.compiler.ir.core import IRError

if TYPE_CHECKING:
    from litefuse.compiler.ir.passes import Pass

_PASS = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_-]*)\s*(?:\{([^}]*)\})?\s*(?:,|\Z)")
_OPTION = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(\S+)")


def options_text(options: Any) -> str:
    """`{key=value key=value}` of a frozen dataclass; empty for None."""
    if options is None:
        return ""
    pairs = []
    for f in dataclasses.fields(options):
        value = getattr(options, f.name)
        pairs.append(f"{f.name}={str(value).lower() if isinstance(value, bool) else value}")
    return "{" + " ".join(pairs) + "}"


def parse_pipeline(text: str, known: Mapping[str, Pass]) -> tuple[Pass, ...]:
    """The passes that a text names; `IRError` lists the valid names for an unknown one."""
    passes: list[Pass] = []
    at = 0
    while at < len(text.rstrip()):
        match = _PASS.match(text, at)
        if match is None:
            raise IRError(f"a pipeline is written a,b{{key=value}},c; this is not: {text[at:]!r}")
        at = match.end()
        name, options = match.groups()
        if name not in known:
            raise IRError(f"there is no pass {name}; there are {', '.join(sorted(known))}")
        p = known[name]
        passes.append(p.with_options(**_options(p, options)) if options else p)
    return tuple(passes)


def _options(p: Pass, text: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for item in text.split():
        match = _OPTION.fullmatch(item)
        if match is None:
            raise IRError(f"an option of pass {p.name} is written key=value, not {item!r}")
        key, value = match.groups()
        default = getattr(p.options, key, None)
        try:
            if isinstance(default, bool):
                values[key] = {"true": True, "false": False}[value.lower()]
            elif isinstance(default, (int, float)):
                values[key] = type(default)(value)
            else:
                values[key] = value
        except (KeyError, ValueError):
            raise IRError(
                f"option {key} of pass {p.name} is a {type(default).__name__}, {value!r} is not"
            ) from None
    return values


def read_header(text: str) -> dict[str, str]:
    """The `// key: value` lines at the top of a reproducer: pipeline, target, error."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        key, colon, value = line[2:].strip().partition(": ")
        if colon:
            found[key] = f"{found[key]}\n{value}" if key in found else value
    return found
