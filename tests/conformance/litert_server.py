"""LiteRT's reference kernels behind two pipes, in a process that any crash of theirs may end.

The process imports LiteRT once and forks a worker, which answers requests until one of them kills
it; the survivor then reports the signal in the worker's place and forks another. A request is a
pickled `(function, arguments)`, an answer what `function(make_litert, *arguments)` gives, or an
`Answer` that tells of an exception or a signal, each behind its length in 8 bytes.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import Any

from tests.conformance.protocol import Answer, receive, send

SECONDS = 20
BYTES = 12 << 30


def make_litert(content: bytes, keep_all: bool = False) -> Any:
    """LiteRT's interpreter on its reference kernels, or on its only ones (CEIL, ROUND, ELU)."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    def made(kind: Any) -> Any:
        return Interpreter(
            model_content=content,
            experimental_op_resolver_type=kind,
            experimental_preserve_all_tensors=keep_all,
        )

    try:
        return made(OpResolverType.BUILTIN_REF)
    except ValueError:
        return made(OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)


def _work(source: int, sink: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    while True:
        try:
            function, arguments = receive(source)
        except EOFError:
            return
        signal.alarm(SECONDS)
        try:
            found = function(make_litert, *arguments)
        except Exception as error:
            found = Answer("refused", "python", f"{type(error).__name__}: {error}")
        signal.alarm(0)
        send(sink, found)


def main() -> None:
    """Serve until the parent closes the pipe."""
    source, sink = os.dup(0), os.dup(1)
    os.dup2(2, 1)  # what LiteRT prints must not get among the answers
    import ai_edge_litert.interpreter  # noqa: F401 - before the fork, which then costs little

    while True:
        worker = os.fork()
        if worker == 0:
            _work(source, sink)
            os._exit(0)
        _, status = os.waitpid(worker, 0)
        if not os.WIFSIGNALED(status):
            return
        name = signal.Signals(os.WTERMSIG(status)).name
        send(sink, Answer("died", "", f"no answer in {SECONDS} s" if name == "SIGALRM" else name))


if __name__ == "__main__":
    sys.exit(main())
