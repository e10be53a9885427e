"""A kernel's name can be read back, and every kernel of a real compile has such a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.codegen import targets
from litefuse.codegen.names import PRODUCTS, KernelName, parse, tile_name


@given(
    storage=st.sampled_from(["f32", "u8", "i8", "i16"]),
    family=st.sampled_from(["conv3x3s2", "depthwise9x1s1", "dense", "map2", "maxpool2x2s2", "band4+conv+depthwise", "border0101"]),
    target=st.sampled_from([t.name for t in targets.TARGETS]),
    tile=st.one_of(
        st.just(""), st.just("16l"),
        st.builds(tile_name, st.integers(1, 20), st.integers(1, 20), st.lists(st.integers(1, 16), min_size=1, max_size=4).map(tuple)),
    ),
    product=st.sampled_from(["", *PRODUCTS]),
    copy=st.sampled_from(["", ".1", ".12"]),
)  # fmt: skip
def test_round_trip(
    storage: str, family: str, target: str, tile: str, product: str, copy: str
) -> None:
    name = KernelName(storage, family, target, tile, product)
    assert parse(str(name) + copy) == name


@pytest.mark.parametrize("text", ["", "kernel", "f32_conv", "x9_conv_x86-64", "f32__x86-64"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a kernel's name"):
        parse(text)
