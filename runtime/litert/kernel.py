"""The C callbacks behind every `SimpleDelegate`, and what they look up.

There are five callbacks for the whole process, never freed: an interpreter may call them while
the Python objects around it are being torn down in any order. They find their delegate by the
address of its struct (weakly: the interpreter's wrapper keeps it) and their kernel by the
context and user data (strongly: a kernel keeps its delegate for as long as the interpreter
keeps the kernel). Nothing raised in them reaches C: it becomes an error text and a status.
"""

from __future__ import annotations

import _thread
import ctypes as c
import itertools
import time
import traceback
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from litefuse.runtime.errors import LitefuseError
from litefuse.runtime.litert import structs
from litefuse.runtime.litert.errors import LiteRTError
from litefuse.runtime.litert.views import Array, array_at, tensor_address

if TYPE_CHECKING:
    from litefuse.runtime.litert.simple import NativeKernel, Partition, SimpleDelegate

DELEGATES: weakref.WeakValueDictionary[int, SimpleDelegate] = weakref.WeakValueDictionary()
PENDING: dict[int, Kernel] = {}
KERNELS: dict[tuple[int, int], list[Kernel]] = {}

_tokens = itertools.count(0x10)
_USER_DATA = structs.TfLiteNode.user_data.offset
_DATA = structs.TfLiteTensor.data.offset
_DIMS = structs.TfLiteTensor.dims.offset


class Kernel:
    """One partition at work inside one interpreter."""

    def __init__(
        self, delegate: SimpleDelegate, partition: Partition, native: NativeKernel | None
    ) -> None:
        self.delegate = delegate
        self.partition = partition
        self.native = native
        # Never 0: an interpreter does not call `free` for a kernel whose user data is null.
        self.user_data = (native.user_data if native else 0) or next(_tokens)
        self._reads = (*partition.inputs, *partition.constants)
        self._arrays: dict[int, tuple[int, Array]] = {}

    def prepare(self, context: int, node: int) -> None:
        """Bring the outputs' shapes up to date with those of the inputs."""
        self._arrays.clear()
        partition = self.partition
        shapes = {i: _shape(context, i) for i in partition.inputs}
        outputs = {i: partition.shapes[i] for i in partition.outputs}
        if any(partition.shapes[i] != shape for i, shape in shapes.items()):
            found = self.delegate.reshape(partition, shapes)
            outputs = {i: tuple(int(n) for n in found[i]) for i in partition.outputs}
            partition.shapes.update(shapes)
            partition.shapes.update(outputs)
        for i, shape in outputs.items():
            if _shape(context, i) != shape:
                status = structs.resize_tensor(context, tensor_address(context, i), shape)
                if status != structs.OK:
                    raise LiteRTError(
                        f"tensor {i} ({partition.tensor(i).name}) cannot be resized to "
                        f"{list(shape)}: the interpreter returned status {status}"
                    )
        self.delegate._kernel_prepared(self, context, node)

    def invoke(self, context: int) -> None:
        """Run the delegate's `eval` on views of the interpreter's memory."""
        inputs = {i: self._array(context, i, False) for i in self._reads}
        outputs = {i: self._array(context, i, True) for i in self.partition.outputs}
        self.delegate.eval(self.partition, inputs, outputs)

    def _array(self, context: int, index: int, writeable: bool) -> Array:
        at = tensor_address(context, index)
        data = c.c_void_p.from_address(at + _DATA).value or 0
        known = self._arrays.get(index)
        if known is not None and known[0] == data:
            return known[1]
        tensor = structs.TfLiteTensor.from_address(at)
        name = structs.TENSOR_TYPES.get(tensor.type, ("", ""))[1]
        dtype = np.dtype(name or "uint8")
        shape = structs.read_ints(tensor.dims) if name else (int(tensor.bytes),)
        if tensor.bytes == 0 or 0 in shape:
            array: Array = np.empty(shape, dtype)
        elif not data:
            raise LiteRTError(f"tensor {index} ({self.partition.tensor(index).name}) has no data")
        else:
            array = array_at(data, dtype, shape, int(tensor.bytes))
        array.flags.writeable = writeable
        self._arrays[index] = (data, array)
        return array


def _shape(context: int, index: int) -> tuple[int, ...]:
    at = tensor_address(context, index) + _DIMS
    return structs.read_ints(c.c_void_p.from_address(at).value)


def register(context: int, kernel: Kernel) -> None:
    """Let the callbacks find a kernel by its context and user data."""
    KERNELS.setdefault((context, kernel.user_data), []).append(kernel)


