"""The command line. One command a file; a command's file is imported when that command runs."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn, TextIO

import click

from litefuse import __version__

# name -> the one line that `litefuse --help` shows, so that help imports no command.
COMMANDS = {
    "demo": "Compile the bundled digit classifier and show what happens.",
    "compile": "Compile a model to an artifact file, for this machine or another.",
    "run": "Run a model on arrays from files, or on random ones.",
    "bench": "Time litefuse beside LiteRT, interleaved in one run.",
    "diff": "Compare with LiteRT's reference kernels, output by output and layer by layer.",
    "explain": "Say for every node whether litefuse claims it, and why not.",
    "opt": "Run passes on IR text.",
    "inspect": "Show what is in a model or in an artifact.",
    "cache": "List, verify and clear the cache of compiled code.",
}

STATUS_DIFFERENT = 1
STATUS_ERROR = 2
STATUS_BUG = 3
STATUS_INTERRUPTED = 130


class _Commands(click.Group):
    """The commands by name, imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command of that name, or None."""
        if name not in COMMANDS:
            return None
        command = import_module(f"litefuse.cli.{name}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"litefuse.cli.{name}.command is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in ``--help``, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 done, 1 results differ (diff), 2 error, 3 a bug in litefuse.",
)
@click.version_option(__version__, prog_name="litefuse")
@click.option("--debug", is_flag=True, help="Show tracebacks. May stand anywhere on the line.")
def cli(debug: bool) -> None:
    """litefuse: fused machine code for .tflite networks, as a LiteRT delegate or on its own."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; an error is one line on stderr, a traceback with --debug."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    warnings.showwarning = _show_warning
    try:
        status = cli.main(words, prog_name="litefuse", standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        sys.exit(STATUS_INTERRUPTED)
    except BrokenPipeError:
        # The reader (`| head`) has had enough; Python must not complain again at exit.
        sys.stdout = None
        sys.exit(0)
    except click.ClickException as error:
        if debug:
            raise
        context = getattr(error, "ctx", None)
        help_line = f"{context.command_path if context else 'litefuse'} --help"
        _say(f"error: {' '.join(error.format_message().split())} (see {help_line})")
        sys.exit(STATUS_ERROR)
    except Exception as error:
        if debug:
            raise
        sys.exit(_report(error))
    sys.exit(status if isinstance(status, int) else 0)


def _report(error: Exception) -> int:
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, OSError) and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    elif not isinstance(error, OSError) and not type(error).__module__.startswith("litefuse."):
        _say(
            f"internal error: {type(error).__name__}: {text}. This is a bug in litefuse: "
            "run the same line with --debug and report the traceback"
        )
        return STATUS_BUG
    _say(f"error: {text}")
    return STATUS_ERROR


def _say(text: str) -> None:
    print(f"litefuse: {text}", file=sys.stderr)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    _say(f"warning: {' '.join(str(message).split())}")
