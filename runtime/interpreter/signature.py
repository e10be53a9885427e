"""Calling a model by a signature's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litefuse.runtime.interpreter.details import Details, signature_tensors
from litefuse.runtime.kernels.base import Array

if TYPE_CHECKING:
    from litefuse.runtime.interpreter.interpreter import Interpreter


class SignatureRunner:
    """One signature of an interpreter's model, called with arrays by name.

    Made by `Interpreter.get_signature_runner`.  A call resizes the inputs to the arrays given,
    allocates, runs the signature's subgraph and returns copies of its outputs.
    """

    def __init__(
        self, interpreter: Interpreter | None = None, signature_key: str | None = None
    ) -> None:
        if not interpreter:
            raise ValueError("None interpreter provided.")
        if not signature_key:
            raise ValueError("None signature_key provided.")
        found = signature_tensors(interpreter.model, signature_key)
        if found is None:
            raise ValueError(f'Invalid signature_key provided: "{signature_key}".')
        self._interpreter = interpreter
        self._inputs, self._outputs, self._subgraph = found

    def __call__(self, **kwargs: Array) -> dict[str, Array]:
        """Run the signature on these arrays; {output name: array}."""
        if len(kwargs) != len(self._inputs):
            raise ValueError(
                "Invalid number of inputs provided for running a SignatureDef, "
                f"expected {len(self._inputs)} vs provided {len(kwargs)}"
            )
        state = self._interpreter.subgraph(self._subgraph)
        for name, value in kwargs.items():
            if name not in self._inputs:  # what came before it stays resized, as in LiteRT
                raise ValueError(f"Invalid Input name ({name}) for SignatureDef")
            state.resize_input(self._inputs[name], tuple(value.shape), strict=False)
        state.allocate()
        for name, value in kwargs.items():
            state.set_tensor(self._inputs[name], value)
        state.invoke()
        return {name: state.get_tensor(index) for name, index in self._outputs.items()}

    def get_input_details(self) -> dict[str, Details]:
        """{input name: tensor details}."""
        return self._details(self._inputs)

    def get_output_details(self) -> dict[str, Details]:
        """{output name: tensor details}."""
        return self._details(self._outputs)

    def _details(self, tensors: dict[str, int]) -> dict[str, Any]:
        state = self._interpreter.subgraph(self._subgraph)
        return {name: state.details(index) for name, index in tensors.items()}