def unregister(context: int, user_data: int) -> Kernel | None:
    """Forget a kernel and return it; None if it is not known."""
    kernels = KERNELS.get((context, user_data))
    if not kernels:
        return None
    kernel = kernels.pop()
    if not kernels:
        del KERNELS[(context, user_data)]
    return kernel


def rename(context: int, node: int, kernel: Kernel, user_data: int) -> None:
    """Change what `node->user_data` of a kernel holds, from within its prepare."""
    unregister(context, kernel.user_data)
    kernel.user_data = user_data
    c.c_void_p.from_address(node + _USER_DATA).value = user_data
    register(context, kernel)


def _find(context: int, node: int) -> Kernel:
    user_data = c.c_void_p.from_address(node + _USER_DATA).value or 0
    return KERNELS[(context, user_data)][-1]


def _attempt(
    context: int, delegate: SimpleDelegate | None, what: str, body: Callable[..., Any], *rest: Any
) -> int:
    """Run `body(*rest)`; turn whatever it raises into an error text and a failing status."""
    try:
        body(*rest)
    except BaseException as error:
        try:
            structs.report_error(context, _describe(delegate, what, error))
            if delegate is not None:
                delegate.last_traceback = "".join(traceback.format_exception(error))
            if isinstance(error, KeyboardInterrupt):
                # C code lies between here and whoever should see it, and an interrupt set at
                # once would be raised again in this very function.
                _thread.start_new_thread(_interrupt_soon, ())
        except BaseException:
            return structs.DELEGATE_ERROR  # the interpreter is shutting down: nobody to tell
        return structs.DELEGATE_ERROR
    return structs.OK


def _interrupt_soon() -> None:
    time.sleep(0.002)
    _thread.interrupt_main()


def _describe(delegate: SimpleDelegate | None, what: str, error: BaseException) -> str:
    name = "litefuse" if delegate is None else delegate.name
    if isinstance(error, LitefuseError):
        return f"{name}: {error}. "
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{name}: {what} raised {type(error).__name__}: {error}{where}. "


def _prepare_delegate(context: int, delegate_address: int) -> int:
    delegate = None
    try:
        delegate = DELEGATES.get(delegate_address)
    except BaseException:
        return structs.DELEGATE_ERROR
    if delegate is None:
        return _attempt(context, None, "Prepare", _gone)
    return _attempt(context, delegate, "Prepare", delegate._apply, context)


def _gone() -> None:
    raise LiteRTError("the delegate object was deleted while an interpreter still used it")


def _unknown() -> None:
    raise LiteRTError("the interpreter called a kernel that was never made or is freed")


def _init(context: int, params: int, _length: int) -> int:
    try:
        kernel = PENDING.pop(context)
        found = structs.TfLiteDelegateParams.from_address(params)
        if structs.read_ints(found.nodes_to_replace) == kernel.partition.node_ids:
            register(context, kernel)
            return kernel.user_data
        PENDING[context] = kernel  # `_replace` sees it and fails the application
    except BaseException:
        return 0
    return 0


def _free(context: int, user_data: int) -> None:
    try:
        kernel = unregister(context, user_data)
        if kernel is None:
            return
        try:
            kernel.delegate.release(kernel.partition)
        except BaseException as error:  # nobody to tell: the interpreter is being destroyed
            kernel.delegate.last_traceback = "".join(traceback.format_exception(error))
    except BaseException:
        return


def _prepare(context: int, node: int) -> int:
    try:
        kernel = _find(context, node)
        return _attempt(context, kernel.delegate, "prepare", kernel.prepare, context, node)
    except BaseException:
        return _attempt(context, None, "prepare", _unknown)


def _invoke(context: int, node: int) -> int:
    try:
        kernel = _find(context, node)
        return _attempt(context, kernel.delegate, "eval", kernel.invoke, context)
    except BaseException:
        return _attempt(context, None, "invoke", _unknown)


def _immortal(thunk: Any) -> int:
    """The address of a callback that outlives everything, interpreters at exit included."""
    c.pythonapi.Py_IncRef(c.py_object(thunk))
    address = c.cast(thunk, c.c_void_p).value
    assert address is not None  # a function pointer
    return address


PREPARE_DELEGATE = _immortal(structs.PrepareFunction(_prepare_delegate))
INIT = _immortal(structs.InitFunction(_init))
FREE = _immortal(structs.FreeFunction(_free))
PREPARE = _immortal(structs.NodeFunction(_prepare))
INVOKE = _immortal(structs.NodeFunction(_invoke))
