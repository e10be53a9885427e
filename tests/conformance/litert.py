"""The client of `litert_server`: what LiteRT does, whatever it does to its process."""

from __future__ import annotations

import atexit
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tests.conformance.protocol import receive, send

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

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What `function(make_litert, *arguments)` gives there; an `Answer` that says "died" where
        LiteRT ended the process.
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        send(process.stdin.fileno(), (function, arguments))
        return receive(process.stdout.fileno())

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
