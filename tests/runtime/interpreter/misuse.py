"""What a program may do wrong with an interpreter: named mistakes, each a few calls.

A mistake takes the module under test (LiteRT's or ours; nothing else differs) and a folder to write
in; its outcome is what it returns or raises.  `after` goes on past errors and gives them all.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from litefuse.runtime.model.build import ModelBuilder
from tests.runtime.interpreter.models import classifier, dynamic, two_signatures

IMAGE = np.random.default_rng(1).standard_normal((1, 8, 8, 2)).astype(np.float32)
CLASSIFIER = classifier()
TWO = two_signatures()
DYNAMIC = dynamic()


TYPE_NAMES = (
    *("float32", "float16", "float64", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64", "bool", "complex64", "string"),
)


def _strings() -> bytes:
    """RESHAPE of two strings to a column."""
    b = ModelBuilder()
    x = b.add_tensor("words", (2,), "string")
    shape = b.add_tensor("shape", data=np.array([2, 1], np.int32))
    y = b.add_tensor("column", (2, 1), "string")
    b.add_op("RESHAPE", [x, shape], [y], new_shape=[2, 1])
    return b.finish_bytes([x], [y], {"go": ({"words": x}, {"column": y})})


def _refused() -> bytes:
    """RELU, then a CONCATENATION whose parts agree only when the first input has two rows."""
    b = ModelBuilder()
    x, w = b.add_tensor("x", (2, 3)), b.add_tensor("w", (2, 3))
    r, y = b.add_tensor("r", (2, 3)), b.add_tensor("y", (2, 6))
    b.add_op("RELU", [x], [r])
    b.add_op("CONCATENATION", [r, w], [y], axis=1)
    return b.finish_bytes([x, w], [y], {"go": ({"x": x, "w": w}, {"y": y})})


def _failing() -> bytes:
    """A GATHER whose indices only a run can find wrong."""
    b = ModelBuilder()
    x, i = b.add_tensor("x", (4,)), b.add_tensor("i", (2,), "int32")
    y = b.add_tensor("y", (2,))
    b.add_op("GATHER", [x, i], [y], axis=0)
    return b.finish_bytes([x, i], [y])


def _scalar() -> bytes:
    """RELU of a number."""
    b = ModelBuilder()
    x, y = b.add_tensor("x", ()), b.add_tensor("y", ())
    b.add_op("RELU", [x], [y])
    return b.finish_bytes([x], [y], {"go": ({"x": x}, {"y": y})})


def _types() -> bytes:
    """One input of every type, and a RELU to make it a graph."""
    b = ModelBuilder()
    ins = [b.add_tensor(f"in_{k}", (2,), k) for k in TYPE_NAMES]
    y = b.add_tensor("y", (2,))
    b.add_op("RELU", ins[:1], [y])
    return b.finish_bytes(ins, [y])


STRINGS, REFUSED, FAILING, SCALAR, TYPES = (_strings(), _refused(), _failing(), _scalar(), _types())


Mistake = Callable[[Any, Path], Any]
Step = Callable[[Any], Any]


def new(m: Any, content: bytes = CLASSIFIER, allocate: bool = True, **options: Any) -> Any:
    """An interpreter on the reference kernels."""
    options.setdefault("experimental_op_resolver_type", m.OpResolverType.BUILTIN_REF)
    interpreter = m.Interpreter(model_content=content, **options)
    if allocate:
        interpreter.allocate_tensors()
    return interpreter


def swallow(call: Callable[[], Any]) -> Any:
    """What a call returns; its exception as (type, text)."""
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


def after(*steps: Step, content: bytes = CLASSIFIER, allocate: bool = True) -> Mistake:
    """These calls on one interpreter; the outcome of each."""

    def run(m: Any, folder: Path) -> list[Any]:
        interpreter = new(m, content, allocate)
        return [swallow(lambda step=step: step(interpreter)) for step in steps]

    return run


def once(step: Step, content: bytes = CLASSIFIER, allocate: bool = True) -> Mistake:
    """One call on a new interpreter."""
    return lambda m, folder: step(new(m, content, allocate))


def made(**options: Any) -> Mistake:
    """A construction."""
    return lambda m, folder: m.Interpreter(**options).num_subgraphs()


def of_file(content: bytes) -> Mistake:
    """A construction from a file of these bytes."""

    def run(m: Any, folder: Path) -> Any:
        path = folder / "odd.tflite"
        path.write_bytes(content)
        return m.Interpreter(path)

    return run


def held(tensor: int, *steps: Step) -> Mistake:
    """These calls while a view of a tensor is alive, then an allocation and a run without it."""

    def run(m: Any, folder: Path) -> list[Any]:
        interpreter = new(m)
        view = interpreter.tensor(tensor)()
        found = [swallow(lambda step=step: step(interpreter)) for step in steps]
        del view
        return [*found, swallow(interpreter.allocate_tensors), swallow(interpreter.invoke)]

    return run


class Unconvertible:
    """NumPy fails on it in its own way."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise KeyError("no array")


