"""Op declarations: `arith`, `tfl`, `kern` and `loop`, gathered by `dialects()`."""
