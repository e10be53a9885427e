"""ctypes mirrors of the classic TFLite C structs (LP64: x86-64 and AArch64 Linux).

LiteRT calls these structs semi-stable: fields are appended, never reordered. `LAYOUT` states
sizes and offsets as data; `check_layout` compares the mirrors with it, and
`litefuse.runtime.litert.selfcheck` compares both with the library that is loaded.
"""

from __future__ import annotations

import ctypes as c
from collections.abc import Sequence
from typing import Any

OK, ERROR, DELEGATE_ERROR, APPLICATION_ERROR = 0, 1, 2, 3

ALLOW_DYNAMIC_TENSORS = 1
REQUIRE_PROPAGATED_SHAPES = 2
PER_OPERATOR_PROFILING = 4

DELEGATE_OP = 51
CUSTOM_OP = 32

# TfLiteAllocationType
MMAP_RO, ARENA_RW, ARENA_RW_PERSISTENT, DYNAMIC, PERSISTENT_RO = 1, 2, 3, 4, 5


class TfLiteIntArray(c.Structure):
    """A counted array of C ints: the header; the elements follow it in memory."""

    _fields_ = [("size", c.c_int)]


class TfLiteFloatArray(c.Structure):
    """A counted array of C floats: the header; the elements follow it in memory."""

    _fields_ = [("size", c.c_int)]


IntArrayPointer = c.POINTER(TfLiteIntArray)


class TfLiteQuantizationParams(c.Structure):
    """Legacy per-tensor scale and zero point."""

    _fields_ = [("scale", c.c_float), ("zero_point", c.c_int32)]


class TfLiteQuantization(c.Structure):
    """Tagged pointer to the parameters: 0 none, 1 affine, 2 blockwise, 3 multi-axis."""

    _fields_ = [("type", c.c_int), ("params", c.c_void_p)]


class TfLiteAffineQuantization(c.Structure):
    """Scales and zero points, per tensor or along one dimension."""

    _fields_ = [
        ("scale", c.c_void_p),
        ("zero_point", c.c_void_p),
        ("quantized_dimension", c.c_int32),
    ]


class TfLiteTensor(c.Structure):
    """One tensor: type, shape, and where its bytes are at this moment."""

    _fields_ = [
        ("type", c.c_int),
        ("data", c.c_void_p),
        ("dims", c.c_void_p),
        ("params", TfLiteQuantizationParams),
        ("allocation_type", c.c_int),
        ("bytes", c.c_size_t),
        ("allocation", c.c_void_p),
        ("name", c.c_char_p),
        ("delegate", c.c_void_p),
        ("buffer_handle", c.c_int),
        ("data_is_stale", c.c_bool),
        ("is_variable", c.c_bool),
        ("quantization", TfLiteQuantization),
        ("sparsity", c.c_void_p),
        ("dims_signature", c.c_void_p),
    ]


class TfLiteNode(c.Structure):
    """One node of the graph: tensor indices, attributes and the kernel's own state."""

    _fields_ = [
        ("inputs", c.c_void_p),
        ("outputs", c.c_void_p),
        ("intermediates", c.c_void_p),
        ("temporaries", c.c_void_p),
        ("user_data", c.c_void_p),
        ("builtin_data", c.c_void_p),
        ("custom_initial_data", c.c_void_p),
        ("custom_initial_data_size", c.c_int),
        ("delegate", c.c_void_p),
        ("might_have_side_effect", c.c_bool),
    ]


class TfLiteDelegateParams(c.Structure):
    """One partition, as init and PreviewDelegatePartitioning see it."""

    _fields_ = [
        ("delegate", c.c_void_p),
        ("nodes_to_replace", c.c_void_p),
        ("input_tensors", c.c_void_p),
        ("output_tensors", c.c_void_p),
    ]


# Contexts, nodes and delegates cross the callbacks as plain addresses: a callback then makes no
# Python object for them, and a null or foreign one cannot fail inside ctypes.
InitFunction = c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.c_void_p, c.c_size_t)
FreeFunction = c.CFUNCTYPE(None, c.c_void_p, c.c_void_p)
NodeFunction = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p)
PrepareFunction = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p)


class TfLiteRegistration(c.Structure):
    """A kernel: four functions and the name shown in profiles. Passed by value."""

    _fields_ = [
        ("init", c.c_void_p),
        ("free", c.c_void_p),
        ("prepare", c.c_void_p),
        ("invoke", c.c_void_p),
        ("profiling_string", c.c_void_p),
        ("builtin_code", c.c_int32),
        ("custom_name", c.c_char_p),
        ("version", c.c_int),
        ("registration_external", c.c_void_p),
        ("async_kernel", c.c_void_p),
        ("inplace_operator", c.c_uint64),
    ]


