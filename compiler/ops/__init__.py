"""All ops that litefuse knows, as one explicit table."""

from __future__ import annotations

from litefuse.compiler.ir.opdef import Dialects, OpDef
from litefuse.compiler.ops import arith, kern, loop
from litefuse.compiler.ops.tfl import OPS as TFL

BUILTIN = (
    OpDef("builtin.module", "The top: functions by name.", 0, 0, 1, pure=False, terminated=False),
)

DIALECTS = Dialects(BUILTIN, arith.OPS, TFL, kern.OPS, loop.OPS)
