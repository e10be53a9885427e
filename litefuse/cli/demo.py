"""``litefuse demo``: the bundled digit classifier from .tflite to machine code."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from litefuse.cli import STATUS_DIFFERENT, common, contenders, digits, startup

if TYPE_CHECKING:
    from litefuse.runtime.artifact import Manifest

SHOWN = 6


@click.command("demo")
@click.option(
    "--kind",
    type=click.Choice(digits.KINDS),
    default="int8",
    show_default=True,
    help="Which model.",
)
@click.option("--threads", default=1, show_default=True, help="Threads to run on.")
@common.json_option
def command(kind: str, threads: int, as_json: bool) -> int:
    """Compile the bundled digit classifier, show its fusions, run it in LiteRT and in litefuse.

    Exit status 1 if litefuse and LiteRT's reference kernels disagree.
    """
    from litefuse.runtime.options import Options

    model = digits.model_path(kind)
    with tempfile.TemporaryDirectory(prefix="litefuse-demo-") as text:
        folder = Path(text)
        dump = folder / "ir"
        info = _compile(model, Options(cache_dir=str(folder / "cache"), dump_ir=str(dump)))
        before, after = _around_fusion(dump)
        options = Options(num_threads=threads, cache_dir=str(folder / "cache"))
        results = {
            name: _classify(name, model, options) for name in ("reference", "litefuse", "own")
        }
        starts = _starts(model, threads, folder)
    labels = digits.held_out().labels
    want = results["reference"]
    same = {
        name: _agree(got, want, kind) for name, got in results.items() if name in contenders.OURS
    }
    if as_json:
        common.print_json(
            {
                "model": model.name,
                "nodes": len(info.nodes),
                "kernels": [step.kernel for step in info.steps],
                "accuracy": {k: float(np.mean(v.argmax(-1) == labels)) for k, v in results.items()},
                "agrees": same,
                "starts": {name: vars(start) for name, start in starts.items()},
            }
        )
    else:
        _tell(model, info, (before, after), results, same, starts)
    return 0 if all(same.values()) else STATUS_DIFFERENT


def _compile(model: Path, options: Any) -> Manifest:
    from litefuse.runtime import build
    from litefuse.runtime.model import read_model

    parsed = read_model(model)
    plan = build.plan(parsed, 0, options)
    if len(plan.partitions) != 1:
        raise click.ClickException(
            f"{model.name} is {len(plan.partitions)} partitions here instead of one: "
            f"`litefuse explain {model}` says why"
        )
    with build.build(parsed, plan.partitions[0], options) as image:
        return image.info


def _around_fusion(dump: Path) -> tuple[str, str]:
    """The IR as imported, and as the last pass on whole tensors left it."""
    from litefuse.passes.pipeline import TENSOR_PASSES

    texts = [path.read_text() for path in sorted(dump.glob("[0-9]*.mlir"))]
    last = texts[0]
    for text in texts[1 : len(TENSOR_PASSES) + 1]:
        if "// no change" not in text:
            last = text
    return _plain(texts[0]), _plain(last)


def _plain(text: str) -> str:
    """IR without locations, and with the widest types cut, to be read by a person."""
    from litefuse.compiler.ir.parser import made_up_weights, parse_module
    from litefuse.compiler.ir.printer import print_module

    shown = print_module(parse_module(text, made_up_weights))
    # Per-channel scales: sixteen numbers that say nothing here.
    return re.sub(r"\{[-+0-9.e:, ]{40,}\}", "{...}", shown)


def _classify(name: str, model: Path, options: Any) -> NDArray[Any]:
    contender = contenders.make(name, model, options)
    contender.allocate()
    images = digits.as_input(digits.held_out().images, contender.input_details[0]["dtype"])
    return np.stack([contender.run([image[None]])[0][0] for image in images])


def _agree(got: NDArray[Any], want: NDArray[Any], kind: str) -> bool:
    if kind == "int8":
        return bool(np.array_equal(got, want))
    return bool(np.abs(got - want).max() <= 1e-5)


def _starts(model: Path, threads: int, folder: Path) -> dict[str, startup.Start]:
    starts = (
        ("litefuse in LiteRT, cold", "litefuse"),
        ("litefuse in LiteRT, cached", "litefuse"),
        ("litefuse.Interpreter, cold", "own"),
        ("litefuse.Interpreter, cached", "own"),
        ("LiteRT with XNNPACK", "xnnpack"),
        ("LiteRT, no delegate", "builtin"),
    )
    with common.progress() as bar:
        task = bar.add_task("starts", total=len(starts))
        found = {}
        for title, name in starts:
            # LiteRT's view of a model and the file itself are two keys: a cache each.
            found[title] = startup.measure(name, model, threads, str(folder / f"fresh-{name}"))
            bar.advance(task)
    return found


def _tell(
    model: Path,
    info: Manifest,
    ir: tuple[str, str],
    results: dict[str, NDArray[Any]],
    same: dict[str, bool],
    starts: dict[str, startup.Start],
) -> None:
    from rich.table import Table

    console = common.console()
    console.rule(f"1. {model.name}, {common.in_bytes(model.stat().st_size)}, as imported")
    _print_ir(ir[0])
    console.rule("2. after fusion: bias, activation, requantisation and residual add in epilogues")
    _print_ir(ir[1])
    console.rule(
        f"3. {len(info.nodes)} nodes became {len(info.steps)} kernels for {info.target.name}"
    )
    kernels = Table("kernel", "from nodes", box=None)
    for step in info.steps:
        parts = [f"{op} #{node}" for op, node in zip(step.ops, step.nodes, strict=True)]
        kernels.add_row(step.kernel, " + ".join(parts))
    console.print(kernels)
    console.rule("4. digits that training did not see")
    _print_digits(results)
    for name, equal in same.items():
        verdict = "the same" if equal else "[red]NOT the same[/]"
        console.print(f"{contenders.CONTENDERS[name]}: {verdict} as LiteRT's reference kernels")
    console.rule("5. starts, each in a process of its own")
    table = Table("", "make and allocate", "first run", "memory it took", box=None)
    for name, start in starts.items():
        times = (common.in_time(start.init), common.in_time(start.first))
        table.add_row(name, *times, common.in_bytes(start.grown))
    console.print(table)


def _print_ir(text: str) -> None:
    width = common.console().width
    for line in text.splitlines():
        click.echo(line if len(line) < width else line[: width - 4] + " ...")


def _print_digits(results: dict[str, NDArray[Any]]) -> None:
    held_out = digits.held_out()
    got = results["litefuse"].argmax(-1)
    wrong: Sequence[int] = np.flatnonzero(got != held_out.labels)[:1].tolist()
    # One that it gets wrong, if there is one: a demo that hides its errors would be none.
    chosen = [*range(SHOWN - len(wrong)), *wrong]
    pictures = [digits.picture(held_out.images[i]) for i in chosen]
    for lines in zip(*pictures, strict=True):
        click.echo("   ".join(lines).rstrip())
    said = [f"says {got[i]}, is {held_out.labels[i]}" for i in chosen]
    click.echo("   ".join(f"{text:16}" for text in said).rstrip())
    for name, values in results.items():
        share = 100 * float(np.mean(values.argmax(-1) == held_out.labels))
        click.echo(f"{share:.1f} % of {len(values)} right: {contenders.CONTENDERS[name]}")
