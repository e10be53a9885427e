"""Layouts, bands, packed weights and memory: the target-dependent tensor passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.codegen import targets
from litefuse.codegen.families.contract import GROUP
from litefuse.codegen.layout import assign_layouts, group_rows
from litefuse.codegen.layout.pack_weights import pack
from litefuse.codegen.layout.plan_memory import ALIGN, SLACK
from litefuse.codegen.pipeline import LOWER_PASSES, SCHEDULE_PASSES
from litefuse.codegen.schedule import cut_channels
from litefuse.compiler.ir.core import Module, Operation, Value
from litefuse.compiler.ir.passes import PassContext, PassManager
from litefuse.compiler.ir.types import F32, SI8, QuantizedType, TensorType, tensor
from litefuse.compiler.ops import DIALECTS
from tests import kern_interpreter, kern_run
from tests.kern_build import Q8, Function, body_of

W8 = QuantizedType(SI8, (0.01,), (0,))


def conv(
    f: Function,
    x: Value,
    out: int,
    k: int = 1,
    pad: int = 0,
    kind: str = "conv",
    pad_value: int = 0,
) -> Value:
    """An int8 convolution, stride 1, whose epilogue divides by 64 and clamps."""
    assert isinstance(x.type, TensorType)
    n, h, w, c = x.type.shape
    shape = (1, k, k, c) if kind == "depthwise" else (out, k, k, c)
    f.count += 1
    weights = f.constant(np.random.default_rng(f.count).integers(-9, 10, shape).astype(np.int8), W8)
    attributes: dict[str, Any] = {"kind": kind, "strides": (1, 1), "dilations": (1, 1), "pad": (pad,) * 4, "roles": [],
                                  "pad_value": pad_value, "multiplier": 1, "groups": 1}  # fmt: skip
    size = (n, h + 2 * pad - k + 1, w + 2 * pad - k + 1, out)
    epilogue = body_of([Q8], lambda b: b.clamp_int(b.op("shrsi", b.args[0], b.i32(6)), -128, 127))
    return f.op("kern.contract", [x, weights], tensor(size, Q8), attributes, epilogue)


def pool(f: Function, x: Value) -> Value:
    """A 2x2 maximum."""
    assert isinstance(x.type, TensorType)
    n, h, w, c = x.type.shape
    attributes = {
        "kind": "max",
        "window": (2, 2),
        "strides": (2, 2),
        "pad": (0, 0, 0, 0),
        "roles": [],
    }
    return f.op(
        "kern.window",
        [x],
        tensor((n, h // 2, w // 2, c), Q8),
        attributes,
        body_of([Q8, Q8], lambda b: b.args[0]),
    )


def prepared(module: Module, target: str, passes: Any = SCHEDULE_PASSES) -> Operation:
    """The function after the passes."""
    PassManager(passes).run(module, PassContext(target=targets.find(target), known_ops=DIALECTS))
    return module.functions()[0]


@pytest.mark.parametrize(
    ("target", "dtype", "bias", "fill"),
    [
        ("x86-64-avx512vnni", "u8", 128, 3 + 128 - 256),
        ("x86-64-avx2", "i16", 0, 3),
        ("aarch64-dotprod", "i8", 0, 3),
    ],
)
def test_storage_follows_the_target(target: str, dtype: str, bias: int, fill: int) -> None:
    f = Function(tensor((1, 6, 6, 8), Q8))
    y = conv(f, conv(f, f.inputs[0], 8), 8, k=3, pad=1, pad_value=3)
    func = prepared(f.returns(y), target, [assign_layouts.PASS])
    first = next(op for op in func.body.ops if op.name == "kern.contract")
    assert first["buffer"]["dtype"] == dtype
    assert first["buffer"]["bias"] == bias
    assert first["buffer"]["pad"] == (1, 1, 1, 1)
    assert first["buffer"]["fill"] == fill
    last = [op for op in func.body.ops if op.name == "kern.contract"][-1]
    assert last["buffer"] == {
        "space": "io",
        "offset": 1,
        "dtype": "i8",
        "bias": 0,
        "pad": (0, 0, 0, 0),
        "bytes": 288,
    }


def test_an_input_is_copied_only_where_it_cannot_be_read_as_it_is() -> None:
    def copies(target: str, k: int) -> int:
        f = Function(tensor((1, 6, 6, 8), Q8))
        func = prepared(
            f.returns(conv(f, f.inputs[0], 8, k=k, pad=k // 2)), target, [assign_layouts.PASS]
        )
        return sum(op.name == "kern.map" for op in func.body.ops)

    assert copies("aarch64-dotprod", 1) == 0
    assert copies("aarch64-dotprod", 3) == 1  # physical padding
    assert copies("x86-64-avx512vnni", 1) == 1  # another storage


def test_an_output_that_is_an_input_or_another_output_gets_its_own_buffer() -> None:
    f = Function(tensor((2, 3), F32))
    module = f.returns(f.inputs[0], f.inputs[0])
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    for found in kern_run.run(module, [x], kern_run.host_targets()[0]):
        np.testing.assert_array_equal(found, x)


@given(
    out=st.integers(1, 40), taps=st.integers(1, 4), run=st.integers(1, 9), groups=st.integers(1, 2),
    lanes=st.sampled_from([4, 8, 16]), vectors=st.integers(1, 3), product=st.sampled_from(sorted(GROUP)),
)  # fmt: skip
def test_packed_weights_are_where_the_tile_looks(
    out: int, taps: int, run: int, groups: int, lanes: int, vectors: int, product: str
) -> None:
    """Element (group, channel, tap, k) by the addresses that `families.contract` computes."""
    w = np.random.default_rng(1).integers(-127, 128, (out * groups, taps, 1, run)).astype(np.int8)
    blocks = cut_channels(out, lanes, vectors)
    unit = GROUP[product]
    packed = pack(w, groups, blocks, product, run)
    steps = -(-run // unit)
    depth = taps * steps * unit
    for g in range(groups):
        for c in range(out):
            tail = c >= blocks.tail_start
            width = sum(blocks.tail) if tail else blocks.width
            start = (blocks.tail_start if tail else c // blocks.width * blocks.width) * depth
            lane = c - (blocks.tail_start if tail else c // blocks.width * blocks.width)
            for t in range(taps):
                for k in range(run):
                    at = (
                        g * blocks.padded * depth
                        + start
                        + (t * steps + k // unit) * width * unit
                        + lane * unit
                        + k % unit
                    )
                    assert packed[at] == w[g * out + c, t, 0, k]


def _live_ranges(func: Operation) -> list[tuple[int, int, int, int]]:
    ops = list(func.body.ops)
    index = {id(op): i for i, op in enumerate(ops)}
    group_last = {op.get("group"): i for i, op in enumerate(ops)}
    group_first: dict[Any, int] = {}
    for i, op in enumerate(ops):
        group_first.setdefault(op.get("group"), i)

    def first(op: Operation) -> int:
        return index[id(op)] if op.get("group") is None else group_first[op["group"]]

    def last(op: Operation) -> int:
        return index[id(op)] if op.get("group") is None else group_last[op["group"]]

    ranges = []
    for op in ops:
        if op.results and op["buffer"]["space"] == "arena":
            end = max([last(op), *(last(u) for u in op.result.users)])
            ranges.append(
                (
                    first(op),
                    end,
                    op["buffer"]["offset"],
                    op["buffer"]["offset"] + op["buffer"]["bytes"],
                )
            )
    return ranges


@given(widths=st.lists(st.integers(1, 30), min_size=2, max_size=7), data=st.data())
def test_live_buffers_never_overlap(widths: list[int], data: st.DataObject) -> None:
    f = Function(tensor((1, 7, 7, 5), Q8))
    values = [conv(f, f.inputs[0], 6)]
    for w in widths:
        x = data.draw(st.sampled_from(values[-3:]))
        pad = data.draw(st.integers(0, 1))
        values.append(conv(f, x, w, k=3, pad=1) if pad else conv(f, x, w))
    func = prepared(f.returns(values[-1]), "x86-64-avx2")
    ranges = _live_ranges(func)
    for i, (a0, a1, a2, a3) in enumerate(ranges):
        assert a2 % ALIGN == 0
        assert a3 + SLACK <= func["arena_bytes"] + ALIGN
        for b0, b1, b2, b3 in ranges[:i]:
            if a0 <= b1 and b0 <= a1:
                assert a3 + SLACK <= b2 or b3 + SLACK <= a2 or (a2, a3) == (b2, b3)


@pytest.mark.parametrize("target", kern_run.all_targets())
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_bands_give_the_same_result(
    target: str, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """expand, depthwise, project and pool of a small image, grouped by force."""
    monkeypatch.setattr(group_rows, "INTERMEDIATE", 1)
    monkeypatch.setattr(group_rows, "BAND", 1500)
    f = Function(tensor((1, 14, 11, 8), Q8))
    y = conv(f, conv(f, conv(f, conv(f, f.inputs[0], 8), 40), 40, k=3, pad=1, kind="depthwise"), 24)
    y = pool(f, conv(f, y, 20, k=3, pad=1))
    module = f.returns(y)
    func = prepared(Module.of(module.op.clone()), target)
    groups = [op["group"] for op in func.body.ops if "group" in op.attributes]
    assert len(groups) >= 4
    x = np.random.default_rng(0).integers(-128, 128, (1, 14, 11, 8)).astype(np.int8)
    np.testing.assert_array_equal(
        kern_run.run(module, [x], target, parts)[0], kern_interpreter.run(module, [x])[0]
    )


def _program(module: Module, target: str) -> Operation:
    PassManager([*SCHEDULE_PASSES, *LOWER_PASSES]).run(
        module, PassContext(target=targets.find(target), known_ops=DIALECTS)
    )
    return next(op for op in module.ops if op.name == "loop.program")


def test_equal_kernels_are_written_once() -> None:
    f = Function(tensor((1, 8, 8, 16), Q8))
    y = f.inputs[0]
    for _ in range(4):
        y = conv(f, y, 16)
    module = f.returns(y)
    program = _program(module, "x86-64-avx512vnni")
    contracts = [s["callee"].name for s in program.body.ops if "conv" in s["kernel"]]
    assert len(contracts) == 4
    # all but the last, which stores int8 for the user, are one function
    assert len(set(contracts)) == 2


def test_barriers_stand_between_dependent_shared_steps_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_rows, "INTERMEDIATE", 1 << 40)  # no bands
    f = Function(tensor((1, 64, 64, 64), F32))
    weights = f.constant(np.ones((64, 1, 1, 64), np.float32))
    attributes = {
        "kind": "conv",
        "strides": (1, 1),
        "dilations": (1, 1),
        "pad": (0, 0, 0, 0),
        "roles": [],
        "groups": 1,
    }

    def layer(x: Value) -> Value:
        return f.op(
            "kern.contract",
            [x, weights],
            tensor((1, 64, 64, 64), F32),
            attributes,
            body_of([F32], lambda b: b.args[0]),
        )

    a = layer(f.inputs[0])
    module = f.returns(layer(a), layer(f.inputs[0]))
    steps = list(_program(module, "x86-64-avx2").body.ops)
    assert [s["grain"] for s in steps] == [1, 1, 1]
    assert [s["barrier"] for s in steps] == [False, True, False]
    small = Function(tensor((1, 4, 4, 4), Q8))
    y = conv(small, conv(small, small.inputs[0], 4), 4)
    tiny = list(_program(small.returns(y), "x86-64-avx2").body.ops)
    assert all(s["grain"] == s["trip"] and not s["barrier"] for s in tiny)
