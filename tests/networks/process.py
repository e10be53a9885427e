"""A child process that runs interpreters, and survives for its parent whatever they do."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, cast

from tests.networks.job import Answer, Job

ROOT = Path(__file__).resolve().parents[2]


class Child:
    """Answers jobs in a process of its own, which is started anew when one of them ends it."""

    def __init__(self, cache: Path, timeout: float = 120.0) -> None:
        self._cache = cache
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as self

    def run(self, job: Job, timeout: float | None = None) -> Answer:
        """The answer; "died" or "hung" with the last line that the process wrote."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        hung = threading.Event()

        def end() -> None:
            hung.set()
            process.kill()

        timer = threading.Timer(timeout or self._timeout, end)
        timer.start()
        try:
            pickle.dump(job, process.stdin, protocol=5)
            process.stdin.flush()
            return cast(Answer, pickle.load(process.stdout))
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            status = process.wait()
            self._process = None
            if hung.is_set():
                return Answer("hung", f"no answer in {timeout or self._timeout:g} s")
            name = signal.Signals(-status).name if status < 0 else f"status {status}"
            return Answer("died", f"{name}: {self._last_words()}")
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None and process.stdout is not None:
            process.stdin.close()
            process.wait()
            process.stdout.close()
        self._log.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._log.seek(0)
            self._log.truncate()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.networks.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                cwd=ROOT,
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "LITEFUSE_CACHE_DIR": str(self._cache),
                    "TF_CPP_MIN_LOG_LEVEL": "2",
                },
            )
        return self._process

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"
