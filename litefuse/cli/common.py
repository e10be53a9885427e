"""What several commands share: the console, JSON, the compiler's options, numbers in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from litefuse.runtime.options import Options

F = TypeVar("F", bound=Callable[..., Any])

model_argument = click.argument(
    "model", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
seed_option = click.option(
    "--seed", default=0, show_default=True, help="Seed of the random inputs."
)


def console(*, stderr: bool = False) -> Console:
    """A rich console; wide where the output is no terminal, so that piped tables are not cut."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else 160, highlight=False)


def progress() -> Progress:
    """A progress bar on stderr, for what takes longer than a second; vanishes when done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console(stderr=True), transient=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout; NumPy's scalars and arrays, paths and sets become plain."""
    click.echo(json.dumps(value, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def compiler_options(function: F) -> F:
    """The options of the compiler: the usual ones by name, any other through ``-O name=value``."""
    decorators = [
        click.option(
            "--threads", type=int, default=1, show_default=True, help="Threads to run on."
        ),
        click.option("--target", help="Machine to compile for (default: this one)."),
        click.option("--numerics", help="reference (default) or strict."),
        click.option(
            "--cache-dir", help="Where compiled code is kept; an empty text for no cache at all."
        ),
        click.option(
            "--dump-ir",
            type=click.Path(file_okay=False),
            help="Folder for the IR after every pass, LLVM text and assembly.",
        ),
        click.option(
            "-O",
            "--option",
            "extra",
            multiple=True,
            metavar="NAME=VALUE",
            help="Any other option of litefuse.Delegate, such as deny_ops=ADD,MUL.",
        ),
    ]
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


def options_of(values: Mapping[str, Any]) -> Options:
    """The `Options` that a command's `compiler_options` ask for; errors name the option."""
    from litefuse.runtime.options import Options

    pairs: dict[str, str] = {}
    for text in values["extra"]:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--option")
        if name in pairs:
            raise click.BadParameter(f"{name} is given twice", param_hint="--option")
        pairs[name] = value
    pairs["num_threads"] = str(values["threads"])
    for name in ("target", "numerics", "cache_dir", "dump_ir"):
        if values[name] is not None:
            pairs[name] = values[name]
    return Options.from_strings(pairs)


def in_bytes(count: float) -> str:
    """``1536`` -> ``1.5 KiB``."""
    for unit in ("B", "KiB", "MiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.2f} GiB"


def in_time(seconds: float) -> str:
    """``0.00153`` -> ``1.53 ms``."""
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}" if seconds < 100 else f"{seconds:.0f} s"
    return f"{seconds * 1e6:.3g} us"
