"""`arith`: arithmetic on scalars and vectors, in regions of `kern` ops and in `loop` code alike.

Every op works elementwise on equal types. Integers are signless two's complement and wrap.
`maxf(a, b)` is `a > b ? a : b` and `minf(a, b)` is `a < b ? a : b` (what x86 does, NaN in `a` gives
`b`).
"""

from __future__ import annotations

from litefuse.compiler.ir.core import Operation
from litefuse.compiler.ir.opdef import OpDef, require
from litefuse.compiler.ir.types import FloatType, IndexType, IntegerType, element_of, lanes_of

PREDICATES = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
FLOAT_PREDICATES = ("oeq", "one", "olt", "ole", "ogt", "oge", "uno", "ord")


def _same(op: Operation) -> None:
    types = {v.type for v in op.operands} | {op.result.type}
    require(
        len(types) == 1,
        "operands and result must have one type, not " + ", ".join(sorted(map(str, types))),
    )


def _ints(op: Operation) -> None:
    _same(op)
    require(isinstance(element_of(op.result.type), (IntegerType, IndexType)), "needs integers")


def _floats(op: Operation) -> None:
    _same(op)
    require(isinstance(element_of(op.result.type), FloatType), "needs floats")


def _compare(op: Operation) -> None:
    a, b = (v.type for v in op.operands)
    require(a == b, "operands must have one type")
    allowed = PREDICATES if op.name == "arith.cmpi" else FLOAT_PREDICATES
    require(op["predicate"] in allowed, f"predicate must be one of {', '.join(allowed)}")
    require(element_of(op.result.type) == IntegerType(1), "the result is i1")
    require(lanes_of(op.result.type) == lanes_of(a), "the result has as many lanes as the operands")


def _select(op: Operation) -> None:
    c, a, b = (v.type for v in op.operands)
    require(a == b == op.result.type, "both choices and the result must have one type")
    require(element_of(c) == IntegerType(1), "the condition is i1")


def _cast(op: Operation) -> None:
    a, r = op.operands[0].type, op.result.type
    if op.name != "arith.bitcast":
        require(lanes_of(a) == lanes_of(r), "a cast keeps the number of lanes")


INT_BINARY = tuple(
    OpDef(f"arith.{n}", s, 2, 1, verify=_ints)
    for n, s in (
        ("addi", "a + b"),
        ("subi", "a - b"),
        ("muli", "a * b"),
        ("divsi", "a / b, truncating"),
        ("remsi", "remainder of divsi"),
        ("minsi", "signed minimum"),
        ("maxsi", "signed maximum"),
        ("andi", "bitwise and"),
        ("ori", "bitwise or"),
        ("xori", "bitwise exclusive or"),
        ("shli", "a << b"),
        ("shrsi", "arithmetic a >> b"),
        ("shrui", "logical a >> b"),
    )
)
FLOAT_BINARY = tuple(
    OpDef(f"arith.{n}", s, 2, 1, verify=_floats)
    for n, s in (
        ("addf", "a + b"),
        ("subf", "a - b"),
        ("mulf", "a * b"),
        ("divf", "a / b"),
        ("maxf", "a > b ? a : b"),
        ("minf", "a < b ? a : b"),
        ("copysignf", "magnitude of a, sign of b"),
    )
)
FLOAT_UNARY = tuple(
    OpDef(f"arith.{n}", s, 1, 1, verify=_floats)
    for n, s in (
        ("negf", "-a"),
        ("absf", "|a|"),
        ("sqrtf", "square root"),
        ("floorf", "largest integer not above"),
        ("ceilf", "smallest integer not below"),
        ("truncf_int", "toward zero, as a float"),
        ("roundevenf", "nearest integer, ties to even"),
    )
)
CASTS = tuple(
    OpDef(f"arith.{n}", s, 1, 1, verify=_cast)
    for n, s in (
        ("extsi", "sign extension"),
        ("extui", "zero extension"),
        ("trunci", "drop high bits"),
        ("sitofp", "signed integer to float, to nearest"),
        ("fptosi", "float to signed integer, toward zero"),
        ("extf", "to a wider float"),
        ("truncf", "to a narrower float, to nearest"),
        ("index_cast", "between index and an integer, sign extending"),
        ("bitcast", "same bits, other type"),
    )
)

OPS = (
    OpDef(
        "arith.constant",
        "A number; on a vector type, the same in all lanes or a Dense of all lanes.",
        0,
        1,
        required={"value": object},
    ),
    *INT_BINARY,
    *FLOAT_BINARY,
    *FLOAT_UNARY,
    *CASTS,
    OpDef(
        "arith.fma",
        "a * b + c with one rounding where the target has it, else two",
        3,
        1,
        verify=_floats,
    ),
    OpDef("arith.cmpi", "Integer comparison.", 2, 1, required={"predicate": str}, verify=_compare),
    OpDef("arith.cmpf", "Float comparison.", 2, 1, required={"predicate": str}, verify=_compare),
    OpDef("arith.select", "condition ? a : b", 3, 1, verify=_select),
    OpDef(
        "arith.mbqm",
        "MultiplyByQuantizedMultiplier with double rounding: (x, multiplier, shift), all i32, "
        "shift > 0 is left. x_bound: proved |x|; shift_range: proved (min, max) shift; "
        "max_trailing_zeros: trailing zero bits that any multiplier has at most; clamped_below: a "
        "later clamp makes the rounding of negative results irrelevant.",
        3,
        1,
        optional={
            "x_bound": int,
            "shift_range": tuple,
            "max_trailing_zeros": int,
            "clamped_below": bool,
        },
        verify=_ints,
    ),
)
