"""The fused kernels of a compiled model by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from litefuse.runtime.artifact import Step
from litefuse.runtime.errors import ExecutionError
from litefuse.runtime.loader import LoadedImage
from litefuse.runtime.step import Kernel


class KernelNameError(ExecutionError, KeyError):
    """No kernel of the model has this name, or several have; the text lists names."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError's own would be the text's repr


class KernelTable(Mapping[str, Kernel]):
    """{name: kernel}, in the order in which they run.

    The names are the symbols in the code; where a model has several partitions, each with its
    partition's number before it: "0:<symbol>". A lookup also takes what a name is made of (the
    symbol without the number, or the kernel's kind) where only one kernel has it.
    """

    def __init__(self, images: Sequence[LoadedImage]) -> None:
        several = len(images) > 1
        self._found: dict[str, tuple[LoadedImage, Step]] = {}
        for number, image in enumerate(images):
            for step in image.info.steps:
                name = f"{number}:{step.symbol}" if several else step.symbol
                # A kernel may run several times; then its arguments tell the steps apart.
                count = 2
                while name in self._found:
                    name = f"{name.partition('#')[0]}#{count}"
                    count += 1
                self._found[name] = (image, step)

    def __getitem__(self, name: str) -> Kernel:
        if name in self._found:
            return Kernel(*self._found[name])
        fit = [key for key, (_, step) in self._found.items() if name in (step.symbol, step.kernel)]
        if len(fit) == 1:
            return Kernel(*self._found[fit[0]])
        if fit:
            raise KernelNameError(f"{len(fit)} kernels are {name!r}: {', '.join(fit)}")
        raise KernelNameError(f"no kernel {name!r}; the model has {', '.join(self._found)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def steps(self) -> dict[str, Step]:
        """{name: step}: the nodes, arguments and work of each kernel."""
        return {name: step for name, (_, step) in self._found.items()}
