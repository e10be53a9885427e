"""Every file of a corpus in both interpreters against LiteRT's reference kernels.

``python -m tests.networks.sweep CORPUS [NAME...]`` prints a table, one file a line, and ends with 1
if one of them is wrong. `check` is what tests/test_corpus.py calls for each file.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from litefuse.cli.compare import Difference, worse
from tests.networks.job import Answer, Job
from tests.networks.judge import Found, Tolerance, differences, tolerance_of
from tests.networks.process import Child

OPTIMIZED = "BUILTIN_WITHOUT_DEFAULT_DELEGATES"
# A float may be so many times as far from the reference as LiteRT's own engines are: sums in
# another order differ by the depth of a network, not by a constant.
SPREAD = 4.0
SPREAD_LIMIT = 0.1
GOOD = ("right", "missing ops", "refused alike", "no reference")


@dataclass
class Verdict:
    """What became of one file in one of our ways to run it.

    ``status`` is one of GOOD, or "wrong", "refused", "died", "hung", "broken".
    """

    who: str
    status: str
    detail: str = ""
    claimed: int = 0
    nodes: int = 0
    partitions: int = 0
    worst: Difference | None = None
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether it is as it should be."""
        return self.status in GOOD

    def __str__(self) -> str:
        """One line of the table, without the file's name."""
        far = "" if self.worst is None else f" {self.worst.max:.3g} ({self.worst.relative:.1e})"
        counts = f"{self.claimed}/{self.nodes} in {self.partitions}"
        told = " ".join(self.detail.split())
        return f"{self.who:8} {self.status:13} {counts:14}{far:22} {self.seconds:6.1f} s  {told}"


@dataclass
class Reference:
    """What LiteRT says of a file, and with which of its resolvers; whether its reference kernels
    ended the process first.
    """

    answer: Answer
    resolver: str
    job: Job
    died: bool = False


def answers(answer: Answer) -> bool:
    """Whether there is a result, and it is not zeros alone: for some types the reference has no
    kernel and says nothing.
    """
    return answer.stage == "done" and any(array.any() for array in answer.outputs[0])


def reference(child: Child, model: Path, runs: int, seed: int = 0) -> Reference:
    """The first way to run a file that LiteRT survives: its reference kernels, the optimized, or
    XNNPACK, which has custom operators of its own.

    Inputs of indices are mostly out of range when drawn from 0..99, so 0 and 1 are tried next.
    """
    tried: list[Reference] = []
    for resolver in ("BUILTIN_REF", OPTIMIZED, "AUTO"):
        for small in (False, True):
            job = Job(str(model), "litert", resolver, runs=runs, seed=seed, small_integers=small)
            died = any(one.answer.stage == "died" for one in tried)
            found = Reference(child.run(job), resolver, job, died)
            tried.append(found)
            if answers(found.answer):
                return found
            if found.answer.stage == "done":
                break
            if found.answer.stage == "allocate":
                break
    return next((found for found in tried if found.answer.stage == "done"), tried[0])


def check(child: Child, model: Path, runs: int = 1, seed: int = 0) -> Iterator[Verdict]:
    """Judge a file inside LiteRT with our delegate, beside the reference's kernels and then as users
    have it, beside XNNPACK; and in our interpreter.
    """
    want = reference(child, model, runs, seed)
    ways = {"litefuse": ("litefuse", want.resolver), "default": ("litefuse", "AUTO")}
    if want.answer.stage in ("died", "hung"):
        # LiteRT's own crash, which a delegate in it cannot mend.
        yield from (
            Verdict(way, "refused alike", f"LiteRT {want.answer.stage} without it") for way in ways
        )
        ways = {}
    # Ours runs as users run it; what it does not compile has reference semantics anyway.
    for way, (who, resolver) in {**ways, "own": ("own", "AUTO")}.items():
        cases = want.answer.cases or None
        got = child.run(replace(want.job, who=who, resolver=resolver, cases=cases))
        yield _judge(child, way, model, want, got)


