"""Passes and the manager that runs, times, dumps and verifies them."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from litefuse.compiler.ir.core import IRError, Module
from litefuse.compiler.ir.opdef import Dialects
from litefuse.compiler.ir.pass_text import options_text
from litefuse.compiler.ir.printer import print_module
from litefuse.compiler.ir.verifier import verify as verify_module


class PassError(IRError):
    """A pass failed, or left a broken module. The text names the pass, the reason and the
    reproducer.
    """

    def __init__(self, message: str, pass_name: str, reproducer: Path | None) -> None:
        super().__init__(message)
        self.pass_name = pass_name
        self.reproducer = reproducer


@dataclass(frozen=True, slots=True)
class Pass:
    """A named step: `run(module, context)` changes the module in place and keeps no state between
    runs.

    `options`, a frozen dataclass, is given as a third argument where it is set.
    """

    name: str
    run: Callable[..., None]
    summary: str
    options: Any = None

    def __call__(self, module: Module, context: PassContext) -> None:
        """Run the pass."""
        if self.options is None:
            self.run(module, context)
        else:
            self.run(module, context, self.options)

    def with_options(self, **changes: Any) -> Pass:
        """The pass with some of its options changed; `IRError` lists the valid ones."""
        valid = (
            [f.name for f in dataclasses.fields(self.options)] if self.options is not None else []
        )
        for key in changes:
            if key not in valid:
                raise IRError(
                    f"pass {self.name} has no option {key}; it has {', '.join(valid) or 'none'}"
                )
        return dataclasses.replace(self, options=dataclasses.replace(self.options, **changes))

    @property
    def text(self) -> str:
        """`name` or `name{key=value ...}`: what a pipeline's text says."""
        return self.name + options_text(self.options)


@dataclass(slots=True)
class PassContext:
    """What passes may know besides the module, and where they report.

    `target` is a `codegen.targets.Target`, `options` the user's `Options`; both None where no pass
    asks. `statistics` counts by name; `warnings` is what a user should hear.
    """

    target: Any = None
    options: Any = None
    statistics: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    known_ops: Dialects | None = None
    reproducer_dir: Path | None = None
    stage: int = 0  # number of the next dump file; several managers in a row go on counting

    @property
    def dialects(self) -> Dialects:
        """The declared ops; all of litefuse's where none were given."""
        if self.known_ops is None:
            # Inside a function: the core must not import the ops that are built on it.
            from litefuse.compiler.ops import DIALECTS

            self.known_ops = DIALECTS
        return self.known_ops

    def count(self, name: str, n: int = 1) -> None:
        """Add to a statistic, such as `fused`."""
        self.statistics[name] += n

    def warn(self, text: str) -> None:
        """Tell the user something, once."""
        if text not in self.warnings:
            self.warnings.append(text)


@dataclass(frozen=True, slots=True)
class PassRecord:
    """What one pass did: its time, the number of ops before and after, what it counted."""

    name: str
    seconds: float
    ops_before: int
    ops_after: int
    statistics: dict[str, int]
    changed: bool | None  # known only where the text was dumped