ONES = np.ones(3, np.int32)
MODEL = {"model_content": CLASSIFIER}
FLAGS = (
    "experimental_preserve_all_tensors",
    "experimental_disable_delegate_clustering",
    "experimental_default_delegate_latest_features",
    "experimental_compress_quantization_zero_points",
    "experimental_disable_delegate_node_fusion",
    "experimental_force_delegate_node_profiling",
)


def _sum(**arrays: Any) -> Step:
    return lambda i: i.get_signature_runner("sum")(**arrays)


def _set(value: Any, tensor: int = 0) -> Step:
    return lambda i: i.set_tensor(tensor, value)


def _set_and_get(value: Any, tensor: int = 0) -> Step:
    def run(i: Any) -> Any:
        i.set_tensor(tensor, value)
        return i.get_tensor(tensor)

    return run


def _resize(*arguments: Any, **named: Any) -> Step:
    return lambda i: i.resize_tensor_input(*arguments, **named)


def _input_shape(i: Any) -> Any:
    return i.get_input_details()[0]["shape"]


def _allocate(i: Any) -> Any:
    return i.allocate_tensors()


def _invoke(i: Any) -> Any:
    return i.invoke()


def _get(tensor: int) -> Step:
    return lambda i: i.get_tensor(tensor)


def _raising(resolver: Any) -> None:
    raise KeyError("mine")


