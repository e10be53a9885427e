"""Write `docs/ops.md`, the table of ops, from the code: `python tools/make_ops_table.py`.

`--check` changes nothing and fails where the committed file is not what the code says.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "ops.md"
KERNELS = ROOT / "runtime" / "kernels"

_TYPES = ("float32", "float16", "bfloat16", "float64", "int8", "uint8", "int16", "uint16", "int32")
_TYPES += ("uint32", "int64", "uint64", "bool", "complex64", "object")

_HEAD = """# Ops

Made from the code by `tools/make_ops_table.py`; do not edit.

- **version**: the highest that our writer asks for (`litefuse.runtime.model.versions`).
- **file**: the op's meaning, in `runtime/kernels/`: its docstrings are the shape rule, the limits
  and the arithmetic.
- **types named**: the types that the file's rules name, over all its ops and operands; an op moves
  any type where the file names none. `object` is a string.
- **float result**: how far from LiteRT's reference kernel it may be. A summation bound is
  2 g(n) sum abs(x) abs(w) with g(n) = n u / (1 - n u), u = 2^-24, for two computations of a sum of n
  products in any order; n roundings are 2 g(n) of what they are of ("relative": of the result); ulp
  are units in the last place. The op's file derives it (`runtime/kernels/bounds.py` has the model).
  Integers are always equal.
- **state**: it has state, randomness or subgraphs, and needs an interpreter.
- **compiled**: litefuse makes machine code of it (`compiler/ops/tfl`).
"""


def _named_types(path: Path) -> str:
    """Type names among the file's string constants, in a fixed order."""
    found = {
        word
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for word in node.value.split()
        if node.value in _TYPES or set(node.value.split()) <= set(_TYPES)
    }
    return ", ".join(name for name in _TYPES if name in found) or "any"


def render() -> str:
    """The whole page."""
    sys.path.insert(0, str(ROOT))
    from litefuse.compiler.ops.tfl import BY_BUILTIN
    from litefuse.runtime.kernels.registry import KERNELS as TABLE_OF_KERNELS
    from litefuse.runtime.kernels.registry import MODULES
    from litefuse.runtime.model.versions import VERSIONS

    lines = []
    for module, ops in MODULES.items():
        path = KERNELS / f"{module.replace('.', '/')}.py"
        types = _named_types(path)
        for op in ops:
            kernel = TABLE_OF_KERNELS[op]
            bound = f"{kernel.ulp} ulp" if kernel.ulp else "equal"
            if kernel.bound is not None:
                bound = kernel.bound.text
            version = max((row.version for row in VERSIONS.get(op, ())), default=1)
            cells = (
                op,
                str(version),
                f"`{path.relative_to(KERNELS)}`",
                types,
                bound,
                "yes" if kernel.stateful else "",
                "yes" if op in BY_BUILTIN else "",
            )
            lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
    titles = ("op", "version", "file", "types named", "float result", "state", "compiled")
    rule = " | ".join("---" for _ in titles)
    count = f"{len(lines)} ops; {len(BY_BUILTIN)} of them compiled."
    head = f"{_HEAD}\n{count}\n\n| {' | '.join(titles)} |\n| {rule} |\n"
    return head + "\n".join(sorted(lines)) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` compare it; 1 where it differs."""
    page = render()
    if "--check" in arguments:
        same = TABLE.is_file() and TABLE.read_text() == page
        print("docs/ops.md is current" if same else "docs/ops.md is stale: make_ops_table.py")
        return 0 if same else 1
    TABLE.write_text(page)
    print(f"wrote {TABLE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