class PassManager:
    """Runs passes in order."""

    def __init__(self, passes: Iterable[Pass]) -> None:
        self.passes = tuple(passes)

    @property
    def text(self) -> str:
        """The pipeline as text: part of the cache key, and what `litefuse opt --pipeline` reads."""
        return ",".join(p.text for p in self.passes)

    def run(
        self,
        module: Module,
        context: PassContext,
        dump_dir: str | Path | None = None,
        verify: bool | Literal["end"] = True,
        start: str = "import",
    ) -> list[PassRecord]:
        """Run all passes on the module; one record a pass.

        `dump_dir` gets a numbered file a pass (`00_<start>.mlir` is the module as it came).
        `verify`: after every pass, only at the "end", or never. A failure is a `PassError` that
        names a reproducer file, which holds the module as it was before the failing pass; `litefuse
        opt FILE` runs it.
        """
        dumps = _Dumps(Path(dump_dir), context) if dump_dir is not None else None
        original = Module.of(module.op.clone())
        if dumps:
            dumps.first(start, module)
        records = []
        for i, p in enumerate(self.passes):
            counted = Counter(context.statistics)
            before = _size(module)
            begin = time.perf_counter()
            try:
                p(module, context)
                if verify is True or (verify == "end" and i + 1 == len(self.passes)):
                    verify_module(module, context.dialects)
            except Exception as e:
                if dumps:
                    dumps.broken(p.name, module)
                raise self._failure(e, i, original, context, dump_dir) from e
            seconds = time.perf_counter() - begin
            changed = dumps.add(p.name, module, seconds) if dumps else None
            new = Counter(context.statistics)
            new.subtract(counted)
            records.append(
                PassRecord(
                    p.name,
                    seconds,
                    before,
                    _size(module),
                    {k: n for k, n in new.items() if n},
                    changed,
                )
            )
        if not self.passes and verify:
            verify_module(module, context.dialects)
        return records

    def _failure(
        self,
        error: Exception,
        i: int,
        original: Module,
        context: PassContext,
        dump_dir: str | Path | None,
    ) -> PassError:
        p = self.passes[i]
        # No state survives a pass, so the module before the failing one is made again rather than
        # kept at every step.
        again = dataclasses.replace(context, statistics=Counter(), warnings=[])
        pipeline: Sequence[Pass] = (p,)
        try:
            before = Module.of(original.op.clone())
            for earlier in self.passes[:i]:
                earlier(before, again)
        except Exception:  # the earlier passes do not repeat: give all of them
            before, pipeline = original, self.passes[: i + 1]
        folder = Path(dump_dir) if dump_dir is not None else context.reproducer_dir
        kind = (
            "left a broken module"
            if isinstance(error, IRError) and hasattr(error, "rule")
            else "failed"
        )
        text = str(error) or type(error).__name__
        if not isinstance(error, IRError):
            text = f"{type(error).__name__}: {text}"
        message = f"pass {p.name} {kind}: {text}"
        try:
            path = write_reproducer(before, pipeline, context, message, folder)
        except (OSError, IRError) as e:
            return PassError(f"{message} (no reproducer: {e})", p.name, None)
        return PassError(f"{message}\nreproducer: {path} (run: litefuse opt {path})", p.name, path)


def write_reproducer(
    module: Module, passes: Sequence[Pass], context: PassContext, message: str, folder: Path | None
) -> Path:
    """Write a file that shows a failure: the module with its weights, and the pipeline in the first
    lines.

    In `folder`, else in a new temporary one. OSError where it cannot be written.
    """
    target = getattr(context.target, "name", None)
    header = "\n".join(
        [
            "litefuse reproducer",
            f"pipeline: {','.join(p.text for p in passes)}",
            *([f"target: {target}"] if target else []),
            *(f"error: {line}" for line in message.splitlines()),
        ]
    )
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="litefuse-"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"reproducer_{passes[-1].name}.mlir"
    path.write_text(
        print_module(module, locations=True, resources=True, header=header), encoding="utf-8"
    )
    return path


class _Dumps:
    def __init__(self, folder: Path, context: PassContext) -> None:
        self.folder = folder
        self.context = context
        self.text = ""
        folder.mkdir(parents=True, exist_ok=True)

    def first(self, name: str, module: Module) -> None:
        self.text = print_module(module, locations=True)
        # A later manager starts from the text that the one before wrote last.
        if self.context.stage == 0:
            self.write(name, self.text)

    def add(self, name: str, module: Module, seconds: float) -> bool:
        text = print_module(module, locations=True)
        changed = text != self.text
        took = f"// after {name}, {seconds * 1e3:.2f} ms\n"
        self.write(name, took + (text if changed else "// no change\n"))
        self.text = text
        return changed

    def broken(self, name: str, module: Module) -> None:
        try:
            text = print_module(module, locations=True)
        except Exception as e:  # a pass may leave anything behind
            text = f"// cannot be printed: {e}\n"
        self.write(f"{name}.failed", text)

    def write(self, name: str, text: str) -> None:
        path = self.folder / f"{self.context.stage:02d}_{name}.mlir"
        path.write_text(text, encoding="utf-8")
        self.context.stage += 1


def _size(module: Module) -> int:
    return sum(1 for _ in module.walk())
