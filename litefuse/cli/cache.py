"""``litefuse cache``: the cache of compiled code, made visible."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING

import click

from litefuse.cli import common

if TYPE_CHECKING:
    from litefuse.runtime.cache import Cache

_directory = click.option(
    "--cache-dir",
    type=click.Path(file_okay=False),
    help="The cache's folder (default: $LITEFUSE_CACHE_DIR, else the user's cache folder).",
)


def _open(cache_dir: str | None) -> Cache:
    from litefuse.runtime.cache import Cache

    return Cache(cache_dir)


@click.group("cache")
def command() -> None:
    """List, verify and clear the cache of compiled code."""


@command.command("list")
@_directory
@common.json_option
@click.option("--parts", is_flag=True, help="Show the named parts of each entry's key.")
def list_entries(cache_dir: str | None, as_json: bool, parts: bool) -> None:
    """Every entry, least recently used first."""
    entries = _open(cache_dir).entries()
    if as_json:
        common.print_json([dataclasses.asdict(entry) for entry in entries])
        return
    from rich.table import Table

    table = Table("entry", "kind", "size", "last used", "cost to make", "key", box=None)
    for entry in entries:
        named = entry.parts.items() if parts else [("model", entry.parts.get("model", "?")[:12])]
        table.add_row(
            entry.digest[:12],
            entry.kind,
            common.in_bytes(entry.nbytes),
            datetime.fromtimestamp(entry.used).strftime("%Y-%m-%d %H:%M:%S"),
            common.in_time(entry.seconds),
            "\n".join(f"{name}: {value}" for name, value in named),
        )
    common.console().print(table if entries else "the cache is empty")


@command.command()
@_directory
@common.json_option
def stats(cache_dir: str | None, as_json: bool) -> None:
    """Size, hits, misses, and the time that hits have saved."""
    found = _open(cache_dir).stats()
    if as_json:
        common.print_json(dataclasses.asdict(found))
        return
    asked = found.hits + found.misses
    rate = f" ({100 * found.hits / asked:.0f} % hits)" if asked else ""
    click.echo(f"folder   {found.directory}")
    click.echo(f"entries  {found.entries}, {common.in_bytes(found.nbytes)}")
    click.echo(f"asked    {asked} times: {found.hits} hits, {found.misses} misses{rate}")
    click.echo(f"spent    {common.in_time(found.seconds_spent)} compiling")
    click.echo(f"saved    {common.in_time(found.seconds_saved)}")


@command.command()
@_directory
@common.json_option
@click.option("--remove", is_flag=True, help="Remove what is damaged.")
def verify(cache_dir: str | None, as_json: bool, remove: bool) -> int:
    """Check every entry's owner, mode, name and checksum. Exit status 1 if one is damaged."""
    cache = _open(cache_dir)
    problems = cache.verify(remove=remove)
    if as_json:
        common.print_json([dataclasses.asdict(problem) for problem in problems])
    else:
        for problem in problems:
            click.echo(f"{problem.path.name}: {problem.reason}{' (removed)' if remove else ''}")
        left = len(cache.entries())
        click.echo(f"{left} entries left, {len(problems)} damaged" if problems else f"{left} sound")
    return 1 if problems else 0


@command.command()
@_directory
@common.json_option
def clear(cache_dir: str | None, as_json: bool) -> None:
    """Remove every entry and set the counts back."""
    cache = _open(cache_dir)
    freed = cache.clear()
    if as_json:
        common.print_json({"directory": cache.directory, "bytes_freed": freed})
    else:
        click.echo(f"freed {common.in_bytes(freed)} in {cache.directory}")
