"""The tensor-level passes, in order. The scheduling and loop passes follow in `codegen.pipeline`."""

from __future__ import annotations

from litefuse.passes import (
    eliminate,
    fold_constants,
    fold_pad,
    fold_quantization,
    fuse_epilogue,
    fuse_pool,
    prove_bounds,
    simplify_regions,
    tfl_to_kern,
)

TENSOR_PASSES = (
    # First, on tfl ops: lowering wants weights as constants, and a float16 model has them behind DEQUANTIZE nodes.
    fold_constants.PASS,
    tfl_to_kern.PASS,
    # Now: reshapes of constants (biases, scalars) stand between lowering and the folds that look for constants.
    eliminate.PASS,
    # Before the zero points go: a pad is compared with what the contraction's own padding holds.
    fold_pad.PASS,
    # Before fusion: it looks for the bias as an op of its own.
    fold_quantization.PASS,
    fuse_epilogue.PASS,
    # After fusion: windows and contractions face each other only when the activations between them are gone.
    fuse_pool.PASS,
    # After fusion: a clamp in one op makes that of the next one idle.
    simplify_regions.PASS,
    # After that, on what is left: a clamp proves something about a multiplication
    # only where both are in one region.
    prove_bounds.PASS,
    eliminate.PASS,
)
