"""All ops that litefuse knows, as one explicit table."""

from __future__ import annotations

from litefuse.compiler.ir.opdef import Dialects, OpDef
from litefuse.compiler.ops import arith, kern, loop, tfl

BUILTIN = (
    OpDef("builtin.module", "The top: functions by name.", 0, 0, 1, pure=False, terminated=False),
)

DIALECTS = Dialects(BUILTIN, arith.OPS, tfl.OPS, kern.OPS, loop.OPS)
