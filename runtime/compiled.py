"""`litefuse.compile`: a model as a callable of arrays, to be saved in one file and loaded again."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from litefuse import __version__
from litefuse.runtime import bundle
from litefuse.runtime.cpu import HostTarget, host_target, resolve_target
from litefuse.runtime.engines import CodeEngine, Engine, MixedEngine, runs_alone
from litefuse.runtime.errors import BuildError, ExecutionError, LitefuseWarning, PortError
from litefuse.runtime.explanation import Explanation
from litefuse.runtime.options import Options
from litefuse.runtime.plan import NodeRecord, Partition
from litefuse.runtime.program import InputShapes, Part, TensorInfo, find_port
from litefuse.runtime.threads import ThreadPool

if TYPE_CHECKING:
    from litefuse.runtime.kernel_table import KernelTable
    from litefuse.runtime.loader import Origin
    from litefuse.runtime.model import Model
    from litefuse.runtime.profile import Profile


def compile(  # noqa: A001 - that is what it does
    model: str | os.PathLike[str] | bytes | memoryview | Model,
    *,
    input_shapes: InputShapes | None = None,
    **options: Any,
) -> CompiledModel:
    """Compile a .tflite model (a path, its bytes, or a parsed `Model`) for calling from Python.

    `options` are those of `litefuse.Options`; an unknown one is an OptionError. `input_shapes`, by
    name or in order, are for a model that is to run at other shapes than its file says. With a
    `target` that is not this machine the result can be saved, but not called.

    Nodes that cannot be claimed run on NumPy kernels, unless `require_full_delegation` makes that
    an error; a partition that fails to compile does so too, with one LitefuseWarning. ModelError
    for a file that is no model, BuildError when planning fails, RuntimeError when nothing can run
    some node (it names the operators).
    """
    from litefuse.runtime import build
    from litefuse.runtime.model import Model, read_model

    chosen = Options.from_kwargs(**options)
    target = resolve_target(chosen.target)
    parsed = model if isinstance(model, Model) else read_model(model)
    if input_shapes is not None:
        from litefuse.runtime.program import at_shapes

        parsed = at_shapes(parsed, input_shapes)
    native = _runs_here(target)
    parts: list[Part] = []
    nodes: list[NodeRecord] = []
    notes: list[str] = []
    try:
        for index, graph in enumerate(parsed.subgraphs):
            plan = build.plan(parsed, index, chosen)
            notes += plan.notes
            told = {n: (why.rule, why.value, why.remedy) for n, why in plan.reasons.items()}
            where: dict[int, int] = {}
            for partition in plan.partitions:
                try:
                    if native:
                        part = Part(partition, build.build(parsed, partition, chosen))
                    else:
                        data = build.build_bytes(parsed, partition, chosen)
                        part = Part(partition, None, data)
                except BuildError as error:
                    why_not = ("compiling failed", str(error), "please report it")
                    told |= dict.fromkeys(partition.nodes, why_not)
                    _warn_of_failure(partition, error)
                    continue
                where |= dict.fromkeys(partition.nodes, len(parts))
                parts.append(part)
            for n, op in enumerate(graph.operators):
                why = ("", "", "") if n in where else told.get(n, ("", "", ""))
                nodes.append(NodeRecord(index, n, op.name, n in where, *why, where.get(n)))
        if chosen.require_full_delegation:
            _require_all(nodes)
        return _assemble(parsed, parts, nodes, notes, chosen, target)
    except BaseException:
        for part in parts:
            part.close()
        raise


class CompiledModel:
    """A model ready to be called with arrays; `litefuse.compile` and `load` make it.

    Called with positional arrays, in the order of `inputs`, it returns the list of its outputs;
    called with keywords, by input name, a dictionary of them by output name. Arrays must have the
    inputs' dtypes and shapes exactly (PortError). The outputs are new arrays. Safe to call from
    several threads, one of which runs at a time, with the GIL released.
    """

    def __init__(
        self,
        *,
        name: str,
        target: HostTarget,
        inputs: Sequence[TensorInfo],
        outputs: Sequence[TensorInfo],
        parts: Sequence[Part],
        nodes: Sequence[NodeRecord],
        notes: Sequence[str],
        options: Options,
        model: Model | None,
        content: bytes | memoryview | None,
    ) -> None:
        self.name = name
        self.target = target
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self._parts, self._nodes, self._notes = tuple(parts), tuple(nodes), tuple(notes)
        self._options, self._model, self._content = options, model, content
        self._closed = False
        self._engine: Engine | None = None
        self._pool: ThreadPool | None = None
        if not _runs_here(target):
            return
        main = sum(node.subgraph == 0 for node in self._nodes)
        self._pool = ThreadPool(options.threads())
        try:
            if runs_alone(self._parts, main, self.inputs, self.outputs):
                self._engine = CodeEngine(self._parts[0], self.inputs, self.outputs, self._pool)
            else:
                assert content is not None
                self._engine = MixedEngine(
                    content, self._parts, self.inputs, self.outputs, self._pool
                )
        except BaseException:
            self._pool.close()
            raise

    # --- running -------------------------------------------------------------------------------

    def __call__(self, *arrays: Any, **named: Any) -> Any:
        """Run: a list of outputs for positional arrays, {name: output} for keywords."""
        engine = self._running()
        if arrays and named:
            raise PortError(f"{self.name}: give the inputs by position or by name, not both")
        if not named:
            if len(arrays) != len(self.inputs):
                raise self._wrong_number(len(arrays))
            return engine.run(arrays)
        given: dict[int, Any] = {}
        for name, array in named.items():
            port = find_port(self.inputs, name)
            if port is None:
                raise PortError(f"{self.name}: no input {name!r}; it has {_names(self.inputs)}")
            given[port.tensor] = array
        if len(given) != len(self.inputs):
            raise self._wrong_number(len(given))
        results = engine.run([given[port.tensor] for port in self.inputs])
        return {port.name: array for port, array in zip(self.outputs, results, strict=True)}

    def reset_variables(self) -> None:
        """Set the state that a model keeps between calls back to where it starts."""
        self._running().reset()

    def numba_callable(self) -> Any:
        """A function for use inside Numba's ``@njit``, called with the inputs' then the outputs'
        arrays; it fills the latter and returns 0.

        Its types are fixed: C-contiguous arrays of the right dtype and rank. It takes no lock, so
        nothing else may run the model meanwhile. ExecutionError for a model that is not one
        partition. Imports Numba.
        """
        return self._running().numba_callable()

    def profile(self, runs: int = 50) -> list[Profile]:
        """Time every fused kernel over `runs` invokes on zeros; one `Profile` a partition."""
        from litefuse.runtime.executor import Executable

        self._running()
        assert self._pool is not None
        found = []
        for part in self._parts:
            assert part.image is not None
            with Executable(part.image, self._pool) as executable:
                found.append(executable.profile(runs))
        return found

    # --- looking inside ------------------------------------------------------------------------

    @property
    def kernels(self) -> KernelTable:
        """Every fused kernel by name, each callable with arrays (see `runtime.step.Kernel`)."""
        from litefuse.runtime.kernel_table import KernelTable

        self._running()
        return KernelTable([part.image for part in self._parts if part.image is not None])

    @property
    def num_threads(self) -> int:
        """The number of threads that a call really uses; 0 for another machine's code."""
        return 0 if self._pool is None or self._closed else self._pool.threads_running

    @property
    def is_fully_delegated(self) -> bool:
        """Whether machine code computes every node."""
        return bool(self._nodes) and all(node.claimed for node in self._nodes)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """Where each partition's code came from: the cache or a compilation, and why."""
        images = [part.image for part in self._parts]
        return tuple(image.origin for image in images if image is not None and image.origin)

    def explain(self) -> Explanation:
        """Every node: claimed and computed by which kernels, or by which rule not; printable."""
        self._alive()
        kernels: dict[tuple[int, int], tuple[str, ...]] = {}
        for part in self._parts:
            for step in part.info().steps:
                for node in step.nodes:
                    key = (part.partition.subgraph, node)
                    kernels[key] = (*kernels.get(key, ()), step.symbol)
        return Explanation(self._nodes, self._notes, kernels)

    def dump_ir(self, directory: str | os.PathLike[str]) -> list[Path]:
        """Compile once more and write the IR after every pass, the LLVM text and the assembly.

        A model of several partitions gets a folder for each. Returns the files. BuildError if
        there is no model to compile: in a loaded file that is fully delegated.
        """
        from litefuse.runtime import build

        self._alive()
        if self._model is None:
            raise BuildError(
                f"{self.name}: the file holds machine code and no model to compile; call dump_ir "
                "on litefuse.compile(model)"
            )
        root = Path(directory)
        found: list[Path] = []
        for number, part in enumerate(self._parts):
            folder = root if len(self._parts) == 1 else root / f"partition{number}"
            folder.mkdir(parents=True, exist_ok=True)
            options = self._options.replace(dump_ir=str(folder))
            build.build_bytes(self._model, part.partition, options)
            found += sorted(path for path in folder.iterdir() if path.is_file())
        return found

    # --- files ---------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything that calling it takes to one file, whole or not at all.

        A fully delegated model needs neither compiler nor .tflite to be loaded: its file is code
        and weights. The file of any other one holds the .tflite as well.
        """
        self._alive()
        sections: list[tuple[str, Mapping[str, Any], Any]] = [
            (bundle.ARTIFACT, part.partition.as_dict(), part.contents()) for part in self._parts
        ]
        main = sum(node.subgraph == 0 for node in self._nodes)
        if not runs_alone(self._parts, main, self.inputs, self.outputs):
            assert self._content is not None
            sections.append((bundle.MODEL, {}, self._content))
        manifest = {
            "litefuse": __version__,
            "name": self.name,
            "target": self.target.name,
            "inputs": [port.as_dict() for port in self.inputs],
            "outputs": [port.as_dict() for port in self.outputs],
            "nodes": [
                [n.subgraph, n.node, n.op, n.claimed, n.rule, n.value, n.remedy, n.partition]
                for n in self._nodes
            ],
            "notes": list(self._notes),
        }
        return bundle.store(path, bundle.write(manifest, sections))

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, num_threads: int | None = None) -> CompiledModel:
        """A model that `save` wrote, or an artifact that ``litefuse compile`` wrote.

        Everything is verified before any code is mapped: owner, mode, checksums, this machine's
        features. LoadError, BundleError or ArtifactError say what is wrong and what to do.
        """
        from litefuse.runtime.compiled_file import read

        return cls(**read(path), options=Options.from_kwargs(num_threads=num_threads))

    # --- life ----------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop the threads and free the memory; again is harmless."""
        if self._closed:
            return
        self._closed = True
        if self._engine is not None:
            self._engine.close()
        if self._pool is not None:
            self._pool.close()
        for part in self._parts:
            part.close()

    def __enter__(self) -> CompiledModel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else Explanation(self._nodes).summary()
        return f"<CompiledModel {self.name!r} for {self.target.name}: {state}>"

    def _alive(self) -> None:
        if self._closed:
            raise ExecutionError(f"{self.name} is closed; compile or load it again")

    def _running(self) -> Engine:
        self._alive()
        if self._engine is None:
            raise ExecutionError(
                f"{self.name} is compiled for {self.target.name} and this machine is "
                f"{host_target().name}: save it, and load the file there"
            )
        return self._engine

    def _wrong_number(self, given: int) -> PortError:
        names = _names(self.inputs)
        return PortError(f"{self.name}: {given} inputs given, {len(self.inputs)} needed: {names}")


