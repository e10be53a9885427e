"""Cases with LiteRT's answers, kept to be judged on another machine.

LiteRT's reference kernels say what integers are right on every processor, but the other machine
(emulated Arm, a board) may be slow, or have no LiteRT. So its answers are recorded here, and there
`python -m tests.conformance.replay FILE` runs our side of each case and prints what differs.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.case import Case
from tests.conformance.judge import Differs, judge, reference
from tests.conformance.protocol import Answer
from tests.conformance.registry import Row
from tests.conformance.run import for_each_case


@dataclass(frozen=True)
class Recorded:
    """A case of a row, and what LiteRT did with it."""

    row: str
    case: Case
    answer: Answer


def record(rows: Iterable[Row], examples: int) -> list[Recorded]:
    """That many cases of each row, the same ones each time; those that LiteRT dies of left out."""
    found: list[Recorded] = []
    for row in rows:
        for_each_case(row, examples, lambda case, row=row: found.append(_recorded(row, case)))
    return [one for one in found if one.answer.status != "died"]


def _recorded(row: Row, case: Case) -> Recorded:
    return Recorded(row.name, case, reference(case))


def main(file: Path) -> None:
    """Judge what a file holds; prints one JSON object: the machine, how many cases of how many rows
    gave a result that is LiteRT's, and the differences, at most one a row.
    """
    equal: dict[str, int] = {}
    differs: dict[str, str] = {}
    recorded: list[Recorded] = pickle.loads(file.read_bytes())
    for one in recorded:
        try:
            verdict = judge(one.case, one.answer)
            equal[one.row] = equal.get(one.row, 0) + (verdict.status == "equal")
        except Differs as error:
            differs.setdefault(one.row, f"{error}\n{one.case!r}"[:3000])
    told = {
        "machine": os.uname().machine,
        "cases": len(recorded),
        "equal": sum(equal.values()),
        "rows": sum(count > 0 for count in equal.values()),
        "differs": differs,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
