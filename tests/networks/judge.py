"""How far an answer is from the reference's."""

from __future__ import annotations

from litefuse.cli.compare import Difference, difference
from tests.networks.job import Answer


def differences(got: Answer, want: Answer) -> list[tuple[str, int, str, Difference]]:
    """(case, output, kind of its type, difference) for every output of every case."""
    assert len(got.outputs) == len(want.outputs) == len(want.cases)
    return [
        (name, i, theirs.dtype.kind, difference(ours, theirs))
        for (name, _), mine, reference in zip(want.cases, got.outputs, want.outputs, strict=True)
        for i, (ours, theirs) in enumerate(zip(mine, reference, strict=True))
    ]
