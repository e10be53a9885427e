"""Does the loaded interpreter speak the C ABI that `structs` mirrors? Asked once per library.

A model of one MUL node, whose every field is known, is opened with a probing delegate. What the
delegate is shown is compared field by field; then it claims the node, and init, prepare, invoke
and free must arrive with the right arguments and the output must come back. Memory is first read
through the kernel, so that a foreign layout yields a message instead of a crash.
"""

from __future__ import annotations

import base64
import ctypes as c
import os
import sys
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from litefuse.runtime.litert import structs
from litefuse.runtime.litert.errors import LiteRTError

# x: int8 [1, 2, 3, 5] (0.5, -3); y: int8 constant [5] (0.25, 7) = 1..5; z = MUL(x, y) with RELU6,
# int8 (0.125, 11), operator version 2.
PROBE_MODEL = zlib.decompress(
    base64.b64decode(
        b"eNp1UTEOwjAMvLYBilpBBUVi6MDQgYEBCUZUmJgYGJiYeQQw8SAewVP4CCoXx4UwEMlJ7Njn86UEcNjuFvhZPeTIkCLm"
        b"3dADngEw52kjEY0uM8CcDH2JG96BAS10IINvToPmciYSc28nxQr1hJ75hwekNlEeM5cyihWjqQ29WqDNXh3usiLL96G9"
        b"DO1Y17XtvXHv3ZLbjrFYOVmM5AcPlfF6WbyW+leyGpPlUOfrKffVt7Y75XZX/FzjHU9tl3erAg/3on/QaGtxC9peMZcy"
        b"fypOo6uP/6rd8mZY/5vhrLFCNXX6GdEvFc2M6Cb5YWRaHvc3i6Ie0Q=="
    )
)

HOSTS = (
    "ai_edge_litert.interpreter",
    "tflite_runtime.interpreter",
    "tensorflow.lite.python.interpreter",
)

_S = TypeVar("_S", bound=c.Structure)
_MUL, _RELU6, _INT8, _THREADS = 18, 3, 9, 3


@dataclass(frozen=True, slots=True)
class HostCheck:
    """The verdict on one host library: `problems` is empty when it can be used."""

    module: str
    milliseconds: float
    problems: tuple[str, ...]

    def raise_if_unusable(self) -> None:
        """Raise LiteRTError, listing what disagrees."""
        if self.problems:
            listed = "; ".join(self.problems)
            raise LiteRTError(
                f"{self.module} does not lay out its C structs as litefuse expects ({listed}). "
                "Running a delegate would corrupt memory, so none is applied. Use a release of "
                "ai-edge-litert 2.x, or run without the delegate"
            )


_verdicts: dict[str, HostCheck] = {}
_lock = threading.RLock()


def ensure_usable() -> tuple[HostCheck, ...]:
    """Check every host library that this process has imported; raise LiteRTError on the first bad.

    A library is probed once per process (about a millisecond); later calls cost a look-up.
    """
    checks = []
    for name in HOSTS:
        module = sys.modules.get(name)
        if module is not None and hasattr(module, "Interpreter"):
            check = check_host(module)
            check.raise_if_unusable()
            checks.append(check)
    return tuple(checks)


def check_host(module: ModuleType) -> HostCheck:
    """The verdict on one module with an `Interpreter` class, probed on the first call."""
    with _lock:
        verdict = _verdicts.get(module.__name__)
        if verdict is None:
            start = time.perf_counter()
            problems = tuple(_probe(module))
            elapsed = (time.perf_counter() - start) * 1e3
            verdict = _verdicts[module.__name__] = HostCheck(module.__name__, elapsed, problems)
    return verdict


def _probe(module: ModuleType) -> list[str]:
    problems = structs.check_layout()
    if problems:
        return problems
    probe = _ProbingDelegate()
    options: dict[str, Any] = {}
    resolver = getattr(module, "OpResolverType", None)
    if resolver is not None:
        options["experimental_op_resolver_type"] = resolver.BUILTIN_REF
    try:
        interpreter = module.Interpreter(
            model_content=PROBE_MODEL,
            num_threads=_THREADS,
            experimental_delegates=[probe],
            **options,
        )
        if not probe.problems:
            interpreter.allocate_tensors()
            interpreter.invoke()
            result = interpreter.get_tensor(2).tobytes()
            probe.expect("the output after invoke", result, bytes(range(30)))
        del interpreter
    except (RuntimeError, ValueError) as error:
        probe.problems.append(f"the probe model could not be run: {error}")
    if not probe.problems:
        probe.expect(
            "the order of calls", probe.calls, ["prepare", "init", "kernel", "run", "free"]
        )
    return probe.problems