class TfLiteDelegate(c.Structure):
    """What an interpreter is given: Prepare and flags; the buffer-handle functions stay null."""

    _fields_ = [
        ("data_", c.c_void_p),
        ("Prepare", c.c_void_p),
        ("CopyFromBufferHandle", c.c_void_p),
        ("CopyToBufferHandle", c.c_void_p),
        ("FreeBufferHandle", c.c_void_p),
        ("flags", c.c_int64),
        ("opaque_delegate_builder", c.c_void_p),
    ]


class TfLiteContext(c.Structure):
    """One subgraph of an interpreter: its tensors and the functions a delegate may call."""

    _fields_ = [
        ("tensors_size", c.c_size_t),
        ("GetExecutionPlan", c.c_void_p),
        ("tensors", c.c_void_p),
        ("impl_", c.c_void_p),
        ("ResizeTensor", c.c_void_p),
        ("ReportError", c.c_void_p),
        ("AddTensors", c.c_void_p),
        ("GetNodeAndRegistration", c.c_void_p),
        ("ReplaceNodeSubsetsWithDelegateKernels", c.c_void_p),
        ("recommended_num_threads", c.c_int),
        ("GetExternalContext", c.c_void_p),
        ("SetExternalContext", c.c_void_p),
        ("allow_fp32_relax_to_fp16", c.c_bool),
        ("profiler", c.c_void_p),
        ("AllocatePersistentBuffer", c.c_void_p),
        ("AllocateBufferForEval", c.c_void_p),
        ("RequestScratchBufferInArena", c.c_void_p),
        ("GetScratchBuffer", c.c_void_p),
        ("ResizeTensorExplicit", c.c_void_p),
        ("PreviewDelegatePartitioning", c.c_void_p),
        ("GetTensor", c.c_void_p),
        ("GetEvalTensor", c.c_void_p),
        ("GetModelMetadata", c.c_void_p),
        ("AcquireSubgraphContext", c.c_void_p),
        ("ReleaseSubgraphContext", c.c_void_p),
    ]


# Prototypes of the context's functions that are called from here. ReportError is variadic; with
# the single format "%s" and a pointer argument the plain call is the same on both ABIs.
_pointer = c.c_void_p
CONTEXT_FUNCTIONS: dict[str, Any] = {
    "GetExecutionPlan": c.CFUNCTYPE(c.c_int, _pointer, c.POINTER(_pointer)),
    "ReportError": c.CFUNCTYPE(None, _pointer, c.c_char_p, c.c_char_p),
    "GetNodeAndRegistration": c.CFUNCTYPE(
        c.c_int, _pointer, c.c_int, c.POINTER(_pointer), c.POINTER(_pointer)
    ),
    "ReplaceNodeSubsetsWithDelegateKernels": c.CFUNCTYPE(
        c.c_int, _pointer, TfLiteRegistration, _pointer, _pointer
    ),
    "ResizeTensor": c.CFUNCTYPE(c.c_int, _pointer, _pointer, _pointer),
    "PreviewDelegatePartitioning": c.CFUNCTYPE(
        c.c_int, _pointer, _pointer, c.POINTER(_pointer), c.POINTER(c.c_int)
    ),
}

# struct -> (size, {field: offset}); only the fields that this package reads or writes.
LAYOUT: dict[type[c.Structure], tuple[int, dict[str, int]]] = {
    TfLiteContext: (
        200,
        {
            "tensors_size": 0,
            "GetExecutionPlan": 8,
            "tensors": 16,
            "impl_": 24,
            "ResizeTensor": 32,
            "ReportError": 40,
            "GetNodeAndRegistration": 56,
            "ReplaceNodeSubsetsWithDelegateKernels": 64,
            "recommended_num_threads": 72,
            "PreviewDelegatePartitioning": 152,
        },
    ),
    TfLiteTensor: (
        112,
        {
            "type": 0,
            "data": 8,
            "dims": 16,
            "params": 24,
            "allocation_type": 32,
            "bytes": 40,
            "name": 56,
            "is_variable": 77,
            "quantization": 80,
            "sparsity": 96,
            "dims_signature": 104,
        },
    ),
    TfLiteNode: (
        80,
        {
            "inputs": 0,
            "outputs": 8,
            "user_data": 32,
            "builtin_data": 40,
            "custom_initial_data": 48,
            "custom_initial_data_size": 56,
            "delegate": 64,
        },
    ),
    TfLiteRegistration: (
        88,
        {
            "init": 0,
            "free": 8,
            "prepare": 16,
            "invoke": 24,
            "builtin_code": 40,
            "custom_name": 48,
            "version": 56,
        },
    ),
    TfLiteDelegate: (56, {"Prepare": 8, "flags": 40, "opaque_delegate_builder": 48}),
    TfLiteDelegateParams: (
        32,
        {"delegate": 0, "nodes_to_replace": 8, "input_tensors": 16, "output_tensors": 24},
    ),
    TfLiteAffineQuantization: (24, {"scale": 0, "zero_point": 8, "quantized_dimension": 16}),
    TfLiteQuantization: (16, {"type": 0, "params": 8}),
}