def _judge(child: Child, who: str, model: Path, want: Reference, got: Answer) -> Verdict:
    verdict = Verdict(
        who, got.stage, "", got.claimed, got.nodes, got.partitions, seconds=got.seconds
    )
    # That nothing was claimed is in the table already.
    failures = [text for text in got.warnings if not text.startswith("litefuse claims none")]
    verdict.detail = " ".join([*failures, got.error])
    if got.stage in ("died", "hung", "broken"):
        return verdict
    if got.stage != "done":
        missing = who == "own" and got.stage == "allocate" and "has no kernel for" in got.error
        alike = want.answer.stage == got.stage
        verdict.status = "missing ops" if missing else "refused alike" if alike else "refused"
        return verdict
    if want.answer.stage != "done":
        verdict.status = "no reference"
        verdict.detail = f"LiteRT {want.answer.stage}: {want.answer.error}"
        return verdict
    tolerance = tolerance_of(model, exact=want.resolver == "BUILTIN_REF")
    verdict.status = "right"
    found = differences(got, want.answer)
    for _, _, _, difference in found:
        verdict.worst = worse(verdict.worst, difference)
    if who == "default":
        return _beside_xnnpack(child, verdict, want, found, tolerance)
    if all(tolerance.allows(kind, difference) for _, _, kind, difference in found):
        return verdict
    spread = min(SPREAD * _spread(child, want), SPREAD_LIMIT)
    tolerance = replace(tolerance, floats=max(tolerance.floats, spread))
    verdict.detail = f"as LiteRT's engines among themselves, {tolerance}"
    for case, output, kind, difference in found:
        if not tolerance.allows(kind, difference):
            verdict.status = "wrong"
            verdict.detail = f"{case}, output {output}: {difference} beyond {tolerance}"
            break
    return verdict


def _beside_xnnpack(
    child: Child, verdict: Verdict, want: Reference, found: Found, tolerance: Tolerance
) -> Verdict:
    """XNNPACK runs what litefuse leaves over: together they may be as far off as it is alone."""
    alone = child.run(replace(want.job, resolver="AUTO", cases=want.answer.cases))
    if alone.stage != "done":
        verdict.status = "no reference"
        verdict.detail = f"XNNPACK alone: {alone.stage}: {alone.error}"
        return verdict
    far = differences(alone, want.answer)
    for (case, output, kind, ours), (_, _, _, theirs) in zip(found, far, strict=True):
        floats = max(tolerance.floats, 1e-4, SPREAD * theirs.relative)
        allowed = Tolerance(floats, max(tolerance.integers, SPREAD * theirs.max))
        if not allowed.allows(kind, ours):
            verdict.status = "wrong"
            verdict.detail = f"{case}, output {output}: {ours} beyond {allowed}"
            break
    return verdict


def _spread(child: Child, want: Reference) -> float:
    """How far LiteRT's other engines are from its reference in floats, over their range."""
    worst = 0.0
    for resolver in (OPTIMIZED, "AUTO"):
        got = child.run(replace(want.job, resolver=resolver, cases=want.answer.cases))
        if got.stage == "done":
            found = differences(got, want.answer)
            worst = max([worst, *(d.relative for _, _, kind, d in found if kind in "fc")])
    return worst


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.networks.sweep", description=__doc__)
    parser.add_argument("corpus", type=Path, help="a folder with networks/ and graphs/, or a file")
    parser.add_argument("names", nargs="*", help="only files whose name holds one of these")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds a run may take")
    parser.add_argument("--json", type=Path, help="also write the verdicts to this file")
    given = parser.parse_args(arguments)
    files = [given.corpus] if given.corpus.is_file() else corpus_files(given.corpus)
    files = [f for f in files if not given.names or any(n in f.stem for n in given.names)]
    counts: Counter[str] = Counter()
    told: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="litefuse-sweep-") as cache:
        child = Child(Path(cache), given.timeout)
        for path in files:
            for verdict in check(child, path, given.runs, given.seed):
                counts[f"{verdict.who}: {verdict.status}"] += 1
                told.append({"file": path.stem, **vars(verdict), "worst": str(verdict.worst)})
                print(f"{path.stem:60} {verdict}", flush=True)
        child.close()
    if given.json:
        given.json.write_text(json.dumps(told, indent=1))
    for what, count in sorted(counts.items()):
        print(f"{count:5} {what}")
    return int(any(what.split(": ")[1] not in GOOD for what in counts))


def corpus_files(corpus: Path) -> list[Path]:
    """The files of a corpus that are whole models, small ones first: those in its folders graphs/ and
    networks/, or of a folder that has neither. FileNotFoundError if there are none.
    """
    found = [*corpus.glob("graphs/*.tflite"), *corpus.glob("networks/*.tflite")]
    found = found or list(corpus.glob("*.tflite"))
    if not found:
        raise FileNotFoundError(f"{corpus} holds no .tflite file, nor do its graphs/ and networks/")
    return sorted(found, key=lambda path: (path.stat().st_size, path.name))


if __name__ == "__main__":
    sys.exit(main())
