from __future__ import annotations

from tests.compiler.ops.tfl.one_node import agrees_with_litert, f32, i8, reason, refuses


def test_claimed():
    agrees_with_litert("QUANTIZE", [f32(2, 3)], i8(1))
    agrees_with_litert("QUANTIZE", [i8(2, 3)], i8(1, scale=0.1))
    agrees_with_litert("DEQUANTIZE", [i8(2, 3)], f32(1))
    assert reason("DEQUANTIZE", [f32(2, kind="f16", const=True)], f32(2)) is None


def test_refusals():
    refuses("must give INT8", "QUANTIZE", [f32(2)], i8(2).but(kind="u8"))
    refuses("must take", "QUANTIZE", [i8(2).but(kind="u8")], i8(2))
    refuses("must take", "DEQUANTIZE", [i8(2).but(kind="i16")], f32(2))
    refuses("must give FLOAT32", "DEQUANTIZE", [i8(2)], f32(2, kind="f16"))
    refuses("FLOAT16 tensors must be constant", "DEQUANTIZE", [f32(2, kind="f16")], f32(2))
    per_channel = i8(2, scale=[0.1, 0.2], zero=[0, 0])
    refuses("one scale", "DEQUANTIZE", [per_channel], f32(2))
    refuses("-128..127", "DEQUANTIZE", [i8(2, zero=200)], f32(2))