CONSTRUCTION: dict[str, Mistake] = {
    "nothing": made(),
    "empty content": made(model_content=b""),
    "path and content": made(model_path="x", model_content=b"x"),
    "missing file": made(model_path="/nowhere/x.tflite"),
    "missing file, path object": made(model_path=Path("/nowhere/x.tflite")),
    "missing file, bytes": made(model_path=b"/nowhere/x.tflite"),
    "path is a number": made(model_path=7),
    "path is a list": made(model_path=["x"]),
    "empty file": of_file(b""),
    "file of three bytes": of_file(b"abc"),
    "file of garbage": of_file(b"x" * 100),
    "content of one byte": made(model_content=b"x"),
    "content of zeros": made(model_content=bytes(100)),
    "content of garbage": made(model_content=b"x" * 100),
    "content cut off": made(model_content=CLASSIFIER[:400]),
    "identifier, then garbage": made(model_content=b"\x08\0\0\0TFL3" + b"\xff" * 100),
    "content is a str": made(model_content="hello"),
    "content is a list": made(model_content=[1, 2]),
    "content is an array": made(model_content=np.frombuffer(CLASSIFIER, np.uint8)),
    "threads: str": made(**MODEL, num_threads="2"),
    "threads: float": made(**MODEL, num_threads=2.0),
    "threads: NumPy": made(**MODEL, num_threads=np.int32(2)),
    "threads: zero": made(**MODEL, num_threads=0),
    "threads: negative": made(**MODEL, num_threads=-1),
    "threads: True": made(**MODEL, num_threads=True),
    "threads: False": made(**MODEL, num_threads=False),
    "threads are looked at before the model": made(num_threads=0),
    "resolver: number": made(**MODEL, experimental_op_resolver_type=7),
    "resolver: name": made(**MODEL, experimental_op_resolver_type="AUTO"),
    "resolver: None": made(**MODEL, experimental_op_resolver_type=None),
    "resolver: list": made(**MODEL, experimental_op_resolver_type=[]),
    "resolver before threads": made(experimental_op_resolver_type=9, num_threads=0),
    "unknown keyword": made(**MODEL, threads=1),
    "too many arguments": lambda m, folder: m.Interpreter(*([None] * 12)),
    "delegate: object": made(**MODEL, experimental_delegates=[object()]),
    "delegate: name": made(**MODEL, experimental_delegates=["xnnpack"]),
    "delegate: None": made(**MODEL, experimental_delegates=[None]),
    "delegates: number": made(**MODEL, experimental_delegates=7),
    "delegates: none": made(**MODEL, experimental_delegates=[]),
    **{f"{name}: str": made(**MODEL, **{name: "yes"}) for name in FLAGS},
    **{f"{name}: None": made(**MODEL, **{name: None}) for name in FLAGS},
    **{f"{name}: float": made(**MODEL, **{name: 2.5}) for name in FLAGS},
    "property is read-only": once(
        lambda i: setattr(i, "experimental_compress_quantization_zero_points", True)
    ),
    "custom ops: symbol": lambda m, folder: m.InterpreterWithCustomOps(["NoSuch"], **MODEL),
    "custom ops: number": lambda m, folder: m.InterpreterWithCustomOps([3], **MODEL),
    "custom ops: no list": lambda m, folder: m.InterpreterWithCustomOps(3, **MODEL),
    "custom ops: no model": lambda m, folder: m.InterpreterWithCustomOps([]),
    "custom ops: positional model": lambda m, folder: m.InterpreterWithCustomOps([], "x"),
    "custom ops: raising": lambda m, folder: m.InterpreterWithCustomOps([_raising], **MODEL),
    "delegate library: missing": lambda m, folder: m.load_delegate("libnowhere.so"),
    "delegate library: path object": lambda m, folder: m.load_delegate(Path("/nowhere/x.so")),
    "delegate library: number": lambda m, folder: m.load_delegate(3),
    "delegate library: nothing": lambda m, folder: m.load_delegate(),
    "delegate library: another": lambda m, folder: m.load_delegate("libm.so.6", {"a": 1}),
    "resolver types: no such value": lambda m, folder: m.OpResolverType(4),
    "resolver types: no such name": lambda m, folder: m.OpResolverType["X"],
}

