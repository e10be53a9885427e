"""Our side of a program, and when the two sides' outcomes are equal, call by call."""

from __future__ import annotations

import re
import warnings
from typing import Any

from litefuse.runtime.interpreter import Interpreter, OpResolverType
from tests.conformance.litert import litert
from tests.conformance.protocol import Answer
from tests.programs.calls import Outcome, Program, outcomes
from tests.runtime.interpreter.outcomes import is_error, same

# LiteRT cannot give a tensor without elements through a signature, ours can.
_EMPTY = "Invalid tensor size."
# LiteRT gives no reason when it cannot carry a tensor on whose elements come or go.
_NO_REASON = re.compile(r"(^|not ready\.)Node number \d+ \(WHILE\) failed to invoke\.$")
# LiteRT reads past a variable that is smaller than the tensor it is read into, and past an axis.
_PAST = re.compile(r"variable .* is less than .* needs|begin .* is outside an axis of")
_PREPARED = re.compile(r"Node number \d+ \(\w+\) failed to prepare\.$")
# LiteRT leaves a subgraph that failed half prepared, and then does not prepare it anew.
_OF_A_SUBGRAPH = re.compile(r"\((WHILE|IF)\) failed to invoke\.$")
_STAGE = re.compile(r"(Node number \d+ \(\w+\)) failed to (prepare|invoke)\.")


def ours(program: Program) -> list[Outcome]:
    """What our interpreter does, on its kernels alone; a NumPy warning is an error."""

    def make(content: bytes, keep_all: bool) -> Interpreter:
        return Interpreter(
            model_content=content,
            experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=keep_all,
        )

    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        return outcomes(make, program)


def check(program: Program) -> list[Outcome] | Answer:
    """LiteRT's outcomes, from which ours do not differ (AssertionError), or how it died."""
    theirs: list[Outcome] | Answer = litert().run(outcomes, program)
    if not isinstance(theirs, Answer):
        compare(program, theirs, ours(program))
    return theirs


def compare(program: Program, theirs: list[Outcome], mine: list[Outcome]) -> None:
    """AssertionError where LiteRT's outcomes and ours differ.

    LiteRT prepares the nodes behind a tensor of unknown shape all at once when it has run so far,
    ours one by one: another node may then be the first to be refused, or be so in another stage.
    """
    stale: set[int] = set()  # inputs whose memory is new, and what LiteRT finds in it chance
    for k, (call, a, b) in enumerate(zip(program.calls, theirs, mine, strict=True)):
        if call[0] == "set":
            (stale.add if is_error(a) else stale.discard)(call[1])
        elif call[0] == "run" and stale and not is_error(a):
            return
        if is_error(a) and a[1].endswith(_EMPTY):
            continue
        if (is_error(b) and _PAST.search(b[1])) or (is_error(a) and _NO_REASON.search(a[1])):
            return
        if is_error(a) and is_error(b) and _PREPARED.search(a[1]) and call[0] != "allocate":
            return
        same(_staged(a), _staged(b), f"{call[0]} {k}")
        if is_error(a) and _OF_A_SUBGRAPH.search(a[1]):
            return


def _staged(outcome: Any) -> Any:
    """An error without the stage in which the node failed."""
    if not is_error(outcome):
        return outcome
    return outcome[0], _STAGE.sub(r"\1 failed to invoke.", outcome[1])
