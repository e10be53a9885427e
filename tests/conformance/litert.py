"""The client of `litert_server`: LiteRT's answer to a case, whatever it does to its process."""

from __future__ import annotations

import atexit
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from tests.conformance.protocol import Answer, receive, send

_ROOT = Path(__file__).resolve().parents[2]


class LiteRT:
    """One server process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.conformance.litert_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
        )

    def run(
        self, content: bytes, steps: list[list[np.ndarray]], variables: Sequence[int] = ()
    ) -> Answer:
        """What LiteRT does with the model; with the values of `variables` before each invoke."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        send(process.stdin.fileno(), (content, steps, list(variables)))
        found = receive(process.stdout.fileno())
        assert isinstance(found, Answer)
        return found

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@cache
def litert() -> LiteRT:
    """This process's server, started at its first use and ended with it."""
    server = LiteRT()
    atexit.register(server.close)
    return server