TENSORS: dict[str, Mistake] = {
    "get an output before allocation": once(_get(9), allocate=False),
    "get an input before allocation": once(_get(0), allocate=False),
    "get a constant before allocation": once(_get(2), allocate=False),
    "view before allocation": once(lambda i: i.tensor(0)(), allocate=False),
    "set before allocation": once(_set(IMAGE), allocate=False),
    "wrong type before allocation": once(_set(IMAGE.astype(np.float64)), allocate=False),
    "wrong shape before allocation": once(_set(IMAGE[0]), allocate=False),
    "invoke before allocation": once(_invoke, allocate=False),
    "reset before allocation": once(lambda i: i.reset_all_variables(), allocate=False),
    "set a wrong type": once(_set(IMAGE.astype(np.float64))),
    "set float16": once(_set(IMAGE.astype(np.float16))),
    "set uint16": once(_set(IMAGE.astype(np.uint16))),
    "set uint64": once(_set(IMAGE.astype(np.uint64))),
    "set complex": once(_set(IMAGE.astype(np.complex64))),
    "set complex128": once(_set(IMAGE.astype(np.complex128))),
    "set long double": once(_set(IMAGE.astype(np.longdouble))),
    "set bool": once(_set(IMAGE > 0)),
    "set str array": once(_set(np.array(["a"]))),
    "set bytes array": once(_set(np.array([b"a"]))),
    "set objects": once(_set(np.array([1, "a"], object))),
    "set dates": once(_set(np.array(["2020"], "datetime64[D]"))),
    "set durations": once(_set(np.zeros(2, "timedelta64[s]"))),
    "set records": once(_set(np.zeros(2, "f4,i4"))),
    "set a list of doubles": once(_set([[1.0]])),
    "set a list of ints": once(_set([[1]])),
    "set the right list": once(_set(IMAGE.tolist())),
    "set a float": once(_set(1.0)),
    "set an int": once(_set(1)),
    "set a str": once(_set("abc")),
    "set bytes": once(_set(b"abc")),
    "set None": once(_set(None)),
    "set a dict": once(_set({})),
    "set a ragged list": once(_set([[1.0], [1.0, 2.0]])),
    "set what NumPy fails on": once(_set(Unconvertible())),
    "set rank 3": once(_set(IMAGE[0])),
    "set rank 5": once(_set(IMAGE[None])),
    "set another batch": once(_set(np.repeat(IMAGE, 2, 0))),
    "set another channel": once(_set(IMAGE[..., :1])),
    "set no rows": once(_set(IMAGE[:0])),
    "set the transposed": once(_set(IMAGE.transpose(3, 1, 2, 0))),
    "set strided": once(_set_and_get(np.repeat(IMAGE, 2, -1)[..., ::2])),
    "set Fortran order": once(_set_and_get(np.asfortranarray(IMAGE))),
    "set backwards": once(_set_and_get(IMAGE[:, ::-1])),
    "set a masked array": once(_set_and_get(np.ma.masked_array(IMAGE, mask=IMAGE > 0))),
    "set a memoryview": once(_set_and_get(memoryview(IMAGE))),
    "set an output": once(_set_and_get(np.ones((1, 10), np.float32), 9)),
    "set a scalar from a float": once(_set(1.5), SCALAR),
    "set a scalar from NumPy's": once(_set_and_get(np.float32(1.5)), SCALAR),
    "set a scalar from one element": once(_set(np.ones(1, np.float32)), SCALAR),
    "set a scalar from a list": once(_set([1.5]), SCALAR),
    "set without a value": once(lambda i: i.set_tensor(0)),
    "set with a wrong keyword": once(lambda i: i.set_tensor(index=0, value=IMAGE)),
    "get without an index": once(lambda i: i.get_tensor()),
    "get with three arguments": once(lambda i: i.get_tensor(0, 0, 0)),
    "invoke with an argument": once(lambda i: i.invoke(1)),
    "get of a missing subgraph": once(lambda i: i.get_tensor(0, 3)),
    "get of a negative subgraph": once(lambda i: i.get_tensor(0, -1)),
    "details of a missing subgraph": once(lambda i: i.get_tensor_details(3)),
    "details of a negative subgraph": once(lambda i: i.get_tensor_details(-1)),
    "details of subgraph '0'": once(lambda i: i.get_tensor_details("0")),
    "details of a missing node": once(lambda i: i._get_op_details(99)),
    "details of a negative node": once(lambda i: i._get_op_details(-1)),
    "pickled": once(pickle.dumps),
    "runs with a bad index": after(
        _set(np.array([0, 9], np.int32), 1),
        _invoke,
        _set(np.ones(4, np.float32)),
        _set(np.array([0, 1], np.int32), 1),
        _invoke,
        _get(2),
        content=FAILING,
    ),
    "a shape of another size at run time": after(
        _set(np.ones(6, np.float32)),
        _set(np.array([2, 2], np.int32), 1),
        _invoke,
        _get(5),
        _set(np.array([-1, -1], np.int32), 1),
        _invoke,
        _set(np.array([3, 2], np.int32), 1),
        _invoke,
        _get(5),
        content=DYNAMIC,
    ),
    "an output of unknown shape": after(
        _get(5),
        lambda i: i.tensor(5)(),
        _set(np.zeros(2, np.float32), 5),
        lambda i: i.get_output_details()[0]["shape"],
        content=DYNAMIC,
    ),
}

