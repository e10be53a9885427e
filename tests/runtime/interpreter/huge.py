"""Models that ask for absurd amounts of memory, from their files or from what they are fed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from litefuse.runtime.model.build import ModelBuilder

Fed = dict[str, npt.NDArray[np.generic]]
LARGE = 2**20


def shaped(*ops: tuple[str, tuple[int, ...]]) -> bytes:
    """A chain of one-input ops whose file gives these shapes; the input has the first."""
    b = ModelBuilder()
    last = first = b.add_tensor("x", ops[0][1])
    for k, (op, shape) in enumerate(ops):
        out = b.add_tensor(f"y{k}", shape)
        b.add_op(op, [last], [out])
        last = out
    return b.finish_bytes([first], [last])


def computed(
    op: str,
    inputs: list[tuple[str, tuple[int, ...], str]],
    rank: int,
    out: str = "float32",
    weights: dict[str, npt.NDArray[np.generic]] | None = None,
    **options: object,
) -> bytes:
    """One node whose result's shape depends on the inputs' values; `weights` are constants."""
    b = ModelBuilder()
    tensors, fed = [], []
    for name, shape, dtype in inputs:
        if weights and name in weights:
            tensors.append(b.add_tensor(name, data=weights[name]))
        else:
            fed.append(b.add_tensor(name, shape, dtype))
            tensors.append(fed[-1])
    y = b.add_tensor("y", (), out, shape_signature=(-1,) * rank)
    b.add_op(op, tensors, [y], **options)
    return b.finish_bytes(fed, [y])


def growing() -> bytes:
    """A loop that makes its value 1024 times longer in each turn, for ever."""
    b = ModelBuilder()
    x, y = b.add_tensor("x", (1,)), b.add_tensor("y", (), shape_signature=(-1,))
    b.add_op("WHILE", [x], [y], cond_subgraph_index=1, body_subgraph_index=2)
    b.set_io([x], [y])
    b.add_subgraph("condition")
    p = b.add_tensor("p", (1,), shape_signature=(-1,))
    total, always = b.add_tensor("total", ()), b.add_tensor("always", (), "bool")
    zero, axis = (b.add_tensor(n, data=v) for n, v in (("0", np.float32(0)), ("a", np.int32([0]))))
    b.add_op("SUM", [p, axis], [total])
    b.add_op("EQUAL", [total, zero], [always])
    b.set_io([p], [always])
    b.add_subgraph("body")
    p = b.add_tensor("p", (1,), shape_signature=(-1,))
    q = b.add_tensor("q", (), shape_signature=(-1,))
    times = b.add_tensor("times", data=np.int32([1024]))
    b.add_op("TILE", [p, times], [q])
    b.set_io([p], [q])
    return b.finish_bytes()


def calls_itself() -> bytes:
    """An IF one of whose branches loops over itself."""
    b = ModelBuilder()
    c, x, y = b.add_tensor("c", (), "bool"), b.add_tensor("x", (1,)), b.add_tensor("y", (1,))
    b.add_op("IF", [c, x], [y], then_subgraph_index=1, else_subgraph_index=1)
    b.set_io([c, x], [y])
    b.add_subgraph("again")
    p, q = b.add_tensor("p", (1,)), b.add_tensor("q", (1,))
    b.add_op("WHILE", [p], [q], cond_subgraph_index=1, body_subgraph_index=1)
    b.set_io([p], [q])
    return b.finish_bytes()


def _int32(*values: object) -> npt.NDArray[np.int32]:
    return np.array(values if len(values) != 1 else values[0], np.int32)


X2 = ("x", (4, 4), "float32")
SIZES = ("m", (2,), "int32")
IMAGE = ("x", (1, 4, 4, 4), "float32")
ENDS = [(name, (), "float32") for name in ("from", "to", "by")]
WHOLE = [(name, (), "int64") for name in ("from", "to", "by")]
PADS = ("m", (2, 2), "int32")

# {what: (model, what it is fed, what its refusal says)}
HUGE: dict[str, tuple[Callable[[], bytes], Fed, str]] = {
    "input": (
        lambda: shaped(("RELU", (2**31 - 1, 8, 8, 2))),
        {},
        r"tensor 'x' float32\[2147483647, 8, 8, 2\] needs 1.1 TB",
    ),
    "many large": (
        lambda: shaped(*[("RELU", (2**14, 2**13))] * 3),
        {},
        "arena .* needs|needs more memory",
    ),
    "TILE": (
        lambda: computed("TILE", [X2, SIZES], 2),
        {"m": _int32(LARGE, LARGE)},
        r"tensor 'y' float32\[4194304, 4194304\] needs 70.4 TB",
    ),
    "TILE by a constant": (
        lambda: computed("TILE", [X2, SIZES], 2, weights={"m": _int32(LARGE, LARGE)}),
        {},
        r"tensor 'y' float32\[4194304, 4194304\] needs 70.4 TB",
    ),
    "TILE beyond 64 bits": (
        lambda: computed("TILE", [X2, ("m", (2,), "int64")], 2),
        {"m": np.array([2**62, 2**62])},
        r"tensor 'y' float32.* needs",
    ),
    "RANGE": (
        lambda: computed("RANGE", WHOLE, 1, "int64"),
        {"to": np.int64(2**60), "by": np.int64(1)},
        r"tensor 'y' int64\[1152921504606846976\] needs",
    ),
    "RANGE of floats": (
        lambda: computed("RANGE", ENDS, 1),
        {"to": np.float32(1e30), "by": np.float32(1e-3)},
        "tensor 'y' float32.* needs",
    ),
    "RANGE to infinity": (
        lambda: computed("RANGE", ENDS, 1),
        {"to": np.float32(np.inf), "by": np.float32(1e-3)},
        r"RANGE",
    ),
    "BROADCAST_TO": (
        lambda: computed("BROADCAST_TO", [("x", (1,), "float32"), ("m", (3,), "int32")], 3),
        {"m": _int32(LARGE, LARGE, LARGE)},
        "tensor 'y' float32.* needs",
    ),
    "FILL": (
        lambda: computed("FILL", [("m", (3,), "int64"), ("x", (), "float32")], 3),
        {"m": np.array([2**40] * 3)},
        "tensor 'y' float32.* needs",
    ),
    "PAD": (
        lambda: computed("PAD", [X2, PADS], 2),
        {"m": _int32([LARGE, LARGE], [LARGE, LARGE])},
        r"tensor 'y' float32\[2097156, 2097156\] needs 17.6 TB",
    ),
    "PADV2": (
        lambda: computed(
            "PADV2", [X2, PADS, ("c", (), "float32")], 2, weights={"c": np.float32(1)}
        ),
        {"m": _int32([LARGE, LARGE], [LARGE, LARGE])},
        "tensor 'y' float32.* needs",
    ),
    "RESIZE_BILINEAR": (
        lambda: computed("RESIZE_BILINEAR", [IMAGE, SIZES], 4),
        {"m": _int32(LARGE, LARGE)},
        "tensor 'y' float32.* needs",
    ),
    "RESIZE_NEAREST_NEIGHBOR": (
        lambda: computed("RESIZE_NEAREST_NEIGHBOR", [IMAGE, SIZES], 4),
        {"m": _int32(2**31 - 1, 2**31 - 1)},
        "tensor 'y' float32.* needs",
    ),
    "ONE_HOT": (
        lambda: computed(
            "ONE_HOT",
            [
                ("x", (1000,), "int32"),
                ("m", (), "int32"),
                ("on", (), "float32"),
                ("off", (), "float32"),
            ],
            2,
            weights={"on": np.float32(1), "off": np.float32(0)},
            axis=-1,
        ),
        {"m": _int32(2**31 - 1).reshape(())},
        "tensor 'y' float32.* needs",
    ),
    "SCATTER_ND": (
        lambda: computed(
            "SCATTER_ND",
            [("i", (1, 1), "int32"), ("u", (1,), "float32"), ("m", (1,), "int32")],
            1,
        ),
        {"m": _int32(2**31 - 1).reshape(1)},
        r"tensor 'y' float32\[2147483647\] needs 8.6 GB",
    ),
    "SPARSE_TO_DENSE": (
        lambda: computed(
            "SPARSE_TO_DENSE",
            [
                ("i", (1, 2), "int64"),
                ("m", (2,), "int64"),
                ("v", (1,), "float32"),
                ("d", (), "float32"),
            ],
            2,
        ),
        {"m": np.array([2**40, 2**40])},
        "tensor 'y' float32.* needs",
    ),
    "RANDOM_UNIFORM": (
        lambda: computed("RANDOM_UNIFORM", [SIZES], 2, seed=1, seed2=2),
        {"m": _int32(LARGE, LARGE)},
        "tensor 'y' float32.* needs",
    ),
    "SPACE_TO_BATCH_ND": (
        lambda: computed(
            "SPACE_TO_BATCH_ND", [("x", (1, 4, 4, 1), "float32"), ("b", (2,), "int32"), PADS], 4
        ),
        {"b": _int32(1, 1), "m": _int32([LARGE, LARGE], [LARGE, LARGE])},
        "tensor 'y' float32.* needs",
    ),
    "a loop that grows": (growing, {}, "needs .* this process can have|out of memory"),
    "a subgraph that calls itself": (calls_itself, {}, r"subgraph 1 \('again'\) is at work"),
}
