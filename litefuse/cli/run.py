"""``litefuse run``: a model on arrays from .npy and .npz files, or on random ones."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from litefuse.cli import common, contenders, inputs

Details = Sequence[Mapping[str, Any]]


@click.command("run")
@common.model_argument
@click.argument("arrays", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@common.compiler_options
@click.option(
    "--in",
    "where",
    type=click.Choice(list(contenders.CONTENDERS)),
    default="own",
    show_default=True,
    help="What runs it; all but own need LiteRT.",
)
@click.option(
    "--delegate",
    type=click.Choice(["ours", "none"]),
    default="ours",
    show_default=True,
    help="none: the same interpreter without litefuse.",
)
@click.option("--random", "is_random", is_flag=True, help="Random inputs, drawn from --seed.")
@common.seed_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the outputs go: .npz, or .npy for a model with one output.",
)
@click.option(
    "--repeat", default=1, show_default=True, help="Runs in a row, for models with state."
)
@common.json_option
def command(
    model: Path,
    arrays: tuple[Path, ...],
    where: str,
    delegate: str,
    is_random: bool,
    seed: int,
    output: Path | None,
    repeat: int,
    as_json: bool,
    **compiler: Any,
) -> None:
    """Run MODEL on ARRAYS: a .npy for each input in order, or one .npz with them by name.

    The shapes of the arrays decide the shapes of the inputs. Names in an .npz are the inputs'
    names, or in0, in1, ...; a written .npz has the outputs' names.
    """
    if bool(arrays) == is_random:
        raise click.UsageError("give the arrays or --random, one of the two")
    if repeat < 1:
        raise click.BadParameter("--repeat must be at least 1")
    name = where
    if delegate == "none":
        name = {"own": "plain", "litefuse": "builtin"}.get(where, where)
    contender = contenders.make(name, model, common.options_of(compiler))
    details = contender.input_details
    if is_random:
        values = inputs.random_inputs(details, seed)
    else:
        values = load_arrays(arrays, details)
    contender.allocate([value.shape for value in values])
    for _ in range(repeat):
        results = contender.run(values)
    named = dict(zip(_names(contender.output_details), results, strict=True))
    if output:
        save_arrays(output, named)
    if as_json:
        common.print_json(
            {key: {**_summary(value), "values": value} for key, value in named.items()}
        )
    else:
        _print(named)


def load_arrays(paths: Sequence[Path], details: Details) -> list[NDArray[Any]]:
    """The arrays of the inputs, in order; an error says which is missing, too many or ill-typed."""
    found: list[NDArray[Any]] = []
    if len(paths) == 1 and paths[0].suffix == ".npz":
        with np.load(paths[0], allow_pickle=False) as archive:
            for position, detail in enumerate(details):
                key = next((k for k in (detail["name"], f"in{position}") if k in archive), None)
                if key is None:
                    raise click.BadParameter(
                        f"{paths[0].name} has no array {detail['name']!r} (or in{position}); "
                        f"it has {', '.join(archive.files)}"
                    )
                found.append(archive[key])
    else:
        for path in paths:
            if path.suffix != ".npy":
                raise click.BadParameter(f"{path.name} is neither .npy nor the only .npz")
            found.append(np.load(path, allow_pickle=False))
    if len(found) != len(details):
        raise click.BadParameter(f"{len(found)} arrays for {len(details)} inputs")
    for array, detail in zip(found, details, strict=True):
        if array.dtype != detail["dtype"]:
            raise click.BadParameter(
                f"input {detail['name']!r} wants {np.dtype(detail['dtype'])}, the array holds "
                f"{array.dtype}: convert it before saving"
            )
    return found


def save_arrays(path: Path, named: Mapping[str, NDArray[Any]]) -> None:
    """Write .npz by name, or .npy where there is one array."""
    if path.suffix == ".npz":
        # np.savez takes names for arguments: an output may be called "file".
        with zipfile.ZipFile(path, "w") as archive:
            for name, array in named.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
    elif path.suffix == ".npy" and len(named) == 1:
        np.save(path, next(iter(named.values())), allow_pickle=False)
    else:
        raise click.BadParameter(
            f"{path.name}: write {len(named)} outputs to an .npz"
            + (" or .npy" if len(named) == 1 else "")
        )


def _names(details: Details) -> list[str]:
    names = [str(detail["name"]) or f"out{i}" for i, detail in enumerate(details)]
    return [n if names.count(n) == 1 else f"out{i}" for i, n in enumerate(names)]


def _summary(value: NDArray[Any]) -> dict[str, Any]:
    summary: dict[str, Any] = {"dtype": str(value.dtype), "shape": list(value.shape)}
    if value.size and value.dtype.kind in "fiub":
        summary |= {"min": value.min(), "max": value.max(), "mean": float(value.mean())}
        summary["argmax"] = [int(i) for i in np.unravel_index(int(value.argmax()), value.shape)]
    return summary


def _print(named: Mapping[str, NDArray[Any]]) -> None:
    from rich.table import Table

    table = Table("output", "type", "shape", "min", "max", "mean", "argmax", box=None)
    for name, value in named.items():
        about = _summary(value)
        table.add_row(
            name,
            about["dtype"],
            "x".join(map(str, about["shape"])),
            *(f"{about[key]:.6g}" if key in about else "" for key in ("min", "max", "mean")),
            str(about.get("argmax", "")),
        )
    common.console().print(table)