INDICES: dict[str, Any] = {
    "-1": -1,
    "999": 999,
    "2**31": 2**31,
    "-(2**40)": -(2**40),
    "1.0": 1.0,
    "nan": float("nan"),
    "'0'": "0",
    "None": None,
    "a list": [0],
    "an array of one": np.array([0]),
    "NumPy's double": np.float64(0),
    "an object": object(),
    "complex": 1j,
}


def _filled(interpreter: Any) -> Any:
    """The interpreter, its input set: some NumPys make an index 0 of an array of one."""
    interpreter.set_tensor(0, IMAGE)
    return interpreter


for _name, _index in INDICES.items():
    TENSORS[f"get tensor {_name}"] = once(lambda i, k=_index: _filled(i).get_tensor(k))
    TENSORS[f"set tensor {_name}"] = once(lambda i, k=_index: i.set_tensor(k, IMAGE))
    TENSORS[f"view of tensor {_name}"] = once(lambda i, k=_index: _filled(i).tensor(k)())
    TENSORS[f"resize tensor {_name}"] = once(lambda i, k=_index: _resize(k, (1, 8, 8, 2))(i))
for _name, _index in {"int32": np.int32(2), "uint8": np.uint8(2), "float32": np.float32(2)}.items():
    TENSORS[f"a constant by {_name}"] = once(lambda i, k=_index: i.get_tensor(k))
for _given in (*TYPE_NAMES[:-1], "S3", "U3"):
    for _tensor, _wanted in enumerate(TYPE_NAMES):
        TENSORS[f"{_given} for {_wanted}"] = once(
            _set_and_get(np.ones(2, np.int64).astype(_given), _tensor), TYPES
        )

