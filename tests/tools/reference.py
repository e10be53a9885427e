"""LiteRT's reference kernels as a service that survives their crashes."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import numpy as np

_SCRIPT = Path(__file__).with_name("reference_run.py")


class ReferenceFailed(RuntimeError):
    """LiteRT refused the model, crashed on it, or took too long."""


class Reference:
    """A child process that runs models in LiteRT; restarted after a crash or a hang."""

    def __init__(self, scratch: Path, timeout: float = 120.0) -> None:
        self._scratch = scratch
        self._timeout = timeout
        self._child: subprocess.Popen[str] | None = None

    def __enter__(self) -> Reference:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def run(self, model: Path, seed: int = 0, layers: bool = False) -> dict[str, np.ndarray]:
        """{"in<tensor>", "out<tensor>", with layers "t<tensor>": array}; ReferenceFailed
        otherwise.
        """
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, str(_SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        out = self._scratch / "reference.npz"
        request = {"model": str(model), "seed": seed, "out": str(out), "layers": layers}
        child.stdin.write(json.dumps(request) + "\n")
        child.stdin.flush()
        ready, _, _ = select.select([child.stdout], [], [], self._timeout)
        line = child.stdout.readline() if ready else ""
        if not line:
            self.close()
            raise ReferenceFailed("LiteRT crashed" if ready else "LiteRT took too long")
        answer = json.loads(line)
        if not answer["ok"]:
            raise ReferenceFailed(answer["error"])
        with np.load(out, allow_pickle=True) as stored:
            return {name: stored[name] for name in stored.files}