class _Memory:
    """Reads of this process's memory that fail instead of faulting."""

    def __init__(self) -> None:
        try:
            self._file: int | None = os.open("/proc/self/mem", os.O_RDONLY)
            self._code = [
                tuple(int(edge, 16) for edge in line.split(" ", 1)[0].split("-"))
                for line in Path("/proc/self/maps").read_text(errors="replace").splitlines()
                if "x" in line.split(" ", 2)[1]
            ]
        except OSError:  # no /proc: nothing to compare with, so trust the pointers
            self._file = None
            self._code = []

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)

    def read(self, address: int, size: int) -> bytes:
        """The bytes at `address`; LiteRTError if they cannot be read."""
        if self._file is None:
            return c.string_at(address, size)
        try:
            data = os.pread(self._file, size, address)
        except (OSError, OverflowError, ValueError):
            data = b""
        if len(data) != size:
            raise LiteRTError(f"no memory at {address:#x}")
        return data

    def is_code(self, address: int | None) -> bool:
        """Whether a function may start here."""
        if self._file is None:
            return bool(address)
        return any(low <= (address or 0) < high for low, high in self._code)

    def struct(self, kind: type[_S], address: int | None) -> _S:
        """A copy of the struct at `address`."""
        return kind.from_buffer_copy(self.read(address or 0, c.sizeof(kind)))

    def ints(self, address: int | None) -> list[int]:
        """A copy of the TfLiteIntArray at `address`."""
        count = int.from_bytes(self.read(address or 0, 4), "little", signed=True)
        if not 0 <= count <= 64:
            raise LiteRTError(f"an int array of {count} elements at {address or 0:#x}")
        return list((c.c_int * count).from_buffer_copy(self.read((address or 0) + 4, 4 * count)))