RESIZING: dict[str, Mistake] = {
    **{
        f"to {name}{', strictly' if strict else ''}": after(
            _resize(0, shape, strict=strict), _input_shape
        )
        for strict in (False, True)
        for name, shape in {
            "rank 3": [8, 8, 2],
            "rank 5": [1, 1, 8, 8, 2],
            "no dimensions": [],
            "a number": 3,
            "rank two": [[1, 8, 8, 2]],
            "negative": [-1, 8, 8, 2],
            "negative zero": [0, -1, 0, 0],
            "too many elements": [2**31 - 1] * 4,
            "too many bytes": [2**31 - 1, 2**31 - 1, 2, 1],
            "more than int32": [2**31, 8, 8, 2],
            "fractions": [1.5, 8, 8, 2],
            "nan": [float("nan"), 8, 8, 2],
            "a str": "abc",
            "strs": ["1", "8", "8", "2"],
            "None": None,
            "a set": {1, 8},
            "bools": [True, 8, 8, 2],
            "zero rows": [0, 8, 8, 2],
            "int64": np.array([2, 8, 8, 2]),
            "another depth": [1, 8, 8, 3],
        }.items()
    },
    "strict: str": once(_resize(0, (1, 8, 8, 3), "x")),
    "strict: 1": once(_resize(0, (1, 8, 8, 3), 1)),
    "strict: None": once(_resize(0, (1, 8, 8, 3), None)),
    "strict without open dimensions": once(_resize(0, (4,), True), TWO),
    "strict, nothing changes": once(_resize(0, (3,), True), TWO),
    "strict, another rank": once(_resize(0, (3, 1), True), TWO),
    "without a shape": once(_resize(0)),
    "a constant": after(_resize(1, (3, 3)), _invoke, _allocate, _invoke),
    "a constant to its size": once(_resize(2, (4,))),
    "an intermediate": after(_resize(4, (3, 3)), _invoke, _allocate, _invoke),
    "an output": after(_resize(9, (3, 3)), _invoke, _allocate, _invoke),
    "and used without allocation": after(
        _set(IMAGE),
        _invoke,
        _resize(0, (2, 8, 8, 2)),
        _invoke,
        _get(0),
        _set(IMAGE),
        _set(np.repeat(IMAGE, 2, 0)),
        lambda i: i.tensor(0)(),
        lambda i: i.get_tensor(9).shape,
        lambda i: i.get_output_details()[0]["shape"],
        _set(np.ones((1, 10), np.float32), 9),
        _get(9),
        _allocate,
        _set(IMAGE),
        lambda i: i.get_output_details()[0]["shape"],
    ),
    "and back": after(_resize(0, (2, 8, 8, 2)), _resize(0, (1, 8, 8, 2)), _invoke),
    "to the same size keeps the data": after(
        _set(IMAGE), _resize(0, (1, 8, 8, 2)), _allocate, _get(0)
    ),
    "before allocation": after(
        _resize(0, (2, 8, 8, 2)),
        lambda i: i.get_output_details()[0]["shape"],
        _allocate,
        lambda i: i.get_output_details()[0]["shape"],
        allocate=False,
    ),
    "to what a node refuses": after(
        _resize(0, (3, 3)),
        _allocate,
        _invoke,
        _get(0),
        _set(np.zeros((3, 3), np.float32)),
        _resize(0, (2, 3)),
        _invoke,
        _allocate,
        _invoke,
        content=REFUSED,
    ),
    "with views held": held(
        0,
        _invoke,
        _allocate,
        _resize(0, (1, 8, 8, 2)),
        _resize(0, (2, 8, 8, 2)),
        _set(IMAGE),
        lambda i: i.reset_all_variables(),
        lambda i: i.get_signature_runner()(image=IMAGE)["scores"].shape,
    ),
    "with a view of a constant held": held(2, _invoke, _allocate),
    "with a view of an output held": held(9, _invoke, _allocate),
    "with the function held": after(
        lambda i: i.tensor(0)().fill(2), _invoke, _get(0), lambda i: i.tensor(0)(1) and None
    ),
}

