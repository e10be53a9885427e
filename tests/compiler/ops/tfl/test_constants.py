from __future__ import annotations

import pytest

from litefuse.compiler.ir.verifier import VerifyError
from tests.ir_harness import load


def test_elements_have_the_types_shape():
    text = '%0 = "tfl.pseudo_const"() {{value = dense_resource<w> : tensor<2x3xf32>}} : () -> {}'
    load(text.format("tensor<2x3xf32>"))
    load(text.format("tensor<2x3x!quant.uniform<i8:f32, 0.5:0>>"))
    with pytest.raises(VerifyError, match=r"shape \(2, 3\), not \(3, 2\)"):
        load(text.format("tensor<3x2xf32>"))
    with pytest.raises(VerifyError, match="value is 3, a int, not Dense or Resource"):
        load('%0 = "tfl.pseudo_const"() {value = 3 : i64} : () -> tensor<1xf32>')


def test_no_value_has_type_none():
    load('%0 = "tfl.no_value"() : () -> none')
    with pytest.raises(VerifyError, match="the result has type none"):
        load('%0 = "tfl.no_value"() : () -> tensor<1xf32>')