class _ProbingDelegate:
    """Looks at the probe model through the mirrors, claims its node, and notes what disagrees."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.calls: list[str] = []
        self._name = b"litefuse-selfcheck"
        self._prepare = structs.PrepareFunction(self._guard(self._on_prepare))
        self._init = structs.InitFunction(self._on_init)
        self._free = structs.FreeFunction(self._on_free)
        self._kernel_prepare = structs.NodeFunction(self._guard(self._on_kernel_prepare))
        self._invoke = structs.NodeFunction(self._guard(self._on_invoke))
        self._struct = structs.TfLiteDelegate(
            Prepare=c.cast(self._prepare, c.c_void_p).value,
            flags=structs.ALLOW_DYNAMIC_TENSORS,  # keeps the runtime from preparing MUL first
        )

    def _get_native_delegate_pointer(self) -> int:
        return c.addressof(self._struct)

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Note a disagreement."""
        if found != wanted:
            self.problems.append(f"{what} is {found!r} where {wanted!r} was expected")

    def _guard(self, body: Callable[[int, int], None]) -> Callable[[int | None, int | None], int]:
        def call(context: int | None, other: int | None) -> int:
            try:
                body(context or 0, other or 0)
            except Exception as error:
                self.problems.append(str(error))
            # A status other than Ok would raise in the host, with less to say than `problems`.
            return structs.OK

        return call

    def _on_prepare(self, context: int, delegate: int) -> None:
        self.calls.append("prepare")
        memory = _Memory()
        try:
            self.expect("the delegate's address", delegate, c.addressof(self._struct))
            if self._examine(memory, context):
                self._claim(context, delegate)
        finally:
            memory.close()

    def _examine(self, memory: _Memory, context: int) -> bool:
        header = memory.struct(structs.TfLiteContext, context)
        self.expect("TfLiteContext.tensors_size", header.tensors_size, 3)
        threads = header.recommended_num_threads
        self.expect("TfLiteContext.recommended_num_threads", threads, _THREADS)
        for name in structs.CONTEXT_FUNCTIONS:
            self.expect(
                f"TfLiteContext.{name} in code", memory.is_code(getattr(header, name)), True
            )
        if self.problems:
            return False
        plan = c.c_void_p()
        structs.context_call(context, "GetExecutionPlan", c.byref(plan))
        self.expect("the execution plan", memory.ints(plan.value), [0])
        nodes, params, count = structs.int_array([0]), c.c_void_p(), c.c_int()
        structs.context_call(
            context,
            "PreviewDelegatePartitioning",
            c.addressof(nodes),
            c.byref(params),
            c.byref(count),
        )
        partition = memory.struct(structs.TfLiteDelegateParams, params.value)
        self.expect("the number of partitions", count.value, 1)
        self.expect("the partition's inputs", memory.ints(partition.input_tensors), [0, 1])
        self.expect("the partition's outputs", memory.ints(partition.output_tensors), [2])
        self._examine_node(memory, context)
        self._examine_tensor(memory, header.tensors, 0, b"x", [1, 2, 3, 5], 0.5, -3)
        self._examine_tensor(memory, header.tensors, 1, b"y", [5], 0.25, 7)
        self._examine_tensor(memory, header.tensors, 2, b"z", [1, 2, 3, 5], 0.125, 11)
        return not self.problems

    def _examine_node(self, memory: _Memory, context: int) -> None:
        node_at, registration_at = c.c_void_p(), c.c_void_p()
        structs.context_call(
            context, "GetNodeAndRegistration", 0, c.byref(node_at), c.byref(registration_at)
        )
        node = memory.struct(structs.TfLiteNode, node_at.value)
        self.expect("the node's inputs", memory.ints(node.inputs), [0, 1])
        self.expect("the node's outputs", memory.ints(node.outputs), [2])
        self.expect("MUL's activation", memory.read(node.builtin_data or 0, 4)[0], _RELU6)
        registration = memory.struct(structs.TfLiteRegistration, registration_at.value)
        self.expect("TfLiteRegistration.builtin_code", registration.builtin_code, _MUL)
        self.expect("TfLiteRegistration.version", registration.version, 2)

    def _examine_tensor(
        self, memory: _Memory, base: int, index: int, name: bytes, shape: list[int],
        scale: float, zero_point: int,
    ) -> None:  # fmt: skip
        where = f"tensor {index}"
        tensor = memory.struct(structs.TfLiteTensor, base + index * c.sizeof(structs.TfLiteTensor))
        name_at = structs.TfLiteTensor.name.offset
        pointer = int.from_bytes(bytes(tensor)[name_at : name_at + 8], "little")
        self.expect(f"{where}'s name", memory.read(pointer, 2), name + b"\0")
        self.expect(f"{where}'s type", tensor.type, _INT8)
        self.expect(f"{where}'s shape", memory.ints(tensor.dims), shape)
        self.expect(f"{where}'s legacy scale", tensor.params.scale, scale)
        self.expect(f"{where}'s legacy zero point", tensor.params.zero_point, zero_point)
        self.expect(f"{where}'s quantization type", tensor.quantization.type, 1)
        affine = memory.struct(structs.TfLiteAffineQuantization, tensor.quantization.params)
        self.expect(f"{where}'s zero points", memory.ints(affine.zero_point), [zero_point])
        scale_bytes = memory.read((affine.scale or 0) + 4, 4)
        self.expect(f"{where}'s scale", c.c_float.from_buffer_copy(scale_bytes).value, scale)
        self.expect(f"{where} is variable", tensor.is_variable, False)
        constant = index == 1
        wanted = structs.MMAP_RO if constant else structs.ARENA_RW
        self.expect(f"{where}'s allocation type", tensor.allocation_type, wanted)
        self.expect(f"{where}'s size in bytes", tensor.bytes, 5 if constant else 30)
        if constant:
            self.expect(f"{where}'s data", memory.read(tensor.data or 0, 5), bytes(range(1, 6)))

    def _claim(self, context: int, delegate: int) -> None:
        wanted = structs.int_array([0])
        registration = structs.TfLiteRegistration(
            init=c.cast(self._init, c.c_void_p).value,
            free=c.cast(self._free, c.c_void_p).value,
            prepare=c.cast(self._kernel_prepare, c.c_void_p).value,
            invoke=c.cast(self._invoke, c.c_void_p).value,
            custom_name=self._name,
            version=1,
        )
        status = structs.context_call(
            context,
            "ReplaceNodeSubsetsWithDelegateKernels",
            registration,
            c.addressof(wanted),
            delegate,
        )
        self.expect("the status of replacing a node", status, structs.OK)

    def _on_init(self, _context: int | None, params: int | None, length: int) -> int:
        self.calls.append("init")
        try:
            found = structs.TfLiteDelegateParams.from_address(params or 0)
            self.expect("init's length", length, 0)
            self.expect("init's nodes", structs.read_ints(found.nodes_to_replace), (0,))
            self.expect("init's inputs", structs.read_ints(found.input_tensors), (0, 1))
            self.expect("init's outputs", structs.read_ints(found.output_tensors), (2,))
        except Exception as error:
            self.problems.append(str(error))
        return 0x1F5E

    def _on_free(self, _context: int | None, user_data: int | None) -> None:
        self.calls.append("free")
        self.expect("free's user data", user_data, 0x1F5E)

    def _on_kernel_prepare(self, _context: int, node: int) -> None:
        self.calls.append("kernel")
        self.expect("node.user_data", structs.TfLiteNode.from_address(node).user_data, 0x1F5E)

    def _on_invoke(self, context: int, node: int) -> None:
        self.calls.append("run")
        outputs = structs.read_ints(structs.TfLiteNode.from_address(node).outputs)
        self.expect("the delegate node's outputs", outputs, (2,))
        if self.problems:
            return
        base: int = structs.TfLiteContext.from_address(context).tensors
        tensor = structs.TfLiteTensor.from_address(base + 2 * c.sizeof(structs.TfLiteTensor))
        self.expect("the output's alignment", (tensor.data or 0) % 64, 0)
        c.memmove(tensor.data, bytes(range(30)), 30)