SIGNATURES: dict[str, Mistake] = {
    "unknown key": once(lambda i: i.get_signature_runner("nope"), TWO),
    "no key, two signatures": once(lambda i: i.get_signature_runner(), TWO),
    "no key, no signature": once(lambda i: i.get_signature_runner(), FAILING),
    "a key, no signature": once(lambda i: i.get_signature_runner("serve"), FAILING),
    "empty key": once(lambda i: i.get_signature_runner(""), TWO),
    "key is a number": once(lambda i: i.get_signature_runner(3), TWO),
    "key is a list": once(lambda i: i.get_signature_runner([]), TWO),
    "two arguments": once(lambda i: i.get_signature_runner(None, 1), TWO),
    "missing argument": once(_sum(x=ONES), TWO),
    "extra argument": once(_sum(x=ONES, y=ONES, z=ONES), TWO),
    "misspelt argument": once(_sum(x=ONES, Y=ONES), TWO),
    "no arguments": once(_sum(), TWO),
    "positional argument": once(lambda i: i.get_signature_runner("sum")(ONES), TWO),
    "lists": once(_sum(x=[1, 2, 3], y=[1, 2, 3]), TWO),
    "Python numbers": once(_sum(x=1, y=2), TWO),
    "None": once(_sum(x=None, y=None), TWO),
    "NumPy's scalars": once(_sum(x=np.int32(1), y=np.int32(2)), TWO),
    "another type": once(_sum(x=ONES.astype(np.float32), y=ONES), TWO),
    "shapes that do not go together": after(
        _sum(x=ONES, y=np.ones(4, np.int32)),
        _invoke,
        _allocate,
        _sum(x=ONES, y=ONES),
        _invoke,
        content=TWO,
    ),
    "shapes that are broadcast": once(_sum(x=np.ones((4, 1), np.int32), y=ONES), TWO),
    "a strided argument": once(_sum(x=np.arange(6, dtype=np.int32)[::2], y=ONES), TWO),
    "a misspelt argument leaves the other resized": after(
        _sum(x=np.ones(5, np.int32), Y=ONES), _input_shape, _invoke, content=TWO
    ),
    "before allocation": once(_sum(x=ONES, y=ONES), TWO, allocate=False),
    "twice, of several sizes": once(
        lambda i: [
            i.get_signature_runner("product")(x=np.full(n, n, np.int32), y=np.ones(n, np.int32))
            for n in (2, 5, 2)
        ],
        TWO,
    ),
    "two runners are two": once(
        lambda i: i.get_signature_runner("sum") is i.get_signature_runner("sum"), TWO
    ),
    "the second subgraph before its run": once(lambda i: i.get_tensor(0, 1), TWO),
    "runner without an interpreter": lambda m, folder: m.SignatureRunner(),
    "runner without a key": lambda m, folder: m.SignatureRunner(new(m)),
    "runner with a wrong key": lambda m, folder: m.SignatureRunner(new(m), "x"),
}


def _words(value: Any) -> Mistake:
    return after(_set(value), _invoke, _get(0), _get(2), content=STRINGS)


STRING_TENSORS: dict[str, Mistake] = {
    "bytes": _words(np.array([b"a", b"bcd"])),
    "str": _words(np.array(["a", "b\u00fc"])),
    "objects of bytes": _words(np.array([b"a", b"b"], object)),
    "objects of str": _words(np.array(["a", "b\u00fc"], object)),
    "objects of both": _words(np.array([b"a", "b"], object)),
    "zero bytes inside": _words(np.array([b"a\0b", b"\0"])),
    "zero bytes inside objects": _words(np.array([b"a\0b", b"c\0"], object)),
    "empty": _words(np.array([b"", b""])),
    "strided": _words(np.array(["a", "b", "c", "d"])[::2]),
    "strided objects": _words(np.array(["a", "b", "c", "d"], object)[::2]),
    "long": _words(np.array(["a" * 1000, "b"])),
    "NumPy's own": _words(np.array([np.str_("q"), np.bytes_(b"r")], object)),
    **{
        f"not set: {name}": once(_set(value), STRINGS)
        for name, value in {
            "a list": ["a", "b"],
            "a tuple": ("a", "b"),
            "a str": "ab",
            "ints": np.array([1, 2]),
            "a list of ints": [1, 2],
            "objects of int": np.array([1, 2], object),
            "objects of float": np.array([1.5, b"a"], object),
            "objects of None": np.array([None, b"a"], object),
            "half a pair": np.array(["\udc80", "a"]),
            "objects of half a pair": np.array(["\udc80", "a"], object),
            "one too few": np.array(["a"]),
            "two dimensions": np.array([["a", "b"]]),
        }.items()
    },
    "a runner given a list": lambda m, folder: new(m, STRINGS).get_signature_runner()(
        words=["a", "b"]
    ),
    "a runner given ints": lambda m, folder: new(m, STRINGS).get_signature_runner()(
        words=np.array([1, 2], object)
    ),
}

MISTAKES: dict[str, Mistake] = {
    f"{group}: {name}": mistake
    for group, mistakes in {
        "construction": CONSTRUCTION,
        "tensors": TENSORS,
        "resizing": RESIZING,
        "signatures": SIGNATURES,
        "strings": STRING_TENSORS,
    }.items()
    for name, mistake in mistakes.items()
}
