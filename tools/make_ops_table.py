"""Write `docs/ops.md`, the table of ops, from the code: `python tools/make_ops_table.py`.

`--check` changes nothing and fails where the committed file is not what the code says.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "ops.md"
KERNELS = ROOT / "runtime" / "kernels"

_HEAD = """# Ops

Made from the code by `tools/make_ops_table.py`; do not edit.

- **version**: the highest that our writer asks for (`litefuse.runtime.model.versions`).
- **types**: of the op's main operand: those that run here and in LiteRT's reference kernels and
  are compared with them (`tests/conformance`, results in [conformance.md](conformance.md)); the
  plain types left out are refused by both. `string` is bytes of any length; a label that is no
  type names a way to quantise.
- **result's shape**: the first line of the op's shape rule.
- **float result**: how far from LiteRT's reference kernel it may be. A summation bound is
  2 g(n) sum abs(x) abs(w) with g(n) = n u / (1 - n u), u = 2^-24, for two computations of a sum of
  n products in any order; n roundings are 2 g(n) of what they are of ("relative": of the result);
  ulp are units in the last place. The op's file derives it (`runtime/kernels/bounds.py` has the
  model). Integers are always equal.
- **state**: it has state, randomness or subgraphs, and needs an interpreter.
- **compiled**: litefuse makes machine code of it (`compiler/ops/tfl`).
- **file**: the op's meaning, in `runtime/kernels/`.

What each op needs and refuses stands below the table.
"""

_LIMITS = """
## Limits

What each op's code says when it refuses a node; in brackets what the text is filled in with (`x`,
`w`, `y` are the operands' names in the op's file). Where LiteRT refuses, litefuse does.
"""


def render() -> str:
    """The whole page."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tools")]
    from op_limits import limits

    from litefuse.compiler.ops.tfl import BY_BUILTIN
    from litefuse.runtime.kernels.registry import KERNELS as TABLE_OF_KERNELS
    from litefuse.runtime.kernels.registry import MODULES
    from litefuse.runtime.model.versions import VERSIONS
    from tests.conformance.registry import rows

    types: dict[str, list[str]] = {}
    for row in rows():
        if not row.refused:
            types.setdefault(row.op, []).append(row.type)
    lines, refusals = [], []
    for module, ops in MODULES.items():
        path = KERNELS / f"{module.replace('.', '/')}.py"
        for op in ops:
            kernel = TABLE_OF_KERNELS[op]
            bound = f"{kernel.ulp} ulp" if kernel.ulp else "equal"
            if kernel.bound is not None:
                bound = kernel.bound.text
            version = max((row.version for row in VERSIONS.get(op, ())), default=1)
            cells = (
                op,
                str(version),
                ", ".join(types.get(op, ())),
                _first_line(kernel.prepare),
                bound,
                "yes" if kernel.stateful else "",
                "yes" if op in BY_BUILTIN else "",
                f"`{path.relative_to(KERNELS)}`",
            )
            lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
            texts = "\n".join(f"- {text}" for text in limits(kernel.prepare, kernel.evaluate))
            refusals.append(f"### {op}\n\n{texts or '- nothing of its own'}\n")
    titles = ("op", "version", "types", "result's shape", "float result", "state", "compiled")
    titles += ("file",)
    rule = " | ".join("---" for _ in titles)
    count = f"{len(lines)} ops; {len(BY_BUILTIN)} of them compiled."
    head = f"{_HEAD}\n{count}\n\n| {' | '.join(titles)} |\n| {rule} |\n"
    return head + "\n".join(sorted(lines)) + "\n" + _LIMITS + "\n" + "\n".join(sorted(refusals))


def _first_line(function: object) -> str:
    """The first sentence of a function's docstring, of the one inside a `functools.partial`."""
    inner = getattr(function, "func", function)
    return (inner.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ").replace("|", "or")


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