def _assemble(
    model: Model,
    parts: Sequence[Part],
    nodes: Sequence[NodeRecord],
    notes: Sequence[str],
    options: Options,
    target: HostTarget,
) -> CompiledModel:
    from litefuse.runtime.program import model_content, model_ports

    inputs, outputs = model_ports(model)
    name = Path(model.source.name).name if model.source is not None else ""
    return CompiledModel(
        name=name or "model",
        target=target,
        inputs=inputs,
        outputs=outputs,
        parts=parts,
        nodes=nodes,
        notes=notes,
        options=options,
        model=model,
        content=model_content(model),
    )


def _require_all(nodes: Sequence[NodeRecord]) -> None:
    from litefuse.runtime.delegate import FullDelegationError

    refused = [node for node in nodes if not node.claimed]
    if refused:
        told = "; ".join(f"{n.op} #{n.node}: {n.rule}: {n.value}; {n.remedy}" for n in refused[:3])
        raise FullDelegationError(
            f"require_full_delegation: {len(refused)} of {len(nodes)} nodes cannot be claimed: "
            f"{told}"
        )


def _warn_of_failure(partition: Partition, error: BuildError) -> None:
    warnings.warn(
        f"{len(partition.nodes)} nodes run on NumPy kernels, since they could not be compiled: "
        f"{error}",
        LitefuseWarning,
        stacklevel=3,
    )


def _runs_here(target: HostTarget) -> bool:
    host = host_target()
    return target.arch == host.arch and target.features <= host.features


def _names(ports: Sequence[TensorInfo]) -> str:
    return ", ".join(port.name for port in ports) or "none"
