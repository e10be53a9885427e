"""What the tests of several commands share."""

from __future__ import annotations

from pathlib import Path

import click
from click.testing import CliRunner, Result

from litefuse.cli import digits
from litefuse.runtime.model.build import ModelBuilder

MODEL = digits.model_path("int8")


def run(command: click.Command, *words: str | Path) -> Result:
    """Run a command as `main` does; what it raises is raised here."""
    done = CliRunner().invoke(command, [str(word) for word in words], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done


def unsupported_model(path: Path) -> Path:
    """RELU, then an op that is nobody's, then RELU."""
    b = ModelBuilder()
    x, y, z, out = (b.add_tensor(name, (1, 8), "FLOAT32") for name in "abcd")
    b.add_op("RELU", [x], [y])
    b.add_op("Mystery", [y], [z], custom_options=b"")
    b.add_op("RELU", [z], [out])
    path.write_bytes(b.finish_bytes([x], [out]))
    return path