# TfLiteType -> (name as in the schema's TensorType, NumPy dtype or "" where NumPy has none).
TENSOR_TYPES: dict[int, tuple[str, str]] = {
    1: ("FLOAT32", "float32"),
    2: ("INT32", "int32"),
    3: ("UINT8", "uint8"),
    4: ("INT64", "int64"),
    5: ("STRING", ""),
    6: ("BOOL", "bool"),
    7: ("INT16", "int16"),
    8: ("COMPLEX64", "complex64"),
    9: ("INT8", "int8"),
    10: ("FLOAT16", "float16"),
    11: ("FLOAT64", "float64"),
    12: ("COMPLEX128", "complex128"),
    13: ("UINT64", "uint64"),
    14: ("RESOURCE", ""),
    15: ("VARIANT", ""),
    16: ("UINT32", "uint32"),
    17: ("UINT16", "uint16"),
    18: ("INT4", ""),
    19: ("BFLOAT16", ""),
    20: ("INT2", ""),
    21: ("UINT4", ""),
    22: ("FLOAT8_E4M3FN", ""),
    23: ("FLOAT8_E5M2", ""),
}


def check_layout() -> list[str]:
    """Differences between the mirrors and `LAYOUT` on this platform; empty when it is LP64."""
    wrong = []
    for struct, (size, offsets) in LAYOUT.items():
        if c.sizeof(struct) != size:
            wrong.append(f"sizeof({struct.__name__}) is {c.sizeof(struct)}, not {size}")
        for field, offset in offsets.items():
            actual = getattr(struct, field).offset
            if actual != offset:
                wrong.append(f"{struct.__name__}.{field} is at {actual}, not {offset}")
    return wrong


def int_array(values: Sequence[int]) -> c.Array[c.c_int]:
    """A TfLiteIntArray holding `values`, owned by Python: pass its `ctypes.addressof`."""
    return (c.c_int * (1 + len(values)))(len(values), *values)


def read_ints(address: int | None) -> tuple[int, ...]:
    """The elements of the TfLiteIntArray at `address`, copied; empty for a null pointer."""
    if not address:
        return ()
    size = c.c_int.from_address(address).value
    return tuple((c.c_int * size).from_address(address + 4)) if size > 0 else ()


def counted_bytes(address: int | None) -> bytes:
    """The elements of a TfLiteFloatArray or TfLiteIntArray, copied; empty for a null pointer."""
    if not address:
        return b""
    size = c.c_int.from_address(address).value
    return c.string_at(address + 4, 4 * size) if size > 0 else b""


def context_call(context: int, name: str, *arguments: object) -> int:
    """Call one of `CONTEXT_FUNCTIONS` of the TfLiteContext at `context`; its status (0 is Ok)."""
    entry = getattr(TfLiteContext.from_address(context), name)
    status = CONTEXT_FUNCTIONS[name](entry)(context, *arguments)
    return 0 if status is None else int(status)


def report_error(context: int, text: str) -> None:
    """Hand `text` to the interpreter's error reporter, whatever characters it holds."""
    message = text.encode("utf-8", "replace").replace(b"\0", b" ")
    context_call(context, "ReportError", b"%s", message)


_libc: c.CDLL | None = None


def resize_tensor(context: int, tensor: int, shape: Sequence[int]) -> int:
    """Give the TfLiteTensor at address `tensor` a new shape; the status (0 is Ok).

    LiteRT leaves ResizeTensorExplicit null, and ResizeTensor takes ownership of the array it is
    given and frees it, so the array has to come from the C library's malloc.
    """
    global _libc
    if _libc is None:
        _libc = c.CDLL(None)
        _libc.malloc.restype = c.c_void_p
        _libc.malloc.argtypes = [c.c_size_t]
    values = int_array(shape)
    owned = _libc.malloc(c.sizeof(values))
    if not owned:
        raise MemoryError("no memory for a tensor's shape")
    c.memmove(owned, values, c.sizeof(values))
    return context_call(context, "ResizeTensor", tensor, owned)
